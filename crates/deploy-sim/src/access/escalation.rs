//! Nobody grants what they may not do themselves (`pkg/registry/rbac/{role,rolebinding}/policybased`, `pkg/registry/rbac/validation`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::asked::{Asked, Resource};
use super::bound::{join, role, rules_of};
use super::decide;
use super::rules::{covers_path, words};
use crate::api::At;
use crate::controllers::object::{list, text};
use crate::state::State;
use crate::status::{Status, Subject};
use crate::user::{MASTERS, User};

/// Refuses a role, or a binding of one, that grants more than its writer has.
///
/// # Errors
/// 403, with what is too much.
pub(crate) fn check(
    state: &State,
    user: &User,
    at: &At<'_>,
    before: Option<&Value>,
    after: &Value,
) -> Result<(), Status> {
    if at.kind.group != "rbac.authorization.k8s.io" || user.is_in(MASTERS) {
        return Ok(());
    }
    let namespace = at.namespace().unwrap_or_default();
    let is_role = matches!(at.kind.kind.as_str(), "Role" | "ClusterRole");
    let fields: &[&str] = if is_role { &["rules", "aggregationRule"] } else { &["roleRef", "subjects"] };
    if before.is_some_and(|before| fields.iter().all(|field| before.get(field) == after.get(field))) {
        return Ok(());
    }
    let (verb, resource, name) = if is_role {
        ("escalate", at.kind.plural.as_str(), at.name())
    } else {
        let kind = text(after, "/roleRef/kind");
        ("bind", if kind == "Role" { "roles" } else { "clusterroles" }, text(after, "/roleRef/name"))
    };
    let asked = Resource {
        verb: verb.to_owned(),
        group: at.kind.group.clone(),
        resource: resource.to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        ..Resource::default()
    };
    if decide(state, user, &Asked::Resource(asked)).allowed {
        return Ok(());
    }
    let granted = if is_role {
        list(after, "/rules").to_vec()
    } else {
        let missing = |_| Status::not_found(Subject { name: text(after, "/roleRef/name"), ..at.subject() });
        let found = role(state, after, namespace).map_err(missing)?;
        list(&found, "/rules").to_vec()
    };
    // Who selects the roles to take over from selects any.
    let granted = if is_role && after.get("aggregationRule").is_some_and(|rule| !rule.is_null()) {
        vec![
            json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
            json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
        ]
    } else {
        granted
    };
    let (held, errors) = rules_of(state, user, namespace);
    let missing = uncovered(&held, &granted);
    if missing.is_empty() {
        return Ok(());
    }
    let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
    let errors =
        if errors.is_empty() { String::new() } else { format!("; resolution errors: {}", join(&errors)) };
    let why = format!(
        "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}{errors}",
        user.name,
        groups.join(" "),
        missing.join("\n")
    );
    Err(Status::forbidden(at.subject(), &why))
}

/// What of the rules granted is not held, in the words of the refusal.
fn uncovered(held: &[Value], granted: &[Value]) -> Vec<String> {
    // Rules of one resource are told as one.
    let mut resources: BTreeMap<(String, String, Option<String>), Vec<String>> = BTreeMap::new();
    let mut paths = Vec::new();
    for grain in granted.iter().flat_map(grains) {
        if held.iter().any(|rule| grain.is_covered_by(rule)) {
            continue;
        }
        match grain {
            Grain::Resource { verb, group, resource, name } => {
                let verbs =
                    resources.entry((group.into(), resource.into(), name.map(str::to_owned))).or_default();
                if !verbs.iter().any(|found| found == verb) {
                    verbs.push(verb.to_owned());
                }
            }
            Grain::Path { verb, url } => {
                paths.push(format!("{{NonResourceURLs:[{url:?}], Verbs:[{verb:?}]}}"));
            }
        }
    }
    let mut told: Vec<String> = resources
        .into_iter()
        .map(|((group, resource, name), verbs)| {
            let name = name.map(|name| format!(", ResourceNames:[{name:?}]")).unwrap_or_default();
            let verbs: Vec<String> = verbs.iter().map(|verb| format!("{verb:?}")).collect();
            format!("{{APIGroups:[{group:?}], Resources:[{resource:?}]{name}, Verbs:[{}]}}", verbs.join(" "))
        })
        .chain(paths)
        .collect();
    told.sort();
    told
}

/// The least that a rule grants.
enum Grain<'a> {
    Resource { verb: &'a str, group: &'a str, resource: &'a str, name: Option<&'a str> },
    Path { verb: &'a str, url: &'a str },
}

fn grains(rule: &Value) -> Vec<Grain<'_>> {
    let mut found = Vec::new();
    for group in words(rule, "apiGroups") {
        for resource in words(rule, "resources") {
            for verb in words(rule, "verbs") {
                let mut names = words(rule, "resourceNames").map(Some).peekable();
                let all = names.peek().is_none().then_some(None);
                found.extend(names.chain(all).map(|name| Grain::Resource { verb, group, resource, name }));
            }
        }
    }
    for url in words(rule, "nonResourceURLs") {
        found.extend(words(rule, "verbs").map(|verb| Grain::Path { verb, url }));
    }
    found
}

impl Grain<'_> {
    fn is_covered_by(&self, rule: &Value) -> bool {
        let has = |field: &str, word: &str| words(rule, field).any(|found| found == "*" || found == word);
        match self {
            Self::Resource { verb, group, resource, name } => {
                let mut names = words(rule, "resourceNames").peekable();
                has("verbs", verb)
                    && has("apiGroups", group)
                    && words(rule, "resources").any(|found| covers_resource(found, resource))
                    && (names.peek().is_none() || name.is_some_and(|name| names.any(|found| found == name)))
            }
            Self::Path { verb, url } => {
                has("verbs", verb) && words(rule, "nonResourceURLs").any(|found| covers_path(found, url))
            }
        }
    }
}

/// `*/scale` covers `deployments/scale`.
fn covers_resource(held: &str, granted: &str) -> bool {
    held == "*"
        || held == granted
        || held.strip_prefix('*').is_some_and(|end| end.starts_with('/') && granted.ends_with(end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_much() {
        let check = |held: Value, granted: Value, expect: &[&str]| {
            let list = |value: &Value| value.as_array().unwrap().clone();
            assert_eq!(uncovered(&list(&held), &list(&granted)), expect, "{held} {granted}");
        };
        let pods = json!([{"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}]);
        let named =
            json!([{"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]}]);
        check(pods.clone(), pods.clone(), &[]);
        check(pods.clone(), named.clone(), &[]);
        check(
            named.clone(),
            pods.clone(),
            &["{APIGroups:[\"\"], Resources:[\"pods\"], Verbs:[\"get\" \"list\"]}"],
        );
        check(
            json!([]),
            named,
            &["{APIGroups:[\"\"], Resources:[\"pods\"], ResourceNames:[\"a\"], Verbs:[\"get\"]}"],
        );
        check(json!([{"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}]), pods, &[]);
        let scales = json!([{"verbs": ["get"], "apiGroups": ["apps"], "resources": ["*/scale"]}]);
        let scale = json!([{"verbs": ["get"], "apiGroups": ["apps"], "resources": ["deployments/scale"]}]);
        check(scales, scale, &[]);
        let path = json!([{"verbs": ["get"], "nonResourceURLs": ["/metrics"]}]);
        check(json!([{"verbs": ["get"], "nonResourceURLs": ["/m*"]}]), path.clone(), &[]);
        check(json!([]), path, &["{NonResourceURLs:[\"/metrics\"], Verbs:[\"get\"]}"]);
    }
}
