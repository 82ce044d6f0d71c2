//! The values of a tag's fields: those that a build has, and those that were read.

use std::collections::BTreeMap;

use super::field::{Field, FieldType};
use super::scheme::TagScheme;
use super::spans::Spans;
use super::text::tag_safe;
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// What a build knows, to [render](TagScheme::render) a tag from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagFields(BTreeMap<String, Value>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Value {
    Text(String),
    Time(Timestamp),
}

impl TagFields {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the field `name`.
    #[must_use]
    pub fn set(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.insert(name.into(), Value::Text(value.into()));
        self
    }

    /// Sets the field `name` to a time; the tag keeps its seconds.
    #[must_use]
    pub fn time(mut self, name: impl Into<String>, time: Timestamp) -> Self {
        self.0.insert(name.into(), Value::Time(time));
        self
    }

    /// Sets `branch`, as git calls it: `feature/login`.
    #[must_use]
    pub fn branch(self, branch: impl Into<String>) -> Self {
        self.set("branch", branch)
    }

    /// Sets `sha`, the whole commit: a scheme with short ones cuts it.
    #[must_use]
    pub fn sha(self, commit: impl Into<String>) -> Self {
        self.set("sha", commit)
    }

    /// Sets `timestamp`.
    #[must_use]
    pub fn timestamp(self, time: Timestamp) -> Self {
        self.time("timestamp", time)
    }

    /// Sets `run`.
    #[must_use]
    pub fn run(self, number: u64) -> Self {
        self.set("run", number.to_string())
    }

    /// Sets `version`; with or without `v`, as the tag shall be.
    #[must_use]
    pub fn version(self, version: impl Into<String>) -> Self {
        self.set("version", version)
    }

    /// A field that the scheme does not have is an error: it would be lost.
    pub(super) fn check_known(&self, fields: &[Field]) -> Result<()> {
        match self.0.keys().find(|name| !fields.iter().any(|field| field.name == **name)) {
            Some(name) => Err(Error::invalid(format!("it has no field {name:?}"))),
            None => Ok(()),
        }
    }

    /// The value of `field` as the tag writes it.
    pub(super) fn write(&self, field: &Field) -> Result<String> {
        let value = self
            .0
            .get(&field.name)
            .ok_or_else(|| Error::invalid(format!("the field {:?} is missing", field.name)))?;
        let written = match (&field.kind, value) {
            (FieldType::Timestamp(format), Value::Time(time)) => format.write(*time),
            (FieldType::Text, Value::Text(text)) => Some(tag_safe(text)),
            (FieldType::Commit { digits: Some(digits) }, Value::Text(text)) => {
                Some(text.get(..usize::from(*digits)).unwrap_or(text).to_owned())
            }
            // A tag cannot hold the '+'; Helm writes '_' as well.
            (FieldType::Version, Value::Text(text)) => Some(text.replacen('+', "_", 1)),
            (_, Value::Text(text)) => Some(text.clone()),
            (_, Value::Time(_)) => None,
        };
        let given = || match value {
            Value::Text(text) => format!("{text:?}"),
            Value::Time(time) => time.to_string(),
        };
        written.filter(|text| field.kind.accepts(text)).ok_or_else(|| {
            Error::invalid(format!(
                "the field {:?} is {}; it must be {}",
                field.name,
                given(),
                field.kind.expects()
            ))
        })
    }
}

/// A tag that was read: its fields, borrowed from it.
#[derive(Clone, Copy, Debug)]
pub struct ParsedTag<'a> {
    pub(super) scheme: &'a TagScheme,
    pub(super) tag: &'a str,
    pub(super) spans: Spans,
}

impl<'a> ParsedTag<'a> {
    /// The tag.
    pub fn tag(&self) -> &'a str {
        self.tag
    }

    /// The field `name` as the tag writes it; `None` if the scheme has none, or an optional group of its regex left it out.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.spans.get(self.scheme.number(name)?, self.tag)
    }

    /// The branch, as the tag writes it.
    pub fn branch(&self) -> Option<&'a str> {
        self.get("branch")
    }

    /// The commit it was built from, whole or abbreviated: the field `sha`, or else the first that holds a commit.
    pub fn commit(&self) -> Option<&'a str> {
        self.spans.get(self.scheme.commit()?, self.tag)
    }

    /// The time it was built: the field `timestamp`.
    pub fn timestamp(&self) -> Option<Timestamp> {
        self.time("timestamp")
    }

    /// The time in the field `name`.
    pub fn time(&self, name: &str) -> Option<Timestamp> {
        let number = self.scheme.number(name)?;
        match &self.scheme.fields.get(number)?.kind {
            FieldType::Timestamp(format) => format.read(self.spans.get(number, self.tag)?),
            _ => None,
        }
    }

    /// All fields, in the scheme's order, as the tag writes them.
    pub fn fields(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let (scheme, tag, spans) = (self.scheme, self.tag, self.spans);
        let fields = scheme.fields.iter().enumerate();
        fields.filter_map(move |(number, field)| Some((field.name.as_str(), spans.get(number, tag)?)))
    }
}
