//! How a body becomes an object: what cannot be read is refused, and what `fieldValidation` says becomes of unknown and duplicate fields.

mod apply;
mod patch;

use serde_json::{Map, Value};

use super::At;
use crate::kinds::Kind;
use crate::request::{Request, Validation};
use crate::schema::{self, Problems, Type, custom, shown_json};
use crate::status::Status;
use crate::yaml;
pub(super) use apply::{applied, check_applied, check_applied_scale};
pub(super) use patch::{json_patch, merge_patch, merged, patched, patched_scale, strategic_patch};

/// As much of a body as a refusal shows.
const SHOWN: usize = 30;

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
