//! Nobody grants what they may not do themselves (`pkg/registry/rbac/{role,rolebinding}/policybased`, `pkg/registry/rbac/validation`).

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::asked::{Asked, Resource};
use super::bound::{join, role, rules_of};
use super::decide;
use super::rules::{covers_path, words};
use crate::api::At;
use crate::controllers::object::{list, text};
use crate::request::Request;
use crate::state::State;
use crate::status::{Status, Subject};
use crate::user::MASTERS;

/// Single permissions that a role may grant: verbs times resources times names.
const MOST_GRAINS: usize = 100_000;
/// The same times the rules that its writer has.
const MOST_COMPARISONS: usize = 10_000_000;

/// Refuses a role, or a binding of one, that grants more than its writer has.
///
/// # Errors
/// 403, with what is too much.
pub(crate) fn check(
    state: &State,
    request: &Request,
    at: &At<'_>,
    before: Option<&Value>,
    after: &Value,
) -> Result<(), Status> {
    let user = &request.user;
    if at.kind.group != "rbac.authorization.k8s.io" || user.is_in(MASTERS) {
        return Ok(());
    }
    if before.is_some_and(|before| is_for_the_collector(before, after)) {
        return Ok(());
    }
    let namespace = at.namespace().unwrap_or_default();
    let is_role = matches!(at.kind.kind.as_str(), "Role" | "ClusterRole");
    let (verb, resource, name) = if is_role {
        // Who posts says the name in no path: a rule of certain names allows it not.
        ("escalate", at.kind.plural.as_str(), request.target.name().unwrap_or_default())
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
    let (held, errors) = rules_of(state, user, namespace);
    let missing = uncovered(&held, &granted).ok_or_else(too_much)?;
    if !missing.is_empty() {
        let groups: Vec<String> = user.groups.iter().map(|group| format!("{group:?}")).collect();
        let errors =
            if errors.is_empty() { String::new() } else { format!("; resolution errors: {}", join(&errors)) };
        let why = format!(
            "user {:?} (groups=[{}]) is attempting to grant RBAC permissions not currently held:\n{}{errors}",
            user.name,
            groups.join(" "),
            missing.join("\n")
        );
        return Err(Status::forbidden(at.subject(), &why));
    }
    // Who selects the roles to take over from selects any; who does so no more sets what was taken over free.
    if is_role && [Some(after), before].into_iter().flatten().any(aggregates) {
        let everything = [
            json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}),
            json!({"verbs": ["*"], "nonResourceURLs": ["*"]}),
        ];
        if uncovered(&held, &everything).is_none_or(|missing| !missing.is_empty()) {
            let why = "must have cluster-admin privileges to use the aggregationRule";
            return Err(Status::forbidden(at.subject(), why));
        }
    }
    Ok(())
}

fn aggregates(role: &Value) -> bool {
    !list(role, "/aggregationRule/clusterRoleSelectors").is_empty()
}

/// Whether nothing differs but what lets the garbage collector delete it in the end.
fn is_for_the_collector(before: &Value, after: &Value) -> bool {
    let without = |object: &Value| {
        let mut object = object.clone();
        if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
            metadata.retain(|name, _| {
                !["ownerReferences", "finalizers", "managedFields"].contains(&name.as_str())
            });
        }
        object
    };
    without(before) == without(after)
}

/// A real server would compare for minutes.
fn too_much() -> Status {
    let why = format!("the rules grant more than {MOST_GRAINS} single permissions, which are not compared");
    Status::new(413, "RequestEntityTooLarge", why)
}

/// What of the rules granted is not held, in the words of the refusal; `None` where there is too much of it.
fn uncovered(held: &[Value], granted: &[Value]) -> Option<Vec<String>> {
    let many = granted.iter().fold(0, |sum: usize, rule| sum.saturating_add(count(rule)));
    if many > MOST_GRAINS || many.saturating_mul(held.len()) > MOST_COMPARISONS {
        return None;
    }
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
    Some(told)
}

/// The least that a rule grants.
enum Grain<'a> {
    Resource { verb: &'a str, group: &'a str, resource: &'a str, name: Option<&'a str> },
    Path { verb: &'a str, url: &'a str },
}

/// How many there are in a rule, at most.
fn count(rule: &Value) -> usize {
    let many = |field: &str| words(rule, field).count();
    let verbs = many("verbs");
    let resources = many("apiGroups").saturating_mul(many("resources")).saturating_mul(verbs);
    resources
        .saturating_mul(many("resourceNames").max(1))
        .saturating_add(many("nonResourceURLs").saturating_mul(verbs))
}

fn grains(rule: &Value) -> impl Iterator<Item = Grain<'_>> {
    let resources = words(rule, "apiGroups").flat_map(move |group| {
        words(rule, "resources").flat_map(move |resource| {
            words(rule, "verbs").flat_map(move |verb| {
                let mut names = words(rule, "resourceNames").map(Some).peekable();
                let all = names.peek().is_none().then_some(None);
                names.chain(all).map(move |name| Grain::Resource { verb, group, resource, name })
            })
        })
    });
    let paths = words(rule, "nonResourceURLs")
        .flat_map(move |url| words(rule, "verbs").map(move |verb| Grain::Path { verb, url }));
    resources.chain(paths)
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
            assert_eq!(uncovered(&list(&held), &list(&granted)).unwrap(), expect, "{held} {granted}");
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

    #[test]
    fn products_have_an_end() {
        let many: Vec<String> = (0..1_000).map(|at| at.to_string()).collect();
        let all = json!({"verbs": many, "apiGroups": many, "resources": many, "resourceNames": many});
        assert_eq!(uncovered(&[], &[all]), None);
        let some = json!({"verbs": ["get"], "apiGroups": [""], "resources": many});
        assert_eq!(uncovered(&[], std::slice::from_ref(&some)).unwrap().len(), 1_000);
        assert_eq!(uncovered(&[], &vec![some; 101]), None);
    }
}
