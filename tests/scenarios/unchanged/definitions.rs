//! The custom resources of the test, and the quota that keeps pods away.

use deploy_core::manifest::read;
use deploy_tests::Env;
use k8s_openapi::api::core::v1::ResourceQuota;
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, PostParams};
use serde_json::json;

use super::server::Server;

/// Defines the custom resources in `group`, and waits until they are served.
pub(crate) async fn define(env: &Env, server: &Server, group: &str) {
    let definitions: Api<CustomResourceDefinition> = Api::all(env.kube.clone());
    let text = include_str!("definitions.yaml").replace("$GROUP", group);
    for definition in read("definitions.yaml", text.as_bytes()).expect("good definitions") {
        let typed = serde_json::from_value(definition.value().clone()).expect("a definition");
        definitions.create(&PostParams::default(), &typed).await.expect("a new definition");
        for version in ["v1", "v1beta1"] {
            let (api_version, kind) =
                (format!("{group}/{version}"), &definition.value()["spec"]["names"]["kind"]);
            let none = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "none"}});
            env.eventually("the kind is served", async || server.misses(&none).await).await;
        }
    }
}

/// Removes what there is of the definitions.
pub(crate) async fn undefine(env: &Env, group: &str) {
    for plural in ["shops", "bags"] {
        let name = format!("{plural}.{group}");
        if env.has_definition(&name).await {
            env.remove_definition(&name).await;
        }
    }
}

/// No pod ever starts in the namespace.
pub(crate) async fn forbid_pods(env: &Env) {
    let quota = json!({"metadata": {"name": "no-pods"}, "spec": {"hard": {"pods": "0"}}});
    let quota: ResourceQuota = serde_json::from_value(quota).expect("a quota");
    let quotas = Api::namespaced(env.kube.clone(), &env.namespace);
    quotas.create(&PostParams::default(), &quota).await.expect("a new quota");
}
