//! Questions: who somebody is, and what they may do (`pkg/registry/{authentication,authorization}`).

use serde_json::{Value, json};

use super::commit::set_managed;
use super::identity::check_type;
use super::{At, Reply, body};
use crate::access::{Asked, decide, join, rules_of};
use crate::controllers::object::{list, text};
use crate::fields;
use crate::request::Request;
use crate::state::State;
use crate::status::{Cause, Status, Subject};
use crate::user::{AUDIENCE, User};

/// Answers one; nothing is kept of it.
pub(super) fn answer(state: &State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let mut review = body::object(request, at)?;
    check_type(&mut review, at, &state.kinds)?;
    request.dry_run()?;
    let user = &*request.user;
    let answered = match at.kind.kind.as_str() {
        "SelfSubjectReview" => json!({
            "kind": review["kind"], "apiVersion": review["apiVersion"],
            "metadata": {"creationTimestamp": state.time()}, "status": {"userInfo": told(user)},
        }),
        "SelfSubjectRulesReview" => {
            let namespace = text(&review, "/spec/namespace");
            if namespace.is_empty() {
                return Err(Status::bad_request("no namespace on request"));
            }
            json!({
                "kind": review["kind"], "apiVersion": review["apiVersion"], "metadata": {}, "spec": {},
                "status": rules(state, user, namespace),
            })
        }
        kind => {
            if kind == "LocalSubjectAccessReview" && review["metadata"]["namespace"].is_null() {
                review["metadata"]["namespace"] = at.namespace().into();
            }
            let mut managed = fields::updated(None, &review, &request.manager(), &state.time(), at);
            // Its type has a spec before anything is set.
            if let Some(Value::Object(spec)) = managed.pointer_mut("/0/fieldsV1/f:spec") {
                spec.remove(".");
            }
            if !review["metadata"].is_object() {
                review["metadata"] = json!({});
            }
            set_managed(&mut review, managed);
            review["status"] = if kind == "TokenReview" {
                token(state, &review)?
            } else {
                access(state, user, &review, at)?
            };
            review
        }
    };
    Ok(Reply::Json(201, answered))
}

/// A user, as reviews tell them.
fn told(user: &User) -> Value {
    let mut told = json!({"username": user.name});
    if !user.uid.is_empty() {
        told["uid"] = user.uid.clone().into();
    }
    if !user.groups.is_empty() {
        told["groups"] = user.groups.clone().into();
    }
    if !user.extra.is_empty() {
        told["extra"] = json!(user.extra);
    }
    told
}

fn token(state: &State, review: &Value) -> Result<Value, Status> {
    let shown = text(review, "/spec/token");
    if shown.is_empty() {
        return Err(Status::bad_request("token is required for TokenReview in authentication"));
    }
    let wanted = list(review, "/spec/audiences").iter().filter_map(Value::as_str);
    let wanted: Vec<&str> = wanted.collect();
    let wanted = if wanted.is_empty() { vec![AUDIENCE] } else { wanted };
    Ok(match state.tokens.who(shown, &wanted, &state.store, state.now) {
        Ok((user, audiences)) => json!({
            "authenticated": true, "user": told(&user), "audiences": audiences,
        }),
        Err(_) => json!({"user": {}, "error": "invalid bearer token"}),
    })
}

/// What is allowed to whoever asks, or to whom they ask about.
fn access(state: &State, user: &User, review: &Value, at: &At<'_>) -> Result<Value, Status> {
    let is_self = at.kind.kind == "SelfSubjectAccessReview";
    check(review, is_self, at)?;
    let spec = &review["spec"];
    let asked = Asked::of_spec(spec);
    let decision = if is_self {
        decide(state, user, &asked)
    } else {
        let groups = spec["groups"].as_array().into_iter().flatten();
        let groups = groups.filter_map(|group| group.as_str().map(str::to_owned)).collect();
        let about = User { groups, ..User::new(text(spec, "/user")) };
        decide(state, &about, &asked)
    };
    let mut status = json!({"allowed": decision.allowed});
    if !decision.reason.is_empty() {
        status["reason"] = decision.reason.into();
    }
    Ok(status)
}

/// `pkg/apis/authorization/validation`
fn check(review: &Value, is_self: bool, at: &At<'_>) -> Result<(), Status> {
    let spec = &review["spec"];
    let [resource, path] = ["resourceAttributes", "nonResourceAttributes"]
        .map(|field| spec.get(field).filter(|asked| asked.is_object()));
    let mut causes = Vec::new();
    match (resource, path) {
        (Some(_), Some(path)) => {
            let shown = json!({"Path": text(path, "/path"), "Verb": text(path, "/verb")});
            let why = "cannot be specified in combination with resourceAttributes";
            causes.push(Cause::invalid("spec.nonResourceAttributes", &shown, why));
        }
        (None, None) => {
            let why = "exactly one of nonResourceAttributes or resourceAttributes must be specified";
            causes.push(Cause::invalid("spec.resourceAttributes", &Value::Null, why));
        }
        _ => {}
    }
    let names_nobody =
        text(spec, "/user").is_empty() && spec["groups"].as_array().is_none_or(std::vec::Vec::is_empty);
    if !is_self && names_nobody {
        let why = "at least one of user or group must be specified";
        causes.push(Cause::invalid("spec.user", &"".into(), why));
    }
    let is_local = at.kind.namespaced;
    let metadata = review["metadata"].as_object();
    let is_named = metadata.into_iter().flatten().any(|(field, value)| {
        !value.is_null() && field != "managedFields" && !(is_local && field == "namespace")
    });
    if is_named {
        let why = if is_local { "must be empty except for namespace" } else { "must be empty" };
        causes.push(Cause::invalid("metadata", &review["metadata"], why));
    }
    if let Some(resource) = resource.filter(|_| is_local)
        && text(resource, "/namespace") != at.namespace().unwrap_or_default()
    {
        let why = "must match metadata.namespace";
        let found = text(resource, "/namespace").into();
        causes.push(Cause::invalid("spec.resourceAttributes.namespace", &found, why));
    }
    if causes.is_empty() {
        return Ok(());
    }
    let mut status = Status::invalid(Subject { group: &at.kind.group, resource: "", name: "" }, &causes);
    // Of a review no kind is told.
    if let Some(details) = status.details.as_mut().and_then(Value::as_object_mut) {
        details.remove("kind");
    }
    Err(status)
}

/// The `status` of a review of all that a user may do in a namespace.
fn rules(state: &State, user: &User, namespace: &str) -> Value {
    let (rules, errors) = rules_of(state, user, namespace);
    let with = |field: &str, fields: &[&str]| -> Value {
        let found = rules.iter().filter(|rule| rule[field].as_array().is_some_and(|list| !list.is_empty()));
        found.map(|rule| only(rule, fields)).collect()
    };
    let mut status = json!({
        "resourceRules": with("resources", &["verbs", "apiGroups", "resources", "resourceNames"]),
        "nonResourceRules": with("nonResourceURLs", &["verbs", "nonResourceURLs"]),
        "incomplete": false,
    });
    if !errors.is_empty() {
        status["evaluationError"] = join(&errors).into();
    }
    status
}

fn only(rule: &Value, fields: &[&str]) -> Value {
    let kept = fields.iter().filter_map(|field| Some(((*field).to_owned(), rule.get(field)?.clone())));
    Value::Object(kept.collect())
}
