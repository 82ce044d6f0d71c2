//! The driver over everything in memory, on paused time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

mod back;
mod crash;
mod forward;
mod named;
mod random;
mod recorded;
mod remote;
mod world;
