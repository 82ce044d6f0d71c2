//! A scheme as a template: fields in braces, and what stands between them.

use std::fmt;

use super::field::Field;
use super::problem::Problem;
use super::spans::{Mismatch, Span, Spans};
use super::{MAX_FIELDS, MAX_TEMPLATE_LENGTH, is_tag_char};

/// Fields, and the text around them.
///
/// It reads from both ends towards its *open* field, the first one that may hold anything: that one gets what is left. So the last
/// fields are taken from the right, however many separators a branch holds. A further open field, right of that one, ends at the nearest
/// of the texts that stand before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template {
    parts: Vec<Part>,
    /// Which part is the first open field.
    open: Option<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Literal(String),
    /// Which of the scheme's fields.
    Field(usize),
}

impl Template {
    /// The template with its fields.
    pub(super) fn check(text: &str) -> Result<(Self, Vec<Field>), Problem> {
        if text.len() > MAX_TEMPLATE_LENGTH {
            return Err(Problem::new(
                MAX_TEMPLATE_LENGTH,
                format!("a template has at most {MAX_TEMPLATE_LENGTH} bytes"),
            ));
        }
        let (mut parts, mut places, mut fields) = (Vec::new(), Vec::new(), Vec::<Field>::new());
        let mut at = 0;
        while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
            places.push(at);
            if let Some(inside) = rest.strip_prefix('{') {
                let Some((inside, _)) = inside.split_once('}') else {
                    return Err(Problem::new(at, "this '{' is not closed"));
                };
                let field = Field::check(inside).map_err(|problem| problem.after(at + 1))?;
                if fields.iter().any(|known| known.name == field.name) {
                    return Err(Problem::new(
                        at + 1,
                        format!("the field {:?} stands here twice", field.name),
                    ));
                }
                if fields.len() == MAX_FIELDS {
                    return Err(Problem::new(at, format!("a tag has at most {MAX_FIELDS} fields")));
                }
                parts.push(Part::Field(fields.len()));
                fields.push(field);
                at += inside.len() + 2;
            } else {
                let literal = rest.split('{').next().unwrap_or(rest);
                if let Some((wrong, c)) = literal.char_indices().find(|(_, c)| !is_tag_char(*c)) {
                    return Err(Problem::new(at + wrong, format!("a tag cannot hold {c:?}")));
                }
                parts.push(Part::Literal(literal.into()));
                at += literal.len();
            }
        }
        if fields.is_empty() {
            return Err(Problem::new(0, "a template has a field, as in {sha}"));
        }
        let open = parts.iter().position(|part| match part {
            Part::Literal(_) => false,
            Part::Field(number) => fields.get(*number).is_some_and(|field| field.kind.is_open()),
        });
        let template = Self { parts, open };
        template.check_ends(&fields, &places)?;
        Ok((template, fields))
    }

    /// Every field but the first open one must show where it ends.
    fn check_ends(&self, fields: &[Field], places: &[usize]) -> Result<(), Problem> {
        for (index, part) in self.parts.iter().enumerate() {
            let Part::Field(number) = part else { continue };
            let Some(field) = fields.get(*number) else { continue };
            if Some(index) == self.open || field.kind.width().is_some() {
                continue;
            }
            // Read from the left, it ends where the next part begins; from the right, where the one before ends.
            let is_left = self.open.is_some_and(|open| index < open);
            let neighbour = if is_left { Some(index + 1) } else { index.checked_sub(1) };
            let clear = match neighbour.map(|index| self.parts.get(index)) {
                // The end of the tag.
                None | Some(None) => true,
                Some(Some(Part::Literal(text))) => {
                    let edge = if is_left { text.bytes().next() } else { text.bytes().next_back() };
                    field.kind.is_open() || edge.is_some_and(|byte| !field.kind.holds(byte))
                }
                Some(Some(Part::Field(_))) => false,
            };
            if !clear {
                let side = if is_left { "after" } else { "before" };
                let what = format!(
                    "nothing says where {{{}}} ends: write a separator {side} it, as '-'",
                    field.name
                );
                return Err(Problem::new(places.get(index).copied().unwrap_or_default(), what));
            }
        }
        Ok(())
    }

    /// Where the fields stand in `tag`, which holds a tag's characters only.
    pub(super) fn read(&self, fields: &[Field], tag: &str) -> Result<Spans, Mismatch> {
        let mut spans = Spans::default();
        let (mut from, mut to) = (0, tag.len());
        let open = self.open.unwrap_or(self.parts.len());
        let last = if self.open.is_some() { open + 1 } else { 0 };
        for (index, part) in self.parts.iter().enumerate().skip(last).rev() {
            let rest = tag.get(from..to).unwrap_or_default();
            match part {
                Part::Literal(text) => {
                    to -= rest.ends_with(text.as_str()).then_some(text.len()).ok_or(Mismatch::Text(index))?;
                }
                Part::Field(number) => {
                    let field = fields.get(*number).ok_or(Mismatch::Field(*number))?;
                    let length = match (field.kind.width(), self.parts.get(index.wrapping_sub(1))) {
                        (Some(width), _) => width,
                        (None, Some(Part::Literal(before))) if field.kind.is_open() => {
                            let end = rest.rfind(before.as_str()).map(|at| at + before.len());
                            rest.len() - end.ok_or(Mismatch::Field(*number))?
                        }
                        _ => rest.bytes().rev().take_while(|byte| field.kind.holds(*byte)).count(),
                    };
                    let start = rest.len().checked_sub(length).ok_or(Mismatch::Field(*number))?;
                    spans.set(*number, field, tag, Span::new(from + start, to))?;
                    to = from + start;
                }
            }
        }
        let Some(Part::Field(rest)) = self.parts.get(open) else {
            return if to == 0 { Ok(spans) } else { Err(Mismatch::Rest(to)) };
        };
        for (index, part) in self.parts.iter().enumerate().take(open) {
            let before = tag.get(from..to).unwrap_or_default();
            match part {
                Part::Literal(text) => {
                    from += before
                        .starts_with(text.as_str())
                        .then_some(text.len())
                        .ok_or(Mismatch::Text(index))?;
                }
                Part::Field(number) => {
                    let field = fields.get(*number).ok_or(Mismatch::Field(*number))?;
                    let length = field
                        .kind
                        .width()
                        .unwrap_or_else(|| before.bytes().take_while(|byte| field.kind.holds(*byte)).count());
                    if length > before.len() {
                        return Err(Mismatch::Field(*number));
                    }
                    spans.set(*number, field, tag, Span::new(from, from + length))?;
                    from += length;
                }
            }
        }
        let field = fields.get(*rest).ok_or(Mismatch::Field(*rest))?;
        spans.set(*rest, field, tag, Span::new(from, to))?;
        Ok(spans)
    }

    /// The text around the fields with what `value` gives for each.
    pub(super) fn write<E>(&self, mut value: impl FnMut(usize) -> Result<String, E>) -> Result<String, E> {
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field(number) => out.push_str(&value(*number)?),
            }
        }
        Ok(out)
    }

    /// The literal that is part `index`.
    pub(super) fn literal(&self, index: usize) -> &str {
        match self.parts.get(index) {
            Some(Part::Literal(text)) => text,
            _ => "",
        }
    }

    pub(super) fn show(&self, fields: &[Field], f: &mut impl fmt::Write) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Literal(text) => f.write_str(text),
            Part::Field(number) => match fields.get(*number) {
                Some(field) => write!(f, "{{{field}}}"),
                None => Ok(()),
            },
        })
    }
}
