//! How a body becomes an object: what cannot be read is refused, and what `fieldValidation` says becomes of unknown and duplicate fields.

use serde_json::{Map, Value};

use super::At;
use crate::kinds::Kind;
use crate::request::{Request, Validation};
use crate::schema::{self, Problems, Type, custom, shown_json, typed};
use crate::status::Status;
use crate::yaml;

/// As much of a body as a refusal shows.
const SHOWN: usize = 30;
/// More operations than anybody writes.
const MAX_OPERATIONS: usize = 10_000;

/// The object of a POST or PUT: one of the resource itself.
pub(super) fn object(request: &Request, at: &At<'_>) -> Result<Value, Status> {
    of_kind(request, &at.kind)
}

/// An object that a subresource takes: `Scale`, `Eviction`, `Binding`.
pub(super) fn of_type(request: &Request, api_version: &str, kind: &str) -> Result<Value, Status> {
    let of = Type::of(api_version, kind).unwrap_or(&Type::Any);
    let version = api_version.rsplit('/').next().unwrap_or_default();
    check_content_type(request)?;
    let (object, problems) = read(request, of, kind)?;
    settle(request, problems, kind, version)?;
    Ok(object)
}

fn of_kind(request: &Request, kind: &Kind) -> Result<Value, Status> {
    check_content_type(request)?;
    let api_version = kind.api_version();
    let of = Type::of(&api_version, &kind.kind).filter(|_| !kind.custom).unwrap_or(&Type::Any);
    let (mut object, mut problems) = read(request, of, &kind.kind)?;
    let is = |field: &str, expected: &str| {
        object.get(field).and_then(Value::as_str).is_none_or(|found| found.is_empty() || found == expected)
    };
    // An object of another kind is refused for that.
    if !is("kind", &kind.kind) || !is("apiVersion", &api_version) {
        return Ok(object);
    }
    if kind.custom {
        if object.get("kind").is_none() {
            let text = String::from_utf8_lossy(&request.body);
            return Err(unrecognized(
                &kind.kind,
                &format!("Object 'Kind' is missing in '{text}'"),
                &request.body,
            ));
        }
        let mut all = read_custom(&mut object, kind);
        // What is there twice is told first.
        problems.strict.append(&mut all.strict);
        all.strict = problems.strict;
        problems = all;
    }
    settle(request, problems, &kind.kind, &kind.version)?;
    Ok(object)
}

/// What a JSON or merge patch has made of an object; `strict` is what was wrong with the patch itself.
pub(super) fn patched(
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
pub(super) fn merged(
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
pub(super) fn patched_scale(request: &Request, after: &Value, strict: Vec<String>) -> Result<Value, Status> {
    let of = Type::of("autoscaling/v1", "Scale").unwrap_or(&Type::Any);
    let (read, problems) = schema::check(after, of);
    settle_patch(request, || after.to_string(), problems.error(), &problems.strict, strict)?;
    Ok(read)
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

/// The document of a merge patch, and the fields that it has twice.
pub(super) fn merge_patch(request: &Request) -> Result<(Value, Vec<String>), Status> {
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
pub(super) fn strategic_patch(request: &Request) -> Result<(Map<String, Value>, Vec<String>), Status> {
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
pub(super) fn json_patch(request: &Request) -> Result<(json_patch::Patch, Vec<String>), Status> {
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

/// The document of a server-side apply, as JSON or YAML, checked against the schema.
pub(super) fn applied(request: &Request) -> Result<Value, Status> {
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
pub(super) fn check_applied(object: &Value, at: &At<'_>) -> Result<(), Status> {
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
pub(super) fn check_applied_scale(object: &Value) -> Result<(), Status> {
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

/// What `DeleteOptions` and the like are read from; nothing where there is no body.
pub(super) fn options(request: &Request, kind: &str) -> Result<Value, Status> {
    if request.body.is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    of_type(request, "v1", kind)
}

fn check_content_type(request: &Request) -> Result<(), Status> {
    match request.content_type.as_str() {
        "" | "application/json" | "application/yaml" | "*/*" => Ok(()),
        "application/vnd.kubernetes.protobuf" => {
            Err(Status::not_implemented(&format!("bodies of the type {}", request.content_type)))
        }
        _ => Err(Status::new(
            415,
            "UnsupportedMediaType",
            "the body of the request was in an unknown format - accepted media types include: application/json, application/yaml, application/vnd.kubernetes.protobuf",
        )),
    }
}

/// A custom object: its metadata is read as everybody's, the rest by its schema.
fn read_custom(object: &mut Value, kind: &Kind) -> Problems {
    let mut problems = Problems::default();
    if let Some(metadata) = object.get_mut("metadata") {
        (*metadata, problems) = schema::check(metadata, Type::metadata());
        for field in &mut problems.strict {
            *field = field.replacen("field \"", "field \"metadata.", 1);
        }
    }
    if let Some(schema) = kind.schema() {
        let mut pruned = custom::prune(object, schema);
        for place in &mut pruned {
            *place = format!("unknown field {}", Value::from(place.as_str()));
        }
        pruned.append(&mut problems.strict);
        problems.strict = pruned;
    }
    problems
}

fn read(request: &Request, of: &Type, kind: &str) -> Result<(Value, Problems), Status> {
    let body = &request.body;
    let read = match request.content_type.as_str() {
        "application/yaml" => {
            let (document, is_unique) = yaml::read(body)
                .map_err(|why| Status::bad_request(format!("error converting YAML to JSON: yaml: {why}")))?;
            if !is_unique && request.validation()? != Validation::Ignore {
                return Err(Status::not_implemented("telling of duplicate keys in a document in YAML"));
            }
            Ok(schema::check(&document, of))
        }
        _ => schema::read(body, of),
    };
    let (object, problems) = read.map_err(|error| {
        let why = format!("couldn't get version/kind; json parse error: {}", shown_json(&error));
        unrecognized(kind, &why, body)
    })?;
    match kind_of(&object) {
        None => Ok((object, problems)),
        Some(found) => {
            let why = format!(
                "couldn't get version/kind; json parse error: json: cannot unmarshal {found} into Go value of type struct {{ APIVersion string \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
            );
            Err(unrecognized(kind, &why, body))
        }
    }
}

/// What a document is that should be an object.
fn kind_of(document: &Value) -> Option<&'static str> {
    match document {
        Value::Object(_) => None,
        Value::Array(_) => Some("array"),
        Value::String(_) => Some("string"),
        Value::Number(_) => Some("number"),
        Value::Bool(_) => Some("bool"),
        Value::Null => Some("null"),
    }
}

fn unrecognized(kind: &str, why: &str, body: &[u8]) -> Status {
    let start = body.get(..SHOWN).unwrap_or(body);
    let mut shown = String::new();
    match start.first() {
        None => shown.push_str("<empty>"),
        Some(b'{') => shown.push_str(&String::from_utf8_lossy(start)),
        Some(_) => shown.extend(start.iter().map(|byte| format!("{byte:02x}"))),
    }
    if body.len() > SHOWN {
        shown.push_str(" ...");
    }
    Status::bad_request(format!(
        "the object provided is unrecognized (must be of type {kind}): {why} ({shown})"
    ))
}

/// Refuses, warns or is silent, as the request says.
fn settle(request: &Request, problems: Problems, kind: &str, version: &str) -> Result<(), Status> {
    let refuse = |why: &str| {
        Err(Status::bad_request(format!(
            "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
        )))
    };
    let validation = request.validation()?;
    if let Some(why) = problems.error() {
        return refuse(why);
    }
    match validation {
        Validation::Strict if !problems.strict.is_empty() => {
            refuse(&format!("strict decoding error: {}", problems.strict.join(", ")))
        }
        Validation::Warn => {
            request.warn(problems.strict);
            Ok(())
        }
        _ => Ok(()),
    }
}
