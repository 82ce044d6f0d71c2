//! `undo`: the whole pod template of an earlier revision again.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{GIT_REVISION, Object};
use k8s_fields::{FieldPath, Operation, project};
use serde_json::Value;

use super::WorkloadRevision;
use super::history::CHANGE_CAUSE;
use super::template::put;
use crate::apply::managers;

/// The revisions that an error names at most.
const MAX_NAMED: usize = 20;

/// What is the revision's after it, whoever owns it now and whatever it holds: the template, and the annotations that tell about it.
pub(super) fn replaced() -> Vec<FieldPath> {
    let template = FieldPath::fields(["spec", "template"]);
    let annotations = annotations().map(|key| FieldPath::fields(["metadata", "annotations", key]));
    annotations.into_iter().chain([template]).collect()
}

fn annotations() -> [&'static str; 2] {
    [CHANGE_CAUSE, GIT_REVISION]
}

/// The revision to return to. `history` has the newest first; without a number (or with 0, as in kubectl) the newest that is not the
/// present one is meant.
pub(super) fn choose(history: Vec<WorkloadRevision>, to_revision: Option<u64>) -> Result<WorkloadRevision> {
    let names: Vec<String> = history.iter().map(|found| found.revision.number.to_string()).collect();
    let chosen = match to_revision.filter(|number| *number > 0) {
        Some(number) => history.into_iter().find(|found| found.revision.number == number),
        None => history.into_iter().find(|found| !found.current),
    };
    chosen.ok_or_else(|| {
        let why = match to_revision.filter(|number| *number > 0) {
            Some(number) => format!("has no revision {number}; {}", there_are(&names)),
            None => format!("has no revision before the present one; {}", there_are(&names)),
        };
        Error::new(ErrorKind::NotFound, why)
            .help("Kubernetes keeps as many old ones as spec.revisionHistoryLimit says")
    })
}

fn there_are(names: &[String]) -> String {
    match names {
        [] => "there is none at all".to_owned(),
        [only] => format!("there is only {only}"),
        names if names.len() > MAX_NAMED => {
            let (told, more) = names.split_at(MAX_NAMED);
            format!("there are {} and {} older ones", told.join(", "), more.len())
        }
        names => format!("there are {}", names.join(", ")),
    }
}

/// The live object as `manager` applies it to return to `revision`: what it owns outside of what is [replaced](replaced), and the
/// revision's own.
pub(super) fn desired(live: &Value, revision: &WorkloadRevision, manager: &str) -> Result<Object> {
    let entries = managers(live)?;
    let ours = entries.find(manager, Operation::Apply, None).map(|entry| entry.fields.clone());
    let kept = ours.unwrap_or_default().without_subtrees(&replaced().iter().collect());
    let mut desired = project(live, &kept);
    put(&mut desired, &["spec", "template"], revision.template().clone());
    let cause = Some(revision.revision.description.as_str()).filter(|cause| !cause.is_empty());
    for (key, value) in annotations().into_iter().zip([cause, revision.revision.git_revision.as_deref()]) {
        if let Some(value) = value {
            put(&mut desired, &["metadata", "annotations", key], value.into());
        }
    }
    Object::new(desired)
}

#[cfg(test)]
mod tests {
    use super::super::history::tests::{controller_revision, history, live, pod_template};
    use super::*;
    use serde_json::json;

    fn chosen(records: &[(u64, &str)], present: &str, to_revision: Option<u64>) -> Result<u64> {
        choose(history(&live("Deployment", present), records), to_revision).map(|found| found.revision.number)
    }

    #[test]
    fn the_newest_that_is_not_the_present_one_or_the_one_that_is_named() {
        let check = |present: &str, to_revision: Option<u64>, number: u64| {
            let records = [(1, "a:1"), (2, "a:2"), (4, "a:4")];
            assert_eq!(chosen(&records, present, to_revision).unwrap(), number, "{present} {to_revision:?}");
        };
        check("a:4", None, 2);
        check("a:4", Some(0), 2);
        check("a:4", Some(1), 1);
        check("a:4", Some(4), 4);
        // The controller has not seen the newest template yet: what ran before it is the newest it knows.
        check("a:5", None, 4);
        check("a:2", None, 4);
    }

    #[test]
    fn says_which_there_are() {
        let check = |records: &[(u64, &str)], to_revision: Option<u64>, text: &str| {
            let error = chosen(records, "a:1", to_revision).unwrap_err();
            assert_eq!((error.kind(), error.message()), (ErrorKind::NotFound, text));
            assert!(error.advice().unwrap().contains("revisionHistoryLimit"));
        };
        check(&[], None, "has no revision before the present one; there is none at all");
        check(&[(3, "a:1")], None, "has no revision before the present one; there is only 3");
        check(&[(3, "a:1"), (2, "a:2")], Some(7), "has no revision 7; there are 3, 2");
        let many: Vec<(u64, &str)> = (1..=30).map(|number| (number, "a:0")).collect();
        let error = chosen(&many, "a:1", Some(77)).unwrap_err();
        assert!(error.message().ends_with(", 12, 11 and 10 older ones"), "{error}");
    }

    fn returned(live: &Value, record: &Value) -> Value {
        let revision = WorkloadRevision::of(record, None).unwrap();
        desired(live, &revision, "deploy-core").unwrap().into_value()
    }

    #[test]
    fn the_template_is_the_revisions_and_the_rest_is_what_the_manager_owns() {
        let mut present = live("StatefulSet", "a:2");
        present["metadata"]["annotations"] =
            json!({"x.io/owner": "shop", CHANGE_CAUSE: "release 2", GIT_REVISION: "two"});
        present["spec"]["replicas"] = json!(3);
        present["spec"]["template"]["spec"]["hostNetwork"] = json!(true);
        present["metadata"]["managedFields"] = json!([{
            "manager": "deploy-core", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
            "fieldsV1": {
                "f:metadata": {"f:annotations": {"f:x.io/owner": {}, (format!("f:{CHANGE_CAUSE}")): {}, (format!("f:{GIT_REVISION}")): {}}},
                "f:spec": {"f:selector": {}, "f:template": {"f:spec": {"f:hostNetwork": {}}}},
            },
        }]);
        let mut record = controller_revision(1, "a:1");
        let expect = |annotations: Value| {
            json!({
                "apiVersion": "apps/v1", "kind": "StatefulSet",
                "metadata": {"name": "api", "namespace": "shop", "annotations": annotations},
                "spec": {"selector": {"matchLabels": {"app": "api"}}, "template": pod_template("a:1")},
            })
        };
        // The replicas are somebody else's; the notes of release 2 go with it.
        assert_eq!(returned(&present, &record), expect(json!({"x.io/owner": "shop"})));
        record["metadata"]["annotations"] =
            json!({CHANGE_CAUSE: "release 1", GIT_REVISION: "one", "x.io/owner": "old"});
        let notes = json!({"x.io/owner": "shop", CHANGE_CAUSE: "release 1", GIT_REVISION: "one"});
        assert_eq!(returned(&present, &record), expect(notes));
    }

    #[test]
    fn an_object_that_the_manager_never_applied_gets_the_template_alone() {
        let returned = returned(&live("DaemonSet", "a:2"), &controller_revision(1, "a:1"));
        assert_eq!(returned["spec"], json!({"template": pod_template("a:1")}));
        assert_eq!(returned["metadata"], json!({"name": "api", "namespace": "shop"}));
    }

    #[test]
    fn nothing_is_made_of_ownership_that_cannot_be_read() {
        let mut present = live("Deployment", "a:2");
        present["metadata"]["managedFields"] = json!("x");
        let revision = WorkloadRevision::of(&controller_revision(1, "a:1"), None).unwrap();
        assert!(desired(&present, &revision, "deploy-core").is_err());
    }
}
