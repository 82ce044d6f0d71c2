//! Where in a tag its fields stand.

use super::MAX_FIELDS;
use super::field::Field;

/// From one byte of a tag up to another. A tag has 128 at most, so a byte counts them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    from: u8,
    to: u8,
}

/// Of a field that an optional group of a regex left out.
const ABSENT: Span = Span { from: u8::MAX, to: u8::MAX };

impl Span {
    pub(super) fn new(from: usize, to: usize) -> Self {
        match (u8::try_from(from), u8::try_from(to)) {
            (Ok(from), Ok(to)) => Self { from, to },
            _ => ABSENT,
        }
    }
}

/// Where each field of a scheme stands, in the scheme's order.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spans([Span; MAX_FIELDS]);

impl Default for Spans {
    fn default() -> Self {
        Self([ABSENT; MAX_FIELDS])
    }
}

impl Spans {
    /// Field `number` stands at `span` of `tag`, if that is one.
    pub(super) fn set(
        &mut self,
        number: usize,
        field: &Field,
        tag: &str,
        span: Span,
    ) -> Result<(), Mismatch> {
        let text = tag.get(usize::from(span.from)..usize::from(span.to)).unwrap_or_default();
        match self.0.get_mut(number) {
            Some(slot) if field.kind.accepts(text) => *slot = span,
            _ => return Err(Mismatch::Field(number)),
        }
        Ok(())
    }

    pub(super) fn get<'a>(&self, number: usize, tag: &'a str) -> Option<&'a str> {
        let span = self.0.get(number)?;
        tag.get(usize::from(span.from)..usize::from(span.to))
    }
}

/// Why a tag is not of a scheme; words are made of it only where they are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mismatch {
    /// It is longer than a tag can be, empty, or holds what a tag cannot.
    NoTag,
    /// It names a signature, an attestation or the like of another image (`sha256-….sig`).
    Artifact,
    /// What should be this field is not one.
    Field(usize),
    /// This part of the template, a text, is not where it should be.
    Text(usize),
    /// These first bytes are left over.
    Rest(usize),
    /// The regular expression does not match.
    Regex,
}
