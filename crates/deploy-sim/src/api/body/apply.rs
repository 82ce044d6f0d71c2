//! The document of a server-side apply: what its schema does not have is refused.

use serde_json::Value;

use super::kind_of;
use crate::api::At;
use crate::request::{Request, Validation};
use crate::schema::{self, Type, typed};
use crate::status::Status;
use crate::yaml;

/// The document of a server-side apply, as JSON or YAML, checked against the schema.
pub(in crate::api) fn applied(request: &Request) -> Result<Value, Status> {
    let refuse = |why: String| Status::bad_request(format!("error decoding YAML: {why}"));
    let validation = request.validation()?;
    let (object, is_unique) = match schema::read(&request.body, &Type::Any) {
        Ok((object, problems)) => (object, problems.strict.is_empty()),
        Err(_) => yaml::read(&request.body)
            .map_err(|why| refuse(format!("error converting YAML to JSON: yaml: {why}")))?,
    };
    if !is_unique && validation != Validation::Ignore {
        return Err(Status::not_implemented("telling of duplicate keys in a document in YAML"));
    }
    if object.is_null() {
        return Err(Status::bad_request("invalid object type: /, Kind="));
    }
    if let Some(found) = kind_of(&object) {
        return Err(refuse(format!(
            "error unmarshaling JSON: while decoding JSON: json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        )));
    }
    Ok(object)
}

/// Refuses what the schema does not have, whatever `fieldValidation` says.
pub(in crate::api) fn check_applied(object: &Value, at: &At<'_>) -> Result<(), Status> {
    let kind = &at.kind;
    let of = Type::of(&kind.api_version(), &kind.kind).filter(|_| !kind.custom);
    let found = match (of, kind.schema()) {
        (Some(of), _) => typed::check(object, of),
        (None, Some(schema)) => typed::check_custom(object, schema),
        (None, None) => Vec::new(),
    };
    let of_kind = format!("{}/{}, Kind={}", kind.group, kind.version, kind.kind);
    let what = applied_as(object, &of_kind);
    check_typed(&found, &what)?;
    let fail = |why: String| Err(Status::new(500, "", why));
    let Some(of) = of else { return Ok(()) };
    let (_, problems) = schema::check(object, of);
    problems.error().map_or(Ok(()), |why| {
        let why = if why.starts_with("illegal base64") { format!("error decoding from json: {why}") } else { why.into() };
        fail(format!(
            "failed to convert new object {what} to proper version: unable to convert unstructured object to {of_kind}: {why}"
        ))
    })
}

/// The same for a `Scale`.
pub(in crate::api) fn check_applied_scale(object: &Value) -> Result<(), Status> {
    let of = Type::of("autoscaling/v1", "Scale").unwrap_or(&Type::Any);
    check_typed(&typed::check(object, of), &applied_as(object, "autoscaling/v1, Kind=Scale"))
}

/// An applied object, as refusals name it.
fn applied_as(object: &Value, kind: &str) -> String {
    let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
    format!("({}/{}; {kind})", text("namespace"), text("name"))
}

fn check_typed(found: &[String], what: &str) -> Result<(), Status> {
    let why = match found {
        [] => return Ok(()),
        [only] => only.clone(),
        all => format!("errors:\n  {}", all.join("\n  ")),
    };
    Err(Status::new(500, "", format!("failed to create typed patch object {what}: {why}")))
}
