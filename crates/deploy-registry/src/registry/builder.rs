//! How a client for registries is set up.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock};
use deploy_core::error::Result;
use deploy_core::layer::Backoff;

use super::{Inner, Limits, OciRegistry};
use crate::cache::Cache;
use crate::credentials::Credentials;
use crate::transport::{Hosts, Settings, Transport, Waiting};

/// Options of an [`OciRegistry`].
///
/// ```
/// use deploy_registry::OciRegistry;
/// use deploy_registry::credentials::{Credential, GivenCredentials};
///
/// let registry = OciRegistry::builder()
///     .credentials(GivenCredentials::new("ghcr.io", Credential::basic("ci", "correct horse")))
///     .build()?;
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[must_use]
pub struct OciRegistryBuilder {
    settings: Settings,
    limits: Limits,
    cache: Option<Cache>,
}

impl Default for OciRegistryBuilder {
    fn default() -> Self {
        let settings = Settings {
            credentials: None,
            hosts: Hosts::default(),
            authorities: Vec::new(),
            request_timeout: Duration::from_secs(30),
            requests_per_host: 8,
            backoff: Backoff::default().attempts(8),
            patience: Duration::from_secs(60),
            clock: Arc::new(SystemClock::new()),
            user_agent: concat!("deploy-registry/", env!("CARGO_PKG_VERSION")).to_owned(),
            on_wait: None,
        };
        Self { settings, limits: Limits::default(), cache: None }
    }
}

impl OciRegistryBuilder {
    /// Where credentials come from. By default nothing is shown.
    pub fn credentials(mut self, credentials: impl Credentials + 'static) -> Self {
        self.settings.credentials = Some(Arc::new(credentials));
        self
    }

    /// Speaks plain HTTP to `host` (`host` or `host:port`, as in a reference): secrets go there unencrypted. Loopback is spoken to so anyway.
    pub fn plain_http(mut self, host: impl Into<String>) -> Self {
        self.settings.hosts.plain.insert(host.into());
        self
    }

    /// Speaks HTTPS to `host` though it is on loopback.
    pub fn https(mut self, host: impl Into<String>) -> Self {
        self.settings.hosts.encrypted.insert(host.into());
        self
    }

    /// Trusts these certificate authorities (PEM) beside the platform's.
    pub fn certificate_authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.settings.authorities.push(pem.into());
        self
    }

    /// How long one answer may take to begin, and each part of it to come. Default 30 s.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.settings.request_timeout = timeout;
        self
    }

    /// How many requests one host is asked at once. Default 8.
    pub fn requests_per_host(mut self, count: usize) -> Self {
        self.settings.requests_per_host = count;
        self
    }

    /// How often and with what waits a request is sent again that a registry could not answer. Default 8 attempts, from 200 ms.
    pub fn backoff(mut self, backoff: Backoff) -> Self {
        self.settings.backoff = backoff;
        self
    }

    /// How long one operation (a listing, an inspection) may wait in all for registries that cannot answer now. Default 60 s.
    ///
    /// A registry that asks for a longer wait (`Retry-After`) is not waited for: the error says when to come again.
    pub fn patience(mut self, patience: Duration) -> Self {
        self.settings.patience = patience;
        self
    }

    /// How many tags of one repository are listed; more are an error. Default 1,000,000.
    pub fn tags_at_most(mut self, count: usize) -> Self {
        self.limits.tags = count;
        self
    }

    /// How many pages one listing may have; more are an error. Default 10,000.
    pub fn pages_at_most(mut self, count: usize) -> Self {
        self.limits.pages = count;
        self
    }

    /// Keeps what need not be asked again. By default nothing is kept.
    pub fn cache(mut self, cache: Cache) -> Self {
        self.cache = Some(cache);
        self
    }

    /// Tells the time, and waits between attempts. Timeouts are tokio's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.settings.clock = clock;
        self
    }

    /// Is told before each wait for a registry that cannot answer now, to show it to a person. It must not block.
    pub fn on_wait(mut self, tell: impl Fn(&Waiting<'_>) + Send + Sync + 'static) -> Self {
        self.settings.on_wait = Some(Arc::new(tell));
        self
    }

    /// What it calls itself. Default `deploy-registry/<version>`.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.settings.user_agent = name.into();
        self
    }

    /// The client. Nothing is asked yet.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for a certificate authority that is not PEM.
    pub fn build(self) -> Result<OciRegistry> {
        let transport = Transport::new(self.settings)?;
        Ok(OciRegistry(Arc::new(Inner { transport, cache: self.cache, limits: self.limits })))
    }
}
