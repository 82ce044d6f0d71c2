//! Credentials that are there already, or that a closure gets.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deploy_core::error::Result;

use super::{Credential, Credentials, host};

/// Credentials given for certain hosts.
#[derive(Clone, Debug)]
#[must_use]
pub struct GivenCredentials(BTreeMap<String, Credential>);

impl GivenCredentials {
    /// `credential` for the registry at `host` (`host` or `host:port`; `docker.io` for Docker Hub).
    pub fn new(host: &str, credential: Credential) -> Self {
        Self(BTreeMap::new()).and(host, credential)
    }

    /// And `credential` for another `host`.
    pub fn and(mut self, host: &str, credential: Credential) -> Self {
        self.0.insert(host::canonical(host), credential);
        self
    }
}

#[async_trait]
impl Credentials for GivenCredentials {
    fn describe(&self) -> String {
        let hosts: Vec<&str> = self.0.keys().map(String::as_str).collect();
        format!("credentials given for {}", hosts.join(", "))
    }

    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        Ok(self.0.get(&host::canonical(host)).cloned())
    }
}

/// Credentials that `find` gets for a host, for example from a vault; `description` says what it is, for a person.
///
/// ```
/// use deploy_registry::credentials::{Credential, Credentials, credentials_fn};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let vault = credentials_fn("the vault", async |host: String| {
///     Ok((host == "ghcr.io").then(|| Credential::basic("ci", "correct horse")))
/// });
/// assert!(vault.find("ghcr.io").await?.is_some());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub fn credentials_fn<F, W>(description: impl Into<String>, find: F) -> impl Credentials
where
    F: Fn(String) -> W + Send + Sync,
    W: Future<Output = Result<Option<Credential>>> + Send,
{
    FromClosure { description: description.into(), find }
}

struct FromClosure<F> {
    description: String,
    find: F,
}

#[async_trait]
impl<F, W> Credentials for FromClosure<F>
where
    F: Fn(String) -> W + Send + Sync,
    W: Future<Output = Result<Option<Credential>>> + Send,
{
    fn describe(&self) -> String {
        self.description.clone()
    }

    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        (self.find)(host.to_owned()).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn is_for_the_hosts_it_is_given_for() {
        let given = GivenCredentials::new("https://index.docker.io/v1/", Credential::basic("hub", "s3cr3t"))
            .and("localhost:5000", Credential::bearer("s3cr3t"));
        let check = async |host: &str, expect: bool| {
            assert_eq!(given.find(host).await.unwrap().is_some(), expect, "{host}");
        };
        check("docker.io", true).await;
        check("index.docker.io", true).await;
        check("localhost:5000", true).await;
        check("localhost", false).await;
        check("localhost:5001", false).await;
        assert!(!format!("{given:?}").contains("s3cr3t"));
    }
}
