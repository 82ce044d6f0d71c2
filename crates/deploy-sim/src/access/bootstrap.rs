//! The ClusterRoles that every cluster has, and who they are bound to: of a real server's those that people bind and aggregate to
//! (`plugin/pkg/auth/authorizer/rbac/bootstrappolicy`). Those of its components are not there: here these ask nobody.

use std::sync::{Arc, LazyLock};

use jiff::Timestamp;
use k8s_fields::server::{self, Write};
use serde_json::{Value, json};

use super::aggregation;
use crate::cluster::BEGINNING;
use crate::component::{AGGREGATION, API_SERVER};
use crate::state::State;
use crate::store::Key;

const API_VERSION: &str = "rbac.authorization.k8s.io/v1";
/// A role, and the groups that it is bound to.
const BINDINGS: [(&str, &[&str]); 4] = [
    ("cluster-admin", &["system:masters"]),
    ("system:basic-user", &["system:authenticated"]),
    ("system:discovery", &["system:authenticated"]),
    ("system:public-info-viewer", &["system:authenticated", "system:unauthenticated"]),
];

/// Adds them. All clusters that begin when clusters usually do share them: they are most of what a new one holds.
pub(crate) fn add(state: &mut State) {
    static USUAL: LazyLock<Vec<(Key, Arc<Value>)>> = LazyLock::new(|| all(BEGINNING));
    let time = state.now;
    if time == BEGINNING {
        state.store.begin_with(USUAL.iter().cloned());
    } else {
        state.store.begin_with(all(time));
    }
}

fn all(time: Timestamp) -> Vec<(Key, Arc<Value>)> {
    let time = Timestamp::from_second(time.as_second()).unwrap_or(time);
    let read: Value = serde_json::from_str(include_str!("roles.json")).unwrap_or_default();
    let mut roles: Vec<Value> = match read {
        Value::Array(roles) => roles.iter().map(|role| object("ClusterRole", role, time)).collect(),
        _ => Vec::new(),
    };
    // What is aggregated is aggregated further.
    for _ in 0..3 {
        let found: Vec<_> = roles.iter().map(|role| aggregation::rules(role, &roles)).collect();
        for (role, rules) in roles.iter_mut().zip(found) {
            if let Some(rules) = rules {
                role["rules"] = rules;
            }
        }
    }
    let bindings = BINDINGS.map(|(name, groups)| {
        let subject =
            |group: &&str| json!({"kind": "Group", "apiGroup": "rbac.authorization.k8s.io", "name": group});
        let subjects: Vec<Value> = groups.iter().map(subject).collect();
        let reference = json!({"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": name});
        let binding = json!({"name": name, "subjects": subjects, "roleRef": reference});
        object("ClusterRoleBinding", &binding, time)
    });
    let mut objects: Vec<Value> = roles.into_iter().chain(bindings).collect();
    for object in &mut objects {
        note_owners(object, &time.to_string());
    }
    objects.into_iter().enumerate().map(|(number, object)| kept(object, number)).collect()
}

/// A written object, of what is said of it.
fn object(kind: &str, said: &Value, time: Timestamp) -> Value {
    let mut object = said.clone();
    let mut labels = json!({"kubernetes.io/bootstrapping": "rbac-defaults"});
    if let (Some(fields), Some(labels)) = (object.as_object_mut(), labels.as_object_mut()) {
        if let Some(Value::Object(more)) = fields.remove("labels") {
            labels.extend(more);
        }
        fields.remove("name");
    }
    object["apiVersion"] = API_VERSION.into();
    object["kind"] = kind.into();
    object["metadata"] = json!({
        "name": said["name"], "labels": labels, "resourceVersion": "1", "creationTimestamp": time.to_string(),
        "annotations": {"rbac.authorization.kubernetes.io/autoupdate": "true"},
    });
    object
}

/// The API server wrote all but the rules that a controller applied.
fn note_owners(object: &mut Value, time: &str) {
    let mut written = object.clone();
    let is_aggregated = object.get("aggregationRule").is_some();
    if is_aggregated && let Some(fields) = written.as_object_mut() {
        fields.remove("rules");
    }
    let write = Write::by(API_SERVER.0, time);
    let mut managed = server::updated(None, &written, &write).to_value();
    if is_aggregated && let Some(entries) = managed.as_array_mut() {
        entries.insert(
            0,
            json!({
                "manager": AGGREGATION.0, "operation": "Apply", "apiVersion": API_VERSION, "time": time,
                "fieldsType": "FieldsV1", "fieldsV1": {"f:rules": {}},
            }),
        );
    }
    object["metadata"]["managedFields"] = managed;
}

fn kept(mut object: Value, number: usize) -> (Key, Arc<Value>) {
    object["metadata"]["uid"] = format!("00000000-0000-4000-8000-{:012x}", number + 1).into();
    let plural = if object["kind"] == "ClusterRole" { "clusterroles" } else { "clusterrolebindings" };
    let key = Key {
        resource: format!("{plural}.rbac.authorization.k8s.io").into(),
        namespace: String::new(),
        name: object["metadata"]["name"].as_str().unwrap_or_default().to_owned(),
    };
    (key, Arc::new(object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn they_are_aggregated() {
        let all = all(BEGINNING);
        let rules = |name: &str| {
            let (_, role) = all.iter().find(|(key, _)| key.name == name).unwrap();
            role["rules"].as_array().unwrap().len()
        };
        assert_eq!(rules("view"), rules("system:aggregate-to-view"));
        assert!(rules("admin") > rules("edit") && rules("edit") > rules("view"));
        assert_eq!(all.len(), 14);
    }
}
