//! Whether an object is the one that the request's path names, and as its writer saw it.

use serde_json::{Value, json};

use super::At;
use super::commit::metadata;
use crate::kinds::Kinds;
use crate::state::State;
use crate::status::{Cause, Status};

/// Built-in kinds that are not replaced without a resourceVersion (`AllowUnconditionalUpdate`).
const CONDITIONAL: [&str; 3] = [
    "leases.coordination.k8s.io",
    "poddisruptionbudgets.policy",
    "customresourcedefinitions.apiextensions.k8s.io",
];

/// The name, made up where only its beginning is given; empty where there is neither, which is refused with all else that is wrong.
pub(super) fn name_of(state: &mut State, object: &mut Value) -> String {
    let text = |pointer: &str| {
        object.pointer(pointer).and_then(Value::as_str).filter(|text| !text.is_empty()).map(str::to_owned)
    };
    if let Some(name) = text("/metadata/name") {
        return name;
    }
    let Some(start) = text("/metadata/generateName") else { return String::new() };
    let name = format!("{start}{}", state.suffix());
    object["metadata"]["name"] = name.clone().into();
    name
}

/// Whether the object is what the path says; what it leaves out is filled in.
pub(super) fn check_identity(object: &mut Value, at: &At<'_>, kinds: &Kinds) -> Result<(), Status> {
    check_type(object, at, kinds)?;
    if !object.get("metadata").is_some_and(Value::is_object) {
        object["metadata"] = json!({});
    }
    let text =
        |object: &Value, field: &str| object["metadata"][field].as_str().unwrap_or_default().to_owned();
    match text(object, "name") {
        name if name.is_empty() => object["metadata"]["name"] = at.name().into(),
        name if name == at.name() => {}
        name => {
            let message =
                format!("the name of the object ({name}) does not match the name on the URL ({})", at.name());
            return Err(Status::bad_request(message));
        }
    }
    match (at.namespace(), text(object, "namespace")) {
        (Some(namespace), found) if found.is_empty() => object["metadata"]["namespace"] = namespace.into(),
        (Some(namespace), found) if found != namespace => {
            return Err(Status::bad_request(
                "the namespace of the provided object does not match the namespace sent on the request",
            ));
        }
        (None, _) => drop(metadata(object).remove("namespace")),
        _ => {}
    }
    Ok(())
}

pub(super) fn check_type(object: &mut Value, at: &At<'_>, kinds: &Kinds) -> Result<(), Status> {
    let (kind, api_version) = (at.kind.kind.as_str(), at.kind.api_version());
    let found = |field: &str| object.get(field).and_then(Value::as_str).unwrap_or_default().to_owned();
    let (found_kind, found_version) = (found("kind"), found("apiVersion"));
    let is = |found: &str, expected: &str| found.is_empty() || found == expected;
    if is(&found_kind, kind) && is(&found_version, &api_version) {
        object["kind"] = kind.into();
        object["apiVersion"] = api_version.into();
        return Ok(());
    }
    let version = found_version.rsplit('/').next().unwrap_or_default();
    let message = if found_kind == kind {
        format!(
            "the API version in the data ({found_version}) does not match the expected API version ({api_version})"
        )
    } else if kinds.of(&found_version, &found_kind).is_some() {
        let internal = if at.kind.group.is_empty() { "core" } else { &at.kind.group };
        let internal = internal.split('.').next().unwrap_or_default();
        format!(
            "{found_kind} in version \"{version}\" cannot be handled as a {kind}: converting ({version}.{found_kind}) to ({internal}.{kind}): unknown conversion"
        )
    } else {
        format!(
            "no kind \"{found_kind}\" is registered for version \"{found_version}\" in scheme \"pkg/api/legacyscheme/scheme.go:30\""
        )
    };
    Err(Status::bad_request(message))
}

/// The resourceVersion and uid that the writer saw.
pub(super) fn check_preconditions(object: &Value, before: &Value, at: &At<'_>) -> Result<(), Status> {
    let sent = |field: &str| object["metadata"][field].as_str().filter(|text| !text.is_empty());
    if let Some(uid) = sent("uid")
        && before["metadata"]["uid"] != uid
    {
        let found = before["metadata"]["uid"].as_str().unwrap_or_default();
        let why = format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {found}");
        return Err(Status::conflict(at.subject(), &why));
    }
    if let Some(version) = sent("resourceVersion")
        && before["metadata"]["resourceVersion"] != version
    {
        let why =
            "the object has been modified; please apply your changes to the latest version and try again";
        return Err(Status::conflict(at.subject(), why));
    }
    Ok(())
}

/// Whether the writer says which version it replaces, of the kinds that ask for it.
pub(super) fn check_is_conditional(object: &Value, at: &At<'_>) -> Result<(), Status> {
    let says = object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !version.is_empty());
    if says || !(at.kind.custom || CONDITIONAL.contains(&&*at.kind.resource)) {
        return Ok(());
    }
    let cause = Cause::invalid("metadata.resourceVersion", &0.into(), "must be specified for an update");
    Err(Status::invalid(at.subject(), &[cause]))
}
