//! The emulator of SSM, asked by AWS's own client.

#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod agent;
mod faults;
mod front;
mod protocol;
mod support;
