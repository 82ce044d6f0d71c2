//! Which nodes a pod asks for by their labels and names: `nodeSelector`, and what its affinity requires.

use serde_json::Value;

use crate::controllers::object::{list, name, text};

const TERMS: &str = "/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// Whether a pod of this spec can be on the node.
pub(crate) fn matches(spec: &Value, node: &Value) -> bool {
    let label = |key: &str| node.pointer("/metadata/labels")?.get(key)?.as_str();
    let selector = spec.get("nodeSelector").and_then(Value::as_object);
    let is_selected = selector.into_iter().flatten().all(|(key, value)| label(key) == value.as_str());
    let terms = list(spec, TERMS);
    is_selected && (spec.pointer(TERMS).is_none() || terms.iter().any(|term| matches_term(term, node)))
}

/// A term without anything to match matches nothing.
fn matches_term(term: &Value, node: &Value) -> bool {
    let (labels, fields) = (list(term, "/matchExpressions"), list(term, "/matchFields"));
    let label = |key: &str| node.pointer("/metadata/labels")?.get(key)?.as_str();
    let field = |key: &str| (key == "metadata.name").then(|| name(node));
    (!labels.is_empty() || !fields.is_empty())
        && labels.iter().all(|requirement| holds(requirement, label(text(requirement, "/key"))))
        && fields.iter().all(|requirement| holds(requirement, field(text(requirement, "/key"))))
}

fn holds(requirement: &Value, found: Option<&str>) -> bool {
    let values = list(requirement, "/values");
    let number = |text: &str| text.parse::<i64>().ok();
    let compared = || Some((number(found?)?, number(values.first()?.as_str()?)?));
    match text(requirement, "/operator") {
        "In" => found.is_some_and(|found| values.iter().any(|value| value == found)),
        "NotIn" => found.is_none_or(|found| values.iter().all(|value| value != found)),
        "Exists" => found.is_some(),
        "DoesNotExist" => found.is_none(),
        "Gt" => compared().is_some_and(|(found, bound)| found > bound),
        "Lt" => compared().is_some_and(|(found, bound)| found < bound),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nodes_are_matched_as_the_scheduler_matches_them() {
        let node = json!({"metadata": {"name": "n", "labels": {"zone": "a", "cores": "8"}}});
        let check = |spec: Value, expect: bool| assert_eq!(matches(&spec, &node), expect, "{spec}");
        check(json!({}), true);
        check(json!({"nodeSelector": {"zone": "a"}}), true);
        check(json!({"nodeSelector": {"zone": "b"}}), false);
        let terms = |terms: Value| {
            let required = "requiredDuringSchedulingIgnoredDuringExecution";
            json!({"affinity": {"nodeAffinity": {required: {"nodeSelectorTerms": terms}}}})
        };
        let label = |key: &str, operator: &str, values: Value| {
            terms(json!([{"matchExpressions": [{"key": key, "operator": operator, "values": values}]}]))
        };
        check(label("zone", "In", json!(["b", "a"])), true);
        check(label("zone", "NotIn", json!(["b", "a"])), false);
        check(label("disk", "NotIn", json!(["ssd"])), true);
        check(label("disk", "Exists", json!([])), false);
        check(label("disk", "DoesNotExist", json!([])), true);
        check(label("cores", "Gt", json!(["4"])), true);
        check(label("cores", "Lt", json!(["8"])), false);
        check(label("zone", "Gt", json!(["4"])), false);
        let named = |name: &str| json!({"matchFields": [{"key": "metadata.name", "operator": "In", "values": [name]}]});
        check(terms(json!([named("n")])), true);
        check(terms(json!([named("m")])), false);
        check(terms(json!([named("m"), named("n")])), true);
        check(terms(json!([{}])), false);
        check(terms(json!([])), false);
    }
}
