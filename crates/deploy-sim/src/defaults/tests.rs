//! Against what a real server of Kubernetes 1.36 answered (`data/`, recorded with `dryRun=All`).

use serde_json::Value;

use super::*;

pub(crate) const RECORDED: &[(&str, &str)] = &[
    ("core", include_str!("data/core.json")),
    ("pod", include_str!("data/pod.json")),
    ("policy", include_str!("data/policy.json")),
    ("service", include_str!("data/service.json")),
    ("workload", include_str!("data/workload.json")),
];

/// All that is filled in.
pub(crate) fn complete(object: &mut Value, before: Option<&Value>) {
    fill(object);
    admit(object, before);
}

/// The name of a token's volume is random.
fn without_random_names(object: &Value) -> Value {
    let text = object.to_string();
    let mut parts = text.split("kube-api-access-");
    let mut plain = parts.next().unwrap().to_owned();
    for part in parts {
        plain.push_str("kube-api-access-");
        plain.push_str(&part[5..]);
    }
    serde_json::from_str(&plain).unwrap()
}

/// What the caller allocates, as the real server did: a Job's uid, the addresses and node ports of Services.
fn allocate(filled: &mut Value, recorded: &Value) {
    if filled["kind"] != "Service" {
        return;
    }
    let ports =
        filled["spec"].get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().enumerate();
    for (index, port) in ports {
        let recorded = &recorded["spec"]["ports"][index]["nodePort"];
        if port.get("nodePort").is_none() && !recorded.is_null() {
            port["nodePort"] = recorded.clone();
        }
    }
}

#[test]
fn fills_in_what_a_real_server_does() {
    let mut wrong = Vec::new();
    for (family, cases) in RECORDED {
        let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
        for case in cases {
            let (mut filled, output) = (case["input"].clone(), &case["output"]);
            if let Some(uid) = output["metadata"].get("uid") {
                filled["metadata"]["uid"] = uid.clone();
            }
            complete(&mut filled, case.get("before"));
            allocate(&mut filled, output);
            let (filled, output) = (without_random_names(&filled), without_random_names(output));
            if filled != output {
                wrong.push(format!("{family}: {}\n  fill {filled}\n  real {output}", case["case"]));
            }
            // What is filled in once stays so.
            let mut again = output.clone();
            complete(&mut again, Some(&output));
            if again != output {
                wrong.push(format!("{family}: {} again\n  fill {again}\n  real {output}", case["case"]));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_line_of_a_table_is_a_rule() {
    let others = [("", "spec", pod::SPEC), ("", "container", pod::CONTAINER), ("", "probe", pod::PROBE)];
    for (_, kind, text) in TABLES.iter().chain(&others) {
        let lines = text.lines().filter(|line| !line.trim().is_empty()).count();
        assert_eq!(Table::parse(text).len(), lines, "{kind}");
    }
}

#[test]
fn custom_kinds_stay_as_they_are() {
    let widget = serde_json::json!({
        "apiVersion": "x.io/v1", "kind": "Deployment", "metadata": {"name": "w", "labels": {}}, "spec": null,
    });
    let mut filled = widget.clone();
    complete(&mut filled, None);
    assert_eq!(filled, widget);
}

#[test]
fn what_is_of_a_wrong_type_is_left_alone() {
    for (api_version, kind, _) in TABLES {
        for wrong in
            [Value::Null, 1.into(), "x".into(), serde_json::json!([]), serde_json::json!([[], null, 1])]
        {
            for path in ["metadata", "spec", "template", "subjects", "roleRef", "rules", "status"] {
                let mut object =
                    serde_json::json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}});
                object[path] = wrong.clone();
                complete(&mut object, None);
                for deeper in
                    ["containers", "volumes", "template", "ports", "versions", "names", "strategy", "limits"]
                {
                    let mut object = serde_json::json!({"apiVersion": api_version, "kind": kind, "metadata": {"name": "x"}});
                    object[path] = serde_json::json!({deeper: wrong.clone()});
                    complete(&mut object, None);
                    complete(&mut object.clone(), Some(&object));
                }
            }
        }
    }
}
