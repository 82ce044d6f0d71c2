//! Where clients outside of this process find the API, and with what they come in.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use crate::cluster::Shared;
use crate::tls;
use crate::user::User;

/// A port of the API server over TLS, and the kubeconfigs for it: [`SimCluster::serve_tls`](crate::SimCluster::serve_tls).
///
/// Who comes without a token is `system:anonymous`, who may read little more than the version.
#[derive(Clone, Debug)]
pub struct Endpoint {
    shared: Arc<Shared>,
    address: SocketAddr,
    authority: Option<String>,
}

impl Endpoint {
    pub(crate) fn new(shared: Arc<Shared>, address: SocketAddr, authority: Option<String>) -> Self {
        Self { shared, address, authority }
    }

    /// What it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// `https://127.0.0.1:6443`: where clients on this machine find it.
    pub fn url(&self) -> String {
        let scheme = if self.authority.is_some() { "https" } else { "http" };
        // Who listens everywhere is reached here.
        let ip = match self.address.ip() {
            IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("{scheme}://{}", SocketAddr::new(ip, self.address.port()))
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
