//! Laws that hold for every input.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use k8s_fields::{
    Entry, FieldPath, FieldSet, ManagedFields, Operation, PathElement, applied_fields, compare, project,
    without,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Map, Value, json};

fn element() -> impl Strategy<Value = PathElement> {
    let name = || select(vec!["a", "b.c/d", "", "é\"", "x<&>"]);
    prop_oneof![
        4 => name().prop_map(PathElement::field),
        1 => (name(), -3..300_i64).prop_map(|(name, n)| PathElement::key([("k", json!(name)), ("n", json!(n))])),
        1 => prop_oneof![name().prop_map(Value::from), any::<i64>().prop_map(Value::from), any::<bool>().prop_map(Value::from)]
            .prop_map(PathElement::value),
        1 => (0..3_usize).prop_map(PathElement::Index),
    ]
}

fn path() -> impl Strategy<Value = FieldPath> {
    prop::collection::vec(element(), 1..5).prop_map(|elements| elements.into_iter().collect())
}

fn set() -> impl Strategy<Value = FieldSet> {
    prop::collection::vec(path(), 0..12).prop_map(|paths| paths.iter().collect())
}

fn json_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        (-9..9_i64).prop_map(Value::from),
        "[a-c.]{0,3}".prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 24, 4, |below| {
        prop_oneof![
            prop::collection::vec(below.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map("[a-d]|f:a|k:|\\.", below, 0..4)
                .prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A manifest: a pod with keyed lists, or a custom resource of any content.
fn manifest() -> impl Strategy<Value = Value> {
    let names = |range| prop::collection::btree_set("[a-e]", range).prop_shuffle_names();
    let env = (names(0..4), json_value()).prop_map(|(names, value)| {
        let variable = |name| json!({"name": name, "value": value.as_str().unwrap_or("v")});
        names.into_iter().map(variable).collect::<Vec<_>>()
    });
    let ports = prop::collection::btree_set((1..4_i32, select(vec![None, Some("TCP"), Some("UDP")])), 0..3)
        .prop_map(|ports| {
            let mut seen = std::collections::BTreeSet::new();
            let unique =
                ports.into_iter().filter(|(port, protocol)| seen.insert((*port, protocol.unwrap_or("TCP"))));
            let port = |(port, protocol): (i32, Option<&str>)| match protocol {
                Some(protocol) => json!({"containerPort": port, "protocol": protocol}),
                None => json!({"containerPort": port}),
            };
            unique.map(port).collect::<Vec<_>>()
        });
    let container = (env, ports, prop::collection::vec("[a-c]", 0..3));
    let pod = (names(1..4), container, prop::collection::btree_map("[a-c]", "[a-c]", 0..3)).prop_map(
        |(names, (env, ports, args), labels)| {
            let mut fields = Map::new();
            // The server owns nothing of an empty keyed list: such a manifest is always sent.
            for (name, list) in [("env", json!(env)), ("ports", json!(ports)), ("args", json!(args))] {
                if list != json!([]) || name == "args" {
                    fields.insert(name.to_owned(), list);
                }
            }
            let container = |name: String| {
                let mut container = fields.clone();
                container.insert("name".to_owned(), name.into());
                Value::Object(container)
            };
            let containers: Vec<_> = names.into_iter().map(container).collect();
            json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "n", "labels": labels},
                "spec": {"containers": containers, "nodeSelector": labels}})
        },
    );
    let custom = json_value().prop_map(|spec| {
        json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "n", "finalizers": ["x", "y"]}, "spec": spec})
    });
    prop_oneof![pod, custom]
}

trait ShuffleNames: Strategy<Value = std::collections::BTreeSet<String>> + Sized + 'static {
    fn prop_shuffle_names(self) -> BoxedStrategy<Vec<String>> {
        self.prop_map(|names| names.into_iter().collect::<Vec<_>>()).prop_shuffle().boxed()
    }
}

impl<S: Strategy<Value = std::collections::BTreeSet<String>> + 'static> ShuffleNames for S {}

/// What the server answers to an apply of the manifest, with defaults and another manager's fields around it.
fn live(manifest: &Value) -> Value {
    let mut live = manifest.clone();
    let api_version = manifest["apiVersion"].as_str().unwrap();
    let entries = vec![Entry::new("deploy", Operation::Apply, api_version, applied_fields(manifest))];
    live["metadata"]["managedFields"] = ManagedFields { entries }.to_value();
    live["metadata"]["uid"] = json!("4711");
    if let Some(containers) = live.pointer_mut("/spec/containers").and_then(Value::as_array_mut) {
        for port in
            containers.iter_mut().filter_map(|c| c.get_mut("ports")).flat_map(|p| p.as_array_mut().unwrap())
        {
            port.as_object_mut().unwrap().entry("protocol").or_insert(json!("TCP"));
        }
        for container in containers.iter_mut() {
            container["imagePullPolicy"] = json!("Always");
        }
        containers.insert(1, json!({"name": "injected"}));
    }
    live
}

/// Every place of a value, the root left out.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut below = |name: String, value: &Value| {
        let at = format!("{at}/{name}");
        found.push(at.clone());
        places(value, &at, found);
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name.clone(), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, item)| below(i.to_string(), item)),
        _ => {}
    }
}

fn changed(manifest: &Value, place: Index, change: u8) -> Option<Value> {
    let mut found = Vec::new();
    places(manifest, "", &mut found);
    found.retain(|place| place.starts_with("/spec") || place.starts_with("/metadata/labels"));
    let pointer = found.get(place.index(found.len().max(1)))?;
    let mut changed = manifest.clone();
    let (parent, name) = pointer.rsplit_once('/')?;
    match (change, changed.pointer_mut(pointer)?) {
        (0, Value::Object(fields)) => drop(fields.insert("extra".into(), json!("x"))),
        (0 | 1, Value::Array(items)) if change == 0 || items.len() < 2 => {
            items.push(json!({"name": "extra"}));
        }
        (1, Value::Array(items)) => items.reverse(),
        (2, _) => match changed.pointer_mut(parent)? {
            Value::Object(fields) => drop(fields.remove(name)),
            Value::Array(items) => drop(items.remove(name.parse().ok()?)),
            _ => return None,
        },
        (_, number @ Value::Number(_)) => *number = json!(number.as_f64()? + 0.5),
        (_, leaf @ (Value::Null | Value::Bool(_) | Value::String(_))) => *leaf = json!("changed"),
        _ => return None,
    }
    (changed != *manifest).then_some(changed)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fields_v1_round_trips(set in set()) {
        prop_assert_eq!(&FieldSet::from_value(&set.to_value()).unwrap(), &set);
        prop_assert_eq!(&FieldSet::from_json(&set.to_json()).unwrap(), &set);
        prop_assert_eq!(&set.iter().collect::<FieldSet>(), &set);
    }

    #[test]
    fn sets_obey_their_laws(a in set(), b in set(), c in set(), path in path()) {
        prop_assert_eq!(a.union(&b), b.union(&a));
        prop_assert_eq!(a.intersection(&b), b.intersection(&a));
        prop_assert_eq!(a.union(&b).union(&c), a.union(&b.union(&c)));
        prop_assert_eq!(a.intersection(&b.union(&c)), a.intersection(&b).union(&a.intersection(&c)));
        prop_assert_eq!(a.difference(&b).union(&a.intersection(&b)), a.clone());
        prop_assert!(a.difference(&b).intersection(&b).is_empty());
        prop_assert!(a.intersection(&b).is_subset(&a) && a.is_subset(&a.union(&b)));
        prop_assert_eq!(a.is_subset(&b), a.iter().all(|path| b.contains(&path)));
        prop_assert!(a.without_subtrees(&b).is_subset(&a.difference(&b)));
        prop_assert_eq!(a.union(&b).contains(&path), a.contains(&path) || b.contains(&path));
        let mut with = a.clone();
        with.insert(&path);
        prop_assert!(with.contains(&path) && a.is_subset(&with));
        prop_assert_eq!(with.iter().count(), a.iter().count() + usize::from(!a.contains(&path)));
    }

    #[test]
    fn paths_without_dots_in_names_are_read_again(path in path()) {
        let plain = |e: &PathElement| !matches!(e, PathElement::Field(name) if name.is_empty() || name.contains('.'));
        let path: FieldPath = path.elements().iter().filter(|e| plain(e)).cloned().collect();
        prop_assert_eq!(path.to_string().parse::<FieldPath>().unwrap(), path);
    }

    #[test]
    fn paths_are_found_by_their_text(set in set()) {
        for path in set.iter() {
            prop_assert_eq!(set.find(&path.to_string()).map(|found| found.to_string()), Some(path.to_string()));
        }
    }

    #[test]
    fn nothing_from_outside_panics(value in json_value(), text in "[.a-c\\[\\]=\"0-9,é{}:]{0,16}") {
        let _ = FieldSet::from_value(&value);
        let _ = FieldSet::from_json(&text);
        let _ = ManagedFields::of(&json!({"metadata": {"managedFields": value}}));
        let _ = text.parse::<FieldPath>();
        let _ = compare(&value, &value, "deploy", &FieldSet::new());
    }

    #[test]
    fn projection_and_removal_are_idempotent(value in json_value(), paths in prop::collection::vec(path(), 0..12)) {
        // Without indexes: what is removed shifts them.
        let indexed = |path: &&FieldPath| path.elements().iter().any(|e| matches!(e, PathElement::Index(_)));
        let set: FieldSet = paths.iter().filter(|path| !indexed(path)).collect();
        let projected = project(&value, &set);
        prop_assert_eq!(&project(&projected, &set), &projected);
        let rest = without(&value, &set);
        prop_assert_eq!(&without(&rest, &set), &rest);
    }

    #[test]
    fn what_was_applied_is_equal_and_projects_to_itself(manifest in manifest()) {
        let live = live(&manifest);
        let owned = applied_fields(&manifest);
        let answer = compare(&manifest, &live, "deploy", &FieldSet::new());
        prop_assert!(answer.is_equal(), "{}", answer);
        let extracted = project(&live, &owned);
        prop_assert!(owned.is_subset(&applied_fields(&extracted)));
        prop_assert_eq!(project(&extracted, &owned), extracted);
    }

    #[test]
    fn no_change_is_equal(manifest in manifest(), place in any::<Index>(), change in 0..4_u8) {
        let live = live(&manifest);
        if let Some(changed) = changed(&manifest, place, change) {
            prop_assert!(!compare(&changed, &live, "deploy", &FieldSet::new()).is_equal());
        }
    }
}
