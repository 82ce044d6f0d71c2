//! Secrets from a closure.

use std::fmt;
use std::future::Future;

use async_trait::async_trait;

use super::{SecretSource, SecretText, none_such};
use crate::error::Result;

/// Secrets from a closure: a password manager's client, say. It gets a name, and says `None` where it has no such secret.
///
/// ```
/// use deploy_core::secret::{SecretFn, SecretSource, SecretText};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let vault = SecretFn::new("the team's vault", |name: String| async move {
///     Ok((name == "db-password").then(|| SecretText::new("correct horse")))
/// });
/// assert_eq!(vault.get("db-password").await?.reveal(), "correct horse");
/// assert!(vault.get("db-user").await.is_err());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub struct SecretFn<F> {
    describe: String,
    find: F,
}

impl<F> SecretFn<F> {
    /// Secrets that `find` finds; `describe` says for a person where.
    pub fn new<R>(describe: impl Into<String>, find: F) -> Self
    where
        F: Fn(String) -> R + Send + Sync,
        R: Future<Output = Result<Option<SecretText>>> + Send,
    {
        Self { describe: describe.into(), find }
    }
}

impl<F> fmt::Debug for SecretFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SecretFn").field(&self.describe).finish()
    }
}

#[async_trait]
impl<F, R> SecretSource for SecretFn<F>
where
    F: Fn(String) -> R + Send + Sync,
    R: Future<Output = Result<Option<SecretText>>> + Send,
{
    fn describe(&self) -> String {
        self.describe.clone()
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        (self.find)(name.to_owned()).await?.ok_or_else(|| none_such(name, "no such secret"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn find(name: String) -> Result<Option<SecretText>> {
        Ok(match name.as_str() {
            "db-password" => Some(SecretText::new("correct horse")),
            "empty" => Some(SecretText::new("")),
            _ => None,
        })
    }

    mod conformance {
        use super::*;

        crate::secret_source_conformance! { #[tokio::test] || async { SecretFn::new("a closure", find) } }
    }
}
