//! The document of a patch, and what `fieldValidation` says becomes of what it made of an object.

use serde_json::{Map, Value};

use super::{kind_of, read_custom};
use crate::api::At;
use crate::request::{Request, Validation};
use crate::schema::{self, Type, shown_json};
use crate::status::Status;

/// More operations than anybody writes.
const MAX_OPERATIONS: usize = 10_000;

/// What a JSON or merge patch has made of an object; `strict` is what was wrong with the patch itself.
pub(in crate::api) fn patched(
    request: &Request,
    at: &At<'_>,
    after: &Value,
    strict: Vec<String>,
) -> Result<Value, Status> {
    let (read, problems) = if at.kind.custom {
        let mut read = after.clone();
        let problems = read_custom(&mut read, &at.kind);
        (read, problems)
    } else {
        let of = Type::of(&at.kind.api_version(), &at.kind.kind).unwrap_or(&Type::Any);
        schema::check(after, of)
    };
    settle_patch(request, || after.to_string(), problems.error(), &problems.strict, strict)?;
    Ok(read)
}

/// What a strategic merge patch has made of an object; `strict` is what was wrong with the patch itself, which is shown.
pub(in crate::api) fn merged(
    request: &Request,
    of: &Type,
    after: &Value,
    strict: Vec<String>,
    patch: impl Fn() -> String,
) -> Result<Value, Status> {
    let (read, problems) = schema::check(after, of);
    let error = schema::mismatch(after, of);
    settle_patch(request, patch, error.as_deref(), &problems.strict, strict)?;
    Ok(read)
}

/// What a patch has made of a `Scale`.
pub(in crate::api) fn patched_scale(
    request: &Request,
    after: &Value,
    strict: Vec<String>,
) -> Result<Value, Status> {
    let of = Type::of("autoscaling/v1", "Scale").unwrap_or(&Type::Any);
    let (read, problems) = schema::check(after, of);
    settle_patch(request, || after.to_string(), problems.error(), &problems.strict, strict)?;
    Ok(read)
}

/// The document of a merge patch, and the fields that it has twice.
pub(in crate::api) fn merge_patch(request: &Request) -> Result<(Value, Vec<String>), Status> {
    let refuse = |why: &str| Status::bad_request(format!("error decoding patch: {why}"));
    let (patch, problems) =
        schema::read(&request.body, &Type::Any).map_err(|error| refuse(&shown_json(&error)))?;
    match kind_of(&patch) {
        None => Ok((patch, problems.strict)),
        Some(found) => Err(refuse(&format!(
            "json: cannot unmarshal {found} into Go value of type map[string]interface {{}}"
        ))),
    }
}

/// The document of a strategic merge patch, and the fields that it has twice.
pub(in crate::api) fn strategic_patch(
    request: &Request,
) -> Result<(Map<String, Value>, Vec<String>), Status> {
    let (patch, problems) =
        schema::read(&request.body, &Type::Any).map_err(|error| Status::bad_request(shown_json(&error)))?;
    match (kind_of(&patch), patch) {
        (None, Value::Object(patch)) => Ok((patch, problems.strict)),
        // Nothing to merge.
        (_, Value::Null) => Ok((Map::new(), problems.strict)),
        (found, _) => Err(Status::bad_request(format!(
            "json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            found.unwrap_or_default()
        ))),
    }
}

/// The operations of a JSON patch, and the fields that they have twice or that no operation has.
pub(in crate::api) fn json_patch(request: &Request) -> Result<(json_patch::Patch, Vec<String>), Status> {
    let refuse = |why: String| Status::bad_request(format!("error decoding patch: {why}"));
    let (document, problems) =
        schema::read(&request.body, &Type::Any).map_err(|error| refuse(shown_json(&error)))?;
    let Some(operations) = document.as_array() else {
        let found = kind_of(&document).unwrap_or("object");
        return Err(refuse(format!(
            "json: cannot unmarshal {found} into Go value of type []handlers.jsonPatchOp"
        )));
    };
    if operations.len() > MAX_OPERATIONS {
        let message = format!(
            "The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {}",
            operations.len()
        );
        return Err(Status::new(413, "RequestEntityTooLarge", message));
    }
    let mut strict: Vec<String> =
        problems.strict.into_iter().map(|problem| format!("json patch {problem}")).collect();
    for (index, operation) in operations.iter().enumerate() {
        let known = ["op", "from", "path", "value"];
        let names = operation.as_object().into_iter().flatten().map(|(name, _)| name);
        let unknown = names.filter(|name| !known.contains(&name.as_str()));
        strict.extend(unknown.map(|name| format!("json patch unknown field \"[{index}].{name}\"")));
    }
    let operations = serde_json::from_value(document).map_err(|error| refuse(error.to_string()))?;
    Ok((operations, strict))
}

fn settle_patch(
    request: &Request,
    shown: impl Fn() -> String,
    error: Option<&str>,
    unknown: &[String],
    mut strict: Vec<String>,
) -> Result<(), Status> {
    if let Some(why) = error {
        return Err(Status::unpatchable(&shown(), why));
    }
    strict.extend_from_slice(unknown);
    match request.validation()? {
        Validation::Strict if !strict.is_empty() => {
            Err(Status::unpatchable(&shown(), &format!("strict decoding error: {}", strict.join(", "))))
        }
        Validation::Warn => {
            request.warn(strict);
            Ok(())
        }
        _ => Ok(()),
    }
}
