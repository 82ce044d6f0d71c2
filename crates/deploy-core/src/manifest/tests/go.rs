//! The reader beside Go's own, on tables that `tests/data/go` makes.

use serde_json::{Map, Value};

use crate::manifest::excerpt::Source;
use crate::manifest::yaml::{self, Repeated};

const SCALARS: &str = include_str!("../../../tests/data/kubernetes-scalars.json");
const DOCUMENTS: &str = include_str!("../../../tests/data/kubernetes-documents.json");

/// The inputs on which we differ on purpose, unless what stands last wins.
const STRICTER: &[&str] = &[
    // A key twice, also when both are written differently.
    "y: 1\nn: 2\n1: 3\n1.10: 4\n~x: 5\ntrue: 6\n0x10: 7",
    "true: a\nyes: b",
    "1: a\n\"1\": b",
    "&x 1: 1\n*x : 2",
    // A merge key behind a different key of the same name, on which tools disagree.
    "a: &x {b: 1, c: 2}\ne:\n  b: 9\n  <<: *x",
];

/// The inputs on which we differ in any case.
const DIFFERENT: &[&str] = &[
    // On purpose: Go replaces what is not UTF-8.
    "a: !!binary //79",
    // Our parser takes more: tabs around the document's first key, directives, any character in an anchor's name.
    "\ta: 1",
    "%YAML 1.2\n---\na: 1",
    "%FOO bar\n---\na: 1",
    "a: &x-y_z.1 1\nb: *x-y_z.1",
    "a: &é 1\nb: *é",
    // Our parser refuses: a tab behind the colon, the lines of a flow collection at its key's column.
    "a:\t1",
    "a: [\n1,\n2\n]",
    "a: {\nb: c\n}",
    "a:\n  b: [\n  1,\n  2\n  ]",
    // Go reads the first half and drops the rest.
    "\"a\":b",
];

/// The first document as Go gives it: nothing is null.
fn ours(text: &str, repeated: Repeated) -> Result<Value, String> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let documents = yaml::documents(&Source { name: "t".into(), text }, repeated);
    let documents = documents.map_err(|error| error.to_string())?;
    Ok(documents.into_iter().next().map(|document| document.value).unwrap_or_default())
}

/// The same JSON, floats within what one conversion loses.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) if left.is_f64() || right.is_f64() => {
            let (left, right) = (left.as_f64().unwrap(), right.as_f64().unwrap());
            (left - right).abs() <= f64::EPSILON * left.abs()
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same(value, other)))
        }
        _ => left == right,
    }
}

#[test]
fn agrees_with_go() {
    check_against_go(Repeated::Refused, &[STRICTER, DIFFERENT].concat());
}

#[test]
fn agrees_with_go_where_what_stands_last_wins() {
    check_against_go(Repeated::LastWins, DIFFERENT);
}

fn check_against_go(repeated: Repeated, different: &[&str]) {
    let ours = |text: &str| ours(text, repeated);
    let mut wrong = Vec::new();
    let mut check = |kind: &str, input: &str, ours: Result<Value, String>, go: Option<&Value>| {
        let agrees = match (&ours, go) {
            (Ok(ours), Some(go)) => same(ours, go),
            (Err(_), None) => true,
            _ => false,
        };
        let listed = different.contains(&input);
        if agrees == listed {
            wrong.push(format!("{kind} {input:?}: ours {ours:?}, Go's {go:?}"));
        }
    };
    let rows: Vec<Value> = serde_json::from_str(SCALARS).unwrap();
    assert!(rows.len() > 250);
    for row in &rows {
        let input = row["in"].as_str().unwrap();
        let value = ours(&format!("v: {input}\n")).map(|mut value| value["v"].take());
        // Go's answer to a null is left out of its row as well as an error's.
        let go = row.get("value").or_else(|| row.get("error").is_none().then_some(&Value::Null));
        check("value", input, value, go);
        let key = row.get("key").map(|key| {
            let key = key.as_str().unwrap().strip_prefix('=').unwrap();
            Value::Object(Map::from_iter([(key.to_owned(), Value::from("x"))]))
        });
        check("key", input, ours(&format!("? {input}\n: x\n")), key.as_ref());
    }
    let rows: Vec<Value> = serde_json::from_str(DOCUMENTS).unwrap();
    assert!(rows.len() > 140);
    for row in &rows {
        let input = row["in"].as_str().unwrap();
        let go = row.get("value").or_else(|| row.get("error").is_none().then_some(&Value::Null));
        check("document", input, ours(input), go);
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}
