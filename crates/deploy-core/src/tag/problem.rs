//! What is wrong with a text that a person wrote, and where.

use crate::error::Error;
use crate::manifest::Excerpt;

/// The most characters of the text that the message itself shows; the excerpt shows the place.
const SHOWN: usize = 80;

/// What is wrong with a text, and at which byte of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Problem {
    pub(super) at: usize,
    pub(super) what: String,
}

impl Problem {
    pub(super) fn new(at: usize, what: impl Into<String>) -> Self {
        Self { at, what: what.into() }
    }

    /// The same problem, of a part that starts at byte `offset` of the whole.
    pub(super) fn after(self, offset: usize) -> Self {
        Self { at: self.at + offset, ..self }
    }

    /// The error about the whole `text`, a `noun`, with a caret at the place.
    pub(super) fn about(self, noun: &str, text: &str) -> Error {
        let column = text.char_indices().take_while(|(at, _)| *at < self.at).count();
        let what = format!("{} (character {})", self.what, column + 1);
        Error::invalid(what).on(shown(noun, text)).source(Excerpt::new(1, text, column))
    }
}

/// A `noun` with its text, cut where that is long.
pub(super) fn shown(noun: &str, text: &str) -> String {
    let mut cut: String = text.chars().take(SHOWN).collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    format!("{noun} {cut:?}")
}
