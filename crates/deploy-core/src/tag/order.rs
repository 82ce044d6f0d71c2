//! Which of two tags is the newer.

use std::cmp::Ordering;
use std::fmt;

use super::field::FieldType;
use super::history::{History, Place};
use super::scheme::TagScheme;
use super::spans::Spans;
use super::version::{Version, by_number};
use crate::clock::Timestamp;

/// What decides which tag is the newest.
///
/// Where two are equal by it, the greater one by its bytes is taken.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Order {
    /// A field, by its type: times and versions by what they mean, integers by value, texts by their bytes. A commit has no order.
    Field(String),
    /// The whole tag, by its bytes.
    Lexical,
    /// The place of the tag's commit in the [`History`] that is supplied.
    Ancestry,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Field(name) => f.write_str(name),
            Self::Lexical => f.write_str("lexical"),
            Self::Ancestry => f.write_str("ancestry"),
        }
    }
}

/// An order that a scheme has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum OrderBy {
    /// This field.
    Field(usize),
    Lexical,
    /// This field, which is a commit.
    Ancestry(usize),
}

impl OrderBy {
    pub(super) fn check(order: Option<&Order>, scheme: &TagScheme) -> Result<Self, String> {
        let kind = |number: usize| scheme.fields.get(number).map(|field| &field.kind);
        match order {
            None => Self::usual(scheme),
            Some(Order::Lexical) => Ok(Self::Lexical),
            Some(Order::Ancestry) => scheme.commit().map(Self::Ancestry).ok_or_else(|| {
                format!("order=ancestry needs a commit in the tag, and the scheme {scheme} has none")
            }),
            Some(Order::Field(name)) => match scheme.number(name) {
                Some(number) if matches!(kind(number), Some(FieldType::Commit { .. })) => {
                    Err("a commit does not say what is newer: use order=ancestry, and supply the history"
                        .into())
                }
                Some(number) => Ok(Self::Field(number)),
                None => {
                    let fields: Vec<&str> = scheme.fields().collect();
                    let fields = fields.join(", ");
                    Err(format!(
                        "no such order; the scheme {scheme} has the fields {fields}, and there are lexical and ancestry"
                    ))
                }
            },
        }
    }

    /// The scheme's time, or else its version, or else its integer.
    fn usual(scheme: &TagScheme) -> Result<Self, String> {
        let kinds: [fn(&FieldType) -> bool; 3] = [
            |kind| matches!(kind, FieldType::Timestamp(_)),
            |kind| matches!(kind, FieldType::Version),
            |kind| matches!(kind, FieldType::Integer),
        ];
        for kind in kinds {
            let mut found = scheme.fields.iter().enumerate().filter(|(_, field)| kind(&field.kind));
            match (found.next(), found.next()) {
                (Some((number, _)), None) => return Ok(Self::Field(number)),
                (Some((_, first)), Some((_, second))) => {
                    let (first, second) = (&first.name, &second.name);
                    return Err(format!("say which decides: order={first} or order={second}"));
                }
                (None, _) => {}
            }
        }
        Err(format!(
            "the scheme {scheme} does not say what is newer: add order=ancestry and supply the history, or order=lexical"
        ))
    }

    pub(super) fn key<'a>(
        &self,
        scheme: &TagScheme,
        tag: &'a str,
        spans: &Spans,
        history: Option<&History>,
    ) -> Keyed<'a> {
        match self {
            Self::Lexical => Keyed::Key(Key::Text(tag)),
            Self::Field(number) => {
                let text = spans.get(*number, tag);
                let key = match (scheme.fields.get(*number).map(|field| &field.kind), text) {
                    (Some(FieldType::Timestamp(format)), Some(text)) => format.read(text).map(Key::Time),
                    (Some(FieldType::Version), Some(text)) => Version::read(text).map(Key::Version),
                    (Some(FieldType::Integer), Some(text)) => Some(Key::Integer(text)),
                    (_, text) => text.map(Key::Text),
                };
                key.map_or(Keyed::Missing, Keyed::Key)
            }
            Self::Ancestry(number) => match (spans.get(*number, tag), history) {
                (None, _) => Keyed::Missing,
                (Some(commit), None) => Keyed::Unknown(commit),
                (Some(commit), Some(history)) => match history.place(commit) {
                    Place::Unknown => Keyed::Unknown(commit),
                    Place::Elsewhere => Keyed::Elsewhere(commit),
                    Place::OnLine(place) => Keyed::Key(Key::Place(place)),
                },
            },
        }
    }
}

/// What a tag is ordered by.
#[derive(Clone, Copy, Debug)]
pub(super) enum Keyed<'a> {
    Key(Key<'a>),
    /// The field is not in this tag.
    Missing,
    /// Its commit is not on the line.
    Elsewhere(&'a str),
    /// Nobody said anything of its commit.
    Unknown(&'a str),
}

/// Of one order all keys are of one kind.
#[derive(Clone, Copy, Debug)]
pub(super) enum Key<'a> {
    Time(Timestamp),
    Version(Version<'a>),
    /// Decimal digits.
    Integer(&'a str),
    Text(&'a str),
    Place(u64),
}

impl Key<'_> {
    pub(super) fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Time(left), Self::Time(right)) => left.cmp(right),
            (Self::Version(left), Self::Version(right)) => left.cmp(right),
            (Self::Integer(left), Self::Integer(right)) => by_number(left, right),
            (Self::Text(left), Self::Text(right)) => left.cmp(right),
            (Self::Place(left), Self::Place(right)) => left.cmp(right),
            // Not of one order; it never comes to this.
            _ => Ordering::Equal,
        }
    }
}
