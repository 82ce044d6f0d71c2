//! What can be asked of the node, as types. Whatever a value holds, it arrives there as it is, as data.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use deploy_core::error::{Error, Result};
use deploy_core::health::Patience;
use deploy_core::lock::check_name;
use deploy_core::run::OnFailure;

/// What is asked of the node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verb {
    /// Deploy a package.
    Deploy,
    /// Deploy a bundle that is kept again, by its number, under a new id.
    Rollback,
    /// Wait for the result of a deployment.
    Attach,
    /// Ask a deployment to stop and go back, and wait for that.
    Cancel,
    /// What runs.
    Status,
    /// What ran.
    History,
    /// A bundle that is kept, by its number, without its Secrets.
    Show,
    /// How the node is.
    Diagnose,
    /// Whether the API server is ready.
    Health,
    /// Note that a deployment is not good after all, by its number and why.
    Fail,
    /// Remove what is left of old runs.
    Sweep,
}

impl Verb {
    /// Its name on the node.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Attach => "attach",
            Self::Cancel => "cancel",
            Self::Status => "status",
            Self::History => "history",
            Self::Show => "show",
            Self::Diagnose => "diagnose",
            Self::Health => "health",
            Self::Fail => "fail",
            Self::Sweep => "sweep",
        }
    }
}

/// kubectl's `--validate`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Validate {
    /// Unknown fields are errors.
    #[default]
    Strict,
    /// Unknown fields are warned of.
    Warn,
    /// The API server drops unknown fields.
    Ignore,
    /// Not validated: saves a small node the reading of the OpenAPI schema.
    False,
}

/// Where the package comes from. A sha256 is 64 hexadecimal digits. In its `Debug` is no address and no package: one is a credential, the
/// other may hold some.
#[derive(Clone)]
#[non_exhaustive]
pub enum Source {
    /// It travels with the command, visible in its history: never with Secrets.
    Inline {
        /// The tar.gz.
        bytes: Vec<u8>,
        /// Of these bytes.
        sha256: String,
    },
    /// The node fetches it from a presigned address, by curl or wget.
    Url {
        /// The address.
        url: String,
        /// Of what is there.
        sha256: String,
    },
    /// The node copies it from S3 with the role of its instance, by the AWS CLI.
    S3 {
        /// As in `s3://bucket/key`.
        uri: String,
        /// Of what is there.
        sha256: String,
    },
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, sha256) = match self {
            Self::Inline { sha256, .. } => ("Inline", sha256),
            Self::Url { sha256, .. } => ("Url", sha256),
            Self::S3 { sha256, .. } => ("S3", sha256),
        };
        f.debug_struct(name).field("sha256", sha256).finish_non_exhaustive()
    }
}

/// A request to the node. Times are sent in whole seconds, rounded up. Its `Debug` names what is said, not the values: some are presigned
/// addresses.
#[derive(Clone)]
pub struct Request {
    pub(super) verb: Verb,
    pub(super) values: BTreeMap<&'static str, String>,
    pub(super) inline: Option<Vec<u8>>,
    pub(super) patience: Patience,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let says: Vec<_> = self.values.keys().collect();
        f.debug_struct("Request").field("verb", &self.verb).field("says", &says).finish_non_exhaustive()
    }
}

impl Request {
    /// A request about an app, with the defaults of everything.
    ///
    /// # Errors
    /// `InvalidInput` if the app's name cannot name a run.
    pub fn new(verb: Verb, app: &str) -> Result<Self> {
        check_name(app)?;
        let request = Self { verb, values: BTreeMap::new(), inline: None, patience: Patience::default() };
        Ok(request.with("VERB", verb.name()).with("APP", app))
    }

    fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.values.insert(name, value.into());
        self
    }

    /// The deployment's id: 1 to 64 letters, digits and `-`.
    ///
    /// # Errors
    /// `InvalidInput` for another.
    pub fn id(self, id: &str) -> Result<Self> {
        let fits = (1..=64).contains(&id.len()) && !id.starts_with('-');
        if !fits || !id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return Err(Error::invalid(format!(
                "\"{}\" cannot be the id of a deployment",
                id.escape_default()
            ))
            .help("use 1 to 64 letters, digits and '-', with no '-' in front"));
        }
        Ok(self.with("ID", id))
    }

    /// The package to deploy.
    ///
    /// # Errors
    /// `InvalidInput` for a sha256 or an address that is none.
    pub fn package(mut self, package: Source) -> Result<Self> {
        let sum = match package {
            Source::Inline { bytes, sha256 } => {
                self.inline = Some(bytes);
                sha256
            }
            Source::Url { url, sha256 } => {
                self = self.with("URL", address(url)?);
                sha256
            }
            Source::S3 { uri, sha256 } => {
                if !uri.starts_with("s3://") || uri.chars().any(char::is_control) {
                    return Err(Error::invalid("the package's S3 URI does not begin with s3://"));
                }
                self = self.with("S3_URI", uri);
                sha256
            }
        };
        if sum.len() != 64 || !sum.chars().all(|c| c.is_ascii_hexdigit()) {
            return Err(Error::invalid("the package's sha256 is not 64 hexadecimal digits"));
        }
        Ok(self.with("SHA256", sum.to_ascii_lowercase()))
    }

    /// The folder for all state; `/var/lib/deploy-ssm` if not said.
    #[must_use]
    pub fn state_dir(self, folder: &str) -> Self {
        self.with("STATE_DIR", folder)
    }

    /// The command for kubectl, with arguments if need be, separated by blanks; found on the node if not said.
    #[must_use]
    pub fn kubectl(self, command: &str) -> Self {
        self.with("KUBECTL", command)
    }

    /// The kubeconfig on the node; K3s' own, or else kubectl's, if not said.
    #[must_use]
    pub fn kubeconfig(self, path: &str) -> Self {
        self.with("KUBECONFIG", path)
    }

    /// How long the way forward may take; 600 s if not said.
    #[must_use]
    pub fn timeout(self, time: Duration) -> Self {
        self.with("TIMEOUT", seconds(time))
    }

    /// How long the way back may take; 300 s if not said.
    #[must_use]
    pub fn rollback_timeout(self, time: Duration) -> Self {
        self.with("ROLLBACK_TIMEOUT", seconds(time))
    }

    /// How long kubectl waits for one answer; 60 s if not said.
    #[must_use]
    pub fn request_timeout(self, time: Duration) -> Self {
        self.with("REQUEST_TIMEOUT", seconds(time))
    }

    /// What to do on failure; go back if not said.
    #[must_use]
    pub fn on_failure(self, on_failure: OnFailure) -> Self {
        self.with("ON_FAILURE", if on_failure == OnFailure::Leave { "leave" } else { "rollback" })
    }

    /// How patient the node's judge is with signs of trouble.
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// How strictly kubectl validates.
    #[must_use]
    pub fn validate(self, validate: Validate) -> Self {
        let value = match validate {
            Validate::Strict => "strict",
            Validate::Warn => "warn",
            Validate::Ignore => "ignore",
            Validate::False => "false",
        };
        self.with("VALIDATE", value)
    }

    /// The manager that the fields are written as; `deploy-ssm` if not said.
    #[must_use]
    pub fn field_manager(self, name: &str) -> Self {
        self.with("FIELD_MANAGER", name)
    }

    /// Whether fields of other managers are taken over; not if not said.
    #[must_use]
    pub fn force_conflicts(self, force: bool) -> Self {
        self.with("FORCE_CONFLICTS", if force { "1" } else { "0" })
    }

    /// Whether objects of the last bundle that are not in this one are deleted once all is healthy; not if not said.
    #[must_use]
    pub fn prune(self, prune: bool) -> Self {
        self.with("PRUNE", if prune { "1" } else { "0" })
    }

    /// How many good bundles, and ends of runs, are kept; 5 if not said, and never less than one. A `sweep` keeps at least as many as the newest
    /// deployment did that said how many.
    #[must_use]
    pub fn keep(self, count: u32) -> Self {
        self.with("KEEP", count.clamp(1, 10_000).to_string())
    }

    /// The revision in Git, for the history.
    #[must_use]
    pub fn git_revision(self, revision: &str) -> Self {
        self.with("GIT_REVISION", revision)
    }

    /// Why a deployment is not good, for `fail`: a line, cut after 600 characters.
    #[must_use]
    pub fn why(self, why: &str) -> Self {
        let line = why.chars().map(|c| if c.is_control() { ' ' } else { c });
        self.with("WHY", line.take(600).collect::<String>())
    }

    /// The number of a bundle that is kept, for `rollback` (0 is nothing at all: what stands is removed), `show` and `fail`.
    #[must_use]
    pub fn number(self, number: u64) -> Self {
        self.with("NUMBER", number.to_string())
    }

    /// A presigned address that the events are put to as they happen.
    ///
    /// # Errors
    /// `InvalidInput` if it is no address.
    pub fn progress_url(self, url: &str) -> Result<Self> {
        Ok(self.with("PROGRESS_URL", address(url.to_owned())?))
    }

    /// A presigned address that the result is put to.
    ///
    /// # Errors
    /// `InvalidInput` if it is no address.
    pub fn result_url(self, url: &str) -> Result<Self> {
        Ok(self.with("RESULT_URL", address(url.to_owned())?))
    }

    /// A presigned address that the log is put to; for `show`, the bundle.
    ///
    /// # Errors
    /// `InvalidInput` if it is no address.
    pub fn log_url(self, url: &str) -> Result<Self> {
        Ok(self.with("LOG_URL", address(url.to_owned())?))
    }
}

/// An address that neither curl's configuration nor a shell can read otherwise.
fn address(url: String) -> Result<String> {
    let scheme = url.starts_with("https://") || url.starts_with("http://");
    let strange = |c: char| c.is_control() || matches!(c, ' ' | '"' | '\\');
    if !scheme || url.contains(strange) {
        // Not shown: it holds a signature.
        return Err(Error::invalid("an address for the node is not a URL of http or https"));
    }
    Ok(url)
}

fn seconds(time: Duration) -> String {
    let whole = time.as_secs() + u64::from(time.subsec_nanos() > 0);
    whole.clamp(1, 10_000_000).to_string()
}
