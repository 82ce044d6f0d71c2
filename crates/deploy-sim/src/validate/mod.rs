//! What the API server refuses: the errors that users of deployment tools meet, in its words.
//!
//! Types and unknown fields are not checked here, but as a body is read ([`crate::schema`]).

mod at;
mod container;
mod core;
mod cron;
mod definition;
mod env;
mod ingress;
mod job;
mod metadata;
mod names;
mod pod;
mod policy;
mod probe;
mod rbac;
mod resources;
mod selector;
mod service;
#[cfg(test)]
mod tests;
mod volume;
mod workload;

use serde_json::Value;

use self::at::At;
use crate::controllers::object::but;
use crate::kinds::Kind;
use crate::schema::custom;
use crate::status::Cause;

/// What is checked by itself, and what is the controllers'.
const APART: [&str; 2] = ["metadata", "status"];

/// What is scaled has no less than no replicas, whatever its schema says.
fn negative_scale(kind: &Kind, object: &Value) -> Option<Cause> {
    let scale = kind.definition.as_ref()?.pointer("/subresources/scale")?;
    let path = scale["specReplicasPath"].as_str()?;
    let replicas = object.pointer(&path.replace('.', "/"))?;
    (replicas.as_i64()? < 0).then(|| Cause::invalid(path, replicas, "should be a non-negative integer"))
}

/// What is wrong with an object whose defaults are filled in; nothing where it is accepted. `before` is what an update
/// found. Of custom kinds the metadata is checked, and what their schema says.
pub(crate) fn check(kind: &Kind, object: &Value, before: Option<&Value>) -> Vec<Cause> {
    let mut out = Vec::new();
    let unchanged = before.is_some_and(|before| but(before, &APART).eq(but(object, &APART)));
    let is_metadata_same = before.is_some_and(|before| {
        metadata::CHECKED.iter().all(|field| before["metadata"].get(field) == object["metadata"].get(field))
    });
    let object = At::root(object);
    let before = before.map(At::root);
    let before = before.as_ref();
    if !is_metadata_same {
        metadata::check(kind, &object, &mut out);
    }
    match (kind.group.as_str(), kind.kind.as_str()) {
        _ if kind.custom => {
            let schema = kind.schema();
            out.extend(schema.into_iter().flat_map(|schema| custom::validate(object.value, schema)));
            out.extend(negative_scale(kind, object.value));
        }
        // What was accepted once is accepted again: controllers write little but status.
        _ if unchanged => {}
        ("", "ConfigMap") => core::check_config_map(&object, before, &mut out),
        ("", "Secret") => core::check_secret(&object, before, &mut out),
        ("", "PersistentVolumeClaim") => core::check_claim(&object, before, &mut out),
        ("", "ResourceQuota") => core::check_quota(&object, &mut out),
        ("", "Service") => service::check(&object, before, &mut out),
        ("", "Pod") => {
            let spec = object.field("spec");
            pod::check_spec(&spec, &mut out);
            if let Some(before) = before {
                pod::check_update(&spec, &before.field("spec"), &mut out);
            }
        }
        ("apps", kind @ ("Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet")) => {
            workload::check(kind, &object, before, &mut out);
        }
        ("apps", "ControllerRevision") => core::check_revision(&object, before, &mut out),
        ("batch", "Job") => job::check_job(&object, before, &mut out),
        ("batch", "CronJob") => job::check_cron_job(&object, &mut out),
        ("autoscaling", "HorizontalPodAutoscaler") => policy::check_autoscaler(&object, &mut out),
        ("policy", "PodDisruptionBudget") => policy::check_budget(&object, &mut out),
        ("networking.k8s.io", "IngressClass") => ingress::check_class(&object, before, &mut out),
        ("networking.k8s.io", "Ingress") => ingress::check(&object, &mut out),
        ("coordination.k8s.io", "Lease") => core::check_lease(&object, &mut out),
        (_, kind @ ("Role" | "ClusterRole")) => rbac::check_role(kind, &object, &mut out),
        (_, kind @ ("RoleBinding" | "ClusterRoleBinding")) => {
            rbac::check_binding(kind, &object, before, &mut out);
        }
        (_, "CustomResourceDefinition") => definition::check(&object, before, &mut out),
        _ => {}
    }
    out
}
