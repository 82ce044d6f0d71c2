//! Variables for a program.

use deploy_core::error::{Error, Result};

use super::file_store;
use super::form::Paths;
use crate::edit::{Format, KeyPath, is_variable};

#[derive(Debug)]
pub(super) struct Variables;

impl Paths for Variables {
    fn noun(&self) -> &'static str {
        "dotenv file"
    }

    fn format(&self) -> Format {
        Format::Dotenv
    }

    fn path(&self, key: &str) -> Result<KeyPath> {
        if is_variable(key) {
            return Ok(KeyPath::key(key));
        }
        Err(Error::invalid("this is no name of a variable").help("letters, digits, _ - and . make one"))
    }
}

file_store! {
    /// A dotenv file, lines of `NAME=value`; keys are the names. A value that refers to other variables is not read.
    DotenvFile, Variables
}
