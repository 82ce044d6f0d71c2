//! Which fields differ between two objects, as a person reads it.

use std::fmt;

use serde::Serialize;
use serde_json::Value;

use crate::manifest::{DEPLOYMENT_ID, GIT_REVISION, LAST_APPLIED, MASK, Object};

/// A field that changes. A Secret's values are masked: that they change shows, what they are does not.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct FieldChange {
    /// The path, as in `.spec.template.spec.containers[name="api"].image`.
    pub path: String,
    /// The value now; `None` where there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before: Option<Value>,
    /// The value after; `None` where there will be none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<Value>,
}

impl fmt::Display for FieldChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: ", self.path)?;
        match (&self.before, &self.after) {
            (Some(before), Some(after)) => write!(f, "{before} -> {after}"),
            (Some(before), None) => write!(f, "{before} removed"),
            (None, Some(after)) => write!(f, "{after}"),
            (None, None) => Ok(()),
        }
    }
}

/// What the server keeps for itself, and our own traces: never part of a diff.
const SERVER_OWNED: [&str; 7] = [
    "managedFields",
    "resourceVersion",
    "uid",
    "generation",
    "creationTimestamp",
    "selfLink",
    "deletionTimestamp",
];
/// The Deployment controller counts here, whenever it likes.
const COUNTED: &str = "deployment.kubernetes.io/revision";

/// The fields in which `after` differs from `before`, in the order of their paths.
///
/// `status`, what the server keeps in `metadata`, and this engine's own annotations are left out. Lists of maps with a `name` are
/// matched by it, other lists by position.
pub fn diff(before: Option<&Object>, after: Option<&Object>) -> Vec<FieldChange> {
    let strip = |object: Option<&Object>| object.map(|object| comparable(object.value().clone()));
    let secret = before.or(after).is_some_and(|object| object.id().is("", "Secret"));
    let mut walk = Walk { secret, out: Vec::new() };
    walk.visit(&mut String::new(), strip(before).as_ref(), strip(after).as_ref());
    walk.out
}

/// What is compared: the object without what the server keeps for itself, and without our own traces.
pub(super) fn comparable(mut object: Value) -> Value {
    if let Some(map) = object.as_object_mut() {
        map.remove("status");
        if let Some(metadata) = map.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|key, _| !SERVER_OWNED.contains(&key.as_str()));
            if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.retain(|key, _| {
                    ![DEPLOYMENT_ID, GIT_REVISION, LAST_APPLIED, COUNTED].contains(&key.as_str())
                });
                if annotations.is_empty() {
                    metadata.remove("annotations");
                }
            }
        }
    }
    object
}

struct Walk {
    secret: bool,
    out: Vec<FieldChange>,
}

impl Walk {
    fn visit(&mut self, path: &mut String, before: Option<&Value>, after: Option<&Value>) {
        match (before, after) {
            (before, after) if before == after => {}
            (Some(Value::Object(old)), Some(Value::Object(new))) => {
                for key in union(old.keys(), new.keys()) {
                    self.step(path, &field(key), old.get(key), new.get(key));
                }
            }
            (Some(Value::Array(old)), Some(Value::Array(new))) => match (named(old), named(new)) {
                (Some(old_names), Some(new_names)) => {
                    for name in union(old_names.iter(), new_names.iter()) {
                        let find = |names: &[&str], items: &'_ [Value]| {
                            names.iter().position(|other| other == name).and_then(|i| items.get(i).cloned())
                        };
                        let (old, new) = (find(&old_names, old), find(&new_names, new));
                        self.step(path, &format!("[name=\"{name}\"]"), old.as_ref(), new.as_ref());
                    }
                }
                _ => (0..old.len().max(new.len()))
                    .for_each(|i| self.step(path, &format!("[{i}]"), old.get(i), new.get(i))),
            },
            // A secret's whole map appears or goes: name its keys, one by one.
            (None, Some(Value::Object(new))) if self.masks(path) || path.is_empty() => {
                new.iter().for_each(|(key, value)| self.step(path, &field(key), None, Some(value)));
            }
            (Some(Value::Object(old)), None) if self.masks(path) || path.is_empty() => {
                old.iter().for_each(|(key, value)| self.step(path, &field(key), Some(value), None));
            }
            (before, after) => {
                let show = |value: &Value| if self.masks(path) { MASK.into() } else { value.clone() };
                let change =
                    FieldChange { path: path.clone(), before: before.map(show), after: after.map(show) };
                self.out.push(change);
            }
        }
    }

    fn step(&mut self, path: &mut String, step: &str, before: Option<&Value>, after: Option<&Value>) {
        let length = path.len();
        path.push_str(step);
        self.visit(path, before, after);
        path.truncate(length);
    }

    fn masks(&self, path: &str) -> bool {
        self.secret && (path.starts_with(".data") || path.starts_with(".stringData"))
    }
}

fn field(key: &str) -> String {
    let plain = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if plain { format!(".{key}") } else { format!("[\"{key}\"]") }
}

fn named(list: &[Value]) -> Option<Vec<&str>> {
    let names: Vec<&str> = list.iter().map(|item| item.get("name")?.as_str()).collect::<Option<_>>()?;
    let unique = names.iter().collect::<std::collections::BTreeSet<_>>().len() == names.len();
    unique.then_some(names)
}

fn union<'a, T: Ord + ?Sized>(a: impl Iterator<Item = &'a T>, b: impl Iterator<Item = &'a T>) -> Vec<&'a T> {
    let mut seen = std::collections::BTreeSet::new();
    a.chain(b).filter(|item| seen.insert(*item)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn check(before: Value, after: Value, expect: &[&str]) {
        let kind = before.get("data").map_or("Deployment", |_| "Secret");
        let object = |mut value: Value| {
            value["apiVersion"] = "v1".into();
            value["kind"] = kind.into();
            value["metadata"]["name"] = "x".into();
            Object::new(value).unwrap()
        };
        let lines: Vec<String> =
            diff(Some(&object(before)), Some(&object(after))).iter().map(ToString::to_string).collect();
        assert_eq!(lines, expect);
    }

    #[test]
    fn names_the_fields() {
        check(
            json!({"spec": {"replicas": 1}}),
            json!({"spec": {"replicas": 2}}),
            &[".spec.replicas: 1 -> 2"],
        );
        check(json!({"spec": {}}), json!({"spec": {"paused": true}}), &[".spec.paused: true"]);
        check(json!({"spec": {"paused": true}}), json!({"spec": {}}), &[".spec.paused: true removed"]);
        check(
            json!({"c": [{"name": "a", "image": "x:1"}, {"name": "b", "image": "y:1"}]}),
            json!({"c": [{"name": "b", "image": "y:1"}, {"name": "a", "image": "x:2"}]}),
            &[r#".c[name="a"].image: "x:1" -> "x:2""#],
        );
        check(json!({"args": ["a", "b"]}), json!({"args": ["a"]}), &[r#".args[1]: "b" removed"#]);
        check(
            json!({"metadata": {"labels": {"app.io/x": "1"}}}),
            json!({"metadata": {"labels": {}}}),
            &[r#".metadata.labels["app.io/x"]: "1" removed"#],
        );
    }

    #[test]
    fn leaves_the_servers_fields_and_our_traces_out() {
        check(
            json!({"status": {"a": 1}, "metadata": {"resourceVersion": "1", "annotations": {DEPLOYMENT_ID: "a"}}}),
            json!({"status": {"a": 2}, "metadata": {"resourceVersion": "2", "annotations": {DEPLOYMENT_ID: "b"}}}),
            &[],
        );
    }

    #[test]
    fn a_secrets_values_change_unseen() {
        check(
            json!({"data": {"password": "b25l", "user": "YQ=="}}),
            json!({"data": {"password": "dHdv", "user": "YQ==", "token": "eA=="}}),
            &[r#".data.password: "***" -> "***""#, r#".data.token: "***""#],
        );
    }
}
