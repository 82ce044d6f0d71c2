use serde_json::{Value, json};

use super::*;

/// What a patch makes of a Deployment's pod, and of its list of a Service's ports.
fn check_of(kind: &str, original: Value, patch: Value, expect: Result<Value, &str>) {
    let shown = patch.to_string();
    let (Value::Object(original), Value::Object(mut change)) = (original, patch) else { panic!("maps") };
    let of = Type::of("v1", kind).unwrap();
    let merged = merge(original, &mut change, of).map(Value::Object).map_err(|why| why.refusal().message);
    assert_eq!(merged, expect.map_err(str::to_owned), "{shown}");
}

#[test]
fn maps() {
    let check = |original, patch, expect| check_of("Pod", original, patch, Ok(expect));
    let object = json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"hostname": "x"}});
    check(
        object.clone(),
        json!({"metadata": {"labels": {"a": null, "c": "3"}}}),
        json!({"metadata": {"labels": {"b": "2", "c": "3"}}, "spec": {"hostname": "x"}}),
    );
    check(
        object.clone(),
        json!({"metadata": {"labels": {"$patch": "replace", "c": "3"}}}),
        json!({"metadata": {"labels": {"c": "3"}}, "spec": {"hostname": "x"}}),
    );
    check(
        object.clone(),
        json!({"metadata": {"labels": {"$patch": "delete"}}}),
        json!({"metadata": {"labels": {}}, "spec": {"hostname": "x"}}),
    );
    check(
        object.clone(),
        json!({"spec": {"$retainKeys": ["nodeName"], "nodeName": "n", "hostname": null}}),
        json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"nodeName": "n"}}),
    );
    // What is new comes without its nulls and directives.
    check(
        object,
        json!({"spec": {"affinity": {"nodeAffinity": null, "podAffinity": {"$patch": "delete"}}}}),
        json!({"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"hostname": "x", "affinity": {}}}),
    );
}

#[test]
fn lists_of_objects() {
    let containers = |list: Value| json!({"spec": {"containers": list}});
    let before = || containers(json!([{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]));
    let check = |patch, expect| check_of("Pod", before(), patch, Ok(containers(expect)));
    check(
        containers(json!([{"name": "b", "image": "2"}])),
        json!([{"name": "a", "image": "1"}, {"name": "b", "image": "2"}]),
    );
    check(
        containers(json!([{"name": "c"}])),
        json!([{"name": "c"}, {"name": "a", "image": "1"}, {"name": "b", "image": "1"}]),
    );
    check(containers(json!([{"name": "a", "$patch": "delete"}])), json!([{"name": "b", "image": "1"}]));
    check(containers(json!([{"$patch": "replace"}, {"name": "c"}])), json!([{"name": "c"}]));
    check(
        json!({"spec": {
            "$setElementOrder/containers": [{"name": "c"}, {"name": "b"}, {"name": "a"}], "containers": [{"name": "c"}],
        }}),
        json!([{"name": "c"}, {"name": "b", "image": "1"}, {"name": "a", "image": "1"}]),
    );
    check(
        json!({"spec": {"$setElementOrder/containers": [{"name": "b"}]}}),
        json!([{"name": "a", "image": "1"}, {"name": "b", "image": "1"}]),
    );
}

#[test]
fn lists_without_a_key() {
    let check = |before: Value, patch: Value, expect: Value| check_of("Pod", before, patch, Ok(expect));
    let finalizers = |list: Value| json!({"metadata": {"finalizers": list}});
    check(finalizers(json!(["a", "b"])), finalizers(json!(["b", "c"])), finalizers(json!(["a", "b", "c"])));
    check(
        finalizers(json!(["a", "b"])),
        json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["a"]}}),
        finalizers(json!(["b"])),
    );
    check(
        finalizers(json!(["a", "b"])),
        json!({"metadata": {"$setElementOrder/finalizers": ["c", "a"], "finalizers": ["c"]}}),
        finalizers(json!(["c", "a", "b"])),
    );
    // Neither key nor strategy: the list is replaced.
    let args = |list: Value| json!({"spec": {"containers": [{"name": "a", "args": list}]}});
    check(args(json!(["a", "b"])), args(json!(["c"])), args(json!(["c"])));
}

#[test]
fn misfits() {
    let check = |patch: Value, expect: &str| {
        let pod = json!({"metadata": {"finalizers": ["a"]}, "spec": {"containers": [{"name": "a"}], "hostname": "x"}});
        check_of("Pod", pod, patch, Err(expect));
    };
    check(json!({"$patch": "what", "a": 1}), "unknown patch type: what in map: map[$patch:what a:1]");
    check(
        json!({"spec": {"containers": [{"image": "1"}]}}),
        "map: map[image:1] does not contain declared merge key: name",
    );
    check(json!({"spec": {"$retainKeys": "x"}}), "invalid patch format of retainKeys");
    check(json!({"spec": {"$retainKeys": ["a"], "hostname": "y"}}), "invalid patch format of retainKeys");
    check(
        json!({"metadata": {"$deleteFromPrimitiveListfinalizers": ["a"]}}),
        "invalid patch format of primitive list",
    );
    check(
        json!({"metadata": {"$setElementOrder/finalizers": ["b"], "finalizers": ["c"]}}),
        "The order in patch list:\n[c]\n doesn't match $setElementOrder list:\n[b]\n",
    );
    check(
        json!({"metadata": {"$setElementOrder/nothing": ["b"], "nothing": ["b"]}}),
        "unable to find api field in struct ObjectMeta for the json field \"nothing\"",
    );
    check(
        json!({"spec": {"containers": ["a"]}}),
        "list element types are not identical: [[map[name:a]] [a]]",
    );
}

/// Each is compared with each: thousands of finalizers must not hold up a cluster for minutes.
#[test]
fn lists_have_an_end() {
    let finalizers = |from: usize, to: usize| -> Value {
        json!({"metadata": {"finalizers": (from..to).map(|at| at.to_string()).collect::<Vec<_>>()}})
    };
    check_of("Pod", finalizers(500, 1_000), finalizers(0, 500), Ok(finalizers(0, 1_000)));
    check_of(
        "Pod",
        finalizers(0, 4_000),
        finalizers(4_000, 8_000),
        Err("the lists that the patch merges are too long"),
    );
}
