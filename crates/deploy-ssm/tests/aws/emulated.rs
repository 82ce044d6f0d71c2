//! The rules of the emulator's Parameter Store, one by one.

use serde_json::{Value, json};

use crate::emulator::Parameters;

fn put(parameters: &mut Parameters, body: &Value) -> Result<Value, &'static str> {
    parameters.answer("PutParameter", body).map_err(|(kind, _)| kind)
}

fn text(name: &str, value: &str) -> Value {
    json!({"Name": name, "Value": value, "Type": "String"})
}

#[test]
fn writes() {
    let mut all = Parameters::new();
    let mut check = |body: Value, expect: Result<u64, &'static str>| {
        let answer = put(&mut all, &body).map(|answer| answer["Version"].as_u64().unwrap());
        assert_eq!(answer, expect, "{body}");
    };
    check(text("/a", "1"), Ok(1));
    check(text("/a", "2"), Err("ParameterAlreadyExists"));
    check(json!({"Name": "/a", "Value": "2", "Overwrite": true}), Ok(2));
    check(
        json!({"Name": "/a", "Value": "2", "Overwrite": true, "Type": "SecureString"}),
        Err("HierarchyTypeMismatchException"),
    );
    check(json!({"Name": "/b", "Value": "2"}), Err("ValidationException"));
    check(json!({"Name": "/b", "Value": "2", "Type": "Number"}), Err("UnsupportedParameterType"));
    check(text("/b", ""), Err("ValidationException"));
    check(text("/b", &"x".repeat(4096)), Ok(1));
    check(text("/c", &"x".repeat(4097)), Err("ValidationException"));
    check(json!({"Name": "/c", "Value": "x".repeat(8192), "Type": "String", "Tier": "Advanced"}), Ok(1));
    check(
        json!({"Name": "/c", "Value": "x", "Overwrite": true, "Tier": "Standard"}),
        Err("ValidationException"),
    );
    check(text("plain", "1"), Ok(1));
    for name in ["", "/", "a/b", "/a/", "/a//b", "/ö", "/a:1", "/a b"] {
        check(text(name, "1"), Err("ValidationException"));
    }
    for name in ["/aws/x", "ssm-x", "/SSM"] {
        check(text(name, "1"), Err("AccessDeniedException"));
    }
    check(text(&"/a".repeat(15), "1"), Ok(1));
    check(text(&"/a".repeat(16), "1"), Err("HierarchyLevelLimitExceededException"));
}

#[test]
fn reads() {
    let mut all = Parameters::new();
    for name in ["/s/a", "/s/b/c", "/s/b/d", "/other"] {
        put(&mut all, &text(name, "1")).unwrap();
    }
    put(&mut all, &json!({"Name": "/s/x", "Value": "hidden", "Type": "SecureString"})).unwrap();
    let mut check = |operation: &str, body: Value, pointer: &str, expect: Value| {
        let answer = all.answer(operation, &body).unwrap_or_else(|(kind, _)| json!(kind));
        assert_eq!(answer.pointer(pointer), Some(&expect), "{operation} {body}: {answer}");
    };
    check("GetParameter", json!({"Name": "/s/a"}), "/Parameter/Value", json!("1"));
    check("GetParameter", json!({"Name": "/s/a:1"}), "/Parameter/Version", json!(1));
    check("GetParameter", json!({"Name": "/s/a:2"}), "", json!("ParameterVersionNotFound"));
    check("GetParameter", json!({"Name": "/s"}), "", json!("ParameterNotFound"));
    check(
        "GetParameter",
        json!({"Name": "/s/x", "WithDecryption": true}),
        "/Parameter/Value",
        json!("hidden"),
    );
    check("GetParameter", json!({"Name": "/s/x"}), "/Parameter/Value", json!("AQICAHencrypted1"));
    check("GetParameters", json!({"Names": ["/no", "/s/a"]}), "/InvalidParameters", json!(["/no"]));
    check("GetParameters", json!({"Names": ["/s/a", "/s/a"]}), "", json!("ValidationException"));
    check("GetParameters", json!({"Names": []}), "", json!("ValidationException"));
    check("GetParametersByPath", json!({"Path": "/s"}), "/Parameters/1/Name", json!("/s/x"));
    let deep =
        |token: Option<&str>| json!({"Path": "/s/", "Recursive": true, "MaxResults": 3, "NextToken": token});
    check("GetParametersByPath", deep(None), "/NextToken", json!("3"));
    check("GetParametersByPath", deep(Some("3")), "/Parameters/0/Name", json!("/s/x"));
    check("GetParametersByPath", json!({"Path": "/s", "MaxResults": 11}), "", json!("ValidationException"));
    check("GetParameterHistory", json!({"Name": "/no"}), "", json!("ParameterNotFound"));
    check("DeleteParameters", json!({"Names": ["/s/a", "/no"]}), "/DeletedParameters", json!(["/s/a"]));
    check("DeleteParameter", json!({"Name": "/s/a"}), "", json!("ParameterNotFound"));
    check("DeleteParameter", json!({"Name": "/other"}), "", json!({}));
    check("SendCommand", json!({}), "", json!("UnknownOperationException"));
}

#[test]
fn time_goes_on() {
    let mut all = Parameters::new();
    let mut written = |told: Option<i64>| {
        if let Some(seconds) = told {
            all.tell_time(seconds);
        }
        put(&mut all, &json!({"Name": "/a", "Value": "1", "Type": "String", "Overwrite": true})).unwrap();
        let answer = all.answer("GetParameter", &json!({"Name": "/a"})).unwrap();
        answer["Parameter"]["LastModifiedDate"].as_i64().unwrap()
    };
    let first = written(None);
    assert_eq!(written(None), first + 1);
    assert_eq!(written(Some(first + 100)), first + 101);
    assert_eq!(written(Some(0)), first + 102);
    assert!(Parameters::knows("PutParameter") && !Parameters::knows("SendCommand"));
}
