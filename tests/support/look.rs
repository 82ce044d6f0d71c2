//! What really stands in the namespace.

use std::time::Duration;

use deploy_core::outcome::{Cause, Outcome};
use k8s_openapi::api::apps::v1::ReplicaSet;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Pod, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use kube::core::{ApiResource, DynamicObject, GroupVersionKind};
use serde_json::Value;

use crate::env::{Env, lines};

impl Env {
    /// An object as the API server has it, if it is there.
    pub async fn get(&self, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        self.get_in(&self.namespace, api_version, kind, name).await
    }

    /// An object of another namespace.
    pub async fn get_in(&self, namespace: &str, api_version: &str, kind: &str, name: &str) -> Option<Value> {
        let api =
            Api::<DynamicObject>::namespaced_with(self.kube.clone(), namespace, &resource(api_version, kind));
        let found = api.get_opt(name).await.expect("the cluster answers");
        found.map(|object| serde_json::to_value(object).expect("JSON"))
    }

    /// The namespace's objects of a kind.
    pub async fn all(&self, api_version: &str, kind: &str) -> Vec<Value> {
        let resource = resource(api_version, kind);
        let api: Api<DynamicObject> = Api::namespaced_with(self.kube.clone(), &self.namespace, &resource);
        let found = api.list(&ListParams::default()).await.expect("the cluster answers");
        found.items.into_iter().map(|object| serde_json::to_value(object).expect("JSON")).collect()
    }

    /// The names of the objects of a kind that labels select: those of the namespace, or of the cluster where the kind has none.
    pub async fn labelled(&self, api_version: &str, kind: &str, selector: &str) -> Vec<String> {
        let resource = resource(api_version, kind);
        let api: Api<DynamicObject> = if kind.starts_with("Cluster") {
            Api::all_with(self.kube.clone(), &resource)
        } else {
            Api::namespaced_with(self.kube.clone(), &self.namespace, &resource)
        };
        let found = api.list(&ListParams::default().labels(selector)).await.expect("the cluster answers");
        found.items.into_iter().filter_map(|object| object.metadata.name).collect()
    }

    /// The image of the one container of a workload.
    pub async fn image(&self, kind: &str) -> String {
        let object = self.get("apps/v1", kind, "api").await.unwrap_or_else(|| panic!("no {kind} api"));
        let image = object.pointer("/spec/template/spec/containers/0/image").and_then(Value::as_str);
        image.expect("an image").replace(&format!("{}/", self.registry), "")
    }

    /// The images that ready pods run, sorted.
    pub async fn ready_images(&self) -> Vec<String> {
        let pods: Api<Pod> = Api::namespaced(self.kube.clone(), &self.namespace);
        let pods = pods.list(&ListParams::default()).await.expect("the cluster answers");
        let mut images: Vec<String> = pods
            .items
            .iter()
            .filter(|pod| pod.metadata.deletion_timestamp.is_none() && is_ready(pod))
            .filter_map(image)
            .collect();
        for image in &mut images {
            *image = image.replace(&format!("{}/", self.registry), "");
        }
        images.sort();
        images
    }

    /// How many ReplicaSets there are: one for each template that was rolled out.
    pub async fn replica_sets(&self) -> usize {
        let sets: Api<ReplicaSet> = Api::namespaced(self.kube.clone(), &self.namespace);
        sets.list(&ListParams::default()).await.expect("the cluster answers").items.len()
    }

    /// Asserts that no lock and no journal is left.
    pub async fn assert_no_records(&self) {
        let secrets: Api<Secret> = Api::namespaced(self.kube.clone(), &self.namespace);
        let secrets = secrets.list(&ListParams::default()).await.expect("the cluster answers");
        let left: Vec<_> = secrets
            .items
            .iter()
            .filter_map(|secret| secret.metadata.name.clone())
            .filter(|name| name.starts_with("deploy-journal") || name.starts_with("deploy-adopted"))
            .collect();
        assert!(left.is_empty(), "journals left: {left:?}");
        assert_eq!(self.get("coordination.k8s.io/v1", "Lease", "deploy.app").await, None, "a lease is left");
    }

    /// Deletes a namespace without waiting for its end.
    pub async fn begin_to_delete_namespace(&self, name: &str) {
        let namespaces: Api<Namespace> = Api::all(self.kube.clone());
        namespaces.delete(name, &DeleteParams::background()).await.expect("the cluster answers");
    }

    /// Takes the finalizers off a ConfigMap.
    pub async fn unfinalize(&self, name: &str) {
        let config_maps: Api<ConfigMap> = Api::namespaced(self.kube.clone(), &self.namespace);
        let patch = Patch::Merge(serde_json::json!({"metadata": {"finalizers": null}}));
        config_maps.patch(name, &PatchParams::default(), &patch).await.expect("the cluster answers");
    }

    /// Merges into a ConfigMap, as somebody else would.
    pub async fn patch_config_map(&self, name: &str, patch: Value) {
        let config_maps: Api<ConfigMap> = Api::namespaced(self.kube.clone(), &self.namespace);
        let parameters = PatchParams::apply("somebody");
        config_maps.patch(name, &parameters, &Patch::Merge(patch)).await.expect("the cluster answers");
    }

    /// Deletes a ConfigMap, as somebody else would.
    pub async fn delete_config_map(&self, name: &str) {
        let config_maps: Api<ConfigMap> = Api::namespaced(self.kube.clone(), &self.namespace);
        config_maps.delete(name, &DeleteParams::default()).await.expect("the cluster answers");
    }

    /// Makes the Lease of a holder that died last for a second, so that nobody waits longer for its end.
    pub async fn hurry_lease(&self, name: &str) {
        let leases: Api<Lease> = Api::namespaced(self.kube.clone(), &self.namespace);
        let patch = Patch::Merge(serde_json::json!({"spec": {"leaseDurationSeconds": 1}}));
        match leases.patch(name, &PatchParams::default(), &patch).await {
            Err(error) if !matches!(&error, kube::Error::Api(status) if status.code == 404) => {
                panic!("the cluster answers: {error}")
            }
            _ => {}
        }
    }

    /// Whether a CustomResourceDefinition is there.
    pub async fn has_definition(&self, name: &str) -> bool {
        self.definitions().get_opt(name).await.expect("the cluster answers").is_some()
    }

    /// Removes a CustomResourceDefinition and waits until it is gone.
    pub async fn remove_definition(&self, name: &str) {
        self.definitions().delete(name, &DeleteParams::default()).await.expect("the cluster answers");
        self.eventually("the definition is gone", || async { !self.has_definition(name).await }).await;
    }

    fn definitions(&self) -> Api<CustomResourceDefinition> {
        Api::all(self.kube.clone())
    }

    /// Waits until `condition` holds, looking again and again, 30 s at most.
    pub async fn eventually<F: Future<Output = bool>>(&self, what: &str, mut condition: impl FnMut() -> F) {
        let look = async {
            while !condition().await {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), look)
            .await
            .unwrap_or_else(|_| panic!("{what}: not within 30 s"));
    }
}

fn resource(api_version: &str, kind: &str) -> ApiResource {
    let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
    ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind))
}

/// Asserts that the timeline holds lines with these texts in this order.
pub fn assert_order(outcome: &Outcome, texts: &[&str]) {
    let lines = lines(&outcome.timeline);
    let mut rest = lines.iter();
    for text in texts {
        assert!(rest.any(|line| line.contains(text)), "no \"{text}\" in its place in\n{}", lines.join("\n"));
    }
}

/// The names of the reasons for which a run failed.
pub fn reasons(outcome: &Outcome) -> Vec<&str> {
    match &outcome.cause {
        Some(Cause::Failed { failures }) => failures.iter().map(|failure| failure.reason.name()).collect(),
        _ => panic!("not a failure with a reason: {outcome}"),
    }
}

/// Who owns which fields, subresources aside.
pub fn managers(object: &Value) -> Vec<(Value, Value)> {
    let entries = object["metadata"]["managedFields"].as_array().cloned().unwrap_or_default();
    let entries = entries.into_iter().filter(|entry| entry["subresource"].is_null());
    entries.map(|entry| (entry["manager"].clone(), entry["fieldsV1"].clone())).collect()
}

fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_deref()).unwrap_or_default();
    conditions.iter().any(|condition| condition.type_ == "Ready" && condition.status == "True")
}

fn image(pod: &Pod) -> Option<String> {
    pod.spec.as_ref()?.containers.first()?.image.clone()
}
