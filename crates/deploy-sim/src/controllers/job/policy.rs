//! What a failed pod means by the `podFailurePolicy`, and when enough succeeded by the `successPolicy`.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value;

use super::{Run, indexes, pod};
use crate::controllers::object::{int, list, name, namespace, text};

/// The action of the first rule that a pod matches, and what it says of it.
fn matched<'a>(job: &'a Value, pod: &Value) -> Option<(&'a str, String)> {
    list(job, "/spec/podFailurePolicy/rules").iter().enumerate().find_map(|(index, rule)| {
        let action = text(rule, "/action");
        let named = format!("{}/{}", namespace(pod), name(pod));
        let why = match rule.get("onExitCodes") {
            Some(codes) => {
                let (container, code) = exit_code(pod, codes)?;
                format!("Container {container} for pod {named} failed with exit code {code}")
            }
            None => format!("Pod {named} has condition {}", condition(pod, rule)?),
        };
        Some((action, format!("{why} matching {action} rule at index {index}")))
    })
}

fn exit_code<'a>(pod: &'a Value, codes: &Value) -> Option<(&'a str, i64)> {
    let containers = ["/status/containerStatuses", "/status/initContainerStatuses"].into_iter();
    let mut ended = containers
        .flat_map(|containers| list(pod, containers))
        .filter_map(|container| Some((name_of(container), int(container, "/state/terminated/exitCode")?)));
    let is_meant = |container: &str| codes.get("containerName").is_none_or(|named| named == container);
    let is_listed = |code: i64| list(codes, "/values").iter().any(|value| *value == code);
    let is_in = text(codes, "/operator") == "In";
    ended.find(|(container, code)| *code != 0 && is_meant(container) && is_listed(*code) == is_in)
}

fn name_of(container: &Value) -> &str {
    text(container, "/name")
}

fn condition<'a>(pod: &'a Value, rule: &Value) -> Option<&'a str> {
    let patterns = list(rule, "/onPodConditions");
    let same = |found: &Value, pattern: &Value| {
        ["type", "status"].iter().all(|field| found[*field] == pattern[*field])
    };
    let is_meant = |found: &&Value| patterns.iter().any(|pattern| same(found, pattern));
    list(pod, "/status/conditions").iter().find(is_meant).map(|found| text(found, "/type"))
}

/// Why the whole Job fails because of a pod, if it does.
pub(super) fn fails_job(run: &Run) -> Option<String> {
    let failed = run.pods.iter().filter(|pod| run.is_failed(pod));
    let mut matches = failed.filter_map(|pod| matched(&run.job, pod));
    matches.find(|(action, _)| *action == "FailJob").map(|(_, message)| message)
}

/// Whether a failed pod counts as a failure.
pub(super) fn counts(job: &Value, pod: &Value) -> bool {
    matched(job, pod).is_none_or(|(action, _)| action != "Ignore")
}

/// Whether a failed pod was the last of its index.
pub(super) fn loses_index(job: &Value, pod: &Arc<Value>) -> bool {
    let Some(limit) = int(job, "/spec/backoffLimitPerIndex") else { return false };
    match matched(job, pod) {
        Some(("FailIndex", _)) => true,
        Some(("Ignore", _)) => false,
        _ => pod::failures_before(pod) >= limit,
    }
}

/// By which rule enough indexes are done, if by one.
pub(super) fn is_enough(job: &Value, done: &BTreeSet<i64>) -> Option<String> {
    let completions = int(job, "/spec/completions").unwrap_or(0);
    let holds = |rule: &Value| {
        let count = int(rule, "/succeededCount").and_then(|count| usize::try_from(count).ok());
        match rule.get("succeededIndexes").and_then(Value::as_str) {
            Some(wanted) => {
                let wanted = indexes::parse(wanted, completions);
                let met = wanted.intersection(done).count();
                !wanted.is_empty() && (met == wanted.len() || count.is_some_and(|count| met >= count))
            }
            None => count.is_some_and(|count| done.len() >= count),
        }
    };
    let rules = list(job, "/spec/successPolicy/rules");
    let index = rules.iter().position(holds).filter(|_| !done.is_empty())?;
    Some(format!("Matched rules at index {index}"))
}
