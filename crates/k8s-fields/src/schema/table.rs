//! Reads `builtin.txt`.
//!
//! - `kind apps/v1 Deployment apps.v1.Deployment : {"spec":{…}}`: the root type of a kind, and what an object of it has before
//!   anything is set (`{}` if left out).
//! - `type core.v1.PodSpec` starts a type; its fields follow, indented: a name, words for the [`Shape`], and after a colon
//!   the type of the field, of its items or of its values; `atomic` if each item is merged as a whole. A field or type that is all plain is not there.
//! - `struct` is plain with a type, `map name,protocol="TCP"` a keyed list with defaults as JSON; `atomic`, `set`,
//!   `values` and `free` are the shapes of these names.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use serde_json::{Map, Value};

use super::{Field, KeyField, Schema, Shape};

type Fields = BTreeMap<String, Field>;

/// The built-in types.
pub(super) struct Table {
    /// By apiVersion, then by kind.
    kinds: HashMap<String, HashMap<String, Kind>>,
    types: HashMap<String, Fields>,
    none: Fields,
    unknown: Fields,
}

struct Kind {
    root: String,
    new: Value,
}

/// The table, read once: it is a constant that is easier to review as text.
pub(super) fn builtin() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| read(include_str!("builtin.txt")));
    &TABLE
}

impl Table {
    pub(super) fn root(&'static self, api_version: &str, kind: &str) -> Option<Schema> {
        let kind = self.kinds.get(api_version)?.get(kind)?;
        Some(Schema { shape: &Shape::Plain, fields: self.fields(Some(&kind.root)), atomic_items: false })
    }

    pub(super) fn new_object(&'static self, api_version: &str, kind: &str) -> Option<&'static Value> {
        self.kinds.get(api_version)?.get(kind).map(|kind| &kind.new)
    }

    pub(super) fn fields(&'static self, name: Option<&str>) -> &'static Fields {
        name.and_then(|name| self.types.get(name)).unwrap_or(&self.none)
    }

    pub(super) fn unknown(&'static self) -> &'static Fields {
        &self.unknown
    }
}

fn read(text: &str) -> Table {
    let mut table = Table {
        kinds: HashMap::new(),
        types: HashMap::new(),
        none: Fields::new(),
        unknown: Fields::from([(
            "metadata".to_owned(),
            Field { shape: Shape::Plain, of: Some("meta.v1.ObjectMeta".to_owned()), atomic_items: false },
        )]),
    };
    let mut current = String::new();
    for line in text.lines() {
        let (words, of) =
            line.split_once(" : ").map_or((line, None), |(words, of)| (words, Some(of.to_owned())));
        match words.split_ascii_whitespace().collect::<Vec<_>>().as_slice() {
            ["kind", api_version, kind, name] => {
                let new = of.and_then(|new| serde_json::from_str(&new).ok());
                let new = new.unwrap_or_else(|| Value::Object(Map::new()));
                let root = (*name).to_owned();
                let kinds = table.kinds.entry((*api_version).to_owned()).or_default();
                kinds.insert((*kind).to_owned(), Kind { root, new });
            }
            ["type", name] => (*name).clone_into(&mut current),
            [field, shape @ ..] if !field.starts_with('#') => {
                let fields = table.types.entry(current.clone()).or_default();
                let atomic_items = of.as_deref() == Some("atomic");
                fields.insert((*field).to_owned(), Field { shape: read_shape(shape), of, atomic_items });
            }
            _ => {}
        }
    }
    table
}

fn read_shape(words: &[&str]) -> Shape {
    match words {
        ["atomic"] => Shape::Atomic,
        ["set"] => Shape::Set,
        ["values"] => Shape::Values,
        ["free"] => Shape::Free,
        ["map", keys] => Shape::ListMap(keys.split(',').map(read_key).collect()),
        _ => Shape::Plain,
    }
}

fn read_key(text: &str) -> KeyField {
    let (name, default) = text.split_once('=').unwrap_or((text, ""));
    KeyField { name: name.to_owned(), default: serde_json::from_str(default).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every line of the table is one of the forms that `read` knows, and every type that a line names is there.
    #[test]
    fn the_table_is_whole() {
        let text = include_str!("builtin.txt");
        let table = builtin();
        let mut fields = 0;
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let words: Vec<_> = line.split_ascii_whitespace().collect();
            match words.as_slice() {
                ["kind", api_version, kind, name, new @ ..] => {
                    let object = table.new_object(api_version, kind);
                    assert_eq!(object.map(Value::to_string), Some(new.last().unwrap_or(&"{}").to_string()));
                    assert!(
                        Schema::of(api_version, kind).is_some() && table.types.contains_key(*name),
                        "{line}"
                    );
                }
                ["type", name] => assert!(!table.types[*name].is_empty(), "{line}"),
                [_, "struct" | "free" | "values" | "atomic" | "set"] | [_, "map", _] => fields += 1,
                [_, "struct" | "values", ":", of] | [_, "map", _, ":", of] => {
                    assert!(table.types.contains_key(*of) || *of == "atomic", "{line}");
                    fields += 1;
                }
                _ => panic!("unknown line: {line}"),
            }
        }
        assert_eq!(fields, table.types.values().map(BTreeMap::len).sum::<usize>());
        let kinds: usize = table.kinds.values().map(HashMap::len).sum();
        assert!(kinds > 80, "{kinds}");
    }
}
