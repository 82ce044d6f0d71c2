//! Scenarios on a live cluster: the end state there, the reason given, the order of events.

mod failing;
mod healthy;
