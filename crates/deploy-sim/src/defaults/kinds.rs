//! The kinds that are neither workloads nor Services, and what every kind's status is at first.

use serde_json::{Value, json};

use super::workload::set_string;
use crate::controllers::object::{list, push};

pub(super) const SECRET: &str = r#"
type = "Opaque"
"#;

pub(super) const CLAIM: &str = r#"
spec.volumeMode = "Filesystem"
"#;

pub(super) const VOLUME: &str = r#"
spec.persistentVolumeReclaimPolicy = "Retain"
spec.volumeMode = "Filesystem"
spec.iscsi?.iscsiInterface = "default"
"#;

pub(super) const EVENT: &str = r#"
source = {}
firstTimestamp = null
lastTimestamp = null
eventTime = null
reportingComponent = ""
reportingInstance = ""
"#;

pub(super) const ENDPOINTS: &str = r#"
subsets[].ports[].protocol = "TCP"
"#;

pub(super) const SLICE: &str = r#"
ports[].name = ""
ports[].protocol = "TCP"
"#;

pub(super) const POD_TEMPLATE: &str = r"
template.metadata = {}
template.spec = {}
";

pub(super) const AUTOSCALER: &str = r#"
spec.minReplicas = 1
spec.metrics = [{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]
spec.behavior?.scaleUp.stabilizationWindowSeconds = 0
spec.behavior?.scaleUp.selectPolicy = "Max"
spec.behavior?.scaleUp.policies = [{"type": "Pods", "value": 4, "periodSeconds": 15}, {"type": "Percent", "value": 100, "periodSeconds": 15}]
spec.behavior?.scaleDown.selectPolicy = "Max"
spec.behavior?.scaleDown.policies = [{"type": "Percent", "value": 100, "periodSeconds": 15}]
"#;

pub(super) const NETWORK_POLICY: &str = r#"
spec.ingress[].ports[].protocol = "TCP"
spec.egress[].ports[].protocol = "TCP"
"#;

pub(super) const BINDING: &str = r#"
roleRef.apiGroup = "rbac.authorization.k8s.io"
subjects[]{kind=User}.apiGroup = "rbac.authorization.k8s.io"
subjects[]{kind=Group}.apiGroup = "rbac.authorization.k8s.io"
"#;

pub(super) const INGRESS_CLASS: &str = r#"
spec.parameters?.scope = "Cluster"
"#;

pub(super) const STORAGE_CLASS: &str = r#"
reclaimPolicy = "Delete"
volumeBindingMode = "Immediate"
"#;

pub(super) const PRIORITY_CLASS: &str = r#"
preemptionPolicy = "PreemptLowerPriority"
"#;

pub(super) const DEFINITION: &str = r#"
spec.conversion.strategy = "None"
spec.conversion.webhook?.clientConfig?.service?.port = 443
"#;

/// The conditions of most kinds.
pub(super) const TOLD: &str = r"
conditions[].lastTransitionTime = null
";

/// Of Pods, Jobs and claims.
pub(super) const PROBED: &str = r"
conditions[].lastProbeTime = null
conditions[].lastTransitionTime = null
";

/// Of nodes.
pub(super) const BEATEN: &str = r"
conditions[].lastHeartbeatTime = null
conditions[].lastTransitionTime = null
";

/// Of Deployments.
pub(super) const UPDATED: &str = r"
conditions[].lastUpdateTime = null
conditions[].lastTransitionTime = null
";

/// What the tables cannot say.
pub(super) fn fill(kind: &str, object: &mut Value) {
    match kind {
        "Namespace" => name_namespace(object),
        "PersistentVolumeClaim" => {
            for source in ["/spec/dataSource", "/spec/dataSourceRef"] {
                if let Some(Value::Object(source)) = object.pointer_mut(source) {
                    source.entry("apiGroup").or_insert(Value::Null);
                }
            }
        }
        "PersistentVolume" => {
            if let Some(Value::Object(host_path)) = object.pointer_mut("/spec/hostPath") {
                host_path.entry("type").or_insert_with(|| "".into());
            }
        }
        "Role" | "ClusterRole" => told(object, "rules"),
        "RoleBinding" | "ClusterRoleBinding" => {
            for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
                if let Some(subject) = subject.as_object_mut()
                    && subject.get("apiGroup").is_some_and(|group| group == "")
                {
                    subject.remove("apiGroup");
                }
            }
        }
        "NetworkPolicy" => fill_policy_types(object),
        "EndpointSlice" => {
            let endpoints = object.get_mut("endpoints").and_then(Value::as_array_mut);
            for endpoint in endpoints.into_iter().flatten().filter_map(Value::as_object_mut) {
                endpoint.entry("conditions").or_insert_with(|| json!({}));
            }
            told(object, "endpoints");
            told(object, "ports");
        }
        "LimitRange" => fill_limits(object),
        "CustomResourceDefinition" => fill_names(object),
        _ => {}
    }
}

/// What the strategies add.
pub(super) fn admit(kind: &str, object: &mut Value, before: Option<&Value>) {
    match kind {
        "Namespace" => add_finalizer(object, before),
        "PersistentVolumeClaim" => {
            mirror_sources(object);
            if before.is_none() {
                protect(object, "kubernetes.io/pvc-protection");
            }
        }
        "PersistentVolume" if before.is_none() => protect(object, "kubernetes.io/pv-protection"),
        "CustomResourceDefinition" if before.is_some() => note_stored_version(object),
        "Role" | "ClusterRole" => without_empty(object, "rules"),
        "EndpointSlice" => without_empty(object, "endpoints"),
        _ => {}
    }
}

/// A list that is told even if there is none.
fn told(object: &mut Value, list: &str) {
    if !object[list].is_array() {
        object[list] = Value::Null;
    }
}

/// What is stored knows no empty list; who wrote it owns it all the same.
fn without_empty(object: &mut Value, list: &str) {
    if object[list].as_array().is_some_and(Vec::is_empty) {
        object[list] = Value::Null;
    }
}

/// A source by its old name is one by its new name, and the other way round where it is of the same namespace.
fn mirror_sources(claim: &mut Value) {
    let Some(spec) = claim.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let (old, new) = (spec.get("dataSource").cloned(), spec.get("dataSourceRef").cloned());
    match (old, new) {
        (Some(source), None) => drop(spec.insert("dataSourceRef".into(), source)),
        (None, Some(source)) if source["namespace"].as_str().is_none_or(str::is_empty) => {
            drop(spec.insert("dataSource".into(), source));
        }
        _ => {}
    }
}

fn note_stored_version(definition: &mut Value) {
    let Some(version) = stored_version(definition).cloned() else { return };
    if let Some(stored) = definition.pointer_mut("/status/storedVersions").and_then(Value::as_array_mut)
        && !stored.contains(&version)
    {
        stored.push(version);
    }
}

/// The name of the version that objects of a definition are stored in.
fn stored_version(definition: &Value) -> Option<&Value> {
    let versions = definition.pointer("/spec/versions").and_then(Value::as_array)?;
    versions.iter().find(|version| version["storage"] == true)?.get("name")
}

/// The status of an object that was just created; none where the kind has none.
pub(super) fn status(kind: &str, object: &Value) -> Option<Value> {
    Some(match kind {
        "Namespace" => json!({"phase": "Active"}),
        "PersistentVolumeClaim" | "PersistentVolume" => json!({"phase": "Pending"}),
        "Service" | "Ingress" => json!({"loadBalancer": {}}),
        "Deployment" | "Job" | "CronJob" | "ResourceQuota" => json!({}),
        "ReplicaSet" => json!({"replicas": 0}),
        "StatefulSet" => json!({"replicas": 0, "availableReplicas": 0}),
        "DaemonSet" => json!({
            "currentNumberScheduled": 0, "numberMisscheduled": 0, "desiredNumberScheduled": 0, "numberReady": 0,
        }),
        "HorizontalPodAutoscaler" => json!({"desiredReplicas": 0, "currentMetrics": null}),
        "PodDisruptionBudget" => json!({
            "disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0,
        }),
        "CustomResourceDefinition" => {
            let stored: Vec<&Value> = stored_version(object).into_iter().collect();
            json!({"conditions": null, "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": stored})
        }
        _ => return None,
    })
}

/// Only its subresource `finalize` takes finalizers of a namespace's content away.
fn add_finalizer(namespace: &mut Value, before: Option<&Value>) {
    if let Some(spec) = before.and_then(|before| before.get("spec")) {
        namespace["spec"] = spec.clone();
        return;
    }
    if !namespace["spec"].is_object() {
        namespace["spec"] = json!({});
    }
    match namespace["spec"]["finalizers"].as_array_mut() {
        Some(finalizers) if finalizers.iter().any(|finalizer| finalizer == "kubernetes") => {}
        Some(finalizers) => finalizers.push("kubernetes".into()),
        None => namespace["spec"]["finalizers"] = json!(["kubernetes"]),
    }
}

fn name_namespace(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").filter(|metadata| metadata.is_object()) else { return };
    if let Some(name) = metadata.get("name").and_then(Value::as_str).map(str::to_owned) {
        set_string(metadata, "labels", "kubernetes.io/metadata.name", &name);
    }
}

fn protect(object: &mut Value, finalizer: &str) {
    if !list(object, "/metadata/finalizers").iter().any(|found| found == finalizer) {
        push(object, "finalizers", finalizer.into());
    }
}

fn fill_policy_types(policy: &mut Value) {
    let Some(spec) = policy.get_mut("spec").and_then(Value::as_object_mut) else { return };
    let types = if spec.contains_key("egress") { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    spec.entry("policyTypes").or_insert(types);
}

/// Of containers: what has a maximum has a default, what has a default has a default request.
fn fill_limits(range: &mut Value) {
    let limits = range.pointer_mut("/spec/limits").and_then(Value::as_array_mut).into_iter().flatten();
    for limit in limits.filter_map(Value::as_object_mut) {
        if limit.get("type").is_none_or(|of| of != "Container") {
            continue;
        }
        for (from, to) in [("max", "default"), ("default", "defaultRequest"), ("min", "defaultRequest")] {
            let Some(Value::Object(from)) = limit.get(from).cloned() else { continue };
            if let Some(to) = limit.entry(to).or_insert_with(|| json!({})).as_object_mut() {
                for (name, amount) in from {
                    to.entry(name).or_insert(amount);
                }
            }
        }
    }
}

fn fill_names(definition: &mut Value) {
    let Some(names) = definition.pointer_mut("/spec/names").and_then(Value::as_object_mut) else { return };
    let Some(kind) = names.get("kind").and_then(Value::as_str).map(str::to_owned) else { return };
    names.entry("singular").or_insert_with(|| kind.to_lowercase().into());
    names.entry("listKind").or_insert_with(|| format!("{kind}List").into());
}
