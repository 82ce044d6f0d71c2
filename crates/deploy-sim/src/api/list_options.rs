//! Which moment a read is of (`ValidateListOptions` in `apimachinery`).

use crate::request::Request;
use crate::state::State;
use crate::status::{Cause, Status};
use serde_json::json;

/// Checks the options of a `list` or `watch`.
///
/// # Errors
/// What contradicts itself; lists of a past moment are not implemented.
pub(super) fn check(state: &State, request: &Request, is_watch: bool) -> Result<(), Status> {
    let query = &request.query;
    let [matching, version] = ["resourceVersionMatch", "resourceVersion"].map(|name| query.text(name));
    let initial_events = query.text("sendInitialEvents").is_some();
    let mut causes = Vec::new();
    if is_watch && initial_events {
        if matching != Some("NotOlderThan") {
            let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
            causes.push(Cause::forbidden("resourceVersionMatch", why));
        }
        if let Some(matching) = matching.filter(|matching| *matching != "NotOlderThan") {
            causes.push(Cause::unsupported("resourceVersionMatch", &matching.into(), &["NotOlderThan"]));
        }
    } else if is_watch && matching.is_some() {
        let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
        causes.push(Cause::forbidden("resourceVersionMatch", why));
    } else if initial_events {
        causes.push(Cause::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    } else if let Some(matching) = matching {
        if version.is_none() {
            let why = "resourceVersionMatch is forbidden unless resourceVersion is provided";
            causes.push(Cause::forbidden("resourceVersionMatch", why));
        }
        if query.text("continue").is_some() {
            let why = "resourceVersionMatch is forbidden when continue is provided";
            causes.push(Cause::forbidden("resourceVersionMatch", why));
        }
        if !["Exact", "NotOlderThan"].contains(&matching) {
            let supported = ["Exact", "NotOlderThan", ""];
            causes.push(Cause::unsupported("resourceVersionMatch", &matching.into(), &supported));
        }
        if matching == "Exact" && version == Some("0") {
            let why = "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"";
            causes.push(Cause::forbidden("resourceVersionMatch", why));
        }
    }
    if !causes.is_empty() {
        return Err(Status::bad_list_options(&causes));
    }
    query.integer("timeoutSeconds")?;
    let limit = query.integer("limit")?.unwrap_or(0);
    if is_watch {
        return Ok(());
    }
    let version = match version {
        None | Some("0") => return Ok(()),
        Some(version) => {
            parse(version).map_err(|why| Status::bad_request(format!("invalid resource version: {why}")))?
        }
    };
    check_version(state, version)?;
    let is_exact =
        matching == Some("Exact") || matching.is_none() && limit > 0 && query.text("continue").is_none();
    if is_exact && version != state.store.revision() {
        return Err(Status::not_implemented("lists of a past moment"));
    }
    Ok(())
}

/// Checks the resourceVersion that a `get` is to be as new as.
///
/// # Errors
/// What is none, or not reached yet.
pub(super) fn check_get(state: &State, request: &Request) -> Result<(), Status> {
    match request.query.text("resourceVersion") {
        None => Ok(()),
        Some(version) => check_version(state, parse(version).map_err(|why| Status::new(500, "", why))?),
    }
}

/// The resourceVersion that a watch begins at.
///
/// # Errors
/// What is none.
pub(super) fn watch_version(request: &Request) -> Result<Option<u64>, Status> {
    let version = request.query.text("resourceVersion");
    version.map(|version| parse(version).map_err(|why| Status::new(500, "", why))).transpose()
}

fn parse(version: &str) -> Result<u64, String> {
    version.parse().map_err(|_| {
        let shown = serde_json::Value::from(version);
        format!("resourceVersion: Invalid value: {shown}: strconv.ParseUint: parsing {shown}: invalid syntax")
    })
}

fn check_version(state: &State, version: u64) -> Result<(), Status> {
    let current = state.store.revision();
    if version <= current {
        return Ok(());
    }
    let details = json!({
        "causes": [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}], "retryAfterSeconds": 1,
    });
    let message = format!("Timeout: Too large resource version: {version}, current: {current}");
    Err(Status { details: Some(details), ..Status::new(504, "Timeout", message) })
}
