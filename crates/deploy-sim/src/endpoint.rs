//! Where clients outside of this process find the API, and with what they come in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::Shared;
use crate::host::Host;
use crate::tls;
use crate::user::User;

/// A port of the API server, and the kubeconfigs for it: over TLS ([`SimCluster::serve_tls`](crate::SimCluster::serve_tls)), or in plain HTTP
/// ([`SimCluster::serve_plain`](crate::SimCluster::serve_plain)).
///
/// Who comes without a token is `system:anonymous` over TLS, who may read little more than the version, and the administrator in plain HTTP.
#[derive(Clone, Debug)]
pub struct Endpoint {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: Option<String>,
    host: Option<Host>,
}

impl Endpoint {
    pub(crate) fn new(shared: Arc<Shared>, address: SocketAddr, authority: Option<String>) -> Self {
        Self { shared, address, authority, host: None }
    }

    /// The same port under the name by which clients on other machines find it: [`Self::url`] and the kubeconfigs have it. Over TLS it is to be one of
    /// those that [`SimCluster::serve_tls_named`](crate::SimCluster::serve_tls_named) was given: no client trusts the certificate under another.
    ///
    /// ```
    /// use deploy_sim::SimCluster;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cluster = SimCluster::builder().start();
    /// let endpoint = cluster.serve_plain("127.0.0.1:0".parse()?).await?.named("sim".parse()?);
    /// assert!(endpoint.url().starts_with("http://sim:"));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn named(mut self, host: Host) -> Self {
        self.host = Some(host);
        self
    }

    /// What it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:6443`: where clients find it; those on this machine, where it has no other name ([`Self::named`]).
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        // Who listens everywhere is reached here.
        let here = || match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::from(Ipv4Addr::LOCALHOST),
            IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::from(Ipv6Addr::LOCALHOST),
            ip => ip,
        };
        let host = self.host.clone().unwrap_or_else(|| here().into());
        format!("{scheme}://{}:{}", host.in_url(), self.address.port())
    }

    /// The certificate to trust, as PEM: of the authority that signed the server's. `None` of plain HTTP.
    pub fn authority(&self) -> Option<&str> {
        self.authority.as_deref()
    }

    /// A kubeconfig of the administrator, in the namespace `default`.
    ///
    /// # Errors
    /// As [`Self::kubeconfig_of`].
    pub fn kubeconfig(&self) -> io::Result<String> {
        self.kubeconfig_of(User::admin())
    }

    /// A kubeconfig of a user, with a new token, in the namespace `default`. It is a secret, as long as the cluster lives.
    ///
    /// # Errors
    /// The system has no randomness.
    ///
    /// ```
    /// use deploy_sim::{SimCluster, User};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cluster = SimCluster::builder().start();
    /// let endpoint = cluster.serve_tls("127.0.0.1:0".parse()?).await?;
    /// let kubeconfig = endpoint.kubeconfig_of(User::new("ann").group("dev"))?;
    /// assert!(kubeconfig.contains(&endpoint.url()) && kubeconfig.contains("name: \"ann\""));
    /// # Ok(())
    /// # }
    /// ```
    pub fn kubeconfig_of(&self, user: User) -> io::Result<String> {
        let token = tls::token()?;
        let name = user.name.clone();
        self.shared.state().tokens.add(token.clone(), user);
        Ok(written(&self.url(), self.authority(), &name, &token))
    }
}

/// As YAML; JSON's strings are YAML's, too.
fn written(url: &str, authority: Option<&str>, user: &str, token: &str) -> String {
    let [url, user, token] = [url, user, token].map(Value::from);
    let authority =
        authority.map(|pem| format!("\n    certificate-authority-data: {}", STANDARD.encode(pem)));
    let authority = authority.unwrap_or_default();
    format!(
        "apiVersion: v1
kind: Config
clusters:
- name: deploy-sim
  cluster:
    server: {url}{authority}
users:
- name: {user}
  user:
    token: {token}
contexts:
- name: deploy-sim
  context:
    cluster: deploy-sim
    user: {user}
    namespace: default
current-context: deploy-sim
"
    )
}
