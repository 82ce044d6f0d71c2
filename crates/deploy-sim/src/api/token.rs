//! The `token` of a service account: who shows it is that account (`pkg/registry/core/serviceaccount/storage/token.go`).

use serde_json::json;

use super::write::set_managed;
use super::{At, Reply, body};
use crate::controllers::object::{after, int, text, uid};
use crate::fields;
use crate::request::Request;
use crate::state::{State, key};
use crate::status::{Cause, Status, Subject};
use crate::user::User;

/// Seconds that a token holds, where nothing is said, and at least and most.
const USUAL: i64 = 3_600;
const SHORTEST: i64 = 600;
const LONGEST: i64 = 1 << 32;

/// Makes one: no JWT, but as random as all that the cluster's seed makes.
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
    let audiences = audiences.cloned().unwrap_or_else(|| json!(["https://kubernetes.default.svc"]));
    let bound = asked.pointer("/spec/boundObjectRef").cloned();
    let time = state.time();
    let token = format!("{}.{}", state.uid(), state.uid());
    let expires = after(state.now, seconds);
    if !request.dry_run()? {
        let user = User::service_account(at.namespace().unwrap_or_default(), at.name());
        state.tokens.add_until(token.clone(), User { uid: uid(&account).to_owned(), ..user }, expires);
    }
    let expires = jiff::Timestamp::from_second(expires.as_second()).unwrap_or(expires).to_string();
    let mut issued = json!({
        "kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1",
        "metadata": {
            "name": at.name(), "namespace": at.namespace(), "uid": uid(&account), "creationTimestamp": time,
        },
        "spec": {"audiences": audiences, "expirationSeconds": seconds, "boundObjectRef": bound},
        "status": {"token": token, "expirationTimestamp": expires},
    });
    set_managed(&mut issued, managed);
    Ok(Reply::Json(201, issued))
}
