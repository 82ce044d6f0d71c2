//! YAML: reading with places, and writing values, keys and lines.

mod lines;
mod parse;
pub(super) mod part;
mod scalar;

use std::ops::Range;

pub(super) use lines::{add_entry, add_item, fill, has_header_comment, remove_entry, replace};
pub(super) use parse::parse;
pub(super) use scalar::{is_text, write};

use super::slice;

/// Whether a tag says that a scalar is text.
pub(super) fn is_text_tag(tag: &str) -> bool {
    matches!(tag, "!" | "tag:yaml.org,2002:str")
}

/// Where the lines of a block scalar (`|`, `>`) end, without the break of the last one.
pub(super) fn block_end(text: &str, span: &Range<usize>) -> usize {
    let block = slice(text, span.clone());
    let header = block.split('\n').next().unwrap_or_default();
    let indicators = header.split('#').next().unwrap_or_default();
    // With `+` the empty lines below belong to it.
    let kept = if indicators.contains('+') {
        block.strip_suffix('\n').map_or(block, |rest| rest.strip_suffix('\r').unwrap_or(rest))
    } else {
        block.trim_end()
    };
    span.start + kept.len()
}
