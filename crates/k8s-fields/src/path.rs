//! Paths to fields and list items.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde_json::Value;

use crate::{FieldSet, Json, ParseError, ParseErrorKind};

/// One step of a path: a field of an object, or an item of a list.
///
/// The order is the API server's: fields by name, then keys, values, indexes.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum PathElement {
    /// A field of an object: `f:replicas`.
    Field(String),
    /// The item of a list with these key fields: `k:{"name":"app"}`.
    Key(BTreeMap<String, Json>),
    /// The item of a set with this value: `v:"kubernetes.io/pvc-protection"`.
    Value(Json),
    /// The item at this index: `i:0`. FieldsV1 has it, the API server never writes it.
    Index(usize),
}

impl PathElement {
    /// A field by its name.
    pub fn field(name: impl Into<String>) -> Self {
        Self::Field(name.into())
    }

    /// Whether it is this field.
    pub(crate) fn is_field(&self, name: &str) -> bool {
        matches!(self, Self::Field(field) if field == name)
    }

    /// A list item by its key fields.
    pub fn key<N: Into<String>, V: Into<Json>>(fields: impl IntoIterator<Item = (N, V)>) -> Self {
        Self::Key(fields.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }

    /// An item of a set.
    pub fn value(value: impl Into<Json>) -> Self {
        Self::Value(value.into())
    }
}

/// As the API server shows it in conflicts: `.image`, `[name="app"]`, `[="v"]`, `[0]`.
impl fmt::Display for PathElement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => write!(f, ".{name}"),
            Self::Key(fields) => {
                for (i, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}{name}={value}", if i == 0 { '[' } else { ',' })?;
                }
                f.write_str("]")
            }
            Self::Value(value) => write!(f, "[={value}]"),
            Self::Index(index) => write!(f, "[{index}]"),
        }
    }
}

/// A path from the root of an object, written as the API server writes it in conflicts.
///
/// ```
/// use k8s_fields::{FieldPath, PathElement};
///
/// let path: FieldPath = r#".spec.template.spec.containers[name="app"].image"#.parse()?;
/// assert_eq!(path.elements().len(), 6);
/// assert_eq!(path.elements()[4], PathElement::key([("name", "app")]));
/// assert_eq!(path.to_string(), r#".spec.template.spec.containers[name="app"].image"#);
///
/// // A name with a dot in it needs quotes to be read; the server writes it without.
/// let path: FieldPath = r#"metadata.annotations["example.com/owner"]"#.parse()?;
/// assert_eq!(path, FieldPath::fields(["metadata", "annotations", "example.com/owner"]));
/// assert_eq!(path.to_string(), ".metadata.annotations.example.com/owner");
/// assert_eq!(path.quoted(), r#".metadata.annotations["example.com/owner"]"#);
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
///
/// To understand the `field` of a conflict's cause look it up among the paths of the entries instead of parsing it:
/// [`FieldSet::find`].
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPath(Vec<PathElement>);

impl FieldPath {
    /// The path through these fields.
    pub fn fields<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Self {
        names.into_iter().map(PathElement::field).collect()
    }

    /// The steps from the root; none for the whole object.
    pub fn elements(&self) -> &[PathElement] {
        &self.0
    }

    /// As `Display`, but with quotes around the names that need them: it is read back as the same path.
    pub fn quoted(&self) -> String {
        let quoted = |element: &PathElement| match element {
            PathElement::Field(name) if name.is_empty() || name.contains(['.', '[']) => {
                format!("[{}]", Value::from(name.as_str()))
            }
            element => element.to_string(),
        };
        self.0.iter().map(quoted).collect()
    }

    /// The path one step further.
    #[must_use]
    pub fn child(&self, element: PathElement) -> Self {
        self.0.iter().cloned().chain([element]).collect()
    }
}

impl FromIterator<PathElement> for FieldPath {
    fn from_iter<I: IntoIterator<Item = PathElement>>(elements: I) -> Self {
        Self(elements.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| element.fmt(f))
    }
}

/// Reads what `Display` writes (names without `.` and `[`), and `["any name"]` for the other names; the first dot may be
/// left out.
impl FromStr for FieldPath {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        let mut elements = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            if elements.len() == FieldSet::MAX_DEPTH {
                return Err(ParseError::new(Self(elements), ParseErrorKind::TooDeep));
            }
            let step = match rest.strip_prefix('[') {
                Some(bracket) => parse_bracket(bracket),
                None => parse_field(rest, elements.is_empty()),
            };
            let bad = |reason| {
                let kind = ParseErrorKind::BadElement { element: rest.to_owned(), reason };
                ParseError::new(elements.iter().cloned().collect::<Self>(), kind)
            };
            let (element, after) = step.map_err(bad)?;
            elements.push(element);
            rest = after;
        }
        Ok(Self(elements))
    }
}

type Step<'a> = Result<(PathElement, &'a str), &'static str>;

/// The field at the start of the text; only the first of a path may come without its dot.
fn parse_field(text: &str, first: bool) -> Step<'_> {
    let name = text.strip_prefix('.').or(first.then_some(text)).ok_or("a dot or a bracket comes here")?;
    let (name, rest) = name.split_at(name.find(['.', '[']).unwrap_or(name.len()));
    if name.is_empty() { Err("a field has a name") } else { Ok((PathElement::field(name), rest)) }
}

/// The element after an opening bracket, and what follows the closing one.
fn parse_bracket(text: &str) -> Step<'_> {
    let (element, rest) = if text.starts_with('"') {
        let (name, rest) = parse_json(text)?;
        (PathElement::field(name.as_str().ok_or("a field's name is a string")?), rest)
    } else if let Some(value) = text.strip_prefix('=') {
        let (value, rest) = parse_json(value)?;
        (PathElement::value(value), rest)
    } else if text.starts_with(|c: char| c.is_ascii_digit()) {
        let (digits, rest) = text.split_at(text.find(']').unwrap_or(text.len()));
        (PathElement::Index(digits.parse().map_err(|_| "an index is a number")?), rest)
    } else {
        parse_key(text)?
    };
    rest.strip_prefix(']').map(|rest| (element, rest)).ok_or("a bracket is not closed")
}

fn parse_key(text: &str) -> Step<'_> {
    let mut fields = BTreeMap::new();
    let mut rest = text;
    loop {
        let (name, value) = rest.split_once('=').ok_or("a key is name=value")?;
        let (value, after) = parse_json(value)?;
        fields.insert(name.to_owned(), Json::from(value));
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return Ok((PathElement::Key(fields), after)),
        }
    }
}

/// The JSON value at the start of the text, and what follows it.
fn parse_json(text: &str) -> Result<(Value, &str), &'static str> {
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<Value>();
    let value = values.next().and_then(Result::ok).ok_or("a value is JSON")?;
    let rest = text.get(values.byte_offset()..).ok_or("a value is JSON")?;
    Ok((value, rest))
}
