//! The scripts that run on the node, run by a real `sh` in a folder, with a stand-in for kubectl whose cluster is a file.

#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod asks;
mod cluster;
mod deploys;
mod harness;
mod hostile;
mod interrupted;
mod live;
mod recordings;
mod refused;
mod shells;
mod starved;
mod stuck;
mod web;
