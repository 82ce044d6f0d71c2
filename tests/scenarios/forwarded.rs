//! Ports of pods, Services and workloads, forwarded to this machine.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::conformance;
use deploy_core::connect::Connect;
use deploy_core::error::ErrorKind;
use deploy_core::manifest::{ObjectId, read};
use deploy_core::outcome::{Cause, Status};
use deploy_k8s::PortForward;
use deploy_sim::Image;
use deploy_tests::{Env, deployment, scenario, served_scenario, workload};
use deploy_verify::http::HttpCheck;
use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const SERVICES: &str = "apiVersion: v1
kind: Service
metadata: {name: api}
spec: {selector: {app: api}, ports: [{name: web, port: 80, targetPort: http}, {name: plain, port: 81, targetPort: 8080}]}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: nobody}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: elsewhere}
spec: {type: ExternalName, externalName: example.com}
---
";

/// The server, with a name for its port.
fn server(image: &str) -> String {
    let port = "ports: [{name: http, containerPort: 8080}]\n        readinessProbe";
    deployment(image).replace("readinessProbe", port)
}

/// On the embedded cluster the pods' ports lead to servers of this process, in real time: sockets know of no other.
async fn serve_locally(env: &Env) {
    let Some(cluster) = &env.embedded else { return };
    if !env.is_served() {
        tokio::time::resume();
    }
    for tag in ["v1", "v2"] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let image = Image::new().answers("/nowhere", 404).serves(8080, address);
        cluster.image(format!("{}/api:{tag}", env.registry), image);
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let mut asked = [0; 1024];
                    let _ = stream.read(&mut asked).await;
                    let _ = stream.write_all(format!("HTTP/1.0 200 OK\r\n\r\n{tag}\n").as_bytes()).await;
                });
            }
        });
    }
}

async fn serve(env: &Env, image: &str) {
    let outcome = env.deploy(&format!("{SERVICES}{}", server(image))).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
}

fn object(env: &Env, group: &str, kind: &str, name: &str) -> ObjectId {
    ObjectId::new(group, kind, Some(&env.namespace), name)
}

/// What the server answers at `/version`, over a connection of its own.
async fn version(address: SocketAddr) -> Option<String> {
    let exchange = async {
        let mut stream = TcpStream::connect(address).await.ok()?;
        stream.write_all(b"GET /version HTTP/1.0\r\nHost: api\r\n\r\n").await.ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ").then(|| body.trim().to_owned())
    };
    tokio::time::timeout(Duration::from_secs(20), exchange).await.expect("it ends in time")
}

scenario!(services_and_workloads_are_reached, async |env| {
    serve_locally(&env).await;
    serve(&env, "api:v1").await;
    let forward = PortForward::new(env.cluster.clone());
    let pods: Api<Pod> = Api::namespaced(env.kube.clone(), &env.namespace);
    let pod =
        pods.list(&ListParams::default()).await.expect("pods").items.remove(0).metadata.name.expect("a name");
    for (group, kind, name, port) in [
        ("", "Service", "api", 80),
        ("", "Service", "api", 81),
        ("apps", "Deployment", "api", 8080),
        ("", "Pod", pod.as_str(), 8080),
    ] {
        let tunnel = forward.connect(&object(&env, group, kind, name), port).await.expect("a tunnel");
        let address = tunnel.address();
        for _ in 0..3 {
            assert_eq!(version(address).await.as_deref(), Some("v1"), "{kind} {name}");
        }
        let many = futures_util::future::join_all((0..10).map(|_| version(address))).await;
        assert!(many.iter().all(|answer| answer.as_deref() == Some("v1")), "{many:?}");
        drop(tunnel);
        env.eventually("the port is closed", async || TcpStream::connect(address).await.is_err()).await;
    }
});

scenario!(a_connection_after_a_rollout_leads_to_the_new_pods, async |env| {
    serve_locally(&env).await;
    serve(&env, "api:v1").await;
    let forward = PortForward::new(env.cluster.clone());
    let tunnel = forward.connect(&object(&env, "apps", "Deployment", "api"), 8080).await.expect("a tunnel");
    assert_eq!(version(tunnel.address()).await.as_deref(), Some("v1"));
    serve(&env, "api:v2").await;
    assert_eq!(version(tunnel.address()).await.as_deref(), Some("v2"));
    // One of the two dies: the next connection leads to the other.
    let pods: Api<Pod> = Api::namespaced(env.kube.clone(), &env.namespace);
    let live = pods.list(&ListParams::default()).await.expect("pods");
    let one = live.items.iter().find(|pod| pod.metadata.deletion_timestamp.is_none()).expect("a pod");
    pods.delete(one.metadata.name.as_deref().expect("a name"), &DeleteParams::default().grace_period(0))
        .await
        .expect("deleted");
    assert_eq!(version(tunnel.address()).await.as_deref(), Some("v2"));
});

scenario!(a_check_through_a_service_decides, async |env| {
    serve_locally(&env).await;
    serve(&env, "api:v1").await;
    let says = |expected: &str| {
        let forward = Arc::new(PortForward::new(env.cluster.clone()));
        let service = object(&env, "", "Service", "api");
        let version = HttpCheck::get("http://api/version").through(forward, service, 80);
        let check = version.expect_status(200).expect_body_contains(expected).build();
        Arc::new(check.expect("a check"))
    };
    let upgrade = async |expected: &str| {
        let (run, _) = env.run();
        let bundle = env.bundle(&format!("{SERVICES}{}", server("api:v2")));
        env.rollout().check(says(expected)).run(&bundle, run.named("app")).await.expect("started")
    };
    let outcome = upgrade("v3").await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let Some(Cause::Refuted { check, why }) = &outcome.cause else { panic!("{outcome}") };
    assert!(check.contains("/version") && why.contains("v3"), "{check}: {why}");
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    let outcome = upgrade("v2").await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
});

scenario!(what_cannot_be_forwarded_says_why, async |env| {
    serve_locally(&env).await;
    let never = workload(
        "apps/v1",
        "StatefulSet",
        "serviceName: api",
        "api:v1",
        "readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}",
    );
    let outcome = env.deploy(SERVICES).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let (group, forward) = ("apps", PortForward::new(env.cluster.clone()));
    let never = read("never.yaml", env.filled(&never).as_bytes()).expect("a manifest").remove(0);
    let never: StatefulSet = serde_json::from_value(never.into_value()).expect("a StatefulSet");
    let sets: Api<StatefulSet> = Api::namespaced(env.kube.clone(), &env.namespace);
    sets.create(&PostParams::default(), &never).await.expect("created");
    let refused = async |group: &str, kind: &str, name: &str, port: u16, expect: ErrorKind, text: &str| {
        let error = forward.connect(&object(&env, group, kind, name), port).await.err().expect("refused");
        assert_eq!(error.kind(), expect, "{error}");
        assert!(error.to_string().contains(text) && error.to_string().contains(name), "{error}");
    };
    let not_found = ErrorKind::NotFound;
    refused("", "Service", "api", 83, not_found, "it has no port 83 (it has: 80, 81)").await;
    refused("", "Service", "nobody", 80, not_found, "it has no pods").await;
    refused("", "Service", "missing", 80, not_found, "there is no such object").await;
    refused("", "Pod", "missing", 80, not_found, "there is no such object").await;
    refused("", "ConfigMap", "api", 80, ErrorKind::Unsupported, "name a Pod, a Service").await;
    refused("", "Service", "elsewhere", 80, not_found, "it has no port 80").await;
    env.eventually("the pod runs", async || {
        let error = forward
            .connect(&object(&env, group, "StatefulSet", "api"), 8080)
            .await
            .err()
            .expect("never ready");
        error.to_string().contains("no pod of it is ready: api-0 is not ready")
    })
    .await;
});

struct Reached {
    forward: PortForward,
    env: Arc<Env>,
}

impl conformance::connect::Fixture for Reached {
    fn connect(&self) -> &dyn Connect {
        &self.forward
    }

    fn reachable(&self) -> (ObjectId, u16) {
        (object(&self.env, "", "Service", "api"), 80)
    }

    fn missing(&self) -> ObjectId {
        object(&self.env, "", "Service", "missing")
    }
}

scenario!(forwarding_keeps_its_contract, async |env| {
    serve_locally(&env).await;
    serve(&env, "api:v1").await;
    conformance::connect::run(async || Reached {
        forward: PortForward::new(env.cluster.clone()),
        env: Arc::clone(&env),
    })
    .await;
});

/// The same environment as a user who may look at Services and pods, and has these verbs on their ports.
async fn as_forwarder(env: &Env, verbs: &[&str]) -> Env {
    let mut granted =
        vec![json!({"apiGroups": [""], "resources": ["pods", "services"], "verbs": ["get", "list"]})];
    if !verbs.is_empty() {
        granted.push(json!({"apiGroups": [""], "resources": ["pods/portforward"], "verbs": verbs}));
    }
    let group = "rbac.authorization.k8s.io";
    let role = json!({"apiVersion": format!("{group}/v1"), "kind": "Role", "metadata": {"name": "forwarder"}, "rules": granted});
    let binding = json!({"apiVersion": format!("{group}/v1"), "kind": "RoleBinding", "metadata": {"name": "forwarder"},
        "roleRef": {"apiGroup": group, "kind": "Role", "name": "forwarder"},
        "subjects": [{"apiGroup": group, "kind": "User", "name": env.namespace}]});
    let options = PatchParams::apply("scenario");
    let roles: Api<Role> = Api::namespaced(env.kube.clone(), &env.namespace);
    roles.patch("forwarder", &options, &Patch::Apply(&role)).await.expect("a Role");
    let bindings: Api<RoleBinding> = Api::namespaced(env.kube.clone(), &env.namespace);
    bindings.patch("forwarder", &options, &Patch::Apply(&binding)).await.expect("a RoleBinding");
    let kubeconfig = Kubeconfig::read_from(env.kubeconfig()).expect("a kubeconfig");
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration");
    config.auth_info.impersonate = Some(env.namespace.clone());
    env.through(kube::Client::try_from(config).expect("a client"))
}

served_scenario!(
    "needs a cluster and Roles that decide",
    forwarding_takes_the_documented_rights,
    async |env| {
        serve(&env, "api:v1").await;
        let api = object(&env, "", "Service", "api");
        let reached = async |verbs: &[&str]| {
            let forward = PortForward::new(as_forwarder(&env, verbs).await.cluster);
            forward.connect(&api, 80).await.map(drop)
        };
        // The authorizer learns of a Role a moment after it is written.
        env.eventually("the documented rights suffice", async || reached(&["get", "create"]).await.is_ok())
            .await;
        env.eventually("without them it is forbidden", async || {
            let error = reached(&[]).await.err();
            error.is_some_and(|error| {
                error.kind() == ErrorKind::Forbidden
                    && error.to_string().contains("\"get\" and \"create\" on \"pods/portforward\"")
            })
        })
        .await;
    }
);
