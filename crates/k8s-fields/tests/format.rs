//! Cases as data: how paths, FieldsV1 and entries are read and written.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

use k8s_fields::{FieldPath, FieldSet, Json, ManagedFields, PathElement};
use serde_json::{Value, json};

#[test]
fn paths_are_written_as_the_server_does_and_read_again() {
    let check = |text: &str, elements: &[PathElement]| {
        let path: FieldPath = text.parse().unwrap();
        assert_eq!(path.elements(), elements);
        assert_eq!(path.to_string(), text);
    };
    let field = |name: &str| PathElement::field(name);
    check("", &[]);
    check(".spec.replicas", &[field("spec"), field("replicas")]);
    check(r#".l[name="a]\"b"].x"#, &[field("l"), PathElement::key([("name", r#"a]"b"#)]), field("x")]);
    let port = PathElement::key([("containerPort", Json::from(80)), ("protocol", Json::from("TCP"))]);
    check(r#".ports[containerPort=80,protocol="TCP"]"#, &[field("ports"), port]);
    check(r#".f[="v"]"#, &[field("f"), PathElement::value("v")]);
    check("[2].a", &[PathElement::Index(2), field("a")]);
}

#[test]
fn bad_paths_are_refused() {
    let check =
        |text: &str, error: &str| assert_eq!(text.parse::<FieldPath>().unwrap_err().to_string(), error);
    check(".spec..a", r#".spec: "..a": a field has a name"#);
    check(".a[0]b", r#".a[0]: "b": a dot or a bracket comes here"#);
    check(".a[0", r#".a: "[0": a bracket is not closed"#);
    check(".a[name]", r#".a: "[name]": a key is name=value"#);
    check(".a[name=x]", r#".a: "[name=x]": a value is JSON"#);
    check(".a[99999999999999999999]", r#".a: "[99999999999999999999]": an index is a number"#);
    assert!(
        ".a".repeat(101).parse::<FieldPath>().unwrap_err().to_string().ends_with("deeper than 100 levels")
    );
}

#[test]
fn fields_v1_is_written_as_the_server_does() {
    let check = |text: &str, paths: &[&str]| {
        let set = FieldSet::from_json(text).unwrap();
        assert_eq!(set.iter().map(|path| path.to_string()).collect::<Vec<_>>(), paths);
        assert_eq!(set.to_json(), text);
        assert_eq!(set.to_value(), serde_json::from_str::<Value>(text).unwrap());
    };
    check("{}", &[]);
    check(r#"{"f:a":{}}"#, &[".a"]);
    check(r#"{"f:a":{".":{},"f:b":{}}}"#, &[".a", ".a.b"]);
    check(r#"{"f:finalizers":{".":{},"v:\"x\"":{}}}"#, &[".finalizers", r#".finalizers[="x"]"#]);
    // By number, not by text.
    let ports = r#"{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{}},"k:{\"port\":443,\"protocol\":\"TCP\"}":{".":{}}}"#;
    let canonical = ports.replace(r#"{".":{}}"#, "{}");
    assert_eq!(FieldSet::from_json(ports).unwrap().to_json(), canonical);
    // Go writes <, > and & of values escaped.
    check(r#"{"k:{\"name\":\"A\\u003cB\\u0026\"}":{}}"#, &[r#"[name="A<B&"]"#]);
}

#[test]
fn bad_fields_v1_is_refused_with_the_place() {
    let check =
        |value: Value, error: &str| assert_eq!(FieldSet::from_value(&value).unwrap_err().to_string(), error);
    check(json!([]), "must be an object");
    check(json!({"f:a": 1}), ".a: must be an object");
    check(json!({"f:a": {"x": {}}}), r#".a: "x" is no path element (f:, k:, v:, i: or .)"#);
    check(json!({"f:a": {"é": {}}}), r#".a: "é" is no path element (f:, k:, v:, i: or .)"#);
    check(json!({"f:a": {"k:[]": {}}}), r#".a: "k:[]": a key is a JSON object"#);
    check(json!({"f:a": {"v:": {}}}), r#".a: "v:": a value is JSON"#);
    check(json!({"f:a": {"i:-1": {}}}), r#".a: "i:-1": an index is a number"#);
    let deep = (0..=FieldSet::MAX_DEPTH).fold(json!({}), |below, _| json!({"f:a": below}));
    assert!(FieldSet::from_value(&deep).unwrap_err().to_string().ends_with("deeper than 100 levels"));
    let wide: Value = (0..=FieldSet::MAX_ELEMENTS).map(|i| (format!("f:{i}"), json!({}))).collect();
    check(wide, "more than 200000 path elements");
}

#[test]
fn bad_entries_are_refused_with_the_place() {
    let check = |edit: Value, error: &str| {
        let mut entry =
            json!({"manager": "m", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1"});
        entry.as_object_mut().unwrap().extend(edit.as_object().unwrap().clone());
        let object = json!({"metadata": {"managedFields": [entry]}});
        let error = format!("metadata.managedFields[0].{error}");
        assert_eq!(ManagedFields::of(&object).unwrap_err().to_string(), error);
    };
    check(json!({"operation": "Patch"}), ": operation must be Apply or Update");
    check(json!({"fieldsType": "FieldsV2"}), ": fieldsType must be FieldsV1");
    check(json!({"apiVersion": ""}), ": apiVersion must not be empty");
    check(json!({"manager": 1}), ": manager must be a string");
    check(json!({"fieldsV1": {"f:a": []}}), "fieldsV1.a: must be an object");
}

#[test]
fn conflicts_are_found_by_their_text() {
    let set = FieldSet::from_json(r#"{"f:metadata":{"f:annotations":{"f:a.b/c":{},"f:d":{}}}}"#).unwrap();
    let found = set.find(".metadata.annotations.a.b/c");
    assert_eq!(found, Some(FieldPath::fields(["metadata", "annotations", "a.b/c"])));
    assert_eq!(set.find(".metadata.annotations"), None);
}
