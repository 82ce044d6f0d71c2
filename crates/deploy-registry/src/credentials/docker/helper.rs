//! Credential helpers: `docker-credential-<name> get`, the host on standard input, JSON on standard output.
//!
//! There is no shell, and no name that a path could be. What a helper prints is never part of an error: it may be a secret. What it
//! writes to its standard error is.

use std::path::Path;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_program::{Program, Ran};
use serde::Deserialize;

use crate::credentials::Credential;

/// The most bytes that a helper may print.
const MAX_OUTPUT: usize = 1024 * 1024;

/// The most characters that are shown of what it writes to its standard error.
const SHOWN: usize = 4000;

/// What a helper prints that has no credential, and ends with a failure: a part of the protocol.
const NONE: &str = "credentials not found in native keychain";

/// As the user name: the secret is an identity token.
const TOKEN: &str = "<token>";

/// A helper to be run.
pub(super) struct Helper(Program);

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    user: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

impl Helper {
    /// The helper called `name`, in `folder` or in `PATH`.
    pub(super) fn new(name: &str, folder: Option<&Path>, timeout: Duration) -> Result<Self> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || name.len() > 100 || !name.bytes().all(allowed) {
            let shown: String = name.chars().take(100).collect();
            return Err(Error::invalid(format!("{shown:?} cannot be the name of a credential helper"))
                .help("letters, digits, '.', '_' and '-' only: the part after \"docker-credential-\""));
        }
        let name = format!("docker-credential-{name}");
        let program = match folder {
            Some(folder) => Program::new(folder.join(&name)),
            None => Program::new(&name),
        };
        let help = "install it, or take it out of \"credsStore\" and \"credHelpers\"";
        Ok(Self(program.named(name).install(help).at_most(MAX_OUTPUT).timeout(timeout)))
    }

    /// What it has for `server`. Dropped, it is killed.
    pub(super) async fn get(&self, server: &str) -> Result<Option<Credential>> {
        let ran = self.0.clone().input(server).run(&["get"]).await.map_err(|error| match error.kind() {
            ErrorKind::Timeout => error.help("does it wait for a person, or for a keyring that is locked?"),
            _ => error,
        })?;
        self.read(&ran)
    }

    fn read(&self, ran: &Ran) -> Result<Option<Credential>> {
        if !ran.success() {
            let shown = String::from_utf8_lossy(&ran.out);
            if shown.trim() == NONE || ran.told.trim() == NONE {
                return Ok(None);
            }
            let code = ran.code;
            let message = match one_line(&ran.told, &shown) {
                told if told.is_empty() => {
                    format!("it ended with code {code} and wrote nothing to its standard error")
                }
                told => format!("it ended with code {code}: {told}"),
            };
            return Err(self.0.error(ErrorKind::Unauthorized, message));
        }
        let wrong = || self.0.error(ErrorKind::InvalidInput, "what it printed is not a helper's answer");
        let answer: Answer = serde_json::from_slice(&ran.out).map_err(|_| wrong())?;
        match answer {
            Answer { secret, .. } if secret.is_empty() => Ok(None),
            Answer { user, secret } if user == TOKEN => Ok(Some(Credential::identity_token(secret))),
            Answer { user, secret } => Ok(Some(Credential::basic(user, secret))),
        }
    }
}

/// Lines as one, without what a terminal would obey, and without what it also printed.
fn one_line(told: &str, printed: &str) -> String {
    let secret: Answer = serde_json::from_str(printed)
        .unwrap_or(Answer { user: String::new(), secret: printed.trim().to_owned() });
    let told = if secret.secret.is_empty() { told.to_owned() } else { told.replace(&secret.secret, "***") };
    let told: String = told.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let told = told.split_whitespace().collect::<Vec<_>>().join(" ");
    told.chars().take(SHOWN).collect()
}
