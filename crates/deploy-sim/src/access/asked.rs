//! What a request is about, as rules decide on it (`apiserver/pkg/endpoints/request/requestinfo.go`).

use serde_json::{Value, json};

use crate::request::{Request, Target};
use crate::selector;
use crate::status::Status;
use crate::user::User;

/// A verb, and on what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Resource(Resource),
    /// What is no resource: discovery, health.
    Path {
        verb: String,
        path: String,
    },
}

/// A resource and a verb; what is not said is empty.
#[expect(clippy::struct_field_names, reason = "access reviews call it so")]
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Resource {
    pub(crate) verb: String,
    pub(crate) group: String,
    pub(crate) resource: String,
    pub(crate) subresource: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
}

impl Resource {
    /// `pods`, `pods/log`
    pub(super) fn combined(&self) -> String {
        match self.subresource.as_str() {
            "" => self.resource.clone(),
            subresource => format!("{}/{subresource}", self.resource),
        }
    }
}

impl Asked {
    pub(crate) fn of(request: &Request) -> Self {
        let Target::Objects(address) = &request.target else {
            return Self::Path {
                verb: request.method.as_str().to_ascii_lowercase(),
                path: request.path.clone(),
            };
        };
        let mut name = address.name.clone().unwrap_or_default();
        let verb = match request.method.as_str() {
            "POST" => "create",
            "PUT" => "update",
            "PATCH" => "patch",
            "DELETE" if name.is_empty() => "deletecollection",
            "DELETE" => "delete",
            _ if !name.is_empty() => "get",
            _ if request.query.flag("watch") => "watch",
            _ => "list",
        };
        if ["list", "watch", "deletecollection"].contains(&verb) {
            name = request.query.text("fieldSelector").and_then(selector::named).unwrap_or_default();
        }
        // A namespace lies in itself.
        let namespace = match (&address.namespace, &address.name) {
            (None, Some(name)) if address.group.is_empty() && address.plural == "namespaces" => name.clone(),
            (namespace, _) => namespace.clone().unwrap_or_default(),
        };
        Self::Resource(Resource {
            verb: verb.to_owned(),
            group: address.group.clone(),
            resource: address.plural.clone(),
            subresource: address.subresource.clone().unwrap_or_default(),
            namespace,
            name,
        })
    }

    /// What an access review asks: its `resourceAttributes`, or else its `nonResourceAttributes`.
    pub(crate) fn of_spec(spec: &Value) -> Self {
        let text = |of: &Value, field: &str| of[field].as_str().unwrap_or_default().to_owned();
        match spec.get("resourceAttributes").filter(|asked| asked.is_object()) {
            Some(asked) => Self::Resource(Resource {
                verb: text(asked, "verb"),
                group: text(asked, "group"),
                resource: text(asked, "resource"),
                subresource: text(asked, "subresource"),
                namespace: text(asked, "namespace"),
                name: text(asked, "name"),
            }),
            None => {
                let asked = &spec["nonResourceAttributes"];
                Self::Path { verb: text(asked, "verb"), path: text(asked, "path") }
            }
        }
    }

    pub(super) fn verb(&self) -> &str {
        match self {
            Self::Resource(asked) => &asked.verb,
            Self::Path { verb, .. } => verb,
        }
    }

    /// The same by another verb.
    pub(super) fn with_verb(&self, verb: String) -> Self {
        match self {
            Self::Resource(asked) => Self::Resource(Resource { verb, ..asked.clone() }),
            Self::Path { path, .. } => Self::Path { verb, path: path.clone() },
        }
    }

    /// Empty where it is in none.
    pub(super) fn namespace(&self) -> &str {
        match self {
            Self::Resource(asked) => &asked.namespace,
            Self::Path { .. } => "",
        }
    }

    /// 403 (`apiserver/pkg/endpoints/handlers/responsewriters/errors.go`).
    pub(super) fn refusal(&self, user: &User, reason: &str) -> Status {
        let reason = if reason.is_empty() { String::new() } else { format!(": {reason}") };
        let (what, why, details) = match self {
            Self::Path { verb, path } => {
                (String::new(), format!("User {:?} cannot {verb} path {path:?}", user.name), json!({}))
            }
            Self::Resource(asked) => {
                let Resource { verb, group, resource, namespace, name, .. } = asked;
                let place = match namespace.as_str() {
                    "" => "at the cluster scope".to_owned(),
                    namespace => format!("in the namespace {namespace:?}"),
                };
                let why = format!(
                    "User {:?} cannot {verb} resource {:?} in API group {group:?} {place}",
                    user.name,
                    asked.combined()
                );
                let mut details = json!({"kind": resource});
                for (field, value) in [("name", name), ("group", group)] {
                    if !value.is_empty() {
                        details[field] = value.clone().into();
                    }
                }
                let qualified =
                    if group.is_empty() { resource.clone() } else { format!("{resource}.{group}") };
                let what = if name.is_empty() { qualified } else { format!("{qualified} {name:?}") };
                (format!("{what} is "), why, details)
            }
        };
        let status = Status::new(403, "Forbidden", format!("{what}forbidden: {why}{reason}"));
        Status { details: Some(details), ..status }
    }
}
