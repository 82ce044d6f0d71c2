//! placeholder

pub mod clock;
pub mod error;
pub mod manifest;
