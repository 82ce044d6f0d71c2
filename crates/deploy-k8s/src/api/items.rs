//! The `items` of a list, one by one, out of a body that comes in pieces: a page may hold more than fits into memory.

use std::ops::ControlFlow;

use deploy_core::error::{Error, ErrorKind, Result};
use serde_json::Value;

/// An item larger than this is refused; etcd takes 1.5 MiB by default.
const MAX_ITEM: usize = 16 << 20;
/// All that is not an item: `metadata`, mostly.
const MAX_ENVELOPE: usize = 1 << 20;
/// Of brackets, where the elements of the top-level `items` stand.
const ITEM_DEPTH: usize = 2;

/// A JSON list on its way in. It looks at brackets, commas and strings only: whether the items are JSON is found by whoever parses
/// them, whether the rest is by [`end`](Self::end).
#[derive(Default)]
pub(super) struct Items {
    lexer: Lexer,
    depth: usize,
    /// All that is no item; of the array of items only the brackets.
    envelope: Vec<u8>,
    /// Where in the envelope the last string at depth one stands. Right before a `[` it is that array's key.
    key: (usize, usize),
    /// What came of an item so far, while it is not complete.
    item: Vec<u8>,
    array: Array,
}

/// Where the array of items is.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Array {
    #[default]
    Ahead,
    /// Nothing of it yet but its bracket.
    Opened,
    Within,
    Behind,
}

impl Items {
    /// Takes in the next bytes. `each` gets the bytes of every item that is complete with them; after its `Break` nothing more is
    /// read.
    ///
    /// # Errors
    /// What cannot be a list or exceeds a cap, and those of `each`.
    pub(super) fn feed(
        &mut self,
        mut bytes: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        while !bytes.is_empty() {
            match self.array {
                Array::Ahead | Array::Behind => bytes = self.outside(bytes)?,
                Array::Opened | Array::Within => {
                    let (rest, flow) = self.inside(bytes, &mut each)?;
                    if flow.is_break() {
                        return Ok(flow);
                    }
                    bytes = rest;
                }
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// The list without its items.
    ///
    /// # Errors
    /// What is not JSON, not all there, or not a list.
    pub(super) fn end(self) -> Result<Value> {
        if matches!(self.array, Array::Opened | Array::Within) {
            return Err(not_a_list("it ends within its items"));
        }
        let envelope: Value =
            serde_json::from_slice(&self.envelope).map_err(|error| not_a_list("").source(error))?;
        match envelope.get("items") {
            Some(Value::Array(_)) if self.array == Array::Behind => Ok(envelope),
            // Go writes an empty slice that was never made as null.
            Some(Value::Null) if self.array == Array::Ahead => Ok(envelope),
            None => Err(not_a_list("it has no items")),
            Some(_) => Err(not_a_list("its items are not one array")),
        }
    }

    /// Up to where the array of items begins, or all.
    fn outside<'a>(&mut self, bytes: &'a [u8]) -> Result<&'a [u8]> {
        let mut rest = bytes;
        while let Some(at) = self.lexer.next(rest) {
            let (taken, after) = rest.split_at(at + 1);
            rest = after;
            self.envelop(taken)?;
            match taken.last() {
                Some(b'"') if self.depth == 1 && self.lexer.in_string => self.key.0 = self.envelope.len() - 1,
                Some(b'"') if self.depth == 1 => self.key.1 = self.envelope.len(),
                Some(b'[') if self.depth == 1 && self.is_items() => {
                    if self.array == Array::Behind {
                        return Err(not_a_list("it has items twice"));
                    }
                    self.array = Array::Opened;
                    self.depth = ITEM_DEPTH;
                    return Ok(rest);
                }
                Some(b'{' | b'[') => self.depth += 1,
                Some(b'}' | b']') => self.close()?,
                _ => {}
            }
        }
        self.envelop(rest)?;
        Ok(&[])
    }

    /// Up to where an item ends, or all.
    fn inside<'a>(
        &mut self,
        bytes: &'a [u8],
        each: &mut impl FnMut(&[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<(&'a [u8], ControlFlow<()>)> {
        let mut seen = 0;
        while let Some(at) = bytes.get(seen..).and_then(|rest| self.lexer.next(rest)) {
            let (item, rest) = bytes.split_at(seen + at);
            let (separator, rest) = rest.split_at(1);
            seen += at + 1;
            match separator {
                b"," | b"]" if self.depth == ITEM_DEPTH => {
                    let last = separator == b"]";
                    let flow = self.complete(item, last, each)?;
                    if last {
                        self.envelop(separator)?;
                        self.close()?;
                        self.array = Array::Behind;
                    }
                    return Ok((rest, flow));
                }
                b"{" | b"[" => self.depth += 1,
                b"}" | b"]" if self.depth > ITEM_DEPTH => self.close()?,
                b"}" => return Err(not_a_list("a bracket closes nothing")),
                _ => {}
            }
        }
        self.collect(bytes)?;
        Ok((&[], ControlFlow::Continue(())))
    }

    fn complete(
        &mut self,
        tail: &[u8],
        last: bool,
        each: &mut impl FnMut(&[u8]) -> Result<ControlFlow<()>>,
    ) -> Result<ControlFlow<()>> {
        // Most often an item lies within one piece of the body and is not copied.
        let item = if self.item.is_empty() && tail.len() <= MAX_ITEM {
            tail
        } else {
            self.collect(tail)?;
            &self.item
        };
        let empty = last && self.array == Array::Opened && item.trim_ascii().is_empty();
        let flow = if empty { ControlFlow::Continue(()) } else { each(item)? };
        self.item.clear();
        self.array = Array::Within;
        Ok(flow)
    }

    /// Whether the key before the bracket that was just read is `items`; keys may be written with escapes.
    fn is_items(&self) -> bool {
        let key = self.envelope.get(self.key.0..self.key.1);
        key.and_then(|key| serde_json::from_slice::<String>(key).ok()).is_some_and(|key| key == "items")
    }

    fn close(&mut self) -> Result<()> {
        self.depth = self.depth.checked_sub(1).ok_or_else(|| not_a_list("a bracket closes nothing"))?;
        Ok(())
    }

    fn envelop(&mut self, bytes: &[u8]) -> Result<()> {
        if self.envelope.len() + bytes.len() > MAX_ENVELOPE {
            return Err(not_a_list("there is more than 1 MiB around its items"));
        }
        self.envelope.extend_from_slice(bytes);
        Ok(())
    }

    fn collect(&mut self, bytes: &[u8]) -> Result<()> {
        if self.item.len() + bytes.len() > MAX_ITEM {
            return Err(not_a_list("one of its items is larger than 16 MiB"));
        }
        self.item.extend_from_slice(bytes);
        Ok(())
    }
}

/// Tells what is inside a string from what is not, over any cuts.
#[derive(Default)]
struct Lexer {
    in_string: bool,
    escaped: bool,
}

impl Lexer {
    /// Where the next bracket, comma or quote stands; whatever stands inside a string is left out, its quotes are not.
    fn next(&mut self, bytes: &[u8]) -> Option<usize> {
        let mut from = 0;
        while self.in_string {
            let rest = bytes.get(from..).filter(|rest| !rest.is_empty())?;
            if std::mem::take(&mut self.escaped) {
                from += 1;
                continue;
            }
            let at = from + rest.iter().position(|byte| matches!(byte, b'"' | b'\\'))?;
            if bytes.get(at) == Some(&b'"') {
                self.in_string = false;
                return Some(at);
            }
            self.escaped = true;
            from = at + 1;
        }
        let at = bytes.iter().position(|byte| matches!(byte, b'{' | b'}' | b'[' | b']' | b',' | b'"'))?;
        self.in_string = bytes.get(at) == Some(&b'"');
        Some(at)
    }
}

fn not_a_list(why: &str) -> Error {
    let colon = if why.is_empty() { "" } else { ": " };
    Error::new(ErrorKind::Internal, format!("the API server's answer is not a list{colon}{why}"))
}
