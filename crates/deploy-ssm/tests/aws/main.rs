//! AWS's side of the crate: S3 objects and buckets, parameters, locks, and what errors say.
//!
//! S3 is s3s in a folder, Parameter Store the emulator's, both in this process. `peers` runs the same on moto and ministack, which others
//! wrote (`tests/peers/up`).

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    unreachable_pub,
    reason = "a test that meets what it does not expect has failed"
)]

#[allow(dead_code, reason = "a part of it is used here")]
#[path = "../../src/sim/parameters.rs"]
mod emulator;

mod emulated;
mod errors;
mod locks;
mod objects;
mod parameters;
mod peers;
mod races;
mod server;
mod stores;
mod temporary;
mod virtual_s3;
