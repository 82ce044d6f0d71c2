//! The emulator of SSM, asked by AWS's own client.

mod agent;
mod faults;
mod protocol;
mod support;
