//! YAML text to the composer, over the events of `saphyr-parser`.

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, Tag};

use super::compose::Composer;
use super::scalar::Scalar;
use crate::error::Result;
use crate::manifest::places::Mark;

/// Reads every document of `text`, which starts at `start` of the whole text.
pub(super) fn read(text: &str, start: Mark, composer: &mut Composer<'_>) -> Result<()> {
    let mark = |marker: Marker| {
        // The parser counts lines from 1 and columns from 0.
        let column = marker.col() + if marker.line() == 1 { start.column as usize } else { 1 };
        Mark::new(marker.line() + start.line as usize - 1, column)
    };
    for event in Parser::new_from_str(text) {
        let (event, span) =
            event.map_err(|error| composer.source().error(mark(*error.marker()), error.info()))?;
        let at = mark(span.start);
        match event {
            Event::DocumentStart(_) => composer.start_document(),
            Event::SequenceStart(anchor, _) => composer.start_list(anchor, at)?,
            Event::MappingStart(anchor, _) => composer.start_map(anchor, at)?,
            Event::SequenceEnd | Event::MappingEnd => composer.end_collection()?,
            Event::Alias(anchor) => composer.alias(anchor, at)?,
            Event::Scalar(text, style, anchor, tag) => {
                let plain = style == ScalarStyle::Plain;
                let tag = tag.as_deref().map(full_tag);
                let tag = tag.as_deref();
                let meant = tag.map_or(plain, |tag| tag == "!" || tag == MERGE);
                let merge = meant && &*text == "<<";
                let scalar = Scalar::resolve(text, plain, tag)
                    .map_err(|problem| composer.source().error(at, problem))?;
                composer.scalar(scalar, merge, anchor, at)?;
            }
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => {}
        }
    }
    Ok(())
}

const MERGE: &str = "tag:yaml.org,2002:merge";

fn full_tag(tag: &Tag) -> String {
    format!("{}{}", tag.handle, tag.suffix)
}
