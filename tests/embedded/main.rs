//! What lives in a cluster, on an embedded one: no test here needs anything but Rust.

#![allow(clippy::expect_used, reason = "a test ends by panicking")]

mod conformance;
