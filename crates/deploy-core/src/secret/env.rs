//! Secrets in variables of an environment.

use std::collections::BTreeMap;
use std::fmt;

use async_trait::async_trait;

use super::{SecretSource, SecretText, none_such};
use crate::error::Result;

/// Secrets in variables of an environment, which the program hands in at its edge.
///
/// The secret `db-password` is the variable `DB_PASSWORD`: uppercase letters, and `_` for whatever is neither letter nor digit. A
/// prefix stands before it as it is. A variable that is set to nothing is an empty secret. `Debug` shows nothing.
///
/// ```
/// use deploy_core::secret::{EnvSecrets, SecretSource};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let secrets = EnvSecrets::new([("SHOP_DB_PASSWORD", "correct horse")]).prefix("SHOP_"); // or std::env::vars()
/// assert_eq!(secrets.get("db-password").await?.reveal(), "correct horse");
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct EnvSecrets {
    variables: BTreeMap<String, SecretText>,
    prefix: String,
}

impl EnvSecrets {
    /// Secrets among these variables.
    pub fn new<N: Into<String>, T: Into<String>>(variables: impl IntoIterator<Item = (N, T)>) -> Self {
        let secret = |(name, text): (N, T)| (name.into(), SecretText::new(text));
        Self { variables: variables.into_iter().map(secret).collect(), prefix: String::new() }
    }

    /// Looks only at variables that begin with this.
    #[must_use]
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    fn variable(&self, name: &str) -> String {
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        format!("{}{}", self.prefix, name.chars().map(upper).collect::<String>())
    }
}

impl fmt::Debug for EnvSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnvSecrets").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

#[async_trait]
impl SecretSource for EnvSecrets {
    fn describe(&self) -> String {
        match self.prefix.as_str() {
            "" => "the environment".to_owned(),
            prefix => format!("the environment's variables {prefix}…"),
        }
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        let variable = self.variable(name);
        let found = self.variables.get(&variable).cloned();
        found.ok_or_else(|| none_such(name, format!("the variable {variable} is not set")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    mod conformance {
        use super::*;

        crate::secret_source_conformance! {
            #[tokio::test]
            || async { EnvSecrets::new([("DB_PASSWORD", "correct horse"), ("EMPTY", ""), ("PATH", "/bin")]) }
        }
    }

    #[test]
    fn a_name_is_a_variable() {
        let check = |prefix: &str, name: &str, variable: &str| {
            assert_eq!(EnvSecrets::default().prefix(prefix).variable(name), variable);
        };
        check("", "db-password", "DB_PASSWORD");
        check("", "Db.Password/2", "DB_PASSWORD_2");
        check("shop_", "größe", "shop_GR__E");
        check("", "A=B", "A_B");
    }

    #[tokio::test]
    async fn what_is_not_set_is_named() {
        let secrets = EnvSecrets::new([("DB_PASSWORD", "hunter2")]).prefix("SHOP_");
        let error = secrets.get("db-password").await.expect_err("another prefix").to_string();
        assert_eq!(error, "get secret \"db-password\": the variable SHOP_DB_PASSWORD is not set");
        assert!(!format!("{secrets:?}").contains("hunter2"));
    }
}
