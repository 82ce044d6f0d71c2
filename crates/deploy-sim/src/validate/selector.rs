//! Label selectors: whether they are well formed, and what they match.

use serde_json::Value;

use super::at::At;
use super::metadata;
use super::names;
use crate::status::Cause;

/// As the server's type is written, whose fields stand in this order.
pub(super) fn words(selector: &At<'_>) -> String {
    if !selector.is_set() {
        return "null".into();
    }
    let mut words = Vec::new();
    if selector.field("matchLabels").has_items() {
        words.push(format!("\"matchLabels\":{}", selector.field("matchLabels").value));
    }
    let expressions: Vec<String> =
        selector.field("matchExpressions").items().map(|at| expression(&at)).collect();
    if !expressions.is_empty() {
        words.push(format!("\"matchExpressions\":[{}]", expressions.join(",")));
    }
    format!("{{{}}}", words.join(","))
}

fn expression(at: &At<'_>) -> String {
    let fields = ["key", "operator", "values"].into_iter().filter(|field| at.field(field).is_set());
    let words: Vec<String> = fields.map(|field| format!("\"{field}\":{}", at.field(field).value)).collect();
    format!("{{{}}}", words.join(","))
}

pub(super) fn is_empty(selector: &At<'_>) -> bool {
    !selector.field("matchLabels").has_items() && !selector.field("matchExpressions").has_items()
}

pub(super) fn check(selector: &At<'_>, out: &mut Vec<Cause>) {
    metadata::labels(&selector.field("matchLabels"), out);
    for at in selector.field("matchExpressions").items() {
        let values = at.field("values");
        match (at.field("operator").text(), values.has_items()) {
            ("In" | "NotIn", true) | ("Exists" | "DoesNotExist", false) => {}
            ("In" | "NotIn", false) => {
                out.push(values.required("must be specified when `operator` is 'In' or 'NotIn'"));
            }
            ("Exists" | "DoesNotExist", true) => {
                out.push(
                    values.forbidden("may not be specified when `operator` is 'Exists' or 'DoesNotExist'"),
                );
            }
            _ => out.push(at.field("operator").invalid("not a valid selector operator")),
        }
        let key = at.field("key");
        out.extend(key.invalid_for(names::qualified(key.text())));
        for value in values.items() {
            out.extend(value.invalid_for(names::label_value(value.text())));
        }
    }
}

/// An absent selector matches nothing, an empty one everything.
pub(super) fn matches(selector: &At<'_>, labels: &At<'_>) -> bool {
    if !selector.is_set() {
        return false;
    }
    let label = |key: &str| labels.value.get(key).and_then(Value::as_str);
    let equal = |(key, value): (&str, At<'_>)| label(key).is_some_and(|found| found == value.text());
    let holds = |at: At<'_>| {
        let found = label(at.field("key").text());
        let among = found.is_some_and(|found| at.field("values").items().any(|value| value.text() == found));
        match at.field("operator").text() {
            "In" => among,
            "NotIn" => !among,
            "Exists" => found.is_some(),
            "DoesNotExist" => found.is_none(),
            _ => false,
        }
    };
    selector.field("matchLabels").entries().all(equal)
        && selector.field("matchExpressions").items().all(holds)
}
