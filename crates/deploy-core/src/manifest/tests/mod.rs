//! Tests of the whole stage; beside them stand the tables of `tests/data`.

mod bundle;
mod fuzz;
mod go;
mod images;
mod order;
mod read;
mod restart;
mod secret;

use super::*;

/// The objects of a YAML text that must be good.
fn good(text: &str) -> Vec<Object> {
    read("t.yaml", text.as_bytes()).unwrap()
}
