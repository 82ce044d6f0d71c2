//! `create` and `replace`: objects as a request brings them.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::Value;

use super::commit::{Change, commit};
use super::identity::{check_identity, check_is_conditional, check_preconditions, name_of};
use super::read::as_served;
use super::scale::rescale;
use super::{At, Reply, body};
use crate::access;
use crate::convert;
use crate::request::Request;
use crate::state::{State, key};
use crate::status::Status;

/// Kinds that are created where a replacement finds nothing (`AllowCreateOnUpdate`).
const CREATED_BY_PUT: [&str; 9] = [
    "services.",
    "endpoints.",
    "events.",
    "limitranges.",
    "leases.coordination.k8s.io",
    "roles.rbac.authorization.k8s.io",
    "rolebindings.rbac.authorization.k8s.io",
    "clusterroles.rbac.authorization.k8s.io",
    "clusterrolebindings.rbac.authorization.k8s.io",
];

pub(super) fn create(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let mut object = body::object(request, at)?;
    let named = match &at.address.name {
        Some(name) => name.clone(),
        None => name_of(state, &mut object),
    };
    let address = super::Address { name: Some(named), ..at.address.clone() };
    let at = At { kind: Arc::clone(&at.kind), address: &address };
    check_identity(&mut object, &at, &state.kinds)?;
    if object
        .pointer("/metadata/resourceVersion")
        .and_then(Value::as_str)
        .is_some_and(|text| !text.is_empty())
    {
        let message = "resourceVersion should not be set on objects to be created";
        return Err(Status::new(500, "", message));
    }
    let change = Change {
        at: &at,
        before: None,
        after: object,
        manager: &request.manager(),
        request: Some(request),
        applied: false,
        dry_run: request.dry_run()?,
    };
    let written = commit(state, change)?;
    Ok(Reply::Json(201, as_served(&written, &at.kind).into_owned()))
}

pub(super) fn replace(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let before = before(state, at);
    let is_created = at.address.subresource.is_none() && CREATED_BY_PUT.contains(&&*at.kind.resource);
    let Some(before) = before else {
        if !is_created {
            return Err(Status::not_found(at.subject()));
        }
        access::check_create(state, request)?;
        return create(state, request, at);
    };
    if at.address.subresource.as_deref() == Some("scale") {
        let object = body::of_type(request, "autoscaling/v1", "Scale")?;
        check_preconditions(&object, &before, at)?;
        return rescale(state, request, at, &before, &object);
    }
    let mut object = body::object(request, at)?;
    check_identity(&mut object, at, &state.kinds)?;
    check_is_conditional(&object, at)?;
    check_preconditions(&object, &before, at)?;
    let written = overwrite(state, request, at, &before, object)?;
    Ok(Reply::Json(200, as_served(&written, &at.kind).into_owned()))
}

/// The object as it is, in the form that its kind serves.
pub(super) fn before(state: &State, at: &At<'_>) -> Option<Arc<Value>> {
    let kept = state.store.get(&key(&at.kind, at.namespace(), at.name()))?;
    Some(match convert::served(kept, &at.kind) {
        Cow::Borrowed(_) => Arc::clone(kept),
        Cow::Owned(served) => Arc::new(served),
    })
}

/// Writes `after` in the place of `before`, as the request's manager, by any write but an apply.
pub(super) fn overwrite(
    state: &mut State,
    request: &Request,
    at: &At<'_>,
    before: &Arc<Value>,
    after: Value,
) -> Result<Arc<Value>, Status> {
    let change = Change {
        at,
        before: Some(Arc::clone(before)),
        after,
        manager: &request.manager(),
        request: Some(request),
        applied: false,
        dry_run: request.dry_run()?,
    };
    commit(state, change)
}
