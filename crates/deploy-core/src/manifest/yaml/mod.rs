//! YAML and JSON texts as JSON values, the way Kubernetes' own tools read them.

mod compose;
mod events;
mod json;
mod merge;
mod scalar;

use serde_json::Value;

use super::excerpt::Source;
use super::places::{Mark, Path};
use crate::error::{Error, Result};

/// The most bytes of one text.
pub const MAX_BYTES: usize = 32 * 1024 * 1024;

/// The deepest nesting of maps and lists; `serde_json` would not read more than 128 back.
pub const MAX_DEPTH: usize = 100;

/// The most values (maps, lists, scalars) in one text.
pub const MAX_VALUES: usize = 2_000_000;

/// The most memory, roughly in bytes, that the aliases and merge keys of one text may add by repeating.
pub const MAX_ALIAS_BYTES: usize = 32 * 1024 * 1024;

/// One document of a text.
pub(super) struct Document {
    pub(super) value: Value,
    pub(super) start: Mark,
    pub(super) places: Vec<(Path, Mark)>,
}

/// What becomes of a key that stands twice in a map, or is merged into one that has it with another value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repeated {
    Refused,
    /// As the reader that Kubernetes uses takes it where nobody asks it to be strict.
    LastWins,
}

/// The documents of a text, empty ones left out.
pub(super) fn documents(source: &Source<'_>, repeated: Repeated) -> Result<Vec<Document>> {
    // A flow collection is buffered by the scanner as a whole, so its size must be bounded before.
    let indicators = source.text.bytes().filter(|byte| matches!(byte, b',' | b'[' | b'{')).count();
    if indicators > MAX_VALUES {
        return Err(too_many(&source.name));
    }
    let mut composer = compose::Composer::new(source, repeated);
    let (offset, start) = json::read(source.text, &mut composer)?;
    let rest = source.text.get(offset..).unwrap_or_default();
    if !rest.trim().is_empty() {
        events::read(rest, start, &mut composer)?;
    }
    Ok(composer.into_documents())
}

/// Whether `text` stays text where it stands without quotes.
pub(super) fn is_text(text: &str) -> bool {
    matches!(scalar::Scalar::resolve(text.into(), true, None), Ok(scalar::Scalar::Text(_)))
}

fn too_many(name: &str) -> Error {
    Error::invalid(format!("it holds more than {MAX_VALUES} values")).on(name).help("split the file")
}
