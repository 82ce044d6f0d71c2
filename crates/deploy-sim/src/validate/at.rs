//! A field, where it is, and what can be said against it.

use serde_json::Value;

use crate::status::Cause;

static NULL: Value = Value::Null;

/// A field of an object with its path as errors name it; null where it is absent.
#[derive(Clone, Debug)]
pub(super) struct At<'a> {
    pub(super) path: String,
    pub(super) value: &'a Value,
}

impl<'a> At<'a> {
    pub(super) fn root(object: &'a Value) -> Self {
        Self { path: String::new(), value: object }
    }

    pub(super) fn field(&self, name: &str) -> At<'a> {
        let mut path = String::with_capacity(self.path.len() + 1 + name.len());
        path.push_str(&self.path);
        if !path.is_empty() {
            path.push('.');
        }
        path.push_str(name);
        At { path, value: self.value.get(name).unwrap_or(&NULL) }
    }

    /// A field of a field.
    pub(super) fn fields<const N: usize>(&self, names: [&str; N]) -> At<'a> {
        names.iter().fold(self.clone(), |at, name| at.field(name))
    }

    /// An entry of a map: `data[key]`.
    pub(super) fn key(&self, key: &str) -> At<'a> {
        At { path: format!("{}[{key}]", self.path), value: self.value.get(key).unwrap_or(&NULL) }
    }

    pub(super) fn items(&self) -> impl Iterator<Item = At<'a>> {
        let path = self.path.clone();
        let items = self.value.as_array().into_iter().flatten().enumerate();
        items.map(move |(index, value)| At { path: format!("{path}[{index}]"), value })
    }

    /// The entries of a map, by key.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, At<'a>)> {
        let path = self.path.clone();
        let map = self.value.as_object().into_iter().flatten();
        let mut entries: Vec<(&str, &Value)> = map.map(|(key, value)| (key.as_str(), value)).collect();
        entries.sort_by_key(|(key, _)| *key);
        entries.into_iter().map(move |(key, value)| (key, At { path: format!("{path}[{key}]"), value }))
    }

    pub(super) fn is_set(&self) -> bool {
        !self.value.is_null()
    }

    pub(super) fn text(&self) -> &'a str {
        self.value.as_str().unwrap_or_default()
    }

    pub(super) fn number(&self) -> Option<i64> {
        self.value.as_i64()
    }

    pub(super) fn is_true(&self) -> bool {
        self.value.as_bool() == Some(true)
    }

    /// Whether it is a list or map with something in it.
    pub(super) fn has_items(&self) -> bool {
        match self.value {
            Value::Array(items) => !items.is_empty(),
            Value::Object(fields) => !fields.is_empty(),
            _ => false,
        }
    }

    pub(super) fn required(&self, hint: &str) -> Cause {
        Cause::required(self.path.clone(), hint)
    }

    pub(super) fn invalid(&self, why: &str) -> Cause {
        Cause::invalid(self.path.clone(), self.value, why)
    }

    /// Where the error shows another value than the field's; `why` may be empty.
    pub(super) fn invalid_as(&self, shown: &str, why: &str) -> Cause {
        Cause {
            field: self.path.clone(),
            reason: "FieldValueInvalid",
            message: if why.is_empty() {
                format!("Invalid value: {shown}")
            } else {
                format!("Invalid value: {shown}: {why}")
            },
        }
    }

    pub(super) fn forbidden(&self, why: &str) -> Cause {
        Cause::forbidden(self.path.clone(), why)
    }

    pub(super) fn unsupported(&self, supported: &[&str]) -> Cause {
        let empty = Value::String(String::new());
        let value = if self.is_set() { self.value } else { &empty };
        Cause::unsupported(self.path.clone(), value, supported)
    }

    pub(super) fn unsupported_as(&self, shown: &str, supported: &[&str]) -> Cause {
        let supported: Vec<String> = supported.iter().map(|value| format!("\"{value}\"")).collect();
        Cause {
            field: self.path.clone(),
            reason: "FieldValueNotSupported",
            message: format!("Unsupported value: {shown}: supported values: {}", supported.join(", ")),
        }
    }

    pub(super) fn duplicate(&self) -> Cause {
        self.duplicate_as(&self.value.to_string())
    }

    pub(super) fn duplicate_as(&self, shown: &str) -> Cause {
        Cause {
            field: self.path.clone(),
            reason: "FieldValueDuplicate",
            message: format!("Duplicate value: {shown}"),
        }
    }

    pub(super) fn not_found(&self) -> Cause {
        Cause {
            field: self.path.clone(),
            reason: "FieldValueNotFound",
            message: format!("Not found: {}", Value::from(self.text())),
        }
    }

    /// Each thing that is wrong with the text, as an error of this field.
    pub(super) fn invalid_for(&self, reasons: Vec<String>) -> impl Iterator<Item = Cause> {
        let shown = Value::from(self.text());
        reasons.into_iter().map(move |why| Cause::invalid(self.path.clone(), &shown, &why))
    }

    /// One of these, if it is set at all.
    pub(super) fn one_of(&self, supported: &[&str], out: &mut Vec<Cause>) {
        if self.is_set() && !supported.contains(&self.text()) {
            out.push(self.unsupported(supported));
        }
    }

    pub(super) fn at_least(&self, least: i64, out: &mut Vec<Cause>) {
        if self.number().is_some_and(|number| number < least) {
            out.push(self.invalid(&format!("must be greater than or equal to {least}")));
        }
    }

    pub(super) fn between(&self, least: i64, most: i64, out: &mut Vec<Cause>) {
        if self.number().is_some_and(|number| number < least || number > most) {
            out.push(self.invalid(&format!("must be between {least} and {most}, inclusive")));
        }
    }
}
