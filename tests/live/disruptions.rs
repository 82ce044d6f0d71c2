//! Scenarios that disturb the whole cluster or other processes, one after another.
