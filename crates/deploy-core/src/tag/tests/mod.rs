//! Schemes, policies, selections. Each file is about one of them; `random.rs` about whatever may come.

mod constraint;
mod explain;
mod group;
mod hold;
mod policy;
mod random;
mod retention;
mod scheme;
mod select;

use crate::clock::Timestamp;
use crate::error::Error;
use crate::manifest::excerpt;
use crate::tag::{Context, TagPolicy};

/// The text and the caret that an error shows.
fn place(error: &Error) -> String {
    excerpt(error).unwrap_or_else(|| panic!("no place in: {error}")).to_string()
}

/// Whether an error says that it is about byte `at`, and its caret stands there; in a long line it stands in the middle of what is shown.
fn points_at(error: &Error, at: usize) -> bool {
    let place = place(error);
    let caret = place.ends_with(&format!("| {}^", " ".repeat(at)))
        || (at > 50 && place.ends_with(&format!("| {}^", " ".repeat(50))));
    caret && error.message().ends_with(&format!("(character {})", at + 1))
}

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn policy(text: &str) -> TagPolicy {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// 2026-11-21, noon.
fn noon() -> Context {
    Context::at(time("2026-11-21T12:00:00Z"))
}
