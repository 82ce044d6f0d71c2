//! Refusals, in the words of the API server (`apimachinery/pkg/api/errors`).

use serde_json::{Value, json};

/// A `Status` of failure.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) code: u16,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
    pub(crate) details: Option<Value>,
}

/// What a refusal is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The group; empty for the core group.
    pub(crate) group: &'a str,
    /// The resource (`deployments`); of validation errors the kind.
    pub(crate) resource: &'a str,
    pub(crate) name: &'a str,
}

impl Subject<'_> {
    /// `deployments.apps`, `pods`
    fn qualified(&self) -> String {
        match self.group {
            "" => self.resource.to_owned(),
            group => format!("{}.{group}", self.resource),
        }
    }

    fn details(&self) -> Value {
        let mut details = json!({"kind": self.resource});
        if !self.name.is_empty() {
            details["name"] = self.name.into();
        }
        if !self.group.is_empty() {
            details["group"] = self.group.into();
        }
        details
    }
}

impl Status {
    pub(crate) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: None }
    }

    pub(crate) fn not_found(subject: Subject<'_>) -> Self {
        let message = format!("{} \"{}\" not found", subject.qualified(), subject.name);
        Self { details: Some(subject.details()), ..Self::new(404, "NotFound", message) }
    }

    pub(crate) fn already_exists(subject: Subject<'_>) -> Self {
        let message = format!("{} \"{}\" already exists", subject.qualified(), subject.name);
        Self { details: Some(subject.details()), ..Self::new(409, "AlreadyExists", message) }
    }

    pub(crate) fn conflict(subject: Subject<'_>, why: &str) -> Self {
        let message =
            format!("Operation cannot be fulfilled on {} \"{}\": {why}", subject.qualified(), subject.name);
        Self { details: Some(subject.details()), ..Self::new(409, "Conflict", message) }
    }

    pub(crate) fn forbidden(subject: Subject<'_>, why: &str) -> Self {
        let message = format!("{} \"{}\" is forbidden: {why}", subject.qualified(), subject.name);
        Self { details: Some(subject.details()), ..Self::new(403, "Forbidden", message) }
    }

    /// `causes` are field errors: path, reason (`FieldValueRequired`), words.
    pub(crate) fn invalid(subject: Subject<'_>, causes: &[Cause]) -> Self {
        let mut words: Vec<String> = Vec::new();
        for cause in causes {
            let said = format!("{}: {}", cause.field, cause.message);
            // Each is said once.
            if !words.contains(&said) {
                words.push(said);
            }
        }
        let words = match words.as_slice() {
            [only] => only.clone(),
            all => format!("[{}]", all.join(", ")),
        };
        let message = format!("{} \"{}\" is invalid: {words}", subject.qualified(), subject.name);
        let mut details = subject.details();
        details["causes"] = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        Self { details: Some(details), ..Self::new(422, "Invalid", message) }
    }

    pub(crate) fn unsupported_media_type(message: &str) -> Self {
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self { details: Some(json!({})), ..Self::new(405, "MethodNotAllowed", message) }
    }

    /// A resource that is not served.
    pub(crate) fn no_such_resource() -> Self {
        let status = Self::new(404, "NotFound", "the server could not find the requested resource");
        Self { details: Some(json!({})), ..status }
    }

    /// Options that no verb takes.
    pub(crate) fn bad_options(options: &str, cause: Cause) -> Self {
        Self::invalid(Subject { group: "meta.k8s.io", resource: options, name: "" }, &[cause])
    }

    pub(crate) fn internal_error() -> Self {
        Self::new(500, "InternalError", "Internal error occurred: the embedded cluster was told to fail")
    }

    /// Options of a list that contradict each other.
    /// The cluster itself is at fault, and stays it.
    pub(crate) fn broken(why: &str) -> Self {
        let message = format!(
            "the embedded cluster is broken: {why}; this is no failure of a real cluster, start another one"
        );
        Self::new(500, "InternalError", message)
    }

    pub(crate) fn bad_list_options(causes: &[Cause]) -> Self {
        Self::invalid(Subject { group: "meta.k8s.io", resource: "ListOptions", name: "" }, causes)
    }

    pub(crate) fn expired() -> Self {
        Self::new(410, "Expired", "too old resource version")
    }

    /// A patch that makes an object of something else.
    pub(crate) fn unpatchable(object: &str, why: &str) -> Self {
        let message = format!("Invalid value: {}: {why}", Value::from(object));
        let details =
            json!({"causes": [{"reason": "FieldValueInvalid", "message": message, "field": "patch"}]});
        let status = Self::new(422, "Invalid", format!(" \"\" is invalid: patch: {message}"));
        Self { details: Some(details), ..status }
    }

    /// What the embedded server does not do: never a wrong success.
    pub(crate) fn not_implemented(feature: &str) -> Self {
        Self::new(501, "NotImplemented", format!("the embedded cluster does not implement {feature}"))
    }

    pub(crate) fn to_value(&self) -> Value {
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.message, "code": self.code,
        });
        if !self.reason.is_empty() {
            status["reason"] = self.reason.into();
        }
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

/// Why one field is refused.
#[derive(Clone, Debug)]
pub(crate) struct Cause {
    pub(crate) field: String,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Cause {
    pub(crate) fn required(field: impl Into<String>, hint: &str) -> Self {
        let message =
            if hint.is_empty() { "Required value".into() } else { format!("Required value: {hint}") };
        Self { field: field.into(), reason: "FieldValueRequired", message }
    }

    /// `value` as Go's `%#v` of JSON shows it.
    pub(crate) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        Self {
            field: field.into(),
            reason: "FieldValueInvalid",
            message: format!("Invalid value: {value}: {why}"),
        }
    }

    pub(crate) fn forbidden(field: impl Into<String>, why: &str) -> Self {
        Self { field: field.into(), reason: "FieldValueForbidden", message: format!("Forbidden: {why}") }
    }

    pub(crate) fn unsupported(field: impl Into<String>, value: &Value, supported: &[&str]) -> Self {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { field: field.into(), reason: "FieldValueNotSupported", message }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const API: Subject<'_> = Subject { group: "apps", resource: "deployments", name: "api" };

    #[test]
    fn in_the_api_servers_words() {
        let check = |status: Status, code: u16, message: &str| {
            assert_eq!((status.code, status.message.as_str()), (code, message));
        };
        check(Status::not_found(API), 404, "deployments.apps \"api\" not found");
        check(Status::already_exists(API), 409, "deployments.apps \"api\" already exists");
        let kind = Subject { resource: "Deployment", ..API };
        let selector = Cause::required("spec.selector", "");
        check(
            Status::invalid(kind, std::slice::from_ref(&selector)),
            422,
            "Deployment.apps \"api\" is invalid: spec.selector: Required value",
        );
        let negative = Cause::invalid("spec.replicas", &json!(-1), "must be greater than or equal to 0");
        check(
            Status::invalid(kind, &[selector, negative]),
            422,
            "Deployment.apps \"api\" is invalid: [spec.selector: Required value, spec.replicas: Invalid value: -1: must be greater than or equal to 0]",
        );
        check(
            Status::conflict(
                API,
                "the object has been modified; please apply your changes to the latest version and try again",
            ),
            409,
            "Operation cannot be fulfilled on deployments.apps \"api\": the object has been modified; please apply your changes to the latest version and try again",
        );
    }
}
