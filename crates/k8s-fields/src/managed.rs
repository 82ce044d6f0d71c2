//! `metadata.managedFields`: who owns which fields.

use std::fmt;

use serde_json::{Map, Value, json};

use crate::{FieldSet, ParseError, ParseErrorKind};

/// How a manager came to own fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Operation {
    /// Server-side apply.
    Apply,
    /// Any other write: create, update, patch.
    Update,
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        })
    }
}

/// One manager's entry.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Entry {
    /// The field manager's name.
    pub manager: String,
    /// How it wrote.
    pub operation: Operation,
    /// The version of the API at which `fields` are to be read; the object's may be another one.
    pub api_version: String,
    /// When it last wrote, RFC 3339 in UTC.
    pub time: Option<String>,
    /// The subresource (`status`, `scale`) it wrote through.
    pub subresource: Option<String>,
    /// What it owns.
    pub fields: FieldSet,
}

impl Entry {
    /// An entry without a time, not of a subresource.
    pub fn new(
        manager: impl Into<String>,
        operation: Operation,
        api_version: impl Into<String>,
        fields: FieldSet,
    ) -> Self {
        let (manager, api_version) = (manager.into(), api_version.into());
        Self { manager, operation, api_version, time: None, subresource: None, fields }
    }

    /// Whether `kubectl apply` wrote it without `--server-side`.
    pub fn is_client_side_apply(&self) -> bool {
        self.is("kubectl-client-side-apply", Operation::Update, None)
    }

    /// Whether it is this manager's, by this operation and subresource.
    pub fn is(&self, manager: &str, operation: Operation, subresource: Option<&str>) -> bool {
        self.manager == manager && self.operation == operation && self.subresource.as_deref() == subresource
    }

    fn from_value(entry: &Value) -> Result<Self, ParseError> {
        let bad = |what| ParseError::new("", ParseErrorKind::BadField(what));
        let entry = entry.as_object().ok_or_else(|| ParseError::new("", ParseErrorKind::NotAnObject))?;
        let text = |name: &str, what| match entry.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone()).filter(|text| !text.is_empty())),
            Some(_) => Err(bad(what)),
        };
        if text("fieldsType", "fieldsType must be a string")?.as_deref() != Some("FieldsV1") {
            return Err(bad("fieldsType must be FieldsV1"));
        }
        let operation = match text("operation", "operation must be a string")?.as_deref() {
            Some("Apply") => Operation::Apply,
            Some("Update") => Operation::Update,
            _ => return Err(bad("operation must be Apply or Update")),
        };
        Ok(Self {
            manager: text("manager", "manager must be a string")?.unwrap_or_default(),
            operation,
            api_version: text("apiVersion", "apiVersion must be a string")?
                .ok_or_else(|| bad("apiVersion must not be empty"))?,
            time: text("time", "time must be a string")?,
            subresource: text("subresource", "subresource must be a string")?,
            fields: match entry.get("fieldsV1") {
                None | Some(Value::Null) => FieldSet::new(),
                Some(fields) => FieldSet::from_value(fields).map_err(|error| error.within("fieldsV1"))?,
            },
        })
    }

    fn to_value(&self) -> Value {
        let mut entry = Map::new();
        let mut put = |name: &str, text: Option<&str>| {
            if let Some(text) = text {
                entry.insert(name.to_owned(), text.into());
            }
        };
        put("manager", Some(&self.manager));
        put("operation", Some(&self.operation.to_string()));
        put("apiVersion", Some(&self.api_version));
        put("time", self.time.as_deref());
        put("fieldsType", Some("FieldsV1"));
        put("subresource", self.subresource.as_deref());
        entry.insert("fieldsV1".to_owned(), self.fields.to_value());
        Value::Object(entry)
    }
}

/// The entries of `metadata.managedFields`.
///
/// ```
/// use k8s_fields::{ManagedFields, Operation};
/// use serde_json::json;
///
/// let live = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "managedFields": [{
///     "manager": "deploy", "operation": "Apply", "apiVersion": "v1", "time": "2026-01-01T00:00:00Z",
///     "fieldsType": "FieldsV1", "fieldsV1": {"f:data": {"f:key": {}}},
/// }]}, "data": {"key": "value"}});
///
/// let managed = ManagedFields::of(&live)?;
/// let ours = managed.find("deploy", Operation::Apply, None).unwrap();
/// assert!(ours.fields.contains(&".data.key".parse()?));
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ManagedFields {
    /// In the object's order.
    pub entries: Vec<Entry>,
}

impl ManagedFields {
    /// Reads an object's `metadata.managedFields`; an object without any has no entries.
    ///
    /// # Errors
    /// An entry that is not as the API has it; the error names its index and the path in it.
    pub fn of(object: &Value) -> Result<Self, ParseError> {
        let entries = match object.get("metadata").and_then(|metadata| metadata.get("managedFields")) {
            None | Some(Value::Null) => &[],
            Some(Value::Array(entries)) => entries.as_slice(),
            Some(_) => {
                let kind = ParseErrorKind::BadField("managedFields must be a list");
                return Err(ParseError::new("metadata.managedFields", kind));
            }
        };
        let read = |(i, entry)| {
            let place = format_args!("metadata.managedFields[{i}].").to_string();
            Entry::from_value(entry).map_err(|error| error.within(place))
        };
        Ok(Self { entries: entries.iter().enumerate().map(read).collect::<Result<_, _>>()? })
    }

    /// The entries as the value of `metadata.managedFields`.
    pub fn to_value(&self) -> Value {
        self.entries.iter().map(Entry::to_value).collect()
    }

    /// The merge patch that replaces an object's entries by these, unless the object has changed since it had this
    /// `resourceVersion` (the API server then answers 409).
    pub fn to_merge_patch(&self, resource_version: &str) -> Value {
        json!({"metadata": {"resourceVersion": resource_version, "managedFields": self.to_value()}})
    }

    /// A manager's entry. There is at most one by Apply; by Update there is one for each version of the API that the
    /// manager wrote at, and this is the first.
    pub fn find(&self, manager: &str, operation: Operation, subresource: Option<&str>) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.is(manager, operation, subresource))
    }
}
