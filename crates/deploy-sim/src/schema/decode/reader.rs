//! What is wrong with what is read, and where, in the words of `sigs.k8s.io/json`.

use serde_json::Value;

use crate::defaults::quantity::Quantity;
use crate::schema::Type;

pub(in crate::schema) const QUANTITY: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
/// More unknown and duplicate fields than these are not told.
const MAX_STRICT: usize = 100;

/// What is wrong with what was read.
#[derive(Debug, Default)]
pub(crate) struct Problems {
    /// Unknown and duplicate fields, in the order of the text.
    pub(crate) strict: Vec<String>,
    /// The first value of another type.
    mistyped: Option<String>,
    /// What stopped the reading: types that read themselves do.
    fatal: Option<String>,
}

impl Problems {
    /// Why it cannot be read at all.
    pub(crate) fn error(&self) -> Option<&str> {
        self.fatal.as_deref().or(self.mistyped.as_deref())
    }
}

/// Where the reading is, and what was wrong so far.
#[derive(Default)]
pub(super) struct Reader {
    pub(super) path: Vec<Step>,
    pub(super) problems: Problems,
}

/// A step from a value into one that is in it.
pub(super) enum Step {
    /// The struct's name, the field's embedded structs and its name.
    Field(&'static str, &'static str, &'static str),
    Key(String),
    Index(usize),
}

impl Reader {
    pub(super) fn strict(&mut self, what: &str, name: &str) {
        if self.problems.strict.len() < MAX_STRICT {
            let place = self.place(name);
            self.problems.strict.push(format!("{what} field {}", Value::from(place)));
        }
    }

    pub(super) fn refuse(&mut self, found: &str, of: &Type) {
        let why = self.mistyped(found, of);
        let stops = matches!(of, Type::IntOrString | Type::Time);
        self.stop_or_note(why, stops);
    }

    pub(super) fn stop_or_note(&mut self, why: String, stops: bool) {
        let place = if stops { &mut self.problems.fatal } else { &mut self.problems.mistyped };
        place.get_or_insert(why);
    }

    pub(super) fn scalar(&mut self, value: &Value, of: &Type) {
        if self.problems.fatal.is_some() {
            return;
        }
        match (of, value) {
            (Type::Any, _)
            | (_, Value::Null)
            | (Type::Bool, Value::Bool(_))
            | (Type::String(_) | Type::IntOrString, Value::String(_))
            | (Type::Float, Value::Number(_)) => {}
            (Type::Quantity, value) => {
                if Quantity::of(value).is_none() {
                    self.stop_or_note(QUANTITY.to_owned(), true);
                }
            }
            (Type::Bytes, Value::String(text)) => {
                if let Some(index) = base64_error(text) {
                    self.stop_or_note(format!("illegal base64 data at input byte {index}"), false);
                }
            }
            (Type::Time, Value::String(text)) => {
                if !text.is_empty() && text.parse::<jiff::Timestamp>().is_err() {
                    let why = format!(
                        "parsing time {shown} as \"2006-01-02T15:04:05Z07:00\": cannot parse {shown} as \"2006\"",
                        shown = Value::from(text.as_str())
                    );
                    self.stop_or_note(why, true);
                }
            }
            (Type::Integer(_, least, most), Value::Number(number)) => {
                if number.as_i64().is_none_or(|number| number < *least || number > *most) {
                    self.refuse(&format!("number {number}"), of);
                }
            }
            (Type::IntOrString, Value::Number(number)) => {
                if number.as_i64().is_none_or(|number| i32::try_from(number).is_err()) {
                    self.refuse(&format!("number {number}"), of);
                }
            }
            (_, Value::Bool(_)) => self.refuse("bool", of),
            (_, Value::Number(_)) => self.refuse("number", of),
            (_, Value::String(_)) => self.refuse("string", of),
            (_, Value::Array(_) | Value::Object(_)) => {}
        }
    }

    /// `spec.containers[0].image`
    fn place(&self, last: &str) -> String {
        let mut text = String::new();
        for step in &self.path {
            match step {
                Step::Field(_, _, name) => text.extend([*name, "."]),
                Step::Key(name) => text.extend([name.as_str(), "."]),
                Step::Index(index) => {
                    text.pop();
                    text.extend(["[", &index.to_string(), "]."]);
                }
            }
        }
        text + last
    }

    fn mistyped(&self, found: &str, of: &Type) -> String {
        let (mut owner, mut names) = ("", String::new());
        for step in &self.path {
            let Step::Field(of, embedded, name) = step else { continue };
            owner = of;
            names.push('.');
            names.push_str(&embedded.replace('/', "."));
            names.push_str(name);
        }
        let of = of.go();
        match owner {
            "" => format!("json: cannot unmarshal {found} into Go value of type {of}"),
            owner => {
                format!("json: cannot unmarshal {found} into Go struct field {owner}{names} of type {of}")
            }
        }
    }
}

/// Where base64 stops to be any, as Go's decoder counts.
fn base64_error(text: &str) -> Option<usize> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    let bytes: Vec<u8> = text.bytes().filter(|byte| *byte != b'\n' && *byte != b'\r').collect();
    let letters = bytes.iter().take_while(|byte| is_letter(**byte)).count();
    let padding = bytes.iter().skip(letters).take_while(|byte| **byte == b'=').count();
    let complete = (letters + padding) % 4 == 0 && padding <= 2 && letters + padding == bytes.len();
    if complete { None } else { Some(letters.min(bytes.len())) }
}
