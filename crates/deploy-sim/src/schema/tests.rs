//! What is said of bodies and of applied documents. That it is said as the real server does is the live tests' matter.

use serde_json::{Value, json};

use super::*;

fn pod(container: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {"containers": [container]}})
}

fn pod_type() -> &'static Type {
    Type::of("v1", "Pod").unwrap()
}

#[test]
fn tells_unknown_and_duplicate_fields_in_their_order() {
    let text = br#"{"kind": "Pod", "x": {"y": 1}, "spec": {"containers": [{"name": "a", "name": "b", "imag": 1}], "x": 1}}"#;
    let (object, problems) = read(text, pod_type()).unwrap();
    let strict = [
        r#"unknown field "x""#,
        r#"duplicate field "spec.containers[0].name""#,
        r#"unknown field "spec.containers[0].imag""#,
        r#"unknown field "spec.x""#,
    ];
    assert_eq!(problems.strict, strict);
    assert_eq!(problems.error(), None);
    assert_eq!(object, json!({"kind": "Pod", "spec": {"containers": [{"name": "b"}]}}), "they go");
}

#[test]
fn tells_the_first_value_of_another_type() {
    let check = |container: Value, expect: Option<&str>| {
        assert_eq!(check(&pod(&container), pod_type()).1.error(), expect, "{container}");
    };
    let mistyped =
        |found: &str, of: &str| format!("json: cannot unmarshal {found} into Go struct field {of}");
    check(json!({"image": null, "command": ["a"], "resources": {"limits": {"cpu": 1}}}), None);
    check(json!({"image": 3}), Some(&mistyped("number", "Container.spec.containers.image of type string")));
    check(json!({"env": {}}), Some(&mistyped("object", "Container.spec.containers.env of type []v1.EnvVar")));
    check(
        json!({"livenessProbe": {"httpGet": {"port": 70000, "path": 1}}}),
        Some(&mistyped(
            "number",
            "HTTPGetAction.spec.containers.livenessProbe.ProbeHandler.httpGet.path of type string",
        )),
    );
    let port = "ContainerPort.spec.containers.ports.hostPort of type int32";
    check(json!({"ports": [{"hostPort": 3_000_000_000_u64}]}), Some(&mistyped("number 3000000000", port)));
    check(json!({"resources": {"limits": {"cpu": "1x"}}, "image": 3}), Some(decode::QUANTITY));
}

#[test]
fn tells_no_more_than_a_hundred() {
    let many: serde_json::Map<String, Value> =
        (0..500).map(|number| (number.to_string(), json!(1))).collect();
    assert_eq!(check(&many.into(), pod_type()).1.strict.len(), 100);
    let deep = "[".repeat(100_000);
    assert!(read(deep.as_bytes(), pod_type()).is_err(), "JSON nested too deep");
}

#[test]
fn checks_applied_documents() {
    let check = |object: Value, expect: &[&str]| {
        assert_eq!(typed::check(&object, pod_type()), expect, "{object}");
    };
    check(pod(&json!({"name": "a", "image": "x"})), &[]);
    check(
        pod(&json!({"name": "a", "imag": "x"})),
        &[r#".spec.containers[name="a"].imag: field not declared in schema"#],
    );
    check(
        pod(&json!({"name": "a", "tty": "x", "image": 3})),
        &[
            r#".spec.containers[name="a"].image: expected string, got &value.valueUnstructured{Value:3}"#,
            r#".spec.containers[name="a"].tty: expected boolean, got &{x}"#,
        ],
    );
    check(json!({"apiVersion": "v1", "kind": "Pod", "spec": 3}), &[".spec: expected map, got &{3}"]);
}

#[test]
fn reads_custom_objects_by_their_schema() {
    let schema = json!({"type": "object", "properties": {"spec": {
        "type": "object", "required": ["size"], "properties": {
            "size": {"type": "integer", "maximum": 3},
            "list": {"type": "array", "items": {"type": "object", "properties": {"a": {"type": "string", "default": "b"}}}},
            "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": true},
        },
    }}});
    let mut object =
        json!({"kind": "W", "x": 1, "spec": {"size": 4, "y": 2, "list": [{"z": 1}], "free": {"any": 1}}});
    assert_eq!(custom::prune(&mut object, &schema), ["spec.list[0].z", "spec.y", "x"]);
    custom::fill(&mut object, &schema);
    assert_eq!(object, json!({"kind": "W", "spec": {"size": 4, "list": [{"a": "b"}], "free": {"any": 1}}}));
    let said = |object: &Value| -> Vec<String> {
        let causes = custom::validate(object, &schema).into_iter();
        causes.map(|cause| format!("{}: {}", cause.field, cause.message)).collect()
    };
    let why = "spec.size: Invalid value: 4: spec.size in body should be less than or equal to 3";
    assert_eq!(said(&object), [why]);
    assert_eq!(said(&json!({"spec": {}})), ["spec.size: Required value"]);
}
