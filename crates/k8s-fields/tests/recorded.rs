//! Objects as a real API server (Kubernetes 1.36) answered them, each with the manifest that was applied as "deploy".

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use std::collections::BTreeMap;
use std::path::Path;

use k8s_fields::{
    Comparison, Difference, Entry, FieldPath, FieldSet, ManagedFields, Operation, PathElement,
    applied_fields, compare, extract, project, without,
};
use serde_json::{Value, json};

struct Recorded {
    name: String,
    desired: Value,
    live: Value,
}

/// All that were applied by server-side apply.
fn applied() -> Vec<Recorded> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data");
    let mut all = Vec::new();
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if name != "client-side-apply" {
            all.push(read(&name));
        }
    }
    assert!(all.len() >= 14, "{}", all.len());
    all
}

fn read(name: &str) -> Recorded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/data/{name}.json"));
    let mut value: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    Recorded { name: name.to_owned(), desired: value["desired"].take(), live: value["live"].take() }
}

fn ours(live: &Value) -> Entry {
    ManagedFields::of(live).unwrap().find("deploy", Operation::Apply, None).unwrap().clone()
}

fn compared(desired: &Value, live: &Value) -> Comparison {
    compare(desired, live, "deploy", &FieldSet::new())
}

#[test]
fn what_was_applied_is_equal() {
    for Recorded { name, desired, live } in applied() {
        assert_eq!(compared(&desired, &live), Comparison::Equal, "{name}");
    }
}

#[test]
fn managed_fields_round_trip() {
    for Recorded { name, live, .. } in applied() {
        let managed = ManagedFields::of(&live).unwrap();
        assert_eq!(managed.to_value(), live["metadata"]["managedFields"], "{name}");
        for entry in managed.entries {
            assert_eq!(FieldSet::from_json(&entry.fields.to_json()).unwrap(), entry.fields, "{name}");
        }
    }
}

/// The schema says what the server did, for every built-in kind that is recorded.
#[test]
fn applied_fields_are_the_servers() {
    for Recorded { name, desired, live } in applied() {
        if name != "custom-resource" {
            assert_eq!(applied_fields(&desired), ours(&live).fields, "{name}");
        }
    }
}

#[test]
fn what_is_extracted_is_equal_but_for_key_fields() {
    for Recorded { name, live, .. } in applied() {
        let owned = ours(&live).fields;
        let extracted = extract(&live, "deploy").unwrap().unwrap();
        assert_eq!(project(&extracted, &owned), extracted, "{name}");
        if name == "custom-resource" {
            continue; // its lists are not in the schema
        }
        // A port's protocol comes along as a key field, although the manifest left it to the default.
        let fields = applied_fields(&extracted);
        assert!(owned.is_subset(&fields), "{name}");
        let more = fields.difference(&owned);
        let key_fields = more.iter().all(|path| path.to_string().ends_with(r#"protocol="TCP"].protocol"#));
        assert!(key_fields, "{name}: {more:?}");
        assert_eq!(compared(&extracted, &live).is_equal(), more.is_empty(), "{name}");
    }
}

/// Every change at every place of every manifest is seen.
#[test]
fn no_change_is_missed() {
    let mut tried = BTreeMap::<&str, usize>::new();
    for Recorded { name, desired, live } in applied() {
        for pointer in pointers(&desired) {
            for (change, changed) in changes(&desired, &pointer) {
                *tried.entry(change).or_default() += 1;
                let answer = compared(&changed, &live);
                assert!(!answer.is_equal(), "{name}: {change} at {pointer}");
            }
        }
    }
    assert!(tried.values().all(|tries| *tries > 10) && tried.len() == 5, "{tried:?}");
}

/// JSON pointers to everything that counts in a manifest.
fn pointers(value: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        let mut below = |name: &str, value: &Value| {
            let at = format!("{at}/{}", name.replace('~', "~0").replace('/', "~1"));
            if at != "/metadata/creationTimestamp" {
                found.push(at.clone());
                walk(value, &at, found);
            }
        };
        match value {
            Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name, value)),
            Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| below(&i.to_string(), item)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(value, "", &mut found);
    found
}

fn changes(desired: &Value, pointer: &str) -> Vec<(&'static str, Value)> {
    let mut all = Vec::new();
    let mut change = |what, edit: &dyn Fn(&mut Value)| {
        let mut changed = desired.clone();
        edit(changed.pointer_mut(pointer).unwrap());
        all.push((what, changed));
    };
    match desired.pointer(pointer).unwrap() {
        Value::Object(_) => change("an extra key", &|v| v["extra"] = json!("x")),
        Value::Array(items) => {
            change("an extra item", &|v| v.as_array_mut().unwrap().push(json!({"name": "extra"})));
            if items.len() > 1 {
                change("another order", &|v| v.as_array_mut().unwrap().reverse());
            }
        }
        Value::Number(_) => change("another value", &|v| *v = json!(v.as_f64().unwrap() + 0.5)),
        _ => change("another value", &|v| *v = json!(format!("{v}x"))),
    }
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let name = name.replace("~1", "/").replace("~0", "~");
    if pointer != "/metadata/namespace" {
        let mut changed = desired.clone();
        match changed.pointer_mut(parent).unwrap() {
            Value::Object(fields) => drop(fields.remove(&name)),
            Value::Array(items) => drop(items.remove(name.parse().unwrap())),
            _ => unreachable!(),
        }
        all.push(("a key or item less", changed));
    }
    all
}

#[test]
fn ignored_paths_count_on_neither_side() {
    let Recorded { desired, live, .. } = read("configmap");
    let build = FieldPath::fields(["metadata", "annotations", "example.com/build"]);
    let ignored: FieldSet = [&build].into_iter().collect();
    let bare = without(&desired, &ignored);
    assert!(bare["metadata"].get("annotations").is_none());
    assert_eq!(
        compared(&bare, &live),
        Comparison::Different {
            path: FieldPath::fields(["metadata", "annotations"]),
            why: Difference::Removed
        }
    );
    assert_eq!(compare(&bare, &live, "deploy", &ignored), Comparison::Equal);
    let mut other = desired.clone();
    other["metadata"]["annotations"]["example.com/build"] = json!("8");
    assert_eq!(compare(&other, &live, "deploy", &ignored), Comparison::Equal);
    other["data"]["a"] = json!("2");
    assert!(!compare(&other, &live, "deploy", &ignored).is_equal());
}

#[test]
fn a_change_of_the_live_object_is_seen() {
    let Recorded { desired, live, .. } = read("deployment");
    let different = |edit: &dyn Fn(&mut Value)| {
        let mut live = live.clone();
        edit(&mut live);
        match compared(&desired, &live) {
            Comparison::Equal => panic!("equal"),
            Comparison::Different { why, .. } => why,
        }
    };
    let containers =
        |v: &mut Value| v["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap().reverse();
    assert_eq!(different(&containers), Difference::Reordered);
    assert_eq!(different(&|v| v["spec"]["replicas"] = json!(9)), Difference::Changed);
    assert_eq!(different(&|v| v["spec"]["replicas"] = json!(2.0)), Difference::Changed);
    assert_eq!(
        different(&|v| v["metadata"]["deletionTimestamp"] = json!("2026-01-01T00:00:00Z")),
        Difference::Deleting
    );
    assert_eq!(different(&|v| v["apiVersion"] = json!("apps/v1beta1")), Difference::Identity);
    assert_eq!(different(&|v| drop(v.as_object_mut().unwrap().remove("kind"))), Difference::Identity);
    assert_eq!(different(&|v| v["metadata"]["managedFields"] = json!([])), Difference::NotApplied);
    assert_eq!(
        different(&|v| v["metadata"]["managedFields"][0]["apiVersion"] = json!("apps/v2")),
        Difference::Identity
    );
    assert_eq!(
        different(&|v| v["metadata"]["managedFields"][0]["operation"] = json!("x")),
        Difference::Unreadable
    );
    // What others own does not matter.
    let mut scaled = live.clone();
    scaled["spec"]["progressDeadlineSeconds"] = json!(1);
    assert_eq!(compared(&desired, &scaled), Comparison::Equal);
}

/// `kubectl apply` and then `kubectl scale`, taken over as "deploy", applied and compared: as it went on the server.
#[test]
fn takes_over_from_client_side_apply() {
    let Recorded { desired, live, .. } = read("client-side-apply");
    assert_eq!(compared(&desired, &live).to_string(), ".metadata.managedFields: not applied by this manager");

    let before = ManagedFields::of(&live).unwrap();
    let after = before.taken_over_by("deploy", Entry::is_client_side_apply).unwrap();
    let entries = |managed: &ManagedFields| -> Vec<_> {
        let entry = |e: &Entry| (e.manager.clone(), e.operation, e.subresource.clone());
        let mut entries: Vec<_> = managed.entries.iter().map(entry).collect();
        entries.sort();
        entries
    };
    assert_eq!(
        entries(&after),
        [
            ("deploy".to_owned(), Operation::Apply, None),
            ("kubectl".to_owned(), Operation::Update, Some("scale".to_owned())),
        ]
    );
    let client = before.find("kubectl-client-side-apply", Operation::Update, None).unwrap();
    let taken = after.find("deploy", Operation::Apply, None).unwrap();
    assert_eq!((&taken.fields, &taken.time), (&client.fields, &client.time));
    let last_applied = ["metadata", "annotations", "kubectl.kubernetes.io/last-applied-configuration"];
    assert!(taken.fields.contains(&FieldPath::fields(last_applied)));
    assert_eq!(after.taken_over_by("deploy", Entry::is_client_side_apply).unwrap(), after);

    // What the server made of it: the variable that the manifest has no more is gone, the scaling is not.
    let now = read("taken-over").live;
    assert_eq!(now["spec"]["replicas"], 4);
    let env = ["spec", "template", "spec", "containers"].map(PathElement::field);
    let env: FieldPath =
        env.into_iter().chain([PathElement::key([("name", "app")]), PathElement::field("env")]).collect();
    let variable = |name| env.child(PathElement::key([("name", name)]));
    assert!(taken.fields.contains(&variable("B")) && !ours(&now).fields.contains(&variable("B")));
    assert!(ours(&now).fields.contains(&variable("A")));

    // And back again: the snapshot's entries, with the current ones of subresources.
    let current = ManagedFields::of(&now).unwrap();
    assert_eq!(entries(&before.restored_over(&current)), entries(&before));
}
