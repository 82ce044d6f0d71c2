//! In which form an answer is wanted: as it is, as a table, its metadata alone; in JSON or YAML (`Accept`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{At, Reply};
use crate::kinds::Kind;
use crate::request::Request;
use crate::status::Status;
use crate::table::{Included, Printer, metadata_of};

/// More media types than any client names.
const MAX_MEDIA: usize = 20;

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Form {
    shape: Shape,
    yaml: bool,
}

/// The version of the group `meta.k8s.io` stands with each but the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    Whole,
    Table(&'static str, Included),
    Metadata(&'static str),
    MetadataList(&'static str),
}

impl Form {
    /// The first of those that the client takes, that there is.
    ///
    /// # Errors
    /// There is none.
    pub(super) fn wanted(request: &Request, is_list: bool) -> Result<Self, Status> {
        let is_watch = request.query.flag("watch");
        let yaml_is_served = !is_watch;
        let named = || media(&request.accept);
        if named().next().is_none() {
            return Ok(Self { shape: Shape::Whole, yaml: false });
        }
        for media in named() {
            let yaml = match media.name {
                "application/json" | "*/*" | "application/*" => false,
                "application/yaml" if yaml_is_served => true,
                _ => continue,
            };
            let api_version = match (media.parameter("v"), media.parameter("g")) {
                (Some("v1"), Some("meta.k8s.io")) => Some("meta.k8s.io/v1"),
                (Some("v1beta1"), Some("meta.k8s.io")) => Some("meta.k8s.io/v1beta1"),
                _ => None,
            };
            let shape = match (media.parameter("as"), api_version) {
                (None, _) => Shape::Whole,
                (Some("Table"), Some(version)) => Shape::Table(version, included(request)?),
                (Some("PartialObjectMetadata"), Some(version)) => Shape::Metadata(version),
                (Some("PartialObjectMetadataList"), Some(version)) => Shape::MetadataList(version),
                _ => continue,
            };
            return Ok(Self { shape, yaml });
        }
        if named().any(|media| media.name == "application/vnd.kubernetes.protobuf") {
            return Err(Status::not_implemented("answers in the form application/vnd.kubernetes.protobuf"));
        }
        Err(not_acceptable(is_watch, named().any(|media| media.is_known()), is_list))
    }

    /// The answer in this form.
    ///
    /// # Errors
    /// One object where a list is wanted, or the other way round.
    pub(super) fn dress(self, reply: Reply, at: &At<'_>, now: Timestamp) -> Result<Reply, Status> {
        let (code, body) = match reply {
            Reply::Json(code, body) => (code, body),
            other => return Ok(other),
        };
        let body = if body["kind"] == "Status" { body } else { self.shaped(body, at, now)? };
        Ok(if self.yaml { Reply::Yaml(code, body) } else { Reply::Json(code, body) })
    }

    fn shaped(self, body: Value, at: &At<'_>, now: Timestamp) -> Result<Value, Status> {
        let scale = at.address.subresource.as_deref() == Some("scale");
        let items =
            (at.address.name.is_none()).then(|| body.get("items").and_then(Value::as_array)).flatten();
        let not = |what: &str| {
            let package = at.kind.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core");
            let list = if items.is_some() { "List" } else { "" };
            let of = if at.kind.custom {
                format!("*unstructured.Unstructured{list}")
            } else {
                format!("*{package}.{}{list}", at.kind.kind)
            };
            Status::new(406, "NotAcceptable", format!("you requested {what} ({of})"))
        };
        Ok(match (self.shape, items) {
            (Shape::Whole, _) => body,
            (Shape::Table(api_version, included), items) => {
                let printer = Printer { kind: &at.kind, scale, api_version, included, now };
                match items {
                    Some(items) => printer.table(&body["metadata"], items.iter(), true),
                    None => table_of_one(printer, &body, true),
                }
            }
            (Shape::Metadata(version), None) => metadata_of(&body, version),
            (Shape::Metadata(_), Some(_)) => {
                return Err(not("PartialObjectMetadata, but the requested object is a list"));
            }
            (Shape::MetadataList(_), None) => {
                return Err(not("PartialObjectMetadataList, but the requested object is not a list"));
            }
            (Shape::MetadataList(version), Some(items)) => {
                let items: Vec<Value> = items.iter().map(|item| metadata_of(item, version)).collect();
                let mut list = json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": version, "metadata": body["metadata"],
                });
                list["items"] = items.into();
                list
            }
        })
    }

    /// An object that a watch tells of; the first one brings the columns of a table.
    pub(crate) fn event(self, object: &Value, kind: &Kind, first: bool, now: Timestamp) -> Option<Value> {
        match self.shape {
            Shape::Whole => None,
            Shape::Table(api_version, included) => {
                let printer = Printer { kind, scale: false, api_version, included, now };
                Some(table_of_one(printer, object, first))
            }
            Shape::Metadata(version) | Shape::MetadataList(version) => Some(metadata_of(object, version)),
        }
    }
}

/// What is said where nothing that is known is asked for, and where what is known is asked for in a form that there is not.
fn not_acceptable(is_watch: bool, is_known: bool, is_list: bool) -> Status {
    let plain = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
    let streams = "application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch";
    let refuse = |message: String| Status::new(406, "NotAcceptable", message);
    let served = if is_watch { streams } else { plain };
    if is_known {
        return refuse(format!("only the following media types are accepted: {served}"));
    }
    let all = if is_list { format!("{plain}, {streams}") } else { plain.to_owned() };
    let status = refuse(format!("406: Not Acceptable\n\nAvailable representations: {all}"));
    Status { details: Some(json!({})), ..status }
}

fn table_of_one(printer: Printer<'_>, object: &Value, with_headers: bool) -> Value {
    let mut metadata = json!({});
    if let Some(version) = object["metadata"].get("resourceVersion") {
        metadata["resourceVersion"] = version.clone();
    }
    printer.table(&metadata, std::iter::once(object), with_headers)
}

fn included(request: &Request) -> Result<Included, Status> {
    match request.query.text("includeObject") {
        None | Some("Metadata") => Ok(Included::Metadata),
        Some("Object") => Ok(Included::Object),
        Some("None") => Ok(Included::Nothing),
        Some(other) => Err(Status::bad_request(format!(
            "Unable to convert to Table as requested: includeObject: Invalid value: {}: must be 'Metadata', 'Object', 'None', or empty",
            Value::from(other)
        ))),
    }
}

/// Whether refusals are wanted in YAML.
pub(super) fn is_yaml(request: &Request) -> bool {
    media(&request.accept).next().is_some_and(|media| media.name == "application/yaml")
}

/// Whether nothing but protobuf is taken.
pub(super) fn is_protobuf_alone(request: &Request) -> bool {
    let mut all = media(&request.accept).peekable();
    all.peek().is_some() && all.all(|media| media.name.ends_with("protobuf"))
}

struct Media<'a> {
    name: &'a str,
    parameters: Vec<&'a str>,
}

impl Media<'_> {
    fn is_known(&self) -> bool {
        matches!(self.name, "application/json" | "application/yaml" | "application/vnd.kubernetes.protobuf")
    }

    fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find_map(|parameter| parameter.strip_prefix(name)?.strip_prefix('='))
    }
}

fn media(accept: &str) -> impl Iterator<Item = Media<'_>> {
    accept.split(',').take(MAX_MEDIA).map(str::trim).filter(|media| !media.is_empty()).map(|media| {
        let mut parts = media.split(';').map(str::trim);
        Media { name: parts.next().unwrap_or_default(), parameters: parts.collect() }
    })
}
