//! The API: one request, one answer. What is not implemented is answered 501, never with a wrong success.

mod addresses;
mod body;
mod commit;
mod delete;
mod discovery;
mod eviction;
mod form;
mod generation;
mod identity;
mod list_options;
mod log;
mod operations;
mod own;
mod patch;
mod read;
mod review;
mod scale;
mod strategic;
mod token;
mod unsupported;
mod write;

use std::sync::Arc;

use http::Method;
use serde_json::Value;

use crate::follow::Follow;
use crate::kinds::Kind;
use crate::openapi::{self, Found};
use crate::request::{Address, Request, Target};
use crate::selector::Selector;
use crate::state::State;
use crate::status::{Status, Subject};
use crate::version;
pub(crate) use discovery::{elsewhere, subresource_of, verbs};
pub(crate) use form::Form;
pub(crate) use own::{change_as, changes_existing, create_as, delete_as, interfere};
pub(crate) use read::as_served;
pub(crate) use scale::{replicas, set_replicas};

/// What everybody is told who asks for them.
const ENDPOINTS: &str = "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice";

/// What is sent back.
#[derive(Debug)]
pub(crate) enum Reply {
    Json(u16, Value),
    Yaml(u16, Value),
    Text(u16, String),
    /// JSON that is text already.
    Document(String),
    OpenApi(Found),
    /// A list that goes on.
    Watch(Watch),
    /// A log that goes on.
    Follow(Follow),
}

/// What a watch is to tell.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    pub(crate) kind: Arc<Kind>,
    pub(crate) namespace: Option<String>,
    pub(crate) selector: Selector,
    /// Changes after this revision.
    pub(crate) from: u64,
    /// The objects there are already, told first as `ADDED`.
    pub(crate) initial: Vec<Arc<Value>>,
    pub(crate) bookmarks: bool,
    /// Whether the end of the initial objects is to be told.
    pub(crate) initial_end: bool,
    pub(crate) timeout: Option<u64>,
    pub(crate) form: Form,
}

/// An object's kind and where it is asked for.
pub(crate) struct At<'a> {
    pub(crate) kind: Arc<Kind>,
    pub(crate) address: &'a Address,
}

impl At<'_> {
    pub(crate) fn name(&self) -> &str {
        self.address.name.as_deref().unwrap_or_default()
    }

    pub(crate) fn namespace(&self) -> Option<&str> {
        self.address.namespace.as_deref()
    }

    /// As refusals name it.
    pub(crate) fn subject(&self) -> Subject<'_> {
        Subject { group: &self.kind.group, resource: &self.kind.plural, name: self.name() }
    }
}

/// Answers a request.
///
/// # Errors
/// A refusal, in the API server's words.
pub(crate) fn answer(state: &mut State, request: &Request) -> Result<Reply, Status> {
    let reply = answer_in_json(state, request);
    match reply {
        Err(status) if form::is_yaml(request) => Ok(Reply::Yaml(status.code, status.to_value())),
        reply => reply,
    }
}

fn answer_in_json(state: &mut State, request: &Request) -> Result<Reply, Status> {
    unsupported::check(request)?;
    match &request.target {
        Target::Version => Ok(Reply::Document(version::told())),
        Target::Health => Ok(Reply::Text(200, "ok".into())),
        Target::Objects(address) => {
            if address.group.is_empty() && address.plural == "endpoints" {
                request.warn(vec![ENDPOINTS.to_owned()]);
            }
            if state.kinds.all().any(|kind| kind.group == address.group) {
                objects(state, request, address)
            } else {
                Ok(nowhere())
            }
        }
        Target::Nowhere(_) => Ok(nowhere()),
        _ if request.method != Method::GET => Err(Status::method_not_allowed()),
        Target::OpenApi(_) if form::is_protobuf_alone(request) => {
            Err(Status::not_implemented("OpenAPI documents in protobuf"))
        }
        Target::OpenApi(path) => {
            let found = openapi::answer(&state.kinds, path, request.query.text("hash"));
            Ok(found.map_or_else(nowhere, Reply::OpenApi))
        }
        target => {
            let found = discovery::answer(&state.kinds, target, request.aggregated);
            Ok(found.map_or_else(nowhere, |body| Reply::Json(200, body)))
        }
    }
}

/// Where nothing is served at all, no `Status` says so.
fn nowhere() -> Reply {
    Reply::Text(404, "404 page not found\n".into())
}

fn at<'a>(state: &State, address: &'a Address) -> Result<At<'a>, Status> {
    let kind = state.kinds.find(&address.group, &address.version, &address.plural);
    Ok(At { kind: kind.cloned().ok_or_else(Status::no_such_resource)?, address })
}

fn objects(state: &mut State, request: &Request, address: &Address) -> Result<Reply, Status> {
    let at = at(state, address)?;
    if at.kind.is_review() {
        return match request.method.as_str() {
            _ if address.name.is_some() || address.namespace.is_some() != at.kind.namespaced => {
                Err(Status::no_such_resource())
            }
            "POST" => review::answer(state, request, &at),
            _ => Err(Status::method_not_allowed()),
        };
    }
    let is_in_no_namespace = at.kind.namespaced && address.namespace.is_none() && address.name.is_none();
    if is_in_no_namespace && request.method != Method::GET {
        return Err(Status::method_not_allowed());
    }
    if address.namespace.is_some() != at.kind.namespaced
        && (address.namespace.is_some() || address.name.is_some())
    {
        return Err(Status::no_such_resource());
    }
    if let Some(subresource) = &address.subresource
        && !at.kind.subresources.contains(subresource)
    {
        return Err(Status::no_such_resource());
    }
    match (request.method.as_str(), address.subresource.as_deref()) {
        ("GET", Some("status" | "scale" | "log"))
        | ("PUT" | "PATCH", None | Some("status" | "scale" | "finalize"))
        | (_, None) => {}
        ("POST", Some("eviction")) => return eviction::evict(state, request, &at),
        ("POST", Some("token")) => return token::issue(state, request, &at),
        _ => return Err(Status::method_not_allowed()),
    }
    if at.kind.empty && ["POST", "PUT", "PATCH"].contains(&request.method.as_str()) {
        return Err(Status::not_implemented(&format!("objects of the kind {}", at.kind.kind)));
    }
    let form = match address.subresource.as_deref() {
        Some("log") => return read::get(state, request, &at),
        _ => Form::wanted(request, request.method == Method::GET && address.name.is_none())?,
    };
    let reply = match (request.method.as_str(), address.name.is_some()) {
        ("GET", true) => read::get(state, request, &at),
        ("GET", false) => read::list(state, request, &at, form),
        ("POST", false) => write::create(state, request, &at),
        ("PUT", true) => write::replace(state, request, &at),
        ("PATCH", true) => patch::patch(state, request, &at),
        ("DELETE", true) => delete::delete(state, request, &at),
        ("DELETE", false) if &*at.kind.resource == "namespaces." => Err(Status::method_not_allowed()),
        ("DELETE", false) => delete::collection(state, request, &at),
        _ => Err(Status::method_not_allowed()),
    };
    form.dress(reply?, &at, state.now)
}
