//! The `token` of a service account: who shows it is that account (`pkg/registry/core/serviceaccount/storage/token.go`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::commit::set_managed;
use super::{At, Reply, body};
use crate::controllers::object::{after, int, list, text, uid};
use crate::fields;
use crate::request::Request;
use crate::state::{State, key};
use crate::status::{Cause, Status, Subject};
use crate::store::Key;
use crate::user::{AUDIENCE, Token, User};

/// Seconds that a token holds, where nothing is said, and at least and most.
const USUAL: i64 = 3_600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Makes one: no JWT.
pub(super) fn issue(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let mut asked = body::of_type(request, "authentication.k8s.io/v1", "TokenRequest")?;
    let account = state.store.get(&key(&at.kind, at.namespace(), at.name())).cloned();
    let account = account.ok_or_else(|| Status::not_found(at.subject()))?;
    asked["apiVersion"] = "authentication.k8s.io/v1".into();
    asked["kind"] = "TokenRequest".into();
    let mut managed = fields::updated(None, &asked, &request.manager(), &state.time(), at);
    // In the version of what is asked for, not of the account.
    for entry in managed.as_array_mut().into_iter().flatten() {
        entry["apiVersion"] = "authentication.k8s.io/v1".into();
    }
    let seconds = int(&asked, "/spec/expirationSeconds").unwrap_or(USUAL);
    let why = match seconds {
        ..SHORTEST => Some("may not specify a duration less than 10 minutes"),
        SHORTEST..=LONGEST => None,
        _ => Some("may not specify a duration larger than 2^32 seconds"),
    };
    if let Some(why) = why {
        let subject = Subject {
            group: "authentication.k8s.io",
            resource: "TokenRequest",
            name: text(&asked, "/metadata/name"),
        };
        return Err(Status::invalid(
            subject,
            &[Cause::invalid("spec.expirationSeconds", &seconds.into(), why)],
        ));
    }
    let audiences =
        asked.pointer("/spec/audiences").filter(|list| list.as_array().is_some_and(|list| !list.is_empty()));
    let audiences = audiences.cloned().unwrap_or_else(|| json!([AUDIENCE]));
    let reference = asked.pointer("/spec/boundObjectRef").filter(|reference| reference.is_object()).cloned();
    let mut bound = vec![(key(&at.kind, at.namespace(), at.name()), uid(&account).to_owned())];
    if let Some(reference) = &reference {
        bound.push(bound_to(state, reference, at)?);
    }
    let time = state.time();
    // As random as all that the cluster's seed makes; where others may reach it by a port, as the system is.
    let token = format!("{}.{}", state.uid(), state.uid());
    #[cfg(feature = "tls")]
    let token = format!("{token}.{}", crate::tls::token().map_err(|_| Status::internal_error())?);
    let expires = after(state.now, seconds);
    if !request.dry_run()? {
        let user = User::service_account(at.namespace().unwrap_or_default(), at.name());
        let user = Arc::new(User { uid: uid(&account).to_owned(), ..user });
        let audiences = list(&audiences, "").iter().filter_map(Value::as_str).map(str::to_owned).collect();
        state.tokens.issue(token.clone(), Token { user, expires, bound, audiences }, state.now);
    }
    let expires = jiff::Timestamp::from_second(expires.as_second()).unwrap_or(expires).to_string();
    let mut issued = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": at.name(), "namespace": at.namespace(), "uid": uid(&account), "creationTimestamp": time,
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": reference},
        "status": {"token": token, "expirationTimestamp": expires},
    });
    set_managed(&mut issued, managed);
    Ok(Reply::Json(201, issued))
}

/// The object that a token is to be bound to, and its uid.
fn bound_to(state: &State, reference: &Value, at: &At<'_>) -> Result<(Key, String), Status> {
    let [version, kind, name, wanted] =
        ["apiVersion", "kind", "name", "uid"].map(|field| text(reference, &format!("/{field}")));
    let (plural, namespace) = match (version, kind) {
        ("v1", "Pod") => ("pods", at.namespace()),
        ("v1", "Secret") => ("secrets", at.namespace()),
        ("v1", "Node") => ("nodes", None),
        _ => {
            let (group, version) = version.split_once('/').unwrap_or(("", version));
            let why = format!("cannot bind token to object of type {group}/{version}, Kind={kind}");
            return Err(Status::bad_request(why));
        }
    };
    let namespace = namespace.unwrap_or_default().to_owned();
    let key = Key { resource: format!("{plural}.").into(), namespace, name: name.to_owned() };
    let missing = || Status::not_found(Subject { group: "", resource: plural, name });
    let found = state.store.get(&key).ok_or_else(missing)?;
    if plural == "pods" && text(found, "/spec/serviceAccountName") != at.name() {
        return Err(Status::bad_request(format!(
            "cannot bind token for serviceaccount {:?} to pod running with different serviceaccount name.",
            at.name()
        )));
    }
    if !wanted.is_empty() && wanted != uid(found) {
        let why = format!(
            "the UID in the bound object reference ({wanted}) does not match the UID in record. The object might have been deleted and then recreated"
        );
        return Err(Status::conflict(Subject { group: "", resource: kind, name }, &why));
    }
    Ok((key, uid(found).to_owned()))
}
