//! FieldsV1: how the API has sets of paths as JSON.
//!
//! An object whose names are path elements: `f:` and a field's name, `k:` and a list item's key as JSON, `v:` and a set
//! item's value as JSON, `i:` and an index. `{}` below a name puts the path itself into the set, and so does a `.` beside
//! further elements (Kubernetes API, `FieldsV1`).

use serde_json::{Map, Value};

use crate::set::Node;
use crate::{FieldPath, FieldSet, Json, ParseError, ParseErrorKind, PathElement};

impl FieldSet {
    /// Reads FieldsV1.
    ///
    /// # Errors
    /// What is not FieldsV1, or exceeds [`MAX_DEPTH`](Self::MAX_DEPTH) or [`MAX_ELEMENTS`](Self::MAX_ELEMENTS); the
    /// error names the path.
    pub fn from_value(fields: &Value) -> Result<Self, ParseError> {
        let mut reader = Reader { path: Vec::new(), elements: 0 };
        reader.read(fields).map(|node| node.below)
    }

    /// Reads FieldsV1 from text.
    ///
    /// # Errors
    /// As [`from_value`](Self::from_value), and text that is not JSON.
    pub fn from_json(text: &str) -> Result<Self, ParseError> {
        let bad = |_| ParseError::new("", ParseErrorKind::BadField("fieldsV1 must be JSON"));
        Self::from_value(&serde_json::from_str(text).map_err(bad)?)
    }

    /// Writes FieldsV1, for use in an object.
    pub fn to_value(&self) -> Value {
        Value::Object(write_value(self, false))
    }

    /// Writes FieldsV1 byte for byte as the API server does.
    pub fn to_json(&self) -> String {
        let mut text = String::new();
        write_json(self, false, &mut text);
        text
    }
}

struct Reader {
    path: Vec<PathElement>,
    elements: usize,
}

impl Reader {
    /// The set below an element, and whether the element itself is owned.
    fn read(&mut self, fields: &Value) -> Result<Node, ParseError> {
        let fields = fields.as_object().ok_or_else(|| self.error(ParseErrorKind::NotAnObject))?;
        if self.path.len() > FieldSet::MAX_DEPTH {
            return Err(self.error(ParseErrorKind::TooDeep));
        }
        let mut node = Node::default();
        for (name, children) in fields {
            self.elements += 1;
            if self.elements > FieldSet::MAX_ELEMENTS {
                return Err(self.error(ParseErrorKind::TooLarge));
            }
            if name == "." {
                node.owned = true;
                continue;
            }
            self.path.push(read_element(name).map_err(|kind| self.error(kind))?);
            let child = self.read(children)?;
            if let Some(element) = self.path.pop() {
                node.below.put(element, child);
            }
        }
        node.owned |= node.below.is_empty();
        Ok(node)
    }

    fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError::new(self.path.iter().cloned().collect::<FieldPath>(), kind)
    }
}

fn read_element(text: &str) -> Result<PathElement, ParseErrorKind> {
    let bad = |reason| ParseErrorKind::BadElement { element: text.to_owned(), reason };
    let json = |text: &str| serde_json::from_str::<Value>(text);
    match text.split_at_checked(2) {
        Some(("f:", name)) => Ok(PathElement::field(name)),
        Some(("k:", key)) => match json(key) {
            Ok(Value::Object(key)) => Ok(PathElement::key(key)),
            _ => Err(bad("a key is a JSON object")),
        },
        Some(("v:", value)) => json(value).map(PathElement::value).map_err(|_| bad("a value is JSON")),
        Some(("i:", index)) => index.parse().map(PathElement::Index).map_err(|_| bad("an index is a number")),
        _ => Err(ParseErrorKind::UnknownElement(text.to_owned())),
    }
}

fn write_value(set: &FieldSet, owned: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    if owned && !set.is_empty() {
        fields.insert(".".to_owned(), Value::Object(Map::new()));
    }
    for (element, node) in set.nodes() {
        fields.insert(write_element(element), Value::Object(write_value(&node.below, node.owned)));
    }
    fields
}

fn write_json(set: &FieldSet, owned: bool, out: &mut String) {
    out.push_str(if owned && !set.is_empty() { r#"{".":{}"# } else { "{" });
    for (element, node) in set.nodes() {
        if !out.ends_with('{') {
            out.push(',');
        }
        Json::from(write_element(element)).write_canonical(out);
        out.push(':');
        write_json(&node.below, node.owned, out);
    }
    out.push('}');
}

fn write_element(element: &PathElement) -> String {
    match element {
        PathElement::Field(name) => ["f:", name].concat(),
        PathElement::Key(key) => {
            let mut text = String::from("k:{");
            for (name, value) in key {
                if !text.ends_with('{') {
                    text.push(',');
                }
                text.push_str(&Value::from(name.as_str()).to_string());
                text.push(':');
                value.write_canonical(&mut text);
            }
            text.push('}');
            text
        }
        PathElement::Value(value) => {
            let mut text = String::from("v:");
            value.write_canonical(&mut text);
            text
        }
        PathElement::Index(index) => format!("i:{index}"),
    }
}
