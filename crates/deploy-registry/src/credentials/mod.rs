//! With what a registry is asked.
//!
//! | source | reads |
//! | --- | --- |
//! | [`DockerConfig`] | Docker's `config.json`, podman's `auth.json`, credential helpers, pull secrets |
//! | [`EnvironmentCredentials`] | two variables |
//! | [`GivenCredentials`] | what it is given |
//! | [`credentials_fn`] | whatever a closure does |
//! | `EcrCredentials` (feature `ecr`) | Amazon ECR's tokens |
//! | [`FirstOf`] | several of them, one after the other |
//!
//! ```
//! use deploy_registry::credentials::{Credential, Credentials, DockerConfig, FirstOf, GivenCredentials};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let secret = br#"{"auths": {"ghcr.io": {"auth": "Y2k6Y29ycmVjdCBob3JzZQ=="}}}"#;
//! let credentials = FirstOf::new()
//!     .then(GivenCredentials::new("registry.example:5000", Credential::bearer("t0k3n")))
//!     .then(DockerConfig::parse("Secret shop/pull", secret)?);
//! let credential = credentials.find("ghcr.io").await?.unwrap();
//! assert_eq!(format!("{credential:?}"), "Credential(user \"ci\")");
//! assert!(credentials.find("quay.io").await?.is_none());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod chain;
mod docker;
#[cfg(feature = "ecr")]
mod ecr;
mod environment;
mod given;
mod host;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::clock::Timestamp;
use deploy_core::error::Result;
use deploy_core::secret::SecretText;

pub use chain::FirstOf;
pub use docker::DockerConfig;
#[cfg(feature = "ecr")]
pub use ecr::EcrCredentials;
pub use environment::EnvironmentCredentials;
pub use given::{GivenCredentials, credentials_fn};

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

#[async_trait]
impl<C: Credentials + ?Sized> Credentials for Arc<C> {
    fn describe(&self) -> String {
        (**self).describe()
    }

    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        (**self).find(host).await
    }
}
