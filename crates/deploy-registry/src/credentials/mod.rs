//! With what a registry is asked.
//!
//! ```
//! use deploy_registry::credentials::Credential;
//!
//! let credential = Credential::basic("ci", "correct horse");
//! assert_eq!(format!("{credential:?}"), "Credential(user \"ci\")");
//! ```

use std::fmt;

use async_trait::async_trait;
use deploy_core::clock::Timestamp;
use deploy_core::error::Result;
use deploy_core::secret::SecretText;

/// What a registry, or its token service, is shown. `Debug` shows no secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    pub(crate) kind: Kind,
    pub(crate) expires: Option<Timestamp>,
}

#[derive(Clone, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A user and a password.
    Basic { user: String, password: SecretText },
    /// A refresh token, for the token service alone.
    Identity(SecretText),
    /// A token that the registry takes as it is.
    Bearer(SecretText),
}

impl Credential {
    /// A user and a password (or a personal access token).
    pub fn basic(user: impl Into<String>, password: impl Into<String>) -> Self {
        Self { kind: Kind::Basic { user: user.into(), password: SecretText::new(password) }, expires: None }
    }

    /// A refresh token (`identitytoken` in Docker's config file), which the token service exchanges for others.
    pub fn identity_token(token: impl Into<String>) -> Self {
        Self { kind: Kind::Identity(SecretText::new(token)), expires: None }
    }

    /// A token that the registry takes as it is (`registrytoken`).
    pub fn bearer(token: impl Into<String>) -> Self {
        Self { kind: Kind::Bearer(SecretText::new(token)), expires: None }
    }

    /// Says when it is of no use any more; a new one is asked for a minute before.
    #[must_use]
    pub fn expires(mut self, at: Timestamp) -> Self {
        self.expires = Some(at);
        self
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Basic { user, .. } => write!(f, "Credential(user {user:?})"),
            Kind::Identity(_) => f.write_str("Credential(identity token)"),
            Kind::Bearer(_) => f.write_str("Credential(bearer token)"),
        }
    }
}

/// Where credentials come from.
#[async_trait]
pub trait Credentials: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// What is to be shown to the registry at `host` (`host` or `host:port`, as in a reference); `None` if it is asked without.
    ///
    /// It is asked again before a credential expires, and once after the registry refused one: what it returns is never kept for longer.
    ///
    /// # Errors
    /// What the adapter meets: never `None` instead.
    async fn find(&self, host: &str) -> Result<Option<Credential>>;
}
