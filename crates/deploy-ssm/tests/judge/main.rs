//! The judge that runs on the node, against the judge in Rust.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod evidence;
mod hostile;
mod node;
mod random;
mod recordings;
mod speed;
mod twin;
