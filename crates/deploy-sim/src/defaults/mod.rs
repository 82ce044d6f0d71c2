//! What the API server fills in on create and update: first the defaults and the form that its types give an object, which the
//! writer owns then, and later what admission and each kind's strategy add, which nobody owns.
//!
//! Addresses, node ports, names, uids and generations are the caller's to allocate.

mod admission;
mod kinds;
mod pod;
mod prune;
pub(crate) mod quantity;
mod service;
mod table;
#[cfg(test)]
pub(crate) mod tests;
mod workload;

use std::collections::HashMap;
use std::sync::LazyLock;

use serde_json::{Value, json};
use table::Table;
pub(crate) use workload::TEMPLATE_GENERATION;

/// The tables of the built-in kinds. A kind without a line of its own has none to fill in, but is served.
const TABLES: &[(&str, &str, &str)] = &[
    ("v1", "Namespace", ""),
    ("v1", "ConfigMap", ""),
    ("v1", "Secret", kinds::SECRET),
    ("v1", "Service", service::SERVICE),
    ("v1", "ServiceAccount", ""),
    ("v1", "Endpoints", kinds::ENDPOINTS),
    ("v1", "Event", kinds::EVENT),
    ("v1", "Node", ""),
    ("v1", "Pod", ""),
    ("v1", "PodTemplate", kinds::POD_TEMPLATE),
    ("v1", "PersistentVolume", kinds::VOLUME),
    ("v1", "PersistentVolumeClaim", kinds::CLAIM),
    ("v1", "ResourceQuota", ""),
    ("v1", "LimitRange", ""),
    ("apps/v1", "Deployment", workload::DEPLOYMENT),
    ("apps/v1", "ReplicaSet", workload::REPLICA_SET),
    ("apps/v1", "StatefulSet", workload::STATEFUL_SET),
    ("apps/v1", "DaemonSet", workload::DAEMON_SET),
    ("apps/v1", "ControllerRevision", ""),
    ("batch/v1", "Job", workload::JOB),
    ("batch/v1", "CronJob", workload::CRON_JOB),
    ("autoscaling/v2", "HorizontalPodAutoscaler", kinds::AUTOSCALER),
    ("policy/v1", "PodDisruptionBudget", ""),
    ("networking.k8s.io/v1", "Ingress", ""),
    ("networking.k8s.io/v1", "IngressClass", kinds::INGRESS_CLASS),
    ("networking.k8s.io/v1", "NetworkPolicy", kinds::NETWORK_POLICY),
    ("discovery.k8s.io/v1", "EndpointSlice", kinds::SLICE),
    ("coordination.k8s.io/v1", "Lease", ""),
    ("rbac.authorization.k8s.io/v1", "Role", ""),
    ("rbac.authorization.k8s.io/v1", "RoleBinding", kinds::BINDING),
    ("rbac.authorization.k8s.io/v1", "ClusterRole", ""),
    ("rbac.authorization.k8s.io/v1", "ClusterRoleBinding", kinds::BINDING),
    ("storage.k8s.io/v1", "StorageClass", kinds::STORAGE_CLASS),
    ("scheduling.k8s.io/v1", "PriorityClass", kinds::PRIORITY_CLASS),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", kinds::DEFINITION),
];

/// By apiVersion, then by kind.
static KINDS: LazyLock<HashMap<&str, HashMap<&str, Table>>> = LazyLock::new(|| {
    let mut kinds = HashMap::<_, HashMap<_, _>>::new();
    for (api_version, kind, text) in TABLES {
        kinds.entry(*api_version).or_default().insert(*kind, Table::parse(text));
    }
    kinds
});
static SPEC: LazyLock<Table> = LazyLock::new(|| Table::parse(pod::SPEC));
static CONTAINER: LazyLock<Table> = LazyLock::new(|| Table::parse(pod::CONTAINER));
static TOLD: LazyLock<Table> = LazyLock::new(|| Table::parse(kinds::TOLD));
static PROBED: LazyLock<Table> = LazyLock::new(|| Table::parse(kinds::PROBED));
static BEATEN: LazyLock<Table> = LazyLock::new(|| Table::parse(kinds::BEATEN));
static UPDATED: LazyLock<Table> = LazyLock::new(|| Table::parse(kinds::UPDATED));
static PROBE: LazyLock<Table> = LazyLock::new(|| Table::parse(pod::PROBE));

/// Fills in what the server's types have by default. Objects of custom kinds stay as they are.
pub(crate) fn fill(object: &mut Value) {
    let Some((kind, table)) = known(object) else { return };
    prune::prune(object);
    // What is no string stays where it is.
    let _ = k8s_fields::secret_string_data_to_data(object);
    table.fill(object);
    if let Some(spec) = pod::spec_path(kind).and_then(|path| object.pointer_mut(path)) {
        fill_pod_spec(spec);
    }
    match kind {
        "Pod" => pod::fill(object),
        "Service" => service::fill(object),
        "DaemonSet" => workload::fill_daemon_set(object),
        "Job" => workload::fill_job(object),
        kind => kinds::fill(kind, object),
    }
}

/// Fills in a status that is written by itself.
pub(crate) fn fill_status(object: &mut Value) {
    let Some((kind, _)) = known(object) else { return };
    let rules = match kind {
        "Deployment" => &*UPDATED,
        "Pod" | "Job" | "PersistentVolumeClaim" => &*PROBED,
        "Node" => &*BEATEN,
        _ => &*TOLD,
    };
    if !object["status"].is_object() {
        object["status"] = json!({});
    }
    let first = kinds::status(kind, object);
    let status = &mut object["status"];
    rules.fill(status);
    // Counts and structs are told even if there is nothing in them.
    let is_told = |value: &Value| value.is_number() || value.is_null() || *value == json!({});
    for (field, value) in first.as_ref().and_then(Value::as_object).into_iter().flatten() {
        if is_told(value) && status.get(field).is_none() {
            status[field] = value.clone();
        }
    }
}

/// Adds what admission and the kind's strategy do: on create (`before` is none) the first status too, in place of one that was
/// sent; on update what the object had and the update need not name. A Job's selector needs its `metadata.uid`. Objects of custom
/// kinds stay as they are.
pub(crate) fn admit(object: &mut Value, before: Option<&Value>) {
    let Some((kind, _)) = known(object) else { return };
    match kind {
        "Pod" => admission::admit(object, before),
        "Service" => service::admit(object, before),
        "DaemonSet" => workload::count_templates(object, before),
        "Job" if before.is_none() => workload::admit_job(object),
        kind => kinds::admit(kind, object, before),
    }
    if before.is_none() {
        let status =
            if kind == "Pod" { Some(admission::status(object)) } else { kinds::status(kind, object) };
        if let Some(status) = status {
            object["status"] = status;
        }
    }
}

/// The built-in kind that an object is of.
fn known(object: &Value) -> Option<(&'static str, &'static Table)> {
    let text = |field: &str| object.get(field).and_then(Value::as_str);
    let (kind, table) = KINDS.get(text("apiVersion")?)?.get_key_value(text("kind")?)?;
    Some((kind, table))
}

fn fill_pod_spec(spec: &mut Value) {
    SPEC.fill(spec);
    for list in pod::CONTAINERS {
        for container in pod::containers(spec, list) {
            CONTAINER.fill(container);
            for probe in pod::PROBES {
                if let Some(probe) = container.get_mut(probe) {
                    PROBE.fill(probe);
                }
            }
        }
    }
    pod::fill_spec(spec);
}
