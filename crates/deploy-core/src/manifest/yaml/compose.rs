//! From a stream of events to JSON values: duplicate keys, merge keys, aliases, and the caps.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::scalar::Scalar;
use super::{Document, MAX_ALIAS_BYTES, MAX_DEPTH, MAX_VALUES, Repeated, too_many};
use crate::error::Result;
use crate::manifest::excerpt::Source;
use crate::manifest::places::{Mark, Path};

/// About what a value costs in memory besides its text.
const VALUE_BYTES: usize = 64;

/// Builds documents from events. An anchor is a number from the parser; 0 is none.
pub(super) struct Composer<'a> {
    pub(super) source: &'a Source<'a>,
    pub(super) repeated: Repeated,
    documents: Vec<Document>,
    values: usize,
    alias_bytes: usize,
    // Of the current document:
    stack: Vec<Frame>,
    pub(super) places: Vec<(Path, Mark)>,
    pub(super) keys: HashMap<Path, Mark>,
    anchors: HashMap<usize, Option<Node>>,
}

/// A finished value with what it costs to repeat it.
#[derive(Clone)]
struct Node {
    value: Value,
    bytes: usize,
    /// 1 for a scalar.
    height: usize,
}

struct Frame {
    path: Path,
    anchor: usize,
    bytes: usize,
    height: usize,
    collection: Collection,
}

enum Collection {
    List(Vec<Value>),
    Map { map: Map<String, Value>, key: Option<Key> },
}

enum Key {
    Name(String, Path),
    Merge(Mark),
}

impl<'a> Composer<'a> {
    pub(super) fn new(source: &'a Source<'a>, repeated: Repeated) -> Self {
        Self {
            source,
            repeated,
            documents: Vec::new(),
            values: 0,
            alias_bytes: 0,
            stack: Vec::new(),
            places: Vec::new(),
            keys: HashMap::new(),
            anchors: HashMap::new(),
        }
    }

    pub(super) fn into_documents(self) -> Vec<Document> {
        self.documents
    }

    pub(super) fn source(&self) -> &'a Source<'a> {
        self.source
    }

    pub(super) fn start_document(&mut self) {
        self.stack.clear();
        self.places.clear();
        self.keys.clear();
        self.anchors.clear();
    }

    pub(super) fn start_list(&mut self, anchor: usize, at: Mark) -> Result<()> {
        self.start(Collection::List(Vec::new()), anchor, at)
    }

    pub(super) fn start_map(&mut self, anchor: usize, at: Mark) -> Result<()> {
        self.start(Collection::Map { map: Map::new(), key: None }, anchor, at)
    }

    fn start(&mut self, collection: Collection, anchor: usize, at: Mark) -> Result<()> {
        if self.expects_key() {
            return Err(self.source.error(at, "a key must be a scalar, not a map or a list"));
        }
        if self.stack.len() >= MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        let path = self.begin_value(at)?;
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        self.stack.push(Frame { path, anchor, bytes: VALUE_BYTES, height: 1, collection });
        Ok(())
    }

    pub(super) fn end_collection(&mut self) -> Result<()> {
        let Some(Frame { anchor, bytes, height, collection, .. }) = self.stack.pop() else { return Ok(()) };
        let value = match collection {
            Collection::List(items) => Value::Array(items),
            Collection::Map { map, .. } => Value::Object(map),
        };
        self.finish_value(Node { value, bytes, height }, anchor)
    }

    /// A scalar; `merge` if it is a plain `<<`, which means something as a key.
    pub(super) fn scalar(&mut self, scalar: Scalar<'_>, merge: bool, anchor: usize, at: Mark) -> Result<()> {
        if self.expects_key() {
            if merge {
                self.set_key(Key::Merge(at));
                return Ok(());
            }
            // An anchored key can be an alias' value later.
            if anchor > 0 {
                let value = scalar.clone().into_value().unwrap_or(Value::Null);
                let bytes = VALUE_BYTES + text_len(&value);
                self.anchors.insert(anchor, Some(Node { value, bytes, height: 1 }));
            }
            let name = scalar.into_key().map_err(|problem| self.source.error(at, problem))?;
            return self.key(name, at);
        }
        self.begin_value(at)?;
        let value = scalar.into_value().map_err(|problem| self.source.error(at, problem))?;
        let bytes = VALUE_BYTES + text_len(&value);
        self.finish_value(Node { value, bytes, height: 1 }, anchor)
    }

    pub(super) fn alias(&mut self, anchor: usize, at: Mark) -> Result<()> {
        let node = match self.anchors.get(&anchor) {
            Some(Some(node)) => node,
            Some(None) => {
                return Err(self.source.error(at, "this alias stands inside the value that it repeats"));
            }
            None => return Err(self.source.error(at, "this alias has no anchor in its document")),
        };
        let (bytes, height) = (node.bytes, node.height);
        if self.expects_key() {
            let key = match &node.value {
                Value::String(text) => text.clone(),
                Value::Bool(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Null | Value::Array(_) | Value::Object(_) => {
                    return Err(self.source.error(at, "a key must be a scalar, not a map or a list"));
                }
            };
            return self.key(key, at);
        }
        if self.stack.len() + height > MAX_DEPTH {
            return Err(self.too_deep(at));
        }
        self.repeat(bytes, at)?;
        self.begin_value(at)?;
        // Looked up again: the borrow above must end before the value is begun.
        match self.anchors.get(&anchor) {
            Some(Some(node)) => self.finish_value(node.clone(), 0),
            _ => Ok(()),
        }
    }

    /// A key of the innermost map, which may have it already.
    pub(super) fn key(&mut self, name: String, at: Mark) -> Result<()> {
        let Some(Frame { path, collection: Collection::Map { map, .. }, .. }) = self.stack.last() else {
            return Ok(());
        };
        let path = path.key(&name);
        if let Some(first) = self.keys.insert(path, at)
            && map.contains_key(&name)
            && self.repeated == Repeated::Refused
        {
            let first = first.origin(&self.source.name);
            return Err(self.source.error(at, format!("duplicate key {name:?} (first at {first})")));
        }
        self.set_key(Key::Name(name, path));
        Ok(())
    }

    fn set_key(&mut self, new: Key) {
        if let Some(Frame { collection: Collection::Map { key, .. }, .. }) = self.stack.last_mut() {
            *key = Some(new);
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.stack.last(), Some(Frame { collection: Collection::Map { key: None, .. }, .. }))
    }

    /// Counts a value that starts here and notes its place.
    fn begin_value(&mut self, at: Mark) -> Result<Path> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(too_many(&self.source.name));
        }
        let path = match self.stack.last() {
            None => Path::ROOT,
            Some(Frame { path, collection: Collection::List(items), .. }) => path.index(items.len()),
            Some(Frame { path, collection: Collection::Map { key, .. }, .. }) => match key {
                Some(Key::Name(_, path)) => *path,
                Some(Key::Merge(_)) | None => path.key("<<"),
            },
        };
        self.places.push((path, at));
        Ok(path)
    }

    fn finish_value(&mut self, node: Node, anchor: usize) -> Result<()> {
        if anchor > 0 {
            let at = self.places.last().map_or(Mark::new(1, 1), |(_, at)| *at);
            self.repeat(node.bytes, at)?;
            self.anchors.insert(anchor, Some(node.clone()));
        }
        let Node { value, bytes, height } = node;
        let Some(frame) = self.stack.last_mut() else {
            self.finish_document(value);
            return Ok(());
        };
        frame.bytes += bytes;
        frame.height = frame.height.max(height + 1);
        let path = frame.path;
        match &mut frame.collection {
            Collection::List(items) => items.push(value),
            Collection::Map { map, key } => match key.take() {
                Some(Key::Name(name, _)) => {
                    frame.bytes += name.len();
                    map.insert(name, value);
                }
                Some(Key::Merge(at)) => {
                    let mut map = std::mem::take(map);
                    self.merge(&mut map, path, value, at)?;
                    if let Some(Frame { collection: Collection::Map { map: slot, .. }, .. }) =
                        self.stack.last_mut()
                    {
                        *slot = map;
                    }
                }
                None => {}
            },
        }
        Ok(())
    }

    fn repeat(&mut self, bytes: usize, at: Mark) -> Result<()> {
        self.alias_bytes += bytes;
        if self.alias_bytes > MAX_ALIAS_BYTES {
            let limit = MAX_ALIAS_BYTES / 1024 / 1024;
            let message = format!("anchors and aliases repeat more than {limit} MiB of values up to here");
            return Err(self.source.error(at, message));
        }
        Ok(())
    }

    fn too_deep(&self, at: Mark) -> crate::error::Error {
        self.source.error(at, format!("maps and lists are nested deeper than {MAX_DEPTH}"))
    }

    fn finish_document(&mut self, value: Value) {
        let places = std::mem::take(&mut self.places);
        let Some(&(_, start)) = places.first() else { return };
        if !value.is_null() {
            self.documents.push(Document { value, start, places });
        }
    }
}

fn text_len(value: &Value) -> usize {
    value.as_str().map_or(0, str::len)
}
