//! Git, run without a shell, and what its failures mean.

use std::fmt;
use std::path::Path;

use deploy_core::error::{Error, Result};
use deploy_program::{Program, Ran};

use super::words;

/// The git program with its environment.
#[derive(Clone)]
pub(super) struct Git {
    program: Program,
    secrets: Vec<String>,
}

impl Git {
    pub(super) fn new(program: Program, secrets: Vec<String>) -> Self {
        Self { program, secrets }
    }

    /// The same, in another folder.
    pub(super) fn folder(&self, folder: &Path) -> Self {
        Self { program: self.program.clone().folder(folder), ..self.clone() }
    }

    /// The same, with a variable of its environment set.
    pub(super) fn variable(&self, name: &str, value: impl Into<std::ffi::OsString>) -> Self {
        Self { program: self.program.clone().variable(name, value), ..self.clone() }
    }

    /// The same, with something to read.
    pub(super) fn input(&self, input: impl Into<Vec<u8>>) -> Self {
        Self { program: self.program.clone().input(input), ..self.clone() }
    }

    /// The same, which may print so many bytes.
    pub(super) fn at_most(&self, bytes: usize) -> Self {
        Self { program: self.program.clone().at_most(bytes), ..self.clone() }
    }

    /// Runs it to its end, which may be a failure.
    pub(super) async fn run(&self, arguments: &[&str]) -> Result<Ran> {
        self.program.run(arguments).await
    }

    /// What it prints; a failure is an error.
    pub(super) async fn out(&self, arguments: &[&str]) -> Result<Vec<u8>> {
        let ran = self.run(arguments).await?;
        if ran.success() { Ok(ran.out) } else { Err(self.failed(&ran)) }
    }

    /// The one line that it prints.
    pub(super) async fn line(&self, arguments: &[&str]) -> Result<String> {
        let out = self.out(arguments).await?;
        Ok(String::from_utf8_lossy(&out).trim_end_matches('\n').to_owned())
    }

    /// What a failure means.
    pub(super) fn failed(&self, ran: &Ran) -> Error {
        words::failed(&ran.told, &self.secrets)
    }

    /// What was said on the other side, for a person.
    pub(super) fn told(&self, text: &str) -> Option<String> {
        words::told(text, &self.secrets)
    }
}

impl fmt::Debug for Git {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.program.fmt(f)
    }
}
