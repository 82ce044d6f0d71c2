//! `restart`, `pause` and `resume`: one field each.
//!
//! The field belongs to a field manager of its own. Were it the main one's, its next apply of the manifests, which do not have the
//! field, would take it away again: every pod would restart for nothing, a paused rollout would go on.

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::health::{Assessment, Judge, Patience, World};
use deploy_core::manifest::Object;
use k8s_fields::{FieldSet, extract, project};
use serde_json::Value;

use super::template::put;

/// kubectl's annotation: a template that differs is rolled out, and the pods are new.
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

pub(super) fn restart(live: &Value, manager: &str, at: Timestamp) -> Result<Object> {
    refuse_paused(live)?;
    let annotation = ["spec", "template", "metadata", "annotations", RESTARTED_AT];
    with(live, manager, &annotation, at.to_string().into())
}

pub(super) fn pause(live: &Value, manager: &str) -> Result<Object> {
    if is_paused(live) {
        return Err(Error::invalid("is paused already"));
    }
    with(live, manager, &["spec", "paused"], true.into())
}

pub(super) fn resume(live: &Value, manager: &str) -> Result<Object> {
    if !is_paused(live) {
        return Err(Error::invalid("is not paused"));
    }
    with(live, manager, &["spec", "paused"], false.into())
}

/// A paused Deployment takes a new template and rolls nothing out, which is not what was asked for.
pub(super) fn refuse_paused(live: &Value) -> Result<()> {
    if is_paused(live) {
        return Err(Error::invalid("is paused: nothing would be rolled out").help("resume it first"));
    }
    Ok(())
}

/// Judges Deployments so that a paused one is well as soon as its controller knows: nothing more is going to happen. Others are judged
/// as ever.
pub(super) fn paused_is_well(
    object: &Object,
    world: &World,
    patience: &Patience,
    now: Timestamp,
) -> Assessment {
    let number = |pointer: &str| object.get(pointer).and_then(Value::as_i64).unwrap_or(0);
    if !is_paused(object.value()) {
        Judge::new(patience.clone()).judge(&object.id(), world, now)
    } else if number("/status/observedGeneration") < number("/metadata/generation") {
        Assessment::progressing("waiting for its controller to observe the change")
    } else {
        Assessment::healthy("paused")
    }
}

fn is_paused(object: &Value) -> bool {
    object.pointer("/spec/paused").and_then(Value::as_bool).unwrap_or(false)
}

/// What `manager` applied before, as it stands, and one field more: what it would leave out would go.
fn with(live: &Value, manager: &str, path: &[&str], value: Value) -> Result<Object> {
    let applied = extract(live, manager)
        .map_err(|error| Error::new(ErrorKind::Internal, "its managedFields cannot be read").source(error))?;
    let mut desired = applied.unwrap_or_else(|| project(live, &FieldSet::new()));
    put(&mut desired, path, value);
    Object::new(desired)
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::live;
    use super::*;
    use serde_json::json;

    const MANAGER: &str = "deploy-core-rollout";

    fn deployment(paused: bool) -> Value {
        let mut live = live("Deployment", "a:1");
        live["spec"]["paused"] = paused.into();
        live
    }

    fn at() -> Timestamp {
        "2026-11-21T07:53:25Z".parse().unwrap()
    }

    #[test]
    fn one_field_and_nothing_else() {
        let check = |desired: Result<Object>, kind: &str, spec: Value| {
            let identity = json!({"name": "api", "namespace": "shop"});
            let expect = json!({"apiVersion": "apps/v1", "kind": kind, "metadata": identity, "spec": spec});
            assert_eq!(desired.unwrap().into_value(), expect);
        };
        let restarted =
            json!({"template": {"metadata": {"annotations": {RESTARTED_AT: "2026-11-21T07:53:25Z"}}}});
        for kind in ["Deployment", "StatefulSet", "DaemonSet"] {
            check(restart(&live(kind, "a:1"), MANAGER, at()), kind, restarted.clone());
        }
        check(pause(&deployment(false), MANAGER), "Deployment", json!({"paused": true}));
        check(pause(&live("Deployment", "a:1"), MANAGER), "Deployment", json!({"paused": true}));
        check(resume(&deployment(true), MANAGER), "Deployment", json!({"paused": false}));
    }

    #[test]
    fn what_the_side_manager_did_before_stays() {
        let mut live = deployment(true);
        live["spec"]["template"]["metadata"]["annotations"] =
            json!({RESTARTED_AT: "2026-01-01T00:00:00Z", "x.io/a": "b"});
        live["metadata"]["managedFields"] = json!([{
            "manager": MANAGER, "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {
                "f:paused": {}, "f:template": {"f:metadata": {"f:annotations": {(format!("f:{RESTARTED_AT}")): {}}}},
            }},
        }]);
        let resumed = resume(&live, MANAGER).unwrap().into_value();
        let restarted = json!({"metadata": {"annotations": {RESTARTED_AT: "2026-01-01T00:00:00Z"}}});
        assert_eq!(resumed["spec"], json!({"paused": false, "template": restarted}));
        live["spec"]["paused"] = false.into();
        let again = restart(&live, MANAGER, at()).unwrap().into_value();
        assert_eq!(
            again.pointer("/spec/template/metadata/annotations"),
            Some(&json!({RESTARTED_AT: "2026-11-21T07:53:25Z"}))
        );
    }

    #[test]
    fn refuses_what_would_do_nothing() {
        let check = |desired: Result<Object>, text: &str| assert_eq!(desired.unwrap_err().to_string(), text);
        check(
            restart(&deployment(true), MANAGER, at()),
            "is paused: nothing would be rolled out (resume it first)",
        );
        check(pause(&deployment(true), MANAGER), "is paused already");
        check(resume(&deployment(false), MANAGER), "is not paused");
        check(resume(&live("Deployment", "a:1"), MANAGER), "is not paused");
    }

    #[test]
    fn a_paused_deployment_is_well_once_its_controller_knows() {
        let check = |paused: bool, observed: i64, progress: &str| {
            let mut object = deployment(paused);
            object["metadata"]["generation"] = 2.into();
            object["status"] = json!({"observedGeneration": observed});
            let object = Object::new(object).unwrap();
            let mut world = World::new();
            world.upsert(object.clone(), at());
            let assessment = paused_is_well(&object, &world, &Patience::default(), at());
            assert_eq!(
                (assessment.is_healthy(), assessment.progress.as_str()),
                (progress == "paused", progress)
            );
        };
        check(true, 1, "waiting for its controller to observe the change");
        check(true, 2, "paused");
        check(false, 1, "waiting for its controller to observe the change");
        check(false, 2, "0 of 1 replicas are updated");
    }
}
