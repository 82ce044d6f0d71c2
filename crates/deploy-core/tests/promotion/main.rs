//! Promotions over everything in memory, on paused time.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

mod back;
mod crash;
mod forward;
mod refused;
mod sync;
mod world;
