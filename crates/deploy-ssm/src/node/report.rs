//! What the node says of a deployment: its `result.json`, and the first line of every answer. All of it is hostile until read.

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::evidence::Evidence;
use deploy_core::health::Failure;
use deploy_core::manifest::ObjectId;
use deploy_core::plan::Action;
use deploy_core::target::Waiting;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer, Serialize};

/// The most bytes that are read as a result.
const MAX_REPORT: usize = 16 << 20;

/// What the first line of an answer begins with: the name and version of the protocol.
const MARK: &str = "deploy-ssm/1 ";

/// How a deployment ended on the node.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Report {
    /// The app.
    pub app: String,
    /// The deployment's id.
    pub id: String,
    /// Its number on this node; none if it was refused before it had one.
    #[serde(default)]
    pub number: Option<u64>,
    /// How it ended.
    pub status: RunStatus,
    /// Why it did not end healthy.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// What was done to which object, in the order of writing.
    #[serde(default)]
    pub objects: Vec<Written>,
    /// The way back, if it was gone.
    #[serde(default)]
    pub undo: Option<Undo>,
    /// What explains the failure.
    #[serde(default)]
    pub evidence: Evidence,
    /// What a person should know.
    #[serde(default)]
    pub notes: Vec<String>,
    /// When the unit began.
    pub started: Timestamp,
    /// When it ended.
    pub ended: Timestamp,
    /// The number of the good bundle before.
    #[serde(default)]
    pub previous: Option<u64>,
}

/// How a deployment ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum RunStatus {
    /// All is healthy.
    Healthy,
    /// It failed, and the old state is back and healthy.
    Undone,
    /// It failed and was left as it is, as asked.
    Left,
    /// It failed, and not everything could be brought back.
    UndoFailed,
    /// Nothing was written.
    Refused,
    /// Somebody asked to stop before anything was written.
    Cancelled,
    /// It was killed before it could end: the next deployment takes over what it wrote.
    Killed,
}

/// Why a deployment did not end healthy.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "type", rename_all = "camelCase")]
#[non_exhaustive]
pub enum Cause {
    /// It was hopeless.
    Failed {
        /// Why; at least one.
        failures: Vec<Failure>,
    },
    /// Time ran out.
    TimedOut {
        /// What was waited for.
        #[serde(deserialize_with = "waiting")]
        waiting: Vec<Waiting>,
    },
    /// Somebody asked to stop.
    Cancelled,
    /// Something could not be done.
    Error(RemoteError),
}

/// An error of the node.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct RemoteError {
    /// The name of an [`ErrorKind`].
    pub kind: String,
    /// What is wrong.
    pub message: String,
    /// What to do.
    #[serde(default)]
    pub help: Option<String>,
    /// The object it is about, for people.
    #[serde(default)]
    pub object: Option<String>,
}

impl From<RemoteError> for Error {
    fn from(said: RemoteError) -> Self {
        let mut error = Self::new(kind(&said.kind), clean(&said.message));
        if let Some(object) = &said.object {
            error = error.on(clean(object));
        }
        match &said.help {
            Some(help) => error.help(clean(help)),
            None => error,
        }
    }
}

/// One object, and what was done to it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Written {
    /// The object.
    pub object: ObjectId,
    /// The version of the API it was written in.
    pub api_version: String,
    /// What was done.
    pub action: Action,
}

/// The way back.
#[derive(Clone, Debug, Deserialize)]
#[non_exhaustive]
pub struct Undo {
    /// What could not be brought back.
    #[serde(default)]
    pub left: Vec<Left>,
    /// What was brought back and is not healthy.
    #[serde(default)]
    pub unhealthy: Option<Cause>,
    /// What a person should know.
    #[serde(default)]
    pub notes: Vec<String>,
}

/// An object that could not be brought back.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[non_exhaustive]
pub struct Left {
    /// The object.
    pub object: ObjectId,
    /// Why.
    pub error: String,
}

/// Reads a `result.json`.
///
/// # Errors
/// `Internal` if it is none, or larger than 16 MB.
pub fn parse_report(bytes: &[u8]) -> Result<Report> {
    if bytes.len() > MAX_REPORT {
        return Err(broken(&format!("it has {} bytes, and at most {MAX_REPORT} are read", bytes.len())));
    }
    serde_json::from_slice(bytes).map_err(|error| broken("it is not what this version expects").source(error))
}

/// Reads what a verb has printed: its answer, and what follows it (the log).
///
/// # Errors
/// The node's own error, if it answered with one; else `Internal` if this is not an answer, and says so if it was cut.
pub fn parse_answer<T: DeserializeOwned>(stdout: &str) -> Result<(T, &str)> {
    #[derive(Deserialize)]
    struct Refused {
        error: RemoteError,
    }
    let Some(rest) = stdout.strip_prefix(MARK) else {
        let shown: String = stdout.chars().take(200).collect();
        let seen =
            if shown.is_empty() { "it is empty".to_owned() } else { format!("it begins with {shown:?}") };
        return Err(broken(&seen).help("did another document than AWS-RunShellScript run it?"));
    };
    let Some((line, log)) = rest.split_once('\n') else {
        return Err(broken("its first line is cut")
            .help("the output of the command was truncated: read the result again by the deployment's id"));
    };
    if line.len() > MAX_REPORT {
        return Err(broken("its first line is longer than any answer"));
    }
    if let Ok(Refused { error }) = serde_json::from_str(line) {
        return Err(error.into());
    }
    let answer = serde_json::from_str(line)
        .map_err(|error| broken("it is not what this version expects").source(error))?;
    Ok((answer, log))
}

fn broken(why: &str) -> Error {
    Error::new(ErrorKind::Internal, format!("the node's answer cannot be read: {why}"))
}

/// What the node says goes to terminals: one line, no control characters.
fn clean(text: &str) -> String {
    text.chars().take(4_096).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

fn kind(name: &str) -> ErrorKind {
    match name {
        "invalidInput" => ErrorKind::InvalidInput,
        "notFound" => ErrorKind::NotFound,
        "alreadyExists" => ErrorKind::AlreadyExists,
        "conflict" => ErrorKind::Conflict,
        "stale" => ErrorKind::Stale,
        "forbidden" => ErrorKind::Forbidden,
        "unauthorized" => ErrorKind::Unauthorized,
        "locked" => ErrorKind::Locked,
        "lockLost" => ErrorKind::LockLost,
        "unsupported" => ErrorKind::Unsupported,
        "unavailable" => ErrorKind::Unavailable,
        "timeout" => ErrorKind::Timeout,
        "cancelled" => ErrorKind::Cancelled,
        "outcomeUnknown" => ErrorKind::OutcomeUnknown,
        _ => ErrorKind::Internal,
    }
}

fn waiting<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Waiting>, D::Error> {
    #[derive(Deserialize)]
    struct Raw {
        object: ObjectId,
        progress: String,
        suspect: Option<Failure>,
    }
    let raw = Vec::<Raw>::deserialize(input)?;
    Ok(raw
        .into_iter()
        .map(|w| Waiting { object: w.object, progress: w.progress, suspect: w.suspect })
        .collect())
}
