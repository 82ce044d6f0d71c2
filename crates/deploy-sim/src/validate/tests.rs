//! Against what a real server of Kubernetes 1.36 answered (`data/`, recorded with `dryRun=All`).

use serde_json::{Value, json};

use super::*;
use crate::defaults;
use crate::kinds::Kinds;
use crate::schema::{self, Type};
use crate::status::{Status, Subject};

/// As a body that is read.
fn decode(kind: &Kind, object: &Value) -> Result<(), Status> {
    let of = Type::of(&kind.api_version(), &kind.kind).unwrap();
    schema::check(object, of).1.error().map_or(Ok(()), |why| {
        let (version, kind) = (&kind.version, &kind.kind);
        Err(Status::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
        )))
    })
}

const RECORDED: &[(&str, &str)] = &[
    ("batch", include_str!("data/batch.json")),
    ("core", include_str!("data/core.json")),
    ("metadata", include_str!("data/metadata.json")),
    ("pod", include_str!("data/pod.json")),
    ("policy", include_str!("data/policy.json")),
    ("service", include_str!("data/service.json")),
    ("workload", include_str!("data/workload.json")),
];
/// Fields whose refused value the server shows as its Go type, a hundred fields long.
const SHOWN_AS_GO: [&str; 3] = ["spec.template", "spec.versions", "spec.containers[0].securityContext"];

/// Without a difference of Go types, and without values that are shown as such.
fn comparable(field: &str, message: &str) -> String {
    let message = message.split("\n@@").next().unwrap_or_default();
    match message.rsplit_once(": ") {
        Some((_, why)) if SHOWN_AS_GO.contains(&field) => format!("Invalid value: …: {why}"),
        _ => message.to_owned(),
    }
}

#[test]
fn refuses_what_a_real_server_does() {
    let kinds = Kinds::built_in();
    let mut wrong = Vec::new();
    for (family, cases) in RECORDED {
        let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
        for case in cases {
            let (mut object, before) = (case["input"].clone(), case.get("before"));
            let text = |field: &str| object[field].as_str().unwrap().to_owned();
            let kind = kinds.of(&text("apiVersion"), &text("kind")).unwrap();
            let name = format!("{family}: {}", case["case"]);
            if let Err(status) = decode(kind, &object) {
                assert_eq!(
                    (json!(status.code), json!(status.message)),
                    (case["code"].clone(), case["message"].clone()),
                    "{name}"
                );
                continue;
            }
            if let Some(status) = before.and_then(|before| before.get("status")) {
                object["status"] = status.clone();
            }
            defaults::tests::complete(&mut object, before);
            let found = check(kind, &object, before);
            let subject = Subject {
                group: &kind.group,
                resource: &kind.kind,
                name: object["metadata"]["name"].as_str().unwrap_or_default(),
            };
            // What is said twice is one part of the message.
            let mut said = std::collections::HashSet::new();
            let once: Vec<Cause> =
                found.iter().filter(|cause| said.insert((&cause.field, &cause.message))).cloned().collect();
            let message = Status::invalid(subject, &once).message;
            let exact = found.iter().all(|cause| comparable(&cause.field, &cause.message) == cause.message)
                && case["message"].as_str().is_none_or(|message| !message.contains("@@"));
            if !found.is_empty() && exact && json!(message) != case["message"] {
                wrong.push(format!("{name}\n  says {message}\n  real {}", case["message"]));
            }
            let ours: Vec<String> = found
                .iter()
                .map(|cause| {
                    format!("{} {}: {}", cause.reason, cause.field, comparable(&cause.field, &cause.message))
                })
                .collect();
            let real: Vec<String> = case
                .get("causes")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .map(|cause| {
                    let [reason, field, message] =
                        ["reason", "field", "message"].map(|name| cause[name].as_str().unwrap());
                    format!("{reason} {field}: {}", comparable(field, message))
                })
                .collect();
            let code = if ours.is_empty() { 200 } else { 422 };
            let refused = case["code"].as_u64().is_some_and(|code| code >= 400);
            if ours != real || (code == 422) != refused {
                wrong.push(format!("{name}\n  check {ours:#?}\n  real  {real:#?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} cases\n{}", wrong.len(), wrong.join("\n"));
}

/// Every field of an object in turn is of every wrong type: nothing panics, and what is filled in once stays so.
#[test]
fn hostile_objects_are_answered() {
    let kinds = Kinds::built_in();
    let wrong = [
        json!(null),
        json!(-1),
        json!("x"),
        json!([]),
        json!({}),
        json!([null, 1, [], {}]),
        json!({"a": []}),
    ];
    let mut seen = std::collections::HashSet::new();
    for (_, cases) in RECORDED {
        let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
        for input in cases.iter().map(|case| &case["input"]) {
            let text = |field: &str| input[field].as_str().unwrap();
            let kind = kinds.of(text("apiVersion"), text("kind")).unwrap();
            for path in paths(input, "") {
                if !seen.insert(format!("{} {path}", kind.kind)) {
                    continue;
                }
                for wrong in &wrong {
                    let mut object = input.clone();
                    *object.pointer_mut(&path).unwrap() = wrong.clone();
                    let _ = decode(kind, &object);
                    defaults::tests::complete(&mut object, None);
                    check(kind, &object, None);
                    check(kind, &object, Some(input));
                    check(kind, input, Some(&object));
                    let mut again = object.clone();
                    defaults::tests::complete(&mut again, Some(&object));
                    assert_eq!(again, object, "{} {path}", kind.kind);
                }
            }
        }
    }
}

fn paths(value: &Value, path: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, value)| (name.replace('~', "~0").replace('/', "~1"), value)).collect()
        }
        Value::Array(items) => {
            items.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let below = children.iter().flat_map(|(name, value)| {
        let path = format!("{path}/{name}");
        let mut all = paths(value, &path);
        all.push(path);
        all
    });
    below.collect()
}

/// What a real server accepted and filled in, and writes of status alone.
#[test]
fn accepts_what_a_real_server_does() {
    let kinds = Kinds::built_in();
    for (family, cases) in defaults::tests::RECORDED {
        let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
        for case in cases {
            let mut object = case["output"].clone();
            let kind =
                kinds.of(object["apiVersion"].as_str().unwrap(), object["kind"].as_str().unwrap()).unwrap();
            let name = format!("{family}: {}", case["case"]);
            assert!(decode(kind, &object).is_ok(), "{name}");
            let refusals = check(kind, &object, case.get("before"));
            assert!(refusals.is_empty(), "{name} {refusals:#?}");
            object["status"] = json!({"observedGeneration": 1, "storedVersions": ["v1"]});
            assert!(check(kind, &object, Some(&case["output"])).is_empty(), "{name}");
        }
    }
}

/// Where a definition may say that the numbers of the scale are, in the words of a real server.
#[test]
fn scales_are_in_the_spec_and_the_status() {
    let kinds = Kinds::built_in();
    let kind = kinds.of("apiextensions.k8s.io/v1", "CustomResourceDefinition").unwrap();
    let check = |scale: Value, expect: &[&str]| {
        let version = json!({
            "name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}},
            "subresources": {"scale": scale},
        });
        let object = json!({
            "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": "zs.g.example.com", "uid": "u"},
            "spec": {
                "group": "g.example.com", "scope": "Namespaced", "versions": [version],
                "names": {"plural": "zs", "singular": "z", "kind": "Z", "listKind": "ZList"},
            },
            "status": {"storedVersions": ["v1"]},
        });
        let found: Vec<String> = check(kind, &object, None)
            .iter()
            .map(|cause| format!("{}: {}", cause.field, cause.message))
            .collect();
        let expect: Vec<String> =
            expect.iter().map(|expect| format!("spec.subresources.scale.{expect}")).collect();
        assert_eq!(found, expect, "{scale}");
    };
    check(json!({"specReplicasPath": ".spec.a.b", "statusReplicasPath": ".status.a"}), &[]);
    check(
        json!({"specReplicasPath": ".kind.x", "statusReplicasPath": ".spec.x", "labelSelectorPath": ".x"}),
        &[
            "specReplicasPath: Invalid value: \".kind.x\": should be a json path under .spec",
            "statusReplicasPath: Invalid value: \".spec.x\": should be a json path under .status",
            "labelSelectorPath: Invalid value: \".x\": should be a json path under either .spec or .status",
        ],
    );
    check(
        json!({"specReplicasPath": "spec.x", "statusReplicasPath": "", "labelSelectorPath": ""}),
        &[
            "specReplicasPath: Invalid value: \"spec.x\": must be a simple json path starting with .",
            "statusReplicasPath: Required value",
        ],
    );
}
