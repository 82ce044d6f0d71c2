//! With the real kubectl on a real cluster.

use std::time::{Duration, SystemTime};

use deploy_ssm::node::{Diagnosis, Health, RunStatus, Verb};

use crate::harness::Node;

#[expect(
    clippy::disallowed_methods,
    reason = "the cluster is named by the environment, as for every live test"
)]
fn variable(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: eval \"$(tests/cluster/up)\""))
}

#[expect(clippy::disallowed_methods, reason = "this test looks with a kubectl of its own")]
fn kubectl(args: &[&str]) -> String {
    let ran = std::process::Command::new(variable("KUBECTL")).args(args).output().expect("kubectl runs");
    assert!(ran.status.success(), "{args:?}: {}", String::from_utf8_lossy(&ran.stderr));
    String::from_utf8(ran.stdout).expect("is UTF-8")
}

#[expect(clippy::disallowed_methods, reason = "what is measured is real time")]
fn now() -> SystemTime {
    SystemTime::now()
}

fn manifests(namespace: &str, tag: &str) -> String {
    let registry = variable("REGISTRY");
    format!(
        "{{apiVersion: v1, kind: ConfigMap, metadata: {{name: settings, namespace: {namespace}}}, data: {{tag: {tag}}}}}\n---\n\
         {{apiVersion: apps/v1, kind: Deployment, metadata: {{name: api, namespace: {namespace}}}, spec: {{replicas: 2, \
         selector: {{matchLabels: {{app: api}}}}, template: {{metadata: {{labels: {{app: api}}}}, spec: {{terminationGracePeriodSeconds: 1, \
         containers: [{{name: api, image: \"{registry}/api:{tag}\", readinessProbe: {{periodSeconds: 1, \
         httpGet: {{path: /healthz, port: 8080}}}}}}]}}}}}}}}\n"
    )
}

/// Removes the namespace at the end, whatever the end is.
struct Namespace(String);

impl Drop for Namespace {
    fn drop(&mut self) {
        kubectl(&["delete", "namespace", &self.0, "--wait=false"]);
    }
}

#[test]
#[ignore = "needs a cluster: tests/cluster/up"]
fn install_upgrade_and_a_bad_image_on_a_real_cluster() {
    let node = Node::new();
    let kubeconfig = variable("KUBECONFIG");
    node.tool("kubectl", &format!("#!/bin/sh\nexec {} \"$@\"\n", variable("KUBECTL")));
    let since = now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970").as_micros();
    let namespace = Namespace(format!("node-{since}"));
    kubectl(&["create", "namespace", &namespace.0]);
    let deploy = |id: &str, tag: &str| {
        let request = node.deploy_request(id, &manifests(&namespace.0, tag)).timeout(Duration::from_secs(90));
        let begun = now();
        let report = node.run(&request.kubeconfig(&kubeconfig)).report();
        let took = now().duration_since(begun).expect("time goes on");
        println!("{tag}: {:?} in {took:?}", report.status);
        (report, took)
    };
    let image = || {
        kubectl(&[
            "get",
            "deployment",
            "api",
            "-n",
            &namespace.0,
            "-o",
            "jsonpath={.spec.template.spec.containers[0].image}",
        ])
    };

    let (report, _) = deploy("one", "v1");
    assert_eq!(report.status, RunStatus::Healthy, "{report:#?}\n{}", node.log("one"));
    let (report, _) = deploy("two", "v2");
    assert_eq!(report.status, RunStatus::Healthy, "{report:#?}\n{}", node.log("two"));
    assert!(image().ends_with("api:v2"));
    let (report, took) = deploy("three", "does-not-exist");
    assert_eq!(report.status, RunStatus::Undone, "{report:#?}\n{}", node.log("three"));
    assert!(image().ends_with("api:v2"));
    assert!(took < Duration::from_secs(10), "{took:?}");
    let Some(deploy_ssm::node::Cause::Failed { failures }) = report.cause else { panic!("{report:#?}") };
    assert_eq!(failures[0].reason.name(), "ImageNotFound");

    let ask = |verb| node.run(&node.request(verb, "").kubeconfig(&kubeconfig));
    let health: Health = ask(Verb::Health).answer();
    assert!(health.ready, "{health:?}");
    let diagnosis: Diagnosis = ask(Verb::Diagnose).answer();
    assert!(diagnosis.gaps.is_empty() && diagnosis.nodes.iter().all(|node| node.ready), "{diagnosis:?}");
}
