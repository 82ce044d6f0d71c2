//! The cluster on ports of this machine.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use tokio::net::TcpListener;

use crate::cluster::SimCluster;
#[cfg(feature = "tls")]
use crate::endpoint::Endpoint;
#[cfg(feature = "tls")]
use crate::host::Host;
use crate::listen::{Carrier, accept};
use crate::server::Server;
#[cfg(feature = "tls")]
use crate::tls;
use crate::user::User;

impl SimCluster {
    /// Serves the API on a port, too, in plain HTTP/1.1, until the last clone of this cluster is dropped; the address that it listens on, whose
    /// port is a free one where `address` says 0. Whoever reaches it, and shows no token of another user, is the cluster's administrator: keep
    /// it to the loopback interface.
    ///
    /// The runtime's time should be real: paused time passes while a socket is waited for.
    ///
    /// # Errors
    /// The address cannot be bound.
    ///
    /// # Cancellation safety
    /// A future that is dropped leaves nothing that listens.
    ///
    /// ```
    /// use deploy_sim::SimCluster;
    /// use k8s_openapi::api::core::v1::Namespace;
    /// use kube::{Api, Client, Config};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cluster = SimCluster::builder().start();
    /// let address = cluster.serve("127.0.0.1:0".parse()?).await?;
    /// let client = Client::try_from(Config::new(format!("http://{address}").parse()?))?;
    /// let namespaces: Api<Namespace> = Api::all(client);
    /// assert!(namespaces.get_opt("default").await?.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn serve(&self, address: SocketAddr) -> io::Result<SocketAddr> {
        self.listen(address, Carrier::Plain, User::admin()).await
    }

    /// As [`Self::serve`], but over TLS, with a certificate made for it, and with users who say by a token who they are: that is in the
    /// kubeconfigs that the [`Endpoint`] writes, for `kubectl`, `helm` and whoever else reads one.
    ///
    /// # Errors
    /// The address cannot be bound; the system has no randomness.
    ///
    /// # Cancellation safety
    /// A future that is dropped leaves nothing that listens.
    ///
    /// ```
    /// use deploy_sim::SimCluster;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cluster = SimCluster::builder().start();
    /// let endpoint = cluster.serve_tls("127.0.0.1:0".parse()?).await?;
    /// // KUBECONFIG for kubectl and helm: a file with this.
    /// let kubeconfig = endpoint.kubeconfig()?;
    /// assert!(kubeconfig.contains("server: \"https://127.0.0.1:"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub async fn serve_tls(&self, address: SocketAddr) -> io::Result<Endpoint> {
        self.serve_tls_named(address, []).await
    }

    /// As [`Self::serve_tls`], for clients on other machines and in containers: the certificate is for all of these names, too, and the kubeconfigs
    /// lead to the first one.
    ///
    /// # Errors
    /// The address cannot be bound; the system has no randomness.
    ///
    /// # Cancellation safety
    /// A future that is dropped leaves nothing that listens.
    ///
    /// ```
    /// use deploy_sim::SimCluster;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let cluster = SimCluster::builder().start();
    /// let endpoint = cluster.serve_tls_named("127.0.0.1:0".parse()?, ["sim".parse()?, "10.0.0.7".parse()?]).await?;
    /// assert!(endpoint.kubeconfig()?.contains("server: \"https://sim:"));
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "tls")]
    pub async fn serve_tls_named(
        &self,
        address: SocketAddr,
        hosts: impl IntoIterator<Item = Host>,
    ) -> io::Result<Endpoint> {
        let hosts: Vec<Host> = hosts.into_iter().collect();
        let certified = tls::certify(address.ip(), &hosts)?;
        let bound = self.listen(address, Carrier::Tls(certified.acceptor), User::anonymous()).await?;
        let endpoint = Endpoint::new(Arc::clone(&self.shared), bound, Some(certified.authority));
        Ok(match hosts.into_iter().next() {
            Some(first) => endpoint.named(first),
            None => endpoint,
        })
    }

    /// As [`Self::serve`], with kubeconfigs for it: a token in them says who asks.
    ///
    /// # Errors
    /// The address cannot be bound.
    ///
    /// # Cancellation safety
    /// A future that is dropped leaves nothing that listens.
    #[cfg(feature = "tls")]
    pub async fn serve_plain(&self, address: SocketAddr) -> io::Result<Endpoint> {
        let bound = self.serve(address).await?;
        Ok(Endpoint::new(Arc::clone(&self.shared), bound, None))
    }

    async fn listen(&self, address: SocketAddr, carrier: Carrier, anybody: User) -> io::Result<SocketAddr> {
        let listener = TcpListener::bind(address).await?;
        let bound = listener.local_addr()?;
        let server = Server::new(Arc::clone(&self.shared), anybody);
        let accepting = accept(listener, server, carrier);
        self.listening.lock().unwrap_or_else(PoisonError::into_inner).spawn(accepting);
        Ok(bound)
    }
}
