//! The API server over TLS, as a client comes in with a kubeconfig.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use deploy_sim::{Endpoint, SimCluster, User};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace};
use kube::api::{Api, ListParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

async fn start() -> (SimCluster, Endpoint) {
    let cluster = SimCluster::builder().start();
    let endpoint = cluster.serve_tls("127.0.0.1:0".parse().unwrap()).await.unwrap();
    (cluster, endpoint)
}

async fn client(kubeconfig: &str) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(kubeconfig).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// The message of the refusal.
async fn refusal(client: Client) -> String {
    let maps: Api<ConfigMap> = Api::default_namespaced(client);
    match maps.list(&ListParams::default()).await {
        Err(kube::Error::Api(status)) => status.message,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_has_the_kubeconfig_is_the_administrator() {
    let (_cluster, endpoint) = start().await;
    let namespaces: Api<Namespace> = Api::all(client(&endpoint.kubeconfig().unwrap()).await);
    assert!(namespaces.get_opt("default").await.unwrap().is_some());
}

#[tokio::test]
async fn others_are_who_their_token_says() {
    let (_cluster, endpoint) = start().await;
    let ann = endpoint.kubeconfig_of(User::new("ann \"the: first\"")).unwrap();
    let refused = refusal(client(&ann).await).await;
    let expected = "configmaps is forbidden: User \"ann \\\"the: first\\\"\" cannot list resource \"configmaps\" in API group \"\" in the namespace \"default\"";
    assert_eq!(refused, expected);
    let nobody: Vec<&str> = ann.lines().filter(|line| !line.contains("token:")).collect();
    let nobody = format!("{}\n", nobody.join("\n"));
    let nobody = nobody.replace("  user:\n", "  user: {}\n");
    assert!(refusal(client(&nobody).await).await.contains("User \"system:anonymous\" cannot list"));
    let wrong = ann.replace("token: \"", "token: \"x");
    assert_eq!(refusal(client(&wrong).await).await, "Unauthorized");
}

#[tokio::test]
async fn only_its_own_authority_is_trusted() {
    let (_cluster, endpoint) = start().await;
    let (_other, other) = start().await;
    let of = |endpoint: &Endpoint| {
        let text = endpoint.kubeconfig().unwrap();
        text.lines().find(|line| line.contains("certificate-authority-data")).unwrap().to_owned()
    };
    let kubeconfig = endpoint.kubeconfig().unwrap().replace(&of(&endpoint), &of(&other));
    let namespaces: Api<Namespace> = Api::all(client(&kubeconfig).await);
    assert!(matches!(
        namespaces.list(&ListParams::default()).await,
        Err(kube::Error::HyperError(_) | kube::Error::Service(_))
    ));
}

#[tokio::test]
async fn plain_http_has_users_too() {
    let cluster = SimCluster::builder().start();
    let endpoint = cluster.serve_plain("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let ann = endpoint.kubeconfig_of(User::new("ann")).unwrap();
    assert!(refusal(client(&ann).await).await.contains("User \"ann\""));
    assert!(endpoint.url().starts_with("http://") && endpoint.authority().is_none());
}
