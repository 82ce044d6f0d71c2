//! Texts that people own, edited where they stand: text in, text out, nothing read or written.
//!
//! ```
//! use deploy_config::edit::{Change, Format};
//!
//! let values = "image:\n  repository: acme/api # ours\n  tag: '1.9'   # by CI\n";
//! let edited = Format::Yaml.apply(values, &[Change::put("image.tag".parse()?, "1.10")])?;
//! assert_eq!(edited, "image:\n  repository: acme/api # ours\n  tag: '1.10'   # by CI\n");
//! # Ok::<(), deploy_core::error::Error>(())
//! ```
//!
//! # What stays
//!
//! A text is read into values that know their bytes; an edit is a splice of a few of these bytes; the new text is read
//! again and compared with what was asked for. (Of a YAML text only the outermost entries that changed are read again, where
//! these prove as much: in debug builds the whole is read too, and must say the same.) So comments, quotes, order, indentation, line breaks, a byte order mark
//! and a missing break at the end stay because they are not touched, and an edit that would do more than it was asked
//! to is refused. In detail:
//!
//! - **A value** keeps its quotes if it can be said in them. It is text: what a reader of YAML 1.1 or 1.2 could take
//!   for a number, a date, a boolean or null is put in double quotes. A block (`|`) becomes a line. Where the value
//!   stood there already (the number `1.10` for the text `1.10`), nothing is changed.
//! - **A new key** comes after its siblings, indented as they are; maps that are missing are made, and so is an item
//!   that is named by a field (`[name=api]`). In a TOML file it becomes a key with dots.
//! - **A removed key** goes with its lines, the comment beside it too; comments above it stay. The last key of a map
//!   leaves `{}`.
//! - **Null** is no value: it is read as `None`, and a value takes its place.
//! - **Anchors**: what is behind an alias, below an anchor that is repeated elsewhere, or comes from a merge key
//!   (`<<`) can be read. To edit it would change two places, and is refused with the lines of both.
//!
//! # Why not a library that edits
//!
//! Of the crates that edit YAML the best drops quotes that a date needs, or wants a newer compiler; and after any of
//! them the result has to be read again and compared, which takes the values with their places. With these at hand, an
//! edit is a splice. The places come from `saphyr-parser`, which agrees with libyaml on all but one of some thousand
//! real documents; a wrong place would show in the comparison.

mod dotenv;
mod find;
mod flow;
mod format;
mod fragment;
mod json;
mod look;
mod path;
mod splice;
mod toml;
mod tree;
mod verify;
mod yaml;

use std::ops::Range;

use deploy_core::error::Error;

pub(crate) use dotenv::is_name as is_variable;
pub(crate) use format::Reading;
pub use format::{Change, Format};
pub use path::{KeyPath, MAX_PATH_BYTES, MAX_STEPS, Step};

/// The most bytes of a text: 16 MiB.
pub const MAX_BYTES: usize = 16 * 1024 * 1024;

/// The deepest nesting of maps and lists.
pub const MAX_DEPTH: usize = 100;

/// The most values (maps, lists, scalars, keys) of a text.
pub const MAX_VALUES: usize = 1_000_000;

/// The most edits made at once.
pub const MAX_EDITS: usize = 1_000;

/// The most bytes of a new value.
pub const MAX_VALUE_BYTES: usize = 64 * 1024;

fn too_many() -> Error {
    Error::invalid(format!("it holds more than {MAX_VALUES} values"))
}

/// A part of a text; empty where the range is none.
fn slice(text: &str, range: Range<usize>) -> &str {
    text.get(range).unwrap_or_default()
}
