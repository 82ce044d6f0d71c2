//! Cases as data: takeover, projection, comparison, the schema.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use k8s_fields::schema::{KeyField, Schema, Shape};
use k8s_fields::{
    Comparison, Difference, Entry, FieldPath, FieldSet, ManagedFields, Operation, compare, project,
    secret_string_data_to_data,
};
use serde_json::{Value, json};

#[test]
fn takeover_merges_only_what_it_may() {
    let entry = |manager: &str, operation, api_version: &str, field: &str| {
        Entry::new(manager, operation, api_version, [FieldPath::fields([field])].iter().collect())
    };
    let with = |subresource: &str, mut entry: Entry| {
        entry.subresource = Some(subresource.to_owned());
        entry
    };
    let status = with("status", entry("deploy", Operation::Update, "v1", "status"));
    let entries = vec![
        entry("other", Operation::Apply, "v1", "x"),
        entry("deploy", Operation::Apply, "v1", "a"),
        entry("kubectl", Operation::Apply, "v1", "k"),
        entry("deploy", Operation::Update, "v1", "b"),
        status.clone(),
    ];
    let managed = ManagedFields { entries };
    let paths = |managed: &ManagedFields| -> Vec<String> {
        let entry = |e: &Entry| {
            let paths: Vec<_> = e.fields.iter().map(|path| path.to_string()).collect();
            format!("{} {} {}", e.manager, e.operation, paths.join(" "))
        };
        managed.entries.iter().map(entry).collect()
    };
    let own = managed.taken_over_by("deploy", |_| false).unwrap();
    assert_eq!(
        paths(&own),
        ["other Apply .x", "deploy Apply .a .b", "kubectl Apply .k", "deploy Update .status"]
    );
    let kubectl = managed.taken_over_by("deploy", |e| e.is("kubectl", Operation::Apply, None)).unwrap();
    assert_eq!(paths(&kubectl), ["other Apply .x", "deploy Apply .a .b .k", "deploy Update .status"]);

    let mixed = ManagedFields {
        entries: vec![
            status,
            entry("a", Operation::Update, "v1", "x"),
            entry("b", Operation::Update, "v2", "y"),
        ],
    };
    let error = mixed.taken_over_by("deploy", |_| true).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the fields of \"b\" are at v2 and those of the other entries at v1: they cannot be merged"
    );
    assert_eq!(mixed.taken_over_by("deploy", |_| false).unwrap(), mixed);
}

#[test]
fn projects() {
    let live = json!({
        "apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "namespace": "ns", "uid": "u", "finalizers": ["a", "b"]},
        "spec": {
            "empty": {"filled": 1}, "atomic": [1, 2], "null": null, "gone": {"other": 1},
            "items": [{"k": 1, "a": 1, "b": 2}, {"k": 1, "l": 2, "a": 3}, {"k": 3}],
        },
    });
    let check = |fields: Value, spec: Value| {
        let projected = project(&live, &FieldSet::from_value(&json!({"f:spec": fields})).unwrap());
        let expected = json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "n", "namespace": "ns"}, "spec": spec});
        assert_eq!(projected, if spec.is_null() { project(&live, &FieldSet::new()) } else { expected });
    };
    check(json!({"f:atomic": {}, "f:empty": {}}), json!({"atomic": [1, 2], "empty": {"filled": 1}}));
    check(json!({"f:empty": {".": {}, "f:absent": {}}}), json!({"empty": {}}));
    check(json!({"f:gone": {"f:absent": {}}}), Value::Null);
    check(json!({"f:null": {}, "f:absent": {}}), json!({"null": null}));
    check(
        json!({"f:items": {r#"k:{"k":1}"#: {".": {}, "f:a": {}}}}),
        json!({"items": [{"k": 1, "a": 1}, {"k": 1, "a": 3}]}),
    );
    let both = json!({"f:items": {
        r#"k:{"k":1}"#: {".": {}, "f:absent": {}}, r#"k:{"k":1,"l":2}"#: {".": {}, "f:a": {}}, r#"k:{"k":3}"#: {},
    }});
    check(both, json!({"items": [{"k": 1}, {"k": 1, "l": 2, "a": 3}, {"k": 3}]}));
    let finalizer =
        FieldSet::from_json(r#"{"f:metadata":{"f:finalizers":{"v:\"b\"":{},"v:\"c\"":{}}}}"#).unwrap();
    assert_eq!(project(&live, &finalizer)["metadata"]["finalizers"], json!(["b"]));
}

/// A kind that the schema does not know: what cannot be certain is not equal.
#[test]
fn compares_custom_resources() {
    let check = |spec: Value, owned: Value, live_spec: Value, expected: Option<Difference>| {
        let head = json!({"apiVersion": "example.com/v1", "kind": "Shop", "metadata": {"name": "n"}});
        let (mut desired, mut live) = (head.clone(), head);
        desired["spec"] = spec;
        live["spec"] = live_spec;
        let fields = FieldSet::from_value(&json!({"f:spec": owned})).unwrap();
        let entry = Entry::new("deploy", Operation::Apply, "example.com/v1", fields);
        let other = FieldSet::from_json(r#"{"f:spec":{"f:null":{},"f:filled":{"f:a":{}}}}"#).unwrap();
        let other = Entry::new("other", Operation::Update, "example.com/v1", other);
        live["metadata"]["managedFields"] = ManagedFields { entries: vec![entry, other] }.to_value();
        let answer = compare(&desired, &live, "deploy", &FieldSet::new());
        assert_eq!(answer.is_equal(), expected.is_none(), "{answer}");
        if let (Comparison::Different { why, .. }, Some(expected)) = (answer, expected) {
            assert_eq!(why, expected);
        }
    };
    let keyed = || json!({"f:l": {r#"k:{"k":1,"p":"T"}"#: {".": {}, "f:k": {}}, r#"k:{"k":2,"p":"T"}"#: {".": {}, "f:k": {}}}});
    let live = || json!({"l": [{"k": 1, "p": "T"}, {"k": 9, "p": "T"}, {"k": 2, "p": "T"}]});
    check(json!({"l": [{"k": 1}, {"k": 2}]}), keyed(), live(), None);
    check(json!({"l": [{"k": 2}, {"k": 1}]}), keyed(), live(), Some(Difference::Reordered));
    check(json!({"l": [{"k": 1}]}), keyed(), live(), Some(Difference::Removed));
    check(json!({"l": [{"k": 1}, {"k": 2}, {"k": 9}]}), keyed(), live(), Some(Difference::Added));
    check(json!({"l": [{"k": 1}, {"k": 1}]}), keyed(), live(), Some(Difference::Uncertain));
    check(json!({"l": [{"k": 1}, {}]}), keyed(), live(), Some(Difference::Uncertain));
    check(
        json!({"l": [{"k": 1}, {"k": 2}]}),
        keyed(),
        json!({"l": [{"k": 1, "p": "T"}]}),
        Some(Difference::Changed),
    );
    check(
        json!({"s": ["a", "b"]}),
        json!({"f:s": {"v:\"a\"": {}, "v:\"b\"": {}}}),
        json!({"s": ["a", "x", "b"]}),
        None,
    );
    check(
        json!({"s": ["b", "a"]}),
        json!({"f:s": {"v:\"a\"": {}, "v:\"b\"": {}}}),
        json!({"s": ["a", "b"]}),
        Some(Difference::Reordered),
    );
    check(json!({"n": 1}), json!({"f:n": {}}), json!({"n": 1.0}), Some(Difference::Changed));
    check(json!({"n": null}), json!({"f:n": {}}), json!({}), None);
    check(json!({"n": null}), json!({"f:n": {}}), json!({"n": 0}), Some(Difference::Changed));
    check(json!({"null": null}), json!({"f:null": {}}), json!({}), Some(Difference::Uncertain));
    check(json!({"o": {"a": 1}}), json!({"f:o": {}}), json!({"o": {"a": 1}}), None);
    check(
        json!({"filled": {"a": 1}}),
        json!({"f:filled": {}}),
        json!({"filled": {"a": 1}}),
        Some(Difference::Uncertain),
    );
    check(json!({"i": ["a"]}), json!({"f:i": {"i:0": {}}}), json!({"i": ["a"]}), Some(Difference::Uncertain));
}

/// A status is the subresource's for built-in kinds, and one that they cannot have is refused; a custom resource's may be an
/// ordinary field.
#[test]
fn skips_a_status_that_the_kind_has() {
    let check = |kind: (&str, &str), status: Value, live_status: Value, equal: bool| {
        let head =
            json!({"apiVersion": kind.0, "kind": kind.1, "metadata": {"name": "n", "labels": {"a": "b"}}});
        let with = |status: Value| {
            let mut object = head.clone();
            if status != json!("none") {
                object["status"] = status;
            }
            object
        };
        let (desired, mut live) = (with(status), with(live_status));
        let fields = FieldSet::from_json(r#"{"f:metadata":{"f:labels":{"f:a":{}}}}"#).unwrap();
        let entries = vec![Entry::new("deploy", Operation::Apply, kind.0, fields)];
        live["metadata"]["managedFields"] = ManagedFields { entries }.to_value();
        assert_eq!(compare(&desired, &live, "deploy", &FieldSet::new()).is_equal(), equal, "{desired}");
    };
    let service = ("v1", "Service");
    let live = || json!({"loadBalancer": {"ingress": [{"ip": "192.0.2.1"}]}, "count": 1});
    check(service, json!({}), live(), true);
    check(service, json!(null), live(), true);
    check(service, json!({"loadBalancer": {}}), live(), true);
    check(service, json!({"loadBalancer": null, "count": 1}), live(), true);
    check(service, json!("none"), live(), true);
    check(service, json!(0), live(), false);
    check(service, json!({"loadBalancer": []}), live(), false);
    check(service, json!({"unknown": {}}), live(), false);
    check(service, json!({"count": "x"}), live(), false);
    check(("v1", "ConfigMap"), json!({}), json!("none"), false);
    check(("v1", "ConfigMap"), json!(null), json!("none"), false);
    check(("example.com/v1", "Shop"), json!({}), json!({}), false);
}

#[test]
fn knows_the_list_keys() {
    let check = |kind: (&str, &str), path: &str, expected: &str| {
        let place = Schema::of(kind.0, kind.1).unwrap().at(&path.parse().unwrap());
        let shape = match place.shape() {
            Shape::ListMap(keys) => keys.iter().map(KeyField::name).collect::<Vec<_>>().join(","),
            shape => format!("{shape:?}"),
        };
        assert_eq!(shape, expected, "{path}");
    };
    let (pod, service, sa) = (("v1", "Pod"), ("v1", "Service"), ("v1", "ServiceAccount"));
    check(pod, "spec.containers", "name");
    check(pod, "spec.initContainers[0].env", "name");
    check(pod, "spec.containers[0].volumeMounts", "mountPath");
    check(pod, "spec.containers[0].args", "Plain");
    check(pod, "spec.containers[0].resources.claims", "name");
    check(pod, "spec.containers[0].resources.requests", "Plain");
    check(pod, "spec.containers[0].env[0].valueFrom.fieldRef", "Atomic");
    check(pod, "spec.ephemeralContainers[0].ports", "containerPort,protocol");
    check(pod, "spec.nodeSelector", "Atomic");
    check(pod, "spec.tolerations", "Plain");
    check(pod, "spec.hostAliases", "ip");
    check(pod, "spec.topologySpreadConstraints", "topologyKey,whenUnsatisfiable");
    check(pod, "spec.imagePullSecrets", "name");
    check(pod, "spec.imagePullSecrets[0]", "Atomic");
    check(pod, "status.conditions", "type");
    check(pod, "metadata.finalizers", "Set");
    check(pod, "metadata.ownerReferences", "uid");
    check(service, "spec.ports", "port,protocol");
    check(service, "spec.selector", "Atomic");
    check(sa, "secrets", "name");
    check(("apps/v1", "Deployment"), "spec.selector", "Atomic");
    check(("apps/v1", "StatefulSet"), "spec.volumeClaimTemplates", "Plain");
    check(("batch/v1", "CronJob"), "spec.jobTemplate.spec.template.spec.volumes", "name");
    check(("networking.k8s.io/v1", "NetworkPolicy"), "spec.ingress", "Plain");
    check(("rbac.authorization.k8s.io/v1", "RoleBinding"), "roleRef", "Atomic");
    check(("apps/v1", "ControllerRevision"), "data", "Atomic");
    assert_eq!(Schema::unknown().at(&"spec.list".parse().unwrap()).shape(), &Shape::Unknown);
    assert_eq!(Schema::unknown().at(&"metadata.finalizers".parse().unwrap()).shape(), &Shape::Set);
}

#[test]
fn string_data_becomes_data() {
    let check = |secret: Value, expected: Value| {
        let head = json!({"apiVersion": "v1", "kind": "Secret"});
        let with = |body: Value| {
            let mut object = head.clone();
            object.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
            object
        };
        let mut object = with(secret);
        let result =
            secret_string_data_to_data(&mut object).map(|()| object).map_err(|error| error.to_string());
        match expected.as_str() {
            Some(error) => assert_eq!(result.unwrap_err(), error),
            None => assert_eq!(result.unwrap(), with(expected)),
        }
    };
    check(json!({}), json!({}));
    check(json!({"stringData": {}}), json!({}));
    check(json!({"stringData": null, "data": {"a": "eA=="}}), json!({"data": {"a": "eA=="}}));
    check(
        json!({"stringData": {"a": "", "b": "x", "c": "xy", "d": "xyz", "e": "\u{ff}~~?"}}),
        json!({"data": {"a": "", "b": "eA==", "c": "eHk=", "d": "eHl6", "e": "w79+fj8="}}),
    );
    check(
        json!({"stringData": {"a": "x"}, "data": {"a": "eQ==", "b": "eQ=="}}),
        json!({"data": {"a": "eA==", "b": "eQ=="}}),
    );
    check(json!({"stringData": {"a": 1}}), json!(".stringData.a: must be a string"));
    check(json!({"stringData": ["secret"]}), json!(".stringData: must be an object"));
}
