//! Label and field selectors.

use serde_json::Value;

use crate::controllers::object::{self, list};
use crate::status::Status;

/// More requirements than anybody writes.
const MAX_REQUIREMENTS: usize = 200;

/// What an object must have to be selected.
#[derive(Clone, Debug, Default)]
pub(crate) struct Selector {
    labels: Vec<Requirement>,
    fields: Vec<(String, String, bool)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

impl Selector {
    /// Reads `labelSelector` and `fieldSelector`; `resource` is named in errors.
    ///
    /// # Errors
    /// What cannot be read, and fields that cannot be selected by.
    pub(crate) fn parse(labels: Option<&str>, fields: Option<&str>, resource: &str) -> Result<Self, Status> {
        Ok(Self {
            labels: labels.map(parse_labels).transpose()?.unwrap_or_default(),
            fields: fields.map(|text| parse_fields(text, resource)).transpose()?.unwrap_or_default(),
        })
    }

    /// A `LabelSelector` of an object: `matchLabels` and `matchExpressions`. An empty one selects everything.
    pub(crate) fn of(selector: &Value) -> Self {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let map = selector.get("matchLabels").and_then(Value::as_object);
        let equal =
            map.into_iter().flatten().map(|(key, value)| Requirement::In(key.clone(), vec![text(value)]));
        let expressions = selector.get("matchExpressions").and_then(Value::as_array);
        let expressions = expressions.into_iter().flatten().filter_map(|expression| {
            let key = text(expression.get("key")?);
            let values = expression.get("values").and_then(Value::as_array);
            let values: Vec<String> = values.into_iter().flatten().map(text).collect();
            match expression.get("operator")?.as_str()? {
                "In" => Some(Requirement::In(key, values)),
                "NotIn" => Some(Requirement::NotIn(key, values)),
                "Exists" => Some(Requirement::Exists(key)),
                "DoesNotExist" => Some(Requirement::Missing(key)),
                _ => None,
            }
        });
        Self { labels: equal.chain(expressions).collect(), fields: Vec::new() }
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&object["metadata"]["labels"])
            && self.fields.iter().all(|(path, value, equal)| (field(object, path) == *value) == *equal)
    }

    /// Whether a map of labels matches.
    pub(crate) fn matches_labels(&self, labels: &Value) -> bool {
        let value = |key: &str| labels.get(key).and_then(Value::as_str);
        self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                value(key).is_some_and(|value| values.iter().any(|one| one == value))
            }
            Requirement::NotIn(key, values) => {
                value(key).is_none_or(|value| values.iter().all(|one| one != value))
            }
            Requirement::Exists(key) => value(key).is_some(),
            Requirement::Missing(key) => value(key).is_none(),
        })
    }
}

/// A `LabelSelector` as a query has it, by its keys; empty where it selects everything.
pub(crate) fn text(selector: &Value) -> String {
    let labels = selector.get("matchLabels").and_then(Value::as_object).into_iter().flatten();
    let labels =
        labels.map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default())));
    let expressions = list(selector, "/matchExpressions").iter().map(|expression| {
        let key = object::text(expression, "/key");
        let mut values: Vec<&str> = list(expression, "/values").iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let words = match object::text(expression, "/operator") {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        (key, words)
    });
    let mut words: Vec<(&str, String)> = labels.chain(expressions).collect();
    words.sort_by_key(|(key, _)| *key);
    words.into_iter().map(|(_, words)| words).collect::<Vec<_>>().join(",")
}

/// `.metadata.name` of an object as text; empty where there is none.
fn field(object: &Value, path: &str) -> String {
    let pointer = format!("/{}", path.replace('.', "/"));
    match object.pointer(&pointer) {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) => String::new(),
        Some(other) => other.to_string(),
    }
}

fn parse_labels(text: &str) -> Result<Vec<Requirement>, Status> {
    let mut requirements = Vec::new();
    for part in split_outside_brackets(text) {
        if requirements.len() == MAX_REQUIREMENTS {
            return Err(bad(text, "too many requirements"));
        }
        requirements.push(requirement(part.trim()).ok_or_else(|| bad(text, "a requirement cannot be read"))?);
    }
    Ok(requirements)
}

fn bad(text: &str, why: &str) -> Status {
    Status::bad_request(format!("unable to parse requirement: {why}: {text:?}"))
}

/// At the commas that are in no parentheses.
fn split_outside_brackets(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (at, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(text.get(start..at).unwrap_or_default());
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(text.get(start..).unwrap_or_default());
    parts
}

fn requirement(text: &str) -> Option<Requirement> {
    let key = |key: &str| Some(key.trim().to_owned()).filter(|key| is_key(key));
    if let Some(rest) = text.strip_prefix('!') {
        return key(rest).map(Requirement::Missing);
    }
    if let Some((left, list)) = text.split_once('(') {
        let values = list.strip_suffix(')')?.split(',').map(|value| value.trim().to_owned()).collect();
        return match left.trim().rsplit_once(char::is_whitespace)? {
            (name, "in") => Some(Requirement::In(key(name)?, values)),
            (name, "notin") => Some(Requirement::NotIn(key(name)?, values)),
            _ => None,
        };
    }
    for (operator, equal) in [("!=", false), ("==", true), ("=", true)] {
        if let Some((name, value)) = text.split_once(operator) {
            let values = vec![value.trim().to_owned()];
            let name = key(name)?;
            return Some(if equal {
                Requirement::In(name, values)
            } else {
                Requirement::NotIn(name, values)
            });
        }
    }
    key(text).map(Requirement::Exists)
}

fn is_key(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
}

/// The fields that all resources can be selected by.
const EVERYWHERE: [&str; 2] = ["metadata.name", "metadata.namespace"];

/// The fields that can be selected by, beside the name and namespace that every resource has.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "pods.",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "status.phase",
            "status.podIP",
        ],
    ),
    (
        "events.",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    ("secrets.", &["type"]),
    ("namespaces.", &["status.phase"]),
    ("replicasets.apps", &["status.replicas"]),
    ("jobs.batch", &["status.successful"]),
];

fn parse_fields(text: &str, resource: &str) -> Result<Vec<(String, String, bool)>, Status> {
    let own = FIELDS.iter().find(|(known, _)| *known == resource).map_or(&[][..], |(_, fields)| fields);
    let terms = terms(text)?;
    match terms.iter().find(|(path, ..)| !EVERYWHERE.contains(path) && !own.contains(path)) {
        Some((path, ..)) => Err(Status::bad_request(format!("field label not supported: {path}"))),
        None => {
            let owned = |(path, value, equal): (&str, &str, bool)| (path.to_owned(), value.to_owned(), equal);
            Ok(terms.into_iter().map(owned).collect())
        }
    }
}

/// The one name that a field selector leaves, as rules of certain names are asked for it; none that no path could have.
pub(crate) fn named(fields: &str) -> Option<String> {
    let terms = terms(fields).ok()?;
    let (_, name, _) = terms.into_iter().find(|(path, _, equal)| *path == "metadata.name" && *equal)?;
    Some(name.to_owned()).filter(|name| ![".", ".."].contains(&name.as_str()) && !name.contains(['/', '%']))
}

/// A field, a value, and whether it is to be that one.
fn terms(text: &str) -> Result<Vec<(&str, &str, bool)>, Status> {
    let mut terms = Vec::new();
    for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
        if terms.len() == MAX_REQUIREMENTS {
            let why = format!("invalid selector: it has more than {MAX_REQUIREMENTS} terms");
            return Err(Status::bad_request(why));
        }
        if let Some((path, value)) = part.split_once("!=") {
            terms.push((path, value, false));
        } else if let Some((path, value)) = part.split_once("==").or_else(|| part.split_once('=')) {
            terms.push((path, value, true));
        } else {
            return Err(Status::bad_request(format!(
                "invalid selector: {text:?}; can't understand {part:?}"
            )));
        }
    }
    Ok(terms)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn labels() {
        let object = json!({"metadata": {"name": "x", "labels": {"app": "api", "tier/x": "web"}}});
        let check = |text: &str, expect: bool| {
            let selector = Selector::parse(Some(text), None, "pods.").unwrap();
            assert_eq!(selector.matches(&object), expect, "{text}");
        };
        check("app=api", true);
        check("app==api,tier/x!=db", true);
        check("app in (a, api),!old", true);
        check("app notin (api)", false);
        check("other notin (api)", true);
        check("tier/x", true);
        check("!app", false);
        check("app=b", false);
        for bad in ["=x", "app in api", "a b", "app in (x", ",", "a=b,,c"] {
            assert!(Selector::parse(Some(bad), None, "pods.").is_err(), "{bad}");
        }
    }

    #[test]
    fn fields() {
        let pod = json!({"metadata": {"name": "x"}, "spec": {"nodeName": "n"}});
        let check = |text: &str, expect: bool| {
            let selector = Selector::parse(None, Some(text), "pods.").unwrap();
            assert_eq!(selector.matches(&pod), expect, "{text}");
        };
        check("metadata.name=x", true);
        check("spec.nodeName!=n", false);
        check("status.phase=", true);
        assert!(Selector::parse(None, Some("spec.image=x"), "pods.").is_err());
        assert!(Selector::parse(None, Some("spec.nodeName=x"), "configmaps.").is_err());
    }

    #[test]
    fn names_in_field_selectors() {
        let many = |count: usize| format!("{}metadata.name=a", "metadata.namespace!=x,".repeat(count));
        for (fields, name) in [
            ("", None),
            ("metadata.name=a", Some("a")),
            ("spec.x=y, metadata.name==a", Some("a")),
            ("metadata.name!=a", None),
            ("metadata.name=a!=b", None),
            ("metadata.namespace=a", None),
            ("metadata.name=..", None),
            ("metadata.name=a/b", None),
            (&many(MAX_REQUIREMENTS - 1), Some("a")),
            // What is not read selects nothing, and names nobody.
            (&many(MAX_REQUIREMENTS), None),
        ] {
            assert_eq!(named(fields).as_deref(), name, "{fields}");
        }
        assert_eq!(Selector::parse(None, Some(&many(MAX_REQUIREMENTS)), "pods.").unwrap_err().code, 400);
    }
}
