//! The examples beside this file are programs; this compiles the one in README.md.

#![doc = include_str!("../README.md")]
