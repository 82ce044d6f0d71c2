//! What server-side apply refuses and client-side apply takes, in objects that were applied before: fields that the kind does not have,
//! which are dropped, and list items of one key, of which the last one counts. Left out here as the API server names them.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use deploy_core::plan::Change;
use k8s_fields::{FieldPath, PathElement};
use serde_json::Value;

use super::Apply;
use super::plan::{Planning, Wanted};
use crate::api::{Read, TWICE, UNDECLARED};

/// The API server names one field of a map at a time.
const MAX_ROUNDS: usize = 64;

impl Apply {
    /// As [`ask`](Self::ask), of an object that was applied before.
    pub(super) async fn ask_leniently(
        &self,
        wanted: &Wanted,
        read: Option<&Read>,
        planning: &Planning<'_>,
    ) -> Result<(Change, Vec<String>)> {
        let (mut wanted, mut left_out) = (wanted.clone(), Vec::new());
        for _ in 0..MAX_ROUNDS {
            let error = match self.ask(&wanted, read, planning).await {
                Err(error) if error.kind() == ErrorKind::InvalidInput => error,
                answer => return answer.map(|(change, said)| (change, [said, left_out].concat())),
            };
            let (plain, notes) = mended(wanted.plain.clone(), error.message())?;
            if notes.is_empty() {
                return Err(error);
            }
            wanted.plain = plain;
            left_out.extend(notes);
        }
        Err(Error::invalid("too much of it does not fit its kind").during("plan").on(wanted.plain.id()))
    }
}

/// The object without what a refusal names, and what is said of each.
fn mended(object: Object, refusal: &str) -> Result<(Object, Vec<String>)> {
    let (id, mut notes) = (object.id(), Vec::new());
    let object = object.edit(|value| {
        for (path, fault) in faults(refusal) {
            if !mend(value, path, &fault) {
                continue;
            }
            notes.push(match fault {
                Fault::Undeclared => format!("{id}: {path} is left out: its kind has no such field"),
                Fault::Twice(item) => {
                    format!("{id}: {path}{item} is there several times: the last one counts")
                }
            });
        }
    })?;
    Ok((object, notes))
}

enum Fault {
    Undeclared,
    /// The item that is there several times.
    Twice(PathElement),
}

/// What is wrong, and where: `.spec.a: field not declared in schema .spec.b: duplicate entries for key [name="c"]`. A long one is cut.
fn faults(refusal: &str) -> Vec<(&str, Fault)> {
    let fault = |(at, _): (usize, &str)| {
        let (before, after) = refusal.split_at_checked(at)?;
        let path = before.rsplit(' ').next().filter(|path| path.starts_with('.'))?;
        if before.strip_suffix(path)?.ends_with("… ") {
            return None;
        }
        if after.starts_with(UNDECLARED) {
            return Some((path, Fault::Undeclared));
        }
        let (item, _) = element(after.strip_prefix(TWICE)?)?;
        Some((path, Fault::Twice(item)))
    };
    refusal.match_indices(": ").filter_map(fault).collect()
}

/// The element in brackets that the text begins with, and what follows.
fn element(text: &str) -> Option<(PathElement, &str)> {
    text.match_indices(']').find_map(|(end, _)| {
        let (bracket, rest) = text.split_at_checked(end + 1)?;
        let path: FieldPath = bracket.parse().ok()?;
        Some((path.elements().first()?.clone(), rest))
    })
}

/// Mends what is at a path as the API server writes it: names with dots in them stand without quotes. Whether there was anything to mend.
fn mend(value: &mut Value, path: &str, fault: &Fault) -> bool {
    match (value, fault) {
        (Value::Array(items), Fault::Twice(item)) if path.is_empty() => {
            let mut later = items.iter().filter(|one| is(one, item)).count();
            let twice = later > 1;
            items.retain(|one| {
                let matches = is(one, item);
                later -= usize::from(matches);
                !matches || later == 0
            });
            twice
        }
        (Value::Array(items), _) => {
            let Some((found, rest)) = element(path) else { return false };
            let mut items = items.iter_mut().enumerate();
            items.any(|(index, item)| {
                (found == PathElement::Index(index) || is(item, &found)) && mend(item, rest, fault)
            })
        }
        (Value::Object(map), _) => {
            let Some(path) = path.strip_prefix('.') else { return false };
            if matches!(fault, Fault::Undeclared) && map.remove(path).is_some() {
                return true;
            }
            map.iter_mut().any(|(name, below)| {
                path.strip_prefix(name.as_str()).is_some_and(|rest| mend(below, rest, fault))
            })
        }
        _ => false,
    }
}

/// Whether an item of a list is the one that is meant. A key field that it leaves out has a default.
fn is(item: &Value, element: &PathElement) -> bool {
    match element {
        PathElement::Key(key) => {
            key.iter().all(|(name, value)| item.get(name).is_none_or(|found| found == value.as_value()))
        }
        PathElement::Value(value) => item == value.as_value(),
        PathElement::Field(_) | PathElement::Index(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object() -> Object {
        Object::new(json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "api", "finalizers": ["a", "b", "a"], "app.kubernetes.io/name": "x", "app": {"kubernetes": 1}},
            "spec": {
                "bogus": {"deep": [1]}, "replicas": 1,
                "containers": [
                    {"name": "other", "bogus": 1, "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
                    {"name": "api", "bogus": 1, "ports": [{"containerPort": 80, "foo": 1}],
                     "env": [{"name": "A", "value": "1"}, {"name": "a] b"}, {"name": "A", "value": "2"}]},
                ],
                "tolerations": [{"key": "a", "bogus": 1}],
            },
        }))
        .unwrap()
    }

    #[test]
    fn what_is_named_is_left_out() {
        let check = |refusal: &str, pointer: &str, expected: &Value, notes: &[&str]| {
            let before = object().value().pointer(pointer).cloned().unwrap_or_default();
            assert_ne!(&before, expected, "{refusal}");
            let (object, said) = mended(object(), refusal).unwrap();
            assert_eq!(&object.value().pointer(pointer).cloned().unwrap_or_default(), expected, "{refusal}");
            assert_eq!(said, notes.iter().map(|note| format!("Deployment api: {note}")).collect::<Vec<_>>());
        };
        let no_field = "is left out: its kind has no such field";
        let last = "is there several times: the last one counts";
        check(
            ".spec.bogus: field not declared in schema",
            "/spec/bogus",
            &json!(null),
            &[&format!(".spec.bogus {no_field}")],
        );
        check(
            ".metadata.app.kubernetes.io/name: field not declared in schema",
            "/metadata/app.kubernetes.io~1name",
            &json!(null),
            &[&format!(".metadata.app.kubernetes.io/name {no_field}")],
        );
        let several = "errors: .spec.containers[name=\"api\"].env: duplicate entries for key [name=\"A\"] \
            .spec.containers[name=\"api\"].bogus: field not declared in schema \
            .spec.containers[name=\"api\"].ports[containerPort=80,protocol=\"TCP\"].foo: field not declared in schema";
        let notes = [
            format!(".spec.containers[name=\"api\"].env[name=\"A\"] {last}"),
            format!(".spec.containers[name=\"api\"].bogus {no_field}"),
            format!(".spec.containers[name=\"api\"].ports[containerPort=80,protocol=\"TCP\"].foo {no_field}"),
        ];
        let api = json!({"name": "api", "ports": [{"containerPort": 80}], "env": [{"name": "a] b"}, {"name": "A", "value": "2"}]});
        check(several, "/spec/containers/1", &api, &notes.each_ref().map(String::as_str));
        check(
            ".spec.tolerations[0].bogus: field not declared in schema",
            "/spec/tolerations",
            &json!([{"key": "a"}]),
            &[&format!(".spec.tolerations[0].bogus {no_field}")],
        );
        check(
            ".metadata.finalizers: duplicate entries for key [=\"a\"]",
            "/metadata/finalizers",
            &json!(["b", "a"]),
            &[&format!(".metadata.finalizers[=\"a\"] {last}")],
        );
    }

    #[test]
    fn any_other_refusal_leaves_it_alone() {
        for refusal in [
            "",
            ": ",
            ".spec.replicas: expected string, got 1",
            ".spec.missing: field not declared in schema",
            ".spec.bogus.deep[1].x: field not declared in schema",
            ".spec.containers[name=\"api\": field not declared in schema",
            ".spec.containers[name=\"api\"].env: duplicate entries for key [name=\"B\"]",
            ".spec.containers[name=\"api\"].env: duplicate entries for key [name=",
            "errors: .meta … .spec: field not declared in schema",
            "spec.bogus: field not declared in schema",
        ] {
            let (left, notes) = mended(object(), refusal).unwrap();
            assert_eq!((left, notes.len()), (object(), 0), "{refusal}");
        }
        assert!(
            mended(object(), ".metadata: field not declared in schema").is_err(),
            "it would be no object"
        );
    }
}
