//! Credential helpers: `docker-credential-<name> get`, the host on standard input, JSON on standard output.
//!
//! There is no shell, and no name that a path could be. What a helper prints is never part of an error: it may be a secret. What it
//! writes to its standard error is.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use crate::credentials::Credential;

/// The most bytes that a helper may print.
const MAX_OUTPUT: u64 = 1024 * 1024;

/// How much is kept of the beginning of what it writes to its standard error, in bytes.
const KEPT: u64 = 4 * 1024;

/// What a helper prints that has no credential, and ends with a failure: a part of the protocol.
const NONE: &str = "credentials not found in native keychain";

/// As the user name: the secret is an identity token.
const TOKEN: &str = "<token>";

/// A helper to be run.
pub(super) struct Helper {
    name: String,
    path: OsString,
    timeout: Duration,
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username", default)]
    user: String,
    #[serde(rename = "Secret", default)]
    secret: String,
}

/// What it came to.
struct Ran {
    success: bool,
    code: Option<i32>,
    out: Vec<u8>,
    told: String,
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
        let path = folder.map_or_else(|| name.clone().into(), |folder| folder.join(&name).into_os_string());
        Ok(Self { name, path, timeout })
    }

    /// What it has for `server`. Dropped, it is killed.
    pub(super) async fn get(&self, server: &str) -> Result<Option<Credential>> {
        let mut child = self.start()?;
        // Killed here and not by dropping, so that it is gone, and waited for, when the error is returned.
        let ran = match tokio::time::timeout(self.timeout, self.talk(&mut child, server)).await {
            Ok(Ok(ran)) => ran,
            Ok(Err(error)) => {
                let _ = child.kill().await;
                return Err(error);
            }
            Err(_) => {
                let _ = child.kill().await;
                let seconds = self.timeout.as_secs_f32();
                return Err(self
                    .error(ErrorKind::Timeout, format!("it has not answered after {seconds} s"))
                    .help("does it wait for a person, or for a keyring that is locked?"));
            }
        };
        self.read(&ran)
    }

    fn start(&self) -> Result<Child> {
        Command::new(&self.path)
            .arg("get")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| match error.kind() {
                io::ErrorKind::NotFound => self
                    .error(ErrorKind::NotFound, "it is not installed, or not in PATH")
                    .help("install it, or take it out of \"credsStore\" and \"credHelpers\""),
                kind => self.error(ErrorKind::InvalidInput, format!("it cannot be started: {kind}")),
            })
    }

    async fn talk(&self, child: &mut Child, server: &str) -> Result<Ran> {
        let (Some(mut stdin), Some(mut stdout), Some(mut stderr)) =
            (child.stdin.take(), child.stdout.take(), child.stderr.take())
        else {
            return Err(self.error(ErrorKind::Internal, "it was started without its streams"));
        };
        let asked = async {
            let written = stdin.write_all(server.as_bytes()).await;
            drop(stdin);
            // It may answer without reading.
            written
                .or_else(|error| if error.kind() == io::ErrorKind::BrokenPipe { Ok(()) } else { Err(error) })
        };
        // Fails as soon as it is too much: a program that nobody reads from does not end.
        let printed = async {
            let out = beginning(&mut stdout, MAX_OUTPUT + 1).await?;
            let fits = out.len() as u64 <= MAX_OUTPUT;
            fits.then_some(out).ok_or_else(|| io::Error::from(io::ErrorKind::FileTooLarge))
        };
        let (out, told, ()) =
            tokio::try_join!(printed, rest(&mut stderr), asked).map_err(|error| self.unreadable(error))?;
        let status = child.wait().await.map_err(|error| self.unreadable(error))?;
        let told = String::from_utf8_lossy(&told).into_owned();
        Ok(Ran { success: status.success(), code: status.code(), out, told })
    }

    fn read(&self, ran: &Ran) -> Result<Option<Credential>> {
        if !ran.success {
            let shown = String::from_utf8_lossy(&ran.out);
            if shown.trim() == NONE || ran.told.trim() == NONE {
                return Ok(None);
            }
            let code = ran.code.map_or("by a signal".to_owned(), |code| format!("with code {code}"));
            let message = match one_line(&ran.told, &shown) {
                told if told.is_empty() => {
                    format!("it ended {code} and wrote nothing to its standard error")
                }
                told => format!("it ended {code}: {told}"),
            };
            return Err(self.error(ErrorKind::Unauthorized, message));
        }
        let wrong = || self.error(ErrorKind::InvalidInput, "what it printed is not a helper's answer");
        let answer: Answer = serde_json::from_slice(&ran.out).map_err(|_| wrong())?;
        match answer {
            Answer { secret, .. } if secret.is_empty() => Ok(None),
            Answer { user, secret } if user == TOKEN => Ok(Some(Credential::identity_token(secret))),
            Answer { user, secret } => Ok(Some(Credential::basic(user, secret))),
        }
    }

    fn unreadable(&self, error: io::Error) -> Error {
        if error.kind() == io::ErrorKind::FileTooLarge {
            return self.error(ErrorKind::InvalidInput, "it printed more than 1 MiB");
        }
        self.error(ErrorKind::Internal, "it cannot be talked to").source(error)
    }

    fn error(&self, kind: ErrorKind, message: impl Into<String>) -> Error {
        Error::new(kind, message).on(&self.name)
    }
}

/// At most `most` bytes of it.
async fn beginning(stream: &mut (impl AsyncRead + Unpin), most: u64) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    stream.take(most).read_to_end(&mut out).await?;
    Ok(out)
}

/// Its beginning; the rest is read and dropped, or the program would wait for it.
async fn rest(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Vec<u8>> {
    let out = beginning(stream, KEPT).await?;
    tokio::io::copy(stream, &mut tokio::io::sink()).await?;
    Ok(out)
}

/// Lines as one, without what a terminal would obey, and without what it also printed.
fn one_line(told: &str, printed: &str) -> String {
    let secret: Answer = serde_json::from_str(printed)
        .unwrap_or(Answer { user: String::new(), secret: printed.trim().to_owned() });
    let told = if secret.secret.is_empty() { told.to_owned() } else { told.replace(&secret.secret, "***") };
    let told: String = told.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    told.split_whitespace().collect::<Vec<_>>().join(" ")
}
