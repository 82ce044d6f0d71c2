//! Values that show nowhere, and where they come from: variables of an environment ([`EnvSecrets`]), a closure ([`SecretFn`]),
//! memory ([`MemorySecrets`](crate::memory::MemorySecrets)); files are in `deploy-config`.
//!
//! ```
//! use deploy_core::{memory::MemorySecrets, secret::SecretSource};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let secrets = MemorySecrets::new([("db-password", "correct horse")]);
//! let value = secrets.get("db-password").await?;
//! assert_eq!(format!("{value:?}"), "SecretText(***)");
//! assert_eq!(value.reveal(), "correct horse");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod closure;
mod env;

use std::fmt;

use async_trait::async_trait;

use crate::error::{Error, ErrorKind, Result};

pub use closure::SecretFn;
pub use env::EnvSecrets;

/// A secret text. It has no `Display` and no `Serialize`, and its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretText(String);

impl SecretText {
    /// Takes a text for a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text itself: for the one place that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(***)")
    }
}

/// Where secrets come from.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait SecretSource: Send + Sync {
    /// What it is, for a person.
    fn describe(&self) -> String;

    /// The secret called `name`. Cancel safe.
    ///
    /// # Errors
    /// [`NotFound`](crate::error::ErrorKind::NotFound) if there is none: never an empty text instead.
    async fn get(&self, name: &str) -> Result<SecretText>;
}

/// The error of a source that has no secret called `name`.
pub(crate) fn none_such(name: &str, why: impl Into<String>) -> Error {
    Error::new(ErrorKind::NotFound, why).during("get").on(format!("secret \"{}\"", name.escape_default()))
}
