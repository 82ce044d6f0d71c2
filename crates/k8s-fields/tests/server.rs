//! What the API server does with fields, as cases. That the rules are the server's own is seen on a cluster
//! (`tests/scenarios/merge`).

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

use k8s_fields::server::{ApplyError, Write, apply, updated};
use k8s_fields::{Entry, FieldPath, ManagedFields, Operation};
use serde_json::{Value, json};

const T0: &str = "2026-01-01T00:00:00Z";
const T1: &str = "2026-01-01T00:00:01Z";

fn config(data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": data})
}

fn deployment(spec: &Value) -> Value {
    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec})
}

fn containers(items: &Value) -> Value {
    deployment(&json!({"template": {"spec": {"containers": items}}}))
}

fn show(entry: &Entry) -> String {
    let through = entry.subresource.as_ref().map(|name| format!("/{name}")).unwrap_or_default();
    let paths: Vec<_> = entry.fields.iter().map(|path| path.to_string()).collect();
    let time = entry.time.as_deref().map_or("never", |time| &time[18..19]);
    format!("{} {}{through} {time}: {}", entry.manager, entry.operation, paths.join(" "))
}

fn owners(object: &Value) -> Vec<String> {
    ManagedFields::of(object).unwrap().entries.iter().map(show).collect()
}

fn create(manager: &str, object: &Value) -> Value {
    apply(None, object, &Write::by(manager, T0)).unwrap()
}

/// The object after a PUT, with its entries.
fn put(live: &Value, change: impl FnOnce(&mut Value), write: &Write) -> Value {
    let mut after = live.clone();
    change(&mut after);
    let managed = updated(Some(live), &after, write);
    after["metadata"]["managedFields"] = managed.to_value();
    after
}

#[test]
fn what_is_no_longer_applied_goes_unless_another_owns_it() {
    let live = create("deploy", &config(&json!({"a": "1", "b": "1", "c": "1"})));
    let live = apply(Some(&live), &config(&json!({"b": "1"})), &Write::by("other", T1)).unwrap();
    let live = apply(Some(&live), &config(&json!({"c": "1"})), &Write::by("deploy", T1)).unwrap();
    assert_eq!(live["data"], json!({"b": "1", "c": "1"}));
    assert_eq!(owners(&live), ["other Apply never: .data.b", "deploy Apply 1: .data.c"]);
}

#[test]
fn an_object_goes_with_all_that_was_applied_of_it_its_defaults_too() {
    let mut live =
        create("deploy", &deployment(&json!({"paused": true, "strategy": {"type": "RollingUpdate"}})));
    live["spec"]["strategy"]["rollingUpdate"] = json!({"maxSurge": "25%"});
    let less = apply(Some(&live), &deployment(&json!({"paused": true})), &Write::by("deploy", T1)).unwrap();
    assert_eq!(less["spec"], json!({"paused": true}));

    // Another's field in it keeps it, and only that.
    let theirs = deployment(&json!({"strategy": {"rollingUpdate": {"maxSurge": "25%"}}}));
    let shared = apply(Some(&live), &theirs, &Write::by("other", T1)).unwrap();
    let less = apply(Some(&shared), &deployment(&json!({"paused": true})), &Write::by("deploy", T1)).unwrap();
    assert_eq!(less["spec"], json!({"paused": true, "strategy": {"rollingUpdate": {"maxSurge": "25%"}}}));
}

#[test]
fn metadata_that_nobody_applied_stays() {
    let mut labelled = config(&json!({}));
    labelled["metadata"]["labels"] = json!({"app": "web"});
    let mut live = create("deploy", &labelled);
    live["metadata"]["uid"] = json!("4711");
    let bare = apply(Some(&live), &config(&json!({"a": "1"})), &Write::by("deploy", T1)).unwrap();
    assert_eq!(bare["metadata"]["uid"], "4711");
    assert_eq!(bare["metadata"].get("labels"), None);
}

#[test]
fn conflicts_are_named_as_the_server_names_them() {
    let check = |live: &Value, applied: &Value, expected: &str| {
        let Err(ApplyError::Conflicts(conflicts)) = apply(Some(live), applied, &Write::by("deploy", T1))
        else {
            panic!("no conflict, but: {expected}")
        };
        assert_eq!(conflicts.to_string(), expected);
        let forced = apply(Some(live), applied, &Write::by("deploy", T1).forced()).unwrap();
        let again = apply(Some(&forced), applied, &Write::by("deploy", T1)).unwrap();
        assert_eq!(again, forced, "force takes them over");
    };
    let live = create("other", &config(&json!({"a": "1"})));
    check(
        &live,
        &config(&json!({"a": "2"})),
        r#"Apply failed with 1 conflict: conflict with "other": .data.a"#,
    );
    // A null owns that the field is absent.
    check(
        &live,
        &config(&json!({"a": null})),
        r#"Apply failed with 1 conflict: conflict with "other": .data.a"#,
    );

    let live = put(&live, |o| o["data"]["b"] = json!("1"), &Write::by("edit", T1));
    let both = "Apply failed with 2 conflicts: conflicts with \"edit\" using v1:\n- .data.b\nconflicts with \"other\":\n- .data.a";
    check(&live, &config(&json!({"a": "2", "b": "2"})), both);

    let live = create("other", &deployment(&json!({"replicas": 1})));
    let live =
        put(&live, |o| o["spec"]["replicas"] = json!(3), &Write::by("autoscaler", T1).through("scale"));
    let scaled = r#"Apply failed with 1 conflict: conflict with "autoscaler" with subresource "scale" using apps/v1: .spec.replicas"#;
    check(&live, &deployment(&json!({"replicas": 1})), scaled);

    // What ends here comes before what goes on.
    let live = create(
        "other",
        &deployment(&json!({"paused": true, "minReadySeconds": 1, "strategy": {"type": "Recreate"}})),
    );
    let levels =
        "Apply failed with 2 conflicts: conflicts with \"other\":\n- .spec.paused\n- .spec.strategy.type";
    check(&live, &deployment(&json!({"paused": false, "strategy": {"type": "RollingUpdate"}})), levels);
}

#[test]
fn items_come_in_the_applied_order_and_the_others_where_they_were() {
    let check = |live: &[&str], applied: &[&str], expected: &[&str]| {
        let list = |names: &[&str]| -> Value { names.iter().map(|name| json!({"name": name})).collect() };
        let live = create("other", &containers(&list(live)));
        let merged = apply(Some(&live), &containers(&list(applied)), &Write::by("deploy", T1)).unwrap();
        let items = merged.pointer("/spec/template/spec/containers").unwrap();
        assert_eq!(items, &list(expected), "{live:#}");
    };
    check(&["a", "b"], &["a", "b"], &["a", "b"]);
    check(&["a", "b"], &["b", "a"], &["b", "a"]);
    check(&["a", "b"], &["c"], &["a", "b", "c"]);
    check(&["a", "b", "c"], &["c", "a"], &["b", "c", "a"]);
    check(&["a", "x", "b"], &["b", "y", "a"], &["x", "b", "y", "a"]);
    check(&["a", "b"], &["c", "b"], &["a", "c", "b"]);
}

#[test]
fn an_item_is_found_by_its_key_with_defaults() {
    let service = |ports: Value| json!({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": {"ports": ports}});
    let live = create("deploy", &service(json!([{"port": 80, "protocol": "TCP", "name": "http"}])));
    let merged =
        apply(Some(&live), &service(json!([{"port": 80, "name": "web"}])), &Write::by("deploy", T1)).unwrap();
    // The protocol is in the key and was applied: it goes as a field, and the server defaults it again.
    assert_eq!(merged["spec"]["ports"], json!([{"port": 80, "name": "web"}]));
}

#[test]
fn what_cannot_be_told_apart_is_refused() {
    let twice = json!([{"name": "a"}, {"name": "a"}]);
    let error = apply(None, &containers(&twice), &Write::by("deploy", T0)).unwrap_err();
    let list = ".spec.template.spec.containers";
    assert_eq!(error.to_string(), format!(r#"duplicate entries for key [name="a"] at {list}"#));

    let account =
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a"}, "secrets": [{}]});
    let error = apply(None, &account, &Write::by("deploy", T0)).unwrap_err();
    assert_eq!(error.to_string(), "element 0 of .secrets has no key");

    let error = apply(None, &create("a", &config(&json!({"a": "1"}))), &Write::by("deploy", T0)).unwrap_err();
    assert_eq!(error, ApplyError::ManagedFields);
}

#[test]
fn an_apply_that_changes_nothing_leaves_the_time() {
    let object = config(&json!({"a": "1"}));
    let live = create("deploy", &object);
    assert_eq!(apply(Some(&live), &object, &Write::by("deploy", T1)).unwrap(), live);
    let shared = apply(Some(&live), &object, &Write::by("other", T1)).unwrap();
    assert_eq!(owners(&shared), ["other Apply never: .data.a", "deploy Apply 0: .data.a"]);
}

#[test]
fn nobodys_fields_were_there_before() {
    let live = config(&json!({"a": "1"}));
    let live = apply(Some(&live), &config(&json!({"b": "1"})), &Write::by("deploy", T1)).unwrap();
    assert_eq!(owners(&live), ["deploy Apply 1: .data.b", "before-first-apply Update 1: .data .data.a"]);
}

#[test]
fn status_is_the_subresources() {
    let mut object = deployment(&json!({"replicas": 1}));
    object["status"] = json!({"replicas": 1});
    let live = create("deploy", &object);
    assert_eq!(live.get("status"), None);
    assert_eq!(owners(&live), ["deploy Apply 0: .spec.replicas"]);

    let all = |o: &mut Value| (o["spec"]["replicas"], o["status"]) = (json!(2), json!({"replicas": 2}));
    let live_with = put(&live, all, &Write::by("controller", T1).through("status"));
    let expected = ["deploy Apply 0: .spec.replicas", "controller Update/status 1: .status .status.replicas"];
    assert_eq!(owners(&live_with), expected);
    assert_eq!(owners(&put(&live, all, &Write::by("edit", T1))), ["edit Update 1: .spec.replicas"]);

    let custom = json!({"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "a"}, "status": {"a": 1}});
    assert_eq!(owners(&create("deploy", &custom)), ["deploy Apply 0: .status.a"]);
    let apart = Write::by("deploy", T0).with_status_subresource(true);
    assert!(owners(&apply(None, &custom, &apart).unwrap()).is_empty());
}

/// As a real server had it.
#[test]
fn metadata_goes_through_status_but_for_what_the_kind_keeps() {
    let check = |api_version: &str, kind: &str, expected: &[&str]| {
        let live = json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}, "spec": {"replicas": 1}});
        let live = apply(None, &live, &Write::by("deploy", T0)).unwrap();
        let all = |o: &mut Value| {
            o["metadata"]["labels"] = json!({"x": "1"});
            o["metadata"]["annotations"] = json!({"x": "1"});
            o["metadata"]["ownerReferences"] = json!([{"uid": "x"}]);
            o["spec"]["replicas"] = 2.into();
            o["status"] = json!({"replicas": 1});
        };
        let owners = owners(&put(&live, all, &Write::by("controller", T1).through("status")));
        let ours =
            owners.iter().find_map(|owner| owner.strip_prefix("controller Update/status 1: ")).unwrap();
        let roots: Vec<&str> = ours
            .split(' ')
            .filter(|path| path.starts_with(".metadata") && !path.contains(['x', '[']))
            .collect();
        assert_eq!(roots, expected, "{kind}");
    };
    let (annotations, labels, owners) =
        (".metadata.annotations", ".metadata.labels", ".metadata.ownerReferences");
    check("apps/v1", "Deployment", &[annotations, owners]);
    check("apps/v1", "ReplicaSet", &[annotations, labels, owners]);
    check("v1", "Pod", &[annotations, labels]);
    check("example.com/v1", "Shop", &[]);
}

#[test]
fn an_update_owns_what_it_changes_and_a_creation_what_it_adds() {
    let object = deployment(
        &json!({"replicas": 1, "strategy": {"type": "Recreate"}, "template": {"spec": {"containers": [{"name": "a"}]}}}),
    );
    let managed = updated(None, &object, &Write::by("edit", T0));
    let containers = ".spec.template.spec.containers";
    // The structs of the Go type are never added; its pointers, maps and items are.
    let expected = format!(
        r#"edit Update 0: .spec.replicas .spec.strategy.type {containers}[name="a"] {containers}[name="a"].name"#
    );
    assert_eq!(managed.entries.iter().map(show).collect::<Vec<_>>(), [expected]);

    let live = create("deploy", &config(&json!({"a": "1", "b": "1", "c": "1"})));
    let edited = put(&live, |o| o["data"] = json!({"a": "1", "b": "2", "d": "1"}), &Write::by("edit", T1));
    assert_eq!(owners(&edited), ["deploy Apply 0: .data.a", "edit Update 1: .data.b .data.d"]);
    let again = put(&edited, |o| o["data"]["d"] = json!("2"), &Write::by("edit", T1));
    assert_eq!(owners(&again), owners(&edited));
    assert_eq!(put(&edited, |_| {}, &Write::by("fix", T1)), edited, "nothing is changed");
}

#[test]
fn entries_that_are_sent_replace_those_that_were() {
    let live = create("deploy", &config(&json!({"a": "1"})));
    let check = |sent: Value, expected: &[&str]| {
        let set = |o: &mut Value| o["metadata"]["managedFields"] = sent;
        assert_eq!(owners(&put(&live, set, &Write::by("edit", T1))), expected);
    };
    check(json!([]), &[]);
    check(json!([{}]), &[]);
    check(Value::Null, &["deploy Apply 0: .data.a"]);
    check(json!([{"manager": "bad"}]), &["deploy Apply 0: .data.a"]);
    let fields = [FieldPath::fields(["data", "a"])].iter().collect();
    let other = Entry::new("other", Operation::Apply, "v1", fields);
    check(ManagedFields { entries: vec![other] }.to_value(), &["other Apply never: .data.a"]);

    // Nobody's object stays nobody's, a custom resource loses an empty list on the way.
    let nobodys = config(&json!({"a": "1"}));
    assert!(owners(&put(&nobodys, |o| o["data"]["a"] = json!("2"), &Write::by("edit", T1))).is_empty());
    let custom =
        json!({"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "a"}, "spec": {"a": 1}});
    let set = |o: &mut Value| o["metadata"]["managedFields"] = json!([]);
    let kept = put(&create("deploy", &custom), set, &Write::by("edit", T1));
    assert_eq!(owners(&kept), ["deploy Apply 0: .spec.a"]);
}

#[test]
fn scaling_leaves_an_entry_only_in_place_of_another() {
    let scale = |live: &Value, replicas: i64| {
        put(live, |o| o["spec"]["replicas"] = json!(replicas), &Write::by("hpa", T1).through("scale"))
    };
    let live = create("deploy", &deployment(&json!({"replicas": 1, "paused": true})));
    let scaled = scale(&live, 3);
    let expected = ["deploy Apply 0: .spec.paused", "hpa Update/scale never: .spec.replicas"];
    assert_eq!(owners(&scaled), expected);
    assert_eq!(owners(&scale(&scaled, 0)), expected[..1]);
    assert_eq!(owners(&scale(&scale(&scaled, 0), 2)), expected[..1], "nobody owned them");
    assert_eq!(scale(&live, 1), live);

    // Scaling to what there is tears an entry by Update in two of one identity, of which the last is read.
    let both = |o: &mut Value| o["spec"] = json!({"replicas": 1, "paused": true});
    let live =
        put(&create("deploy", &deployment(&json!({"minReadySeconds": 1}))), both, &Write::by("edit", T1));
    let torn = scale(&live, 1);
    assert_eq!(owners(&torn)[..], ["edit Update never: .spec.replicas", "edit Update 1: .spec.paused"]);
    assert_eq!(owners(&scale(&torn, 1)), ["edit Update 1: .spec.paused"]);
    let one = put(&create("deploy", &deployment(&json!({"paused": true}))), both, &Write::by("edit", T1));
    assert_eq!(scale(&one, 1), one, "only a time would change");
}

#[test]
fn the_oldest_updaters_become_one() {
    let mut live = create("deploy", &config(&json!({"a": "1"})));
    for i in 0..12 {
        let write = Write::by(format!("m{i:02}"), format!("2026-01-01T00:00:{:02}Z", 10 + i));
        live = put(&live, |o| o["data"][format!("k{i:02}")] = json!("1"), &write);
    }
    let owners = owners(&live);
    assert_eq!(owners.len(), 11);
    assert_eq!(owners[1], "ancient-changes Update 2: .data.k00 .data.k01 .data.k02");
    assert_eq!(owners[10], "m11 Update 1: .data.k11");
}
