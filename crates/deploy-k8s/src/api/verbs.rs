//! The API's verbs, each with its way of being repeated.

use deploy_core::error::{Error, ErrorKind, Result};
use http::Method;
use serde_json::{Value, json};

use super::Cluster;
use super::answer::Refusal;
use super::resource::{Place, escape};
use super::retry::Repeat;
use super::send::{Call, Failed};

const JSON: &str = "application/json";
const APPLY: &str = "application/apply-patch+yaml";
const MERGE: &str = "application/merge-patch+json";

/// How a server-side apply came out.
#[derive(Debug)]
pub(crate) enum Apply {
    /// The object as it is now.
    Done(Value),
    /// A precondition does not hold: it was changed, created or deleted meanwhile.
    ChangedMeanwhile,
    /// Other field managers own some of the fields.
    FieldConflict {
        /// Their paths, in the API server's notation.
        fields: Vec<String>,
        /// The whole story.
        error: Error,
    },
}

/// Options of a server-side apply.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ApplyOptions<'a> {
    pub(crate) manager: &'a str,
    pub(crate) force: bool,
    pub(crate) dry_run: bool,
}

impl Cluster {
    /// The object called `name`, if there is one.
    pub(crate) async fn get(&self, place: &Place, name: &str) -> Result<Option<Value>> {
        let call = read("get", place.object(name), place.id(name).to_string());
        match self.call_json(&call).await {
            Ok(object) => Ok(Some(object)),
            Err(Failed::Refused(refusal)) if refusal.code == 404 => Ok(None),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }

    /// Server-side apply. It may be repeated: the same apply has the same effect, and one with a resourceVersion has it once.
    ///
    /// # Errors
    /// All but conflicts, which are the caller's to decide.
    pub(crate) async fn apply(
        &self,
        place: &Place,
        object: &Value,
        options: ApplyOptions<'_>,
    ) -> Result<Apply> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        let ApplyOptions { manager, force, dry_run } = options;
        let mut path =
            format!("{}?fieldManager={}&fieldValidation=Strict", place.object(name), escape(manager));
        if force {
            path += "&force=true";
        }
        if dry_run {
            path += "&dryRun=All";
        }
        let verb = if dry_run { "plan" } else { "apply" };
        let body = serde_json::to_vec(object).map_err(|error| {
            Error::new(ErrorKind::Internal, "cannot be written as JSON")
                .during(verb)
                .on(place.id(name))
                .source(error)
        })?;
        let object = place.id(name).to_string();
        let call = Call {
            method: Method::PATCH,
            path,
            accept: JSON,
            content_type: APPLY,
            body,
            repeat: Repeat::Freely,
            verb,
            object,
        };
        match self.call_json(&call).await {
            Ok(object) => Ok(Apply::Done(object)),
            Err(Failed::Refused(refusal)) if refusal.is_field_conflict() => Ok(Apply::FieldConflict {
                fields: conflicting(&refusal),
                error: refusal.into_error(call.verb, &call.object),
            }),
            Err(Failed::Refused(refusal)) if refusal.is_changed_meanwhile() => Ok(Apply::ChangedMeanwhile),
            Err(Failed::Refused(refusal)) if place.resource.kind == "Secret" => {
                Err(refusal.without_values().into_error(call.verb, &call.object))
            }
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }

    /// JSON merge patch (RFC 7386). Only for patches that carry a resourceVersion or have the same effect twice.
    /// `None` if the precondition does not hold.
    pub(crate) async fn merge(&self, place: &Place, name: &str, patch: &Value) -> Result<Option<Value>> {
        let body = patch.to_string().into_bytes();
        let call = Call {
            method: Method::PATCH,
            path: place.object(name),
            accept: JSON,
            content_type: MERGE,
            body,
            repeat: Repeat::Freely,
            verb: "patch",
            object: place.id(name).to_string(),
        };
        self.conditional(&call).await
    }

    /// JSON merge patch that carries a resourceVersion, written as `manager`. `None` if the precondition does not hold.
    ///
    /// # Errors
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the answer was lost: look it up.
    pub(crate) async fn merge_once(
        &self,
        place: &Place,
        name: &str,
        patch: &Value,
        manager: &str,
    ) -> Result<Option<Value>> {
        let call = Call {
            method: Method::PATCH,
            path: format!("{}?fieldManager={}", place.object(name), escape(manager)),
            accept: JSON,
            content_type: MERGE,
            body: patch.to_string().into_bytes(),
            repeat: Repeat::IfUnsent,
            verb: "patch",
            object: place.id(name).to_string(),
        };
        self.conditional(&call).await
    }

    /// Replaces an object; its resourceVersion is the precondition. `None` if that does not hold.
    pub(crate) async fn replace(
        &self,
        place: &Place,
        object: &Value,
        manager: &str,
    ) -> Result<Option<Value>> {
        self.conditional(&replacement(place, object, manager, false)).await
    }

    /// What [`replace`](Self::replace) would make of the object.
    pub(crate) async fn dry_replace(
        &self,
        place: &Place,
        object: &Value,
        manager: &str,
    ) -> Result<Option<Value>> {
        self.conditional(&replacement(place, object, manager, true)).await
    }

    /// Creates an object; `None` if there is one of that name.
    ///
    /// # Errors
    /// [`OutcomeUnknown`](ErrorKind::OutcomeUnknown) if the answer was lost: look it up.
    pub(crate) async fn create(&self, place: &Place, object: &Value, manager: &str) -> Result<Option<Value>> {
        self.made(&creation(place, object, manager, false)).await
    }

    /// What [`create`](Self::create) would make. If `strict`, fields that are not known are refused; else they are dropped, as by `create`.
    pub(crate) async fn dry_create(
        &self,
        place: &Place,
        object: &Value,
        manager: &str,
        strict: bool,
    ) -> Result<Option<Value>> {
        let mut call = creation(place, object, manager, true);
        if strict {
            call.path += "&fieldValidation=Strict";
        }
        self.made(&call).await
    }

    async fn made(&self, call: &Call) -> Result<Option<Value>> {
        match self.call_json(call).await {
            Ok(object) => Ok(Some(object)),
            Err(Failed::Refused(refusal)) if refusal.reason == "AlreadyExists" => Ok(None),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }

    /// Deletes the object with this `uid`, its dependents in the background. Returns what still stands while it is being finalized,
    /// `None` if it is gone already or never was.
    pub(crate) async fn delete(&self, place: &Place, name: &str, uid: Option<&str>) -> Result<Option<Value>> {
        let call = deletion(place, name, &json!({"uid": uid}), false);
        match self.call_json(&call).await {
            Ok(answer) if answer.get("kind").and_then(Value::as_str) == Some("Status") => Ok(None),
            Ok(answer) => {
                Ok(Some(answer).filter(|object| object.pointer("/metadata/deletionTimestamp").is_some()))
            }
            // Another object of that name: ours is gone.
            Err(Failed::Refused(refusal)) if refusal.code == 404 || refusal.code == 409 => Ok(None),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }

    /// Deletes the object if it still is as read; `false` if it is another or was changed since.
    pub(crate) async fn delete_as_read(&self, place: &Place, name: &str, read: &Value) -> Result<bool> {
        let text = |pointer: &str| read.pointer(pointer).and_then(Value::as_str);
        let precondition =
            json!({"uid": text("/metadata/uid"), "resourceVersion": text("/metadata/resourceVersion")});
        let call = deletion(place, name, &precondition, false);
        match self.call_json(&call).await {
            Ok(_) => Ok(true),
            Err(Failed::Refused(refusal)) if refusal.code == 404 => Ok(true),
            Err(Failed::Refused(refusal)) if refusal.code == 409 => Ok(false),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }

    /// Whether [`delete`](Self::delete) would be refused.
    pub(crate) async fn may_delete(&self, place: &Place, name: &str, uid: Option<&str>) -> Result<()> {
        let call = deletion(place, name, &json!({"uid": uid}), true);
        match self.call_json(&call).await {
            Ok(_) => Ok(()),
            Err(Failed::Refused(refusal)) if refusal.code == 404 || refusal.code == 409 => Ok(()),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }

    async fn conditional(&self, call: &Call) -> Result<Option<Value>> {
        match self.call_json(call).await {
            Ok(object) => Ok(Some(object)),
            Err(Failed::Refused(refusal)) if refusal.is_changed_meanwhile() => Ok(None),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }
}

fn creation(place: &Place, object: &Value, manager: &str, dry_run: bool) -> Call {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let dry = if dry_run { "&dryRun=All" } else { "" };
    Call {
        method: Method::POST,
        path: format!("{}?fieldManager={}{dry}", place.path(), escape(manager)),
        accept: JSON,
        content_type: JSON,
        body: object.to_string().into_bytes(),
        repeat: if dry_run { Repeat::Freely } else { Repeat::IfUnsent },
        verb: if dry_run { "plan" } else { "create" },
        object: place.id(name).to_string(),
    }
}

fn replacement(place: &Place, object: &Value, manager: &str, dry_run: bool) -> Call {
    let name = object.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let dry = if dry_run { "&dryRun=All" } else { "" };
    Call {
        method: Method::PUT,
        path: format!("{}?fieldManager={}{dry}", place.object(name), escape(manager)),
        accept: JSON,
        content_type: JSON,
        body: object.to_string().into_bytes(),
        repeat: if dry_run { Repeat::Freely } else { Repeat::IfUnsent },
        verb: if dry_run { "plan" } else { "update" },
        object: place.id(name).to_string(),
    }
}

fn deletion(place: &Place, name: &str, precondition: &Value, dry_run: bool) -> Call {
    let mut options = json!({
        "apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": "Background", "preconditions": precondition,
    });
    if dry_run {
        options["dryRun"] = json!(["All"]);
    }
    Call {
        method: Method::DELETE,
        path: place.object(name),
        accept: JSON,
        content_type: JSON,
        body: options.to_string().into_bytes(),
        repeat: Repeat::Freely,
        verb: if dry_run { "plan to delete" } else { "delete" },
        object: place.id(name).to_string(),
    }
}

/// A request that only reads.
pub(super) fn read(verb: &'static str, path: String, object: String) -> Call {
    Call {
        method: Method::GET,
        path,
        accept: JSON,
        content_type: JSON,
        body: Vec::new(),
        repeat: Repeat::Freely,
        verb,
        object,
    }
}

pub(super) fn collection(place: &Place) -> String {
    match &place.namespace {
        Some(namespace) => format!("{} in namespace {namespace}", place.resource.plural),
        None => place.resource.plural.clone(),
    }
}

fn conflicting(refusal: &Refusal) -> Vec<String> {
    let causes = refusal.causes.iter().filter(|cause| cause.reason == "FieldManagerConflict");
    causes.map(|cause| cause.field.clone()).collect()
}
