//! Scenarios, on the embedded cluster and on a live one: the end state there, the reason given, the order of events.

#![allow(clippy::expect_used, clippy::panic, reason = "a scenario ends by panicking, and says why")]

mod anew;
mod conflicts;
mod conformance;
mod failing;
mod forwarded;
mod healthy;
mod interop;
mod interrupted;
mod merge;
mod others;
mod port;
mod promoted;
mod prune;
mod refused;
mod released;
mod releases;
mod running;
mod same;
mod secrets;
mod set_image;
mod takeover;
mod unchanged;
mod verbs;
