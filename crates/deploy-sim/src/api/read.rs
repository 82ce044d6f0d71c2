//! `get`, `list` in chunks, and where a watch begins.

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Value, json};

use super::scale::scale;
use super::{At, Form, Reply, Watch, list_options, log};
use crate::convert;
use crate::kinds::Kind;
use crate::request::Request;
use crate::selector::Selector;
use crate::state::{State, key};
use crate::status::Status;
use crate::store::Key;

pub(super) fn get(state: &State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    list_options::check_get(state, request)?;
    let object = state.store.get(&key(&at.kind, at.namespace(), at.name()));
    let object = object.ok_or_else(|| Status::not_found(at.subject()))?;
    match at.address.subresource.as_deref() {
        None | Some("status") => Ok(Reply::Json(200, as_served(object, &at.kind).into_owned())),
        Some("scale") => Ok(Reply::Json(200, scale(object, &at.kind))),
        Some("log") => log::log(state, request, at, object),
        Some(_) => Err(Status::method_not_allowed()),
    }
}

/// The object at the version asked for.
pub(crate) fn as_served<'a>(object: &'a Value, kind: &Kind) -> Cow<'a, Value> {
    let mut object = convert::served(object, kind);
    if kind.custom {
        object.to_mut()["apiVersion"] = kind.api_version().into();
    }
    object
}

/// Items of built-in kinds come without: the list says what they are.
pub(super) fn without_type(item: &mut Value, at: &At<'_>) {
    if let Some(item) = item.as_object_mut().filter(|_| !at.kind.custom) {
        item.remove("kind");
        item.remove("apiVersion");
    }
}

pub(super) fn list(state: &State, request: &Request, at: &At<'_>, form: Form) -> Result<Reply, Status> {
    let query = &request.query;
    let fields = query.text("fieldSelector").map(|fields| convert::kept_selector(fields, &at.kind));
    let selector = Selector::parse(query.text("labelSelector"), fields.as_deref(), &at.kind.resource)?;
    let is_watch = query.flag("watch");
    list_options::check(state, request, is_watch)?;
    if is_watch {
        return watch(state, request, at, selector, form);
    }
    let limit = usize::try_from(query.integer("limit")?.unwrap_or(0)).unwrap_or(0);
    let start = query.text("continue").map(|token| continued(token, state)).transpose()?;
    let selected = state
        .store
        .list(&at.kind.resource, at.namespace())
        .filter(|(_, object)| selector.matches(object))
        .filter(|(key, _)| start.as_ref().is_none_or(|start| place(key) > *start));
    let (mut items, mut last, mut more) = (Vec::new(), None, 0_u64);
    for (key, object) in selected {
        if limit > 0 && items.len() == limit {
            more += 1;
            continue;
        }
        let mut item = as_served(object, &at.kind).into_owned();
        without_type(&mut item, at);
        items.push(item);
        last = Some(place(key));
    }
    let mut metadata = json!({"resourceVersion": state.store.revision().to_string()});
    if more > 0
        && let Some(last) = last
    {
        metadata["continue"] = token(state.store.revision(), &last).into();
        metadata["remainingItemCount"] = more.into();
    }
    let kind = format!("{}List", at.kind.kind);
    let mut answer = json!({"kind": kind, "apiVersion": at.kind.api_version(), "metadata": metadata});
    // Moved: `json!` would copy them.
    answer["items"] = items.into();
    Ok(Reply::Json(200, answer))
}

/// Where an object stands in a list.
fn place(key: &Key) -> String {
    format!("{}/{}", key.namespace, key.name)
}

fn token(revision: u64, last: &str) -> String {
    format!("{revision}:{last}")
}

/// Where a chunk begins. The chunks are of one moment on a real server; here they are of the present one, and refused when etcd would
/// have forgotten the first one's.
fn continued(token: &str, state: &State) -> Result<String, Status> {
    let parsed = token.split_once(':').and_then(|(revision, place)| Some((revision.parse().ok()?, place)));
    let (revision, place): (u64, &str) =
        parsed.ok_or_else(|| Status::bad_request("continue key is not valid"))?;
    if state.store.since(revision).is_err() {
        let message = "The provided continue parameter is too old to display a consistent list result. You must start a new list without the continue parameter.";
        return Err(Status::new(410, "Expired", message));
    }
    Ok(place.to_owned())
}

fn watch(
    state: &State,
    request: &Request,
    at: &At<'_>,
    selector: Selector,
    form: Form,
) -> Result<Reply, Status> {
    let query = &request.query;
    let initial_events = query.flag("sendInitialEvents");
    let from = list_options::watch_version(request)?;
    let initial: Vec<Arc<Value>> = if initial_events || from.is_none_or(|from| from == 0) {
        let objects = state.store.list(&at.kind.resource, at.namespace());
        objects.filter(|(_, object)| selector.matches(object)).map(|(_, object)| Arc::clone(object)).collect()
    } else {
        Vec::new()
    };
    let from = match from {
        Some(from) if from > 0 && !initial_events => from,
        _ => state.store.revision(),
    };
    if state.store.since(from).is_err() {
        return Err(Status::expired());
    }
    Ok(Reply::Watch(Watch {
        kind: Arc::clone(&at.kind),
        namespace: at.namespace().map(str::to_owned),
        selector,
        from,
        initial,
        bookmarks: query.flag("allowWatchBookmarks"),
        initial_end: initial_events,
        timeout: query.integer("timeoutSeconds")?.and_then(|seconds| seconds.try_into().ok()),
        form,
    }))
}
