//! A program that builds.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::secret::SecretText;
use deploy_program::Program;

use super::Builder;

/// What stands for the path of the layout in an argument.
const OUTPUT: &str = "{output}";

/// How many characters of what a program said are in an error.
const TOLD: usize = 1000;

/// A program that writes an OCI image layout: run without a shell, within its time, killed when dropped.
///
/// In every argument `{output}` stands for the path to write to, which is new and is in a folder that is removed afterwards. Other braces are left
/// as they are. It sees the caller's environment, with what is [given](CommandBuilder::variable) in addition.
///
/// ```
/// use deploy_registry::build::{Builder, CommandBuilder};
///
/// let buildx = CommandBuilder::new(["docker", "buildx", "build", "--output", "type=oci,dest={output}", "."]);
/// assert_eq!(buildx.describe(), "docker buildx build --output type=oci,dest={output} .");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct CommandBuilder {
    argv: Vec<String>,
    folder: Option<PathBuf>,
    variables: Vec<(OsString, OsString)>,
    secrets: Vec<(OsString, SecretText)>,
    timeout: Option<Duration>,
}

impl CommandBuilder {
    /// A program, by name or path, and its arguments, of which at least one holds `{output}`.
    pub fn new<S: Into<String>>(argv: impl IntoIterator<Item = S>) -> Self {
        let argv = argv.into_iter().map(Into::into).collect();
        Self { argv, folder: None, variables: Vec::new(), secrets: Vec::new(), timeout: None }
    }

    /// The folder that it runs in. Default: the caller's.
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Sets a variable of its environment.
    pub fn variable(mut self, name: impl Into<OsString>, value: impl Into<OsString>) -> Self {
        self.variables.push((name.into(), value.into()));
        self
    }

    /// Sets a variable whose value shows nowhere: where the program says it, it is masked.
    pub fn secret(mut self, name: impl Into<OsString>, value: SecretText) -> Self {
        self.secrets.push((name.into(), value));
        self
    }

    /// How long it may take. Default: as long as it does.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = Some(timeout);
        self
    }

    /// The end of what it said, on one line and without secrets.
    fn told(&self, told: &str) -> String {
        let masked = self.secrets.iter().filter(|(_, value)| !value.reveal().is_empty());
        let told = masked.fold(told.to_owned(), |told, (_, value)| told.replace(value.reveal(), "***"));
        let plain = |character: char| if character.is_control() { ' ' } else { character };
        let told: Vec<char> = told.trim().chars().map(plain).collect();
        let cut = told.len().saturating_sub(TOLD);
        let end: String = told.iter().skip(cut).collect();
        if cut > 0 { format!("…{end}") } else { end }
    }
}

#[async_trait]
impl Builder for CommandBuilder {
    fn describe(&self) -> String {
        self.argv.join(" ")
    }

    async fn build(&self, folder: &Path) -> Result<PathBuf> {
        let output = folder.join("image");
        let Some((program, arguments)) = self.argv.split_first() else {
            return Err(Error::invalid("there is no program to build with"));
        };
        if !arguments.iter().any(|argument| argument.contains(OUTPUT)) {
            return Err(Error::invalid("no argument says where to write the image")
                .on(program)
                .help("write {output} for its path, as in --output type=oci,dest={output}"));
        }
        let Some(path) = output.to_str() else {
            return Err(Error::invalid("the folder for the image is not UTF-8").on(folder.display()));
        };
        let arguments: Vec<String> =
            arguments.iter().map(|argument| argument.replace(OUTPUT, path)).collect();
        let mut command = Program::new(program);
        if let Some(folder) = &self.folder {
            command = command.folder(folder);
        }
        for (name, value) in &self.variables {
            command = command.variable(name, value);
        }
        for (name, value) in &self.secrets {
            command = command.variable(name, value.reveal());
        }
        if let Some(timeout) = self.timeout {
            command = command.timeout(timeout);
        }
        let ran = command.run(&arguments).await?;
        if !ran.success() {
            let told = self.told(&ran.told);
            let why = if told.is_empty() { String::new() } else { format!(": {told}") };
            let message = format!("it ended with the code {}{why}", ran.code);
            return Err(command.error(ErrorKind::InvalidInput, message));
        }
        match tokio::fs::try_exists(&output).await {
            Ok(true) => Ok(output),
            _ => Err(command
                .error(ErrorKind::NotFound, "it ended well, but wrote no image")
                .help("it must write an OCI image layout to the path that {output} stands for")),
        }
    }
}
