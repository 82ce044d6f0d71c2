//! Several places that are asked one after the other.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::Result;

use super::{Credential, Credentials};

/// The first of several places that knows a host.
///
/// One that fails ends the search: a registry is not asked without a credential because the place that holds it was out of reach.
#[derive(Clone, Default)]
#[must_use]
pub struct FirstOf(Vec<Arc<dyn Credentials>>);

impl FirstOf {
    /// No place yet: no host has a credential.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks `credentials` where those before have nothing.
    pub fn then(mut self, credentials: impl Credentials + 'static) -> Self {
        self.0.push(Arc::new(credentials));
        self
    }
}

#[async_trait]
impl Credentials for FirstOf {
    fn describe(&self) -> String {
        match self.0.as_slice() {
            [] => "no credentials".to_owned(),
            all => all.iter().map(Credentials::describe).collect::<Vec<_>>().join(", then "),
        }
    }

    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        for credentials in &self.0 {
            if let Some(found) = credentials.find(host).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use deploy_core::error::Error;

    use super::*;
    use crate::credentials::{GivenCredentials, credentials_fn};

    fn user(name: &str) -> Credential {
        Credential::basic(name, "pw")
    }

    #[tokio::test]
    async fn the_first_that_knows_the_host_wins() {
        let chain = FirstOf::new()
            .then(GivenCredentials::new("a.example", user("first")))
            .then(GivenCredentials::new("a.example", user("second")).and("b.example", user("third")));
        let check = async |host: &str, expect: Option<Credential>| {
            assert_eq!(chain.find(host).await.unwrap(), expect, "{host}");
        };
        check("a.example", Some(user("first"))).await;
        check("b.example", Some(user("third"))).await;
        check("c.example", None).await;
        assert_eq!(FirstOf::new().find("a.example").await.unwrap(), None);
    }

    #[tokio::test]
    async fn a_failure_is_not_passed_over() {
        let chain = FirstOf::new()
            .then(credentials_fn("a vault", async |_| Err(Error::invalid("sealed"))))
            .then(GivenCredentials::new("a.example", user("second")));
        assert_eq!(chain.find("a.example").await.unwrap_err().to_string(), "sealed");
        assert_eq!(chain.describe(), "a vault, then credentials given for a.example");
    }
}
