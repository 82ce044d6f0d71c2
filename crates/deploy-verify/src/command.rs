//! A command as a gate or a check: the tests must pass.
//!
//! ```
//! use std::time::Duration;
//! use deploy_core::guard::{Answer, Gate, Subject};
//! use deploy_verify::command::CommandCheck;
//!
//! # #[cfg(unix)]
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let environment = [("PATH", "/usr/bin:/bin")];
//! let tests = CommandCheck::new("test").args(["1", "=", "2"]).variables(environment).timeout(Duration::from_secs(600));
//! let Answer::No { why } = tests.ask(&Subject::new("production")).await? else { panic!() };
//! assert_eq!(why, "test 1 = 2 ended with code 1 and said nothing");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Check, Gate, Subject};
use deploy_core::secret::SecretText;
use deploy_program::{Program, Ran};

use crate::text::last;

/// How much of the end of what it prints is kept, in bytes.
const KEPT: usize = 64 * 1024;

/// How much of that is shown, in characters, of each of the two outputs.
const SHOWN: usize = 600;

/// A command that must end with the code 0. It is both a [`Gate`] and a [`Check`].
///
/// There is no shell: each argument is what it is. The environment is what it is given, `PATH` too, and these:
///
/// | variable | is |
/// | --- | --- |
/// | `DEPLOY_ENVIRONMENT` | the environment |
/// | `DEPLOY_NAME` | the run's name, if it has one |
/// | `DEPLOY_IMAGES` | the images, with spaces between them |
/// | `DEPLOY_BEFORE` | what they take the place of, in the same order, `-` for nothing; not set where it is not known |
/// | `DEPLOY_REVISION` | the git revision, if it is known |
///
/// The whole subject is on its standard input as JSON. Dropped, the command is killed; what it started itself is not.
pub struct CommandCheck {
    program: PathBuf,
    args: Vec<String>,
    folder: Option<PathBuf>,
    variables: Vec<(String, String)>,
    secrets: Vec<(String, SecretText)>,
    timeout: Duration,
}

impl CommandCheck {
    /// A name that is looked up in the `PATH` that it is given, or a path.
    pub fn new(program: impl Into<PathBuf>) -> Self {
        Self {
            program: program.into(),
            args: Vec::new(),
            folder: None,
            variables: Vec::new(),
            secrets: Vec::new(),
            timeout: Duration::from_secs(900),
        }
    }

    /// Adds arguments. They are shown, so no secret belongs there.
    #[must_use]
    pub fn args<A: Into<String>>(mut self, args: impl IntoIterator<Item = A>) -> Self {
        self.args.extend(args.into_iter().map(Into::into));
        self
    }

    /// The folder that it runs in. Default: the caller's.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// Variables of its environment, which is empty otherwise.
    #[must_use]
    pub fn variables<N: Into<String>, V: Into<String>>(
        mut self,
        variables: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        self.variables.extend(variables.into_iter().map(|(name, value)| (name.into(), value.into())));
        self
    }

    /// A variable whose value is not shown, should the command print it.
    #[must_use]
    pub fn secret_variable(mut self, name: impl Into<String>, value: SecretText) -> Self {
        self.secrets.push((name.into(), value));
        self
    }

    /// How long it may take. Default 15 min.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    fn name(&self) -> String {
        let program = self.program.display().to_string();
        [program].iter().chain(&self.args).map(|word| shown_word(word)).collect::<Vec<_>>().join(" ")
    }

    async fn run(&self, subject: &Subject) -> Result<Answer> {
        let input = serde_json::to_vec(subject).map_err(|source| {
            Error::new(ErrorKind::Internal, "the subject cannot be written as JSON").source(source)
        })?;
        let mut program = Program::new(&self.program)
            .only_given_variables()
            .at_most(KEPT)
            .keep_end()
            .timeout(self.timeout)
            .input(input);
        if let Some(folder) = &self.folder {
            program = program.folder(folder);
        }
        let secrets = self.secrets.iter().map(|(name, value)| (name.clone(), value.reveal().to_owned()));
        for (name, value) in self.variables.iter().cloned().chain(secrets).chain(facts(subject)) {
            program = program.variable(name, value);
        }
        let ran = program.run(&self.args).await?;
        Ok(self.judge(&ran))
    }

    fn judge(&self, ran: &Ran) -> Answer {
        let name = self.name();
        let out = self.masked(&String::from_utf8_lossy(&ran.out));
        if ran.success() {
            let said = last(&out, SHOWN / 4);
            let said = if said.is_empty() { String::new() } else { format!(": {said}") };
            return Answer::Yes { grounds: format!("{name} ended with code 0{said}") };
        }
        let parts = [self.masked(&ran.told), out].map(|text| last(&text, SHOWN));
        let said: Vec<&str> = parts.iter().map(String::as_str).filter(|text| !text.is_empty()).collect();
        let said =
            if said.is_empty() { " and said nothing".into() } else { format!(": {}", said.join(" — ")) };
        Answer::No { why: format!("{name} ended with code {}{said}", ran.code) }
    }

    fn masked(&self, text: &str) -> String {
        let secrets =
            self.secrets.iter().map(|(_, secret)| secret.reveal()).filter(|secret| !secret.is_empty());
        secrets.fold(text.to_owned(), |text, secret| text.replace(secret, "***"))
    }
}

/// The subject as variables.
fn facts(subject: &Subject) -> Vec<(String, String)> {
    let before = subject.before.iter().map(|before| before.as_deref().unwrap_or("-"));
    let before = before.collect::<Vec<_>>().join(" ");
    let all = [
        ("DEPLOY_ENVIRONMENT", Some(subject.environment.clone())),
        ("DEPLOY_NAME", subject.name.clone()),
        ("DEPLOY_IMAGES", Some(subject.images.join(" "))),
        ("DEPLOY_BEFORE", Some(before).filter(|before| !before.is_empty())),
        ("DEPLOY_REVISION", subject.git_revision.clone()),
    ];
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// A word as one would type it.
fn shown_word(word: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@,+%".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) { word.to_owned() } else { format!("{word:?}") }
}

#[async_trait]
impl Gate for CommandCheck {
    fn describe(&self) -> String {
        self.name()
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        self.run(subject).await
    }
}

#[async_trait]
impl Check for CommandCheck {
    fn describe(&self) -> String {
        self.name()
    }

    async fn check(&self, subject: &Subject) -> Result<Answer> {
        self.run(subject).await
    }
}

impl fmt::Debug for CommandCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "command {}", self.name())
    }
}
