//! The API server over TLS, as a client comes in with a kubeconfig.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panicking")]

use deploy_sim::{Endpoint, SimCluster, User};
use k8s_openapi::api::authentication::v1::TokenRequest;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret, ServiceAccount};
use kube::api::{Api, ListParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::json;

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

/// Clients elsewhere come under the names that the certificate has, and under no other.
#[tokio::test]
async fn it_has_the_names_that_it_is_given() {
    let cluster = SimCluster::builder().start();
    let hosts = ["Sim.test", "127.0.0.2", "fd00::1"].map(|host| host.parse().unwrap());
    let endpoint = cluster.serve_tls_named("127.0.0.1:0".parse().unwrap(), hosts.clone()).await.unwrap();
    let port = endpoint.address().port();
    for (host, server) in hosts.into_iter().zip(["sim.test", "127.0.0.2", "[fd00::1]"]) {
        let text = endpoint.clone().named(host).kubeconfig().unwrap();
        assert!(text.contains(&format!("server: \"https://{server}:{port}\"")), "{text}");
    }
    let kubeconfig = endpoint.kubeconfig().unwrap();
    let expected = format!("https://sim.test:{port}");
    assert!(kubeconfig.contains(&format!("server: \"{expected}\"")), "the first one: {kubeconfig}");
    let here = kubeconfig.replace(&expected, &format!("https://127.0.0.1:{port}"));
    for (name, is_trusted) in [
        ("sim.test", true),
        ("127.0.0.2", true),
        ("fd00::1", true),
        ("localhost", true),
        ("other.test", false),
    ] {
        let kubeconfig = Kubeconfig::from_yaml(&here).unwrap();
        let mut config =
            Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
        config.tls_server_name = Some(name.to_owned());
        let namespaces: Api<Namespace> = Api::all(Client::try_from(config).unwrap());
        assert_eq!(namespaces.get("default").await.is_ok(), is_trusted, "{name}");
    }
}

#[tokio::test]
async fn plain_http_has_users_too() {
    let cluster = SimCluster::builder().start();
    let endpoint = cluster.serve_plain("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let ann = endpoint.kubeconfig_of(User::new("ann")).unwrap();
    assert!(refusal(client(&ann).await).await.contains("User \"ann\""));
    assert!(endpoint.url().starts_with("http://") && endpoint.authority().is_none());
}

/// What a test prints when it fails has neither tokens nor Secrets.
#[tokio::test]
async fn nothing_secret_is_shown() {
    let cluster = SimCluster::builder().start();
    let endpoint = cluster.serve_tls("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let kubeconfig = endpoint.kubeconfig().unwrap();
    let token = kubeconfig.lines().find_map(|line| line.trim().strip_prefix("token: ")).unwrap();
    let token = token.trim_matches('"');
    let secrets: Api<Secret> = Api::namespaced(client(&kubeconfig).await, "default");
    let secret = json!({"metadata": {"name": "s"}, "stringData": {"key": "hidden"}});
    secrets.create(&PostParams::default(), &serde_json::from_value(secret).unwrap()).await.unwrap();
    for shown in [format!("{endpoint:?}"), format!("{cluster:?}")] {
        assert!(!shown.contains(token) && !shown.contains("aGlkZGVu"), "{shown}");
    }
}

/// By a seed alone nobody finds the tokens of a cluster that listens.
#[tokio::test]
async fn tokens_are_of_no_seed() {
    let issued = async || {
        let cluster = SimCluster::builder().seed(7).start();
        let accounts: Api<ServiceAccount> = Api::namespaced(cluster.client(), "default");
        let account = serde_json::from_value(json!({"metadata": {"name": "robot"}})).unwrap();
        accounts.create(&PostParams::default(), &account).await.unwrap();
        let asked: TokenRequest = serde_json::from_value(json!({"spec": {"audiences": []}})).unwrap();
        let issued = accounts.create_token_request("robot", &PostParams::default(), &asked).await.unwrap();
        issued.status.unwrap().token
    };
    assert_ne!(issued().await, issued().await);
}
