//! Whether something answers over HTTP as it should.
//!
//! ```no_run
//! # async fn example(connect: std::sync::Arc<dyn deploy_core::connect::Connect>, token: &str) -> deploy_core::error::Result<()> {
//! use std::time::Duration;
//! use deploy_core::guard::{Check, Subject};
//! use deploy_core::manifest::ObjectId;
//! use deploy_core::secret::SecretText;
//! use deploy_verify::http::HttpCheck;
//!
//! // Through the ingress.
//! let home = HttpCheck::get("https://shop.example/")
//!     .expect_status(200)
//!     .expect_body_contains("Welcome")
//!     .expect_within(Duration::from_millis(800))
//!     .build()?;
//! // Through a port-forward to the Service.
//! let api = HttpCheck::get("http://api/health")
//!     .through(connect, ObjectId::new("", "Service", Some("shop"), "api"), 80)
//!     .secret_header("authorization", SecretText::new(format!("Bearer {token}")))
//!     .expect_json("/status", "ok")
//!     .build()?;
//! println!("{:?} {:?}", home.check(&Subject::new("production")).await?, api.check(&Subject::new("production")).await?);
//! # Ok(())
//! # }
//! ```

mod body;
mod builder;
mod certificate;
mod exchange;
mod expect;
mod failure;
mod read;
mod tls;
mod url;

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::Clock;
use deploy_core::connect::{Connect, Tunnel};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Check, Subject};
use deploy_core::manifest::ObjectId;
use deploy_core::secret::SecretText;
use http::{HeaderMap, HeaderName, Method};
use reqwest::Url;
use rustls::ClientConfig;

pub use builder::HttpCheckBuilder;
pub(crate) use exchange::Answered;
pub(crate) use expect::Expectation;

/// The largest body that is read where nothing else is said: 1 MiB.
pub const MAX_BODY: usize = 1024 * 1024;

/// Asks a URL, and holds the answer against what is expected. Made by [`HttpCheck::get`] or [`HttpCheck::request`].
///
/// Each check is a connection of its own. What does not answer (no connection, no TLS, no time left) is an error; an answer other than
/// expected is a no. Neither shows a secret header, credentials in a URL, or a URL's query.
pub struct HttpCheck {
    asked: Asked,
    expected: Vec<Expectation>,
    way: Way,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    encryption: Encryption,
}

/// What is sent, as data.
struct Asked {
    method: Method,
    url: Url,
    headers: HeaderMap,
    secrets: Vec<(HeaderName, SecretText)>,
    /// What is in a header, too, in another form.
    hidden: Vec<SecretText>,
    body: Vec<u8>,
    redirects: usize,
    max_body: usize,
}

/// How it gets there.
enum Way {
    /// As the URL says.
    Usual,
    /// To this address, whatever the URL's host is.
    To(SocketAddr),
    /// To a port inside the cluster.
    Through(Arc<dyn Connect>, ObjectId, u16),
}

/// Who is trusted. Read once, where it is needed first.
struct Encryption {
    authorities: Vec<Vec<u8>>,
    accepts_anything: bool,
    config: OnceLock<ClientConfig>,
}

impl HttpCheck {
    /// Asks for `url` (`http` or `https`) by GET.
    pub fn get(url: impl Into<String>) -> HttpCheckBuilder {
        Self::request("GET", url)
    }

    /// Asks for `url` by this method.
    pub fn request(method: impl AsRef<str>, url: impl Into<String>) -> HttpCheckBuilder {
        HttpCheckBuilder::new(method.as_ref(), &url.into())
    }

    /// Asks, and says what came back, within the time for it.
    ///
    /// # Errors
    /// If nothing did.
    pub(crate) async fn ask(&self) -> Result<Answered> {
        let asking = async {
            // Once, and not within what a latency is taken of.
            if self.asked.url.scheme() == "https" {
                self.encryption.config()?;
            }
            let (address, _tunnel) = self.address().await?;
            exchange::ask(self, address).await
        };
        let asked = tokio::time::timeout(self.timeout, asking).await.unwrap_or_else(|_| {
            let message = format!("it did not answer within {} s", self.timeout.as_secs_f64());
            Err(Error::new(ErrorKind::Timeout, message))
        });
        asked.map_err(|error| error.during(self.asked.method.as_str()).on(url::shown(&self.asked.url)))
    }

    /// The URL, for a person.
    pub(crate) fn place(&self) -> String {
        url::shown(&self.asked.url)
    }

    pub(crate) fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    /// The address instead of the URL's own, and what keeps it open.
    async fn address(&self) -> Result<(Option<SocketAddr>, Option<Box<dyn Tunnel>>)> {
        match &self.way {
            Way::Usual => Ok((None, None)),
            Way::To(address) => Ok((Some(*address), None)),
            Way::Through(connect, object, port) => {
                let tunnel = connect.connect(object, *port).await?;
                Ok((Some(tunnel.address()), Some(tunnel)))
            }
        }
    }
}

#[async_trait]
impl Check for HttpCheck {
    fn describe(&self) -> String {
        let asked = format!("{} {}", self.asked.method, url::shown(&self.asked.url));
        match &self.way {
            Way::Usual => asked,
            Way::To(address) => format!("{asked} at {address}"),
            Way::Through(_, object, port) => format!("{asked} through port {port} of {object}"),
        }
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        let answered = self.ask().await?;
        Ok(expect::judge(&self.expected, &answered))
    }
}

impl fmt::Debug for HttpCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
