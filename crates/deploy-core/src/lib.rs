//! placeholder

pub mod clock;
pub mod error;
pub mod health;
pub mod image;
pub mod manifest;
