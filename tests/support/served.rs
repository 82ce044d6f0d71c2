//! The embedded cluster behind a port of its own, for the programs and users that a live one has.

use std::net::{Ipv4Addr, SocketAddr};

use deploy_sim::{SimCluster, User};
use kube::config::Kubeconfig;
use tempfile::TempDir;

use crate::sim;

/// A cluster, and a kubeconfig like that of `tests/cluster`: an administrator, and the context `limited` of somebody without rights.
pub(crate) struct Served {
    pub(crate) cluster: SimCluster,
    directory: TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        let cluster = sim::in_real_time(sim::REGISTRY);
        let endpoint = cluster.serve_tls(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await.expect("a port");
        let read = |text: String| Kubeconfig::from_yaml(&text).expect("a kubeconfig");
        let mut limited = read(endpoint.kubeconfig_of(User::new("limited")).expect("randomness"));
        for context in &mut limited.contexts {
            "limited".clone_into(&mut context.name);
        }
        let both = read(endpoint.kubeconfig().expect("randomness")).merge(limited).expect("of one kind");
        let directory = tempfile::tempdir().expect("a directory");
        let text = serde_json::to_string(&both).expect("JSON, which is YAML, too");
        std::fs::write(directory.path().join("kubeconfig"), text).expect("a file");
        Self { cluster, directory }
    }

    pub(crate) fn kubeconfig(&self) -> String {
        self.directory.path().join("kubeconfig").to_str().expect("a path in UTF-8").to_owned()
    }
}
