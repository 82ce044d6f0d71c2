//! ClusterRoles that choose others, and one another.

use serde_json::{Value, json};

use super::world::World;

/// A role labelled with its name, which has a rule of its name and chooses others by theirs.
fn role(name: &str, chosen: &[&str]) -> Value {
    let selectors: Vec<Value> = chosen.iter().map(|name| json!({"matchLabels": {"named": name}})).collect();
    json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole",
        "metadata": {"name": name, "labels": {"named": name}},
        "rules": [{"verbs": [name], "apiGroups": [""], "resources": ["pods"]}],
        "aggregationRule": if chosen.is_empty() { Value::Null } else { json!({"clusterRoleSelectors": selectors}) },
    })
}

#[test]
fn who_choose_one_another_come_to_rest() {
    let check = |roles: &[(&str, &[&str])], expect: &[(&str, &[&str])]| {
        let mut world = World::new();
        let objects = roles.iter().map(|(name, chosen)| role(name, chosen));
        // All at once, as an apply of several files writes them before the controller looks.
        for object in objects {
            super::world::USER.create(&mut world.state, object).unwrap();
        }
        world.settle();
        for (name, verbs) in expect {
            let found = world.find("clusterroles.rbac.authorization.k8s.io", name).unwrap();
            let rules = found["rules"].as_array().unwrap();
            let mut found: Vec<&str> = rules.iter().map(|rule| rule["verbs"][0].as_str().unwrap()).collect();
            found.sort_unstable();
            assert_eq!(found, *verbs, "{name} of {roles:?}");
        }
    };
    check(&[("a", &["b"]), ("b", &["a"])], &[("a", &["b"]), ("b", &["b"])]);
    check(&[("a", &["b"]), ("b", &["c"]), ("c", &[])], &[("a", &["c"]), ("b", &["c"])]);
    // A ring hands them round: each keeps what it has had.
    check(&[("a", &["b"]), ("b", &["c"]), ("c", &["a"])], &[("a", &["b", "c"]), ("b", &["b", "c"])]);
}
