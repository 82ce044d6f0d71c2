//! Which fields differ between two states of an object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{Schema, Shape};
use crate::{FieldSet, PathElement, json, lists};

/// No field is in two of the sets.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// Present in both, with another value.
    pub(super) modified: FieldSet,
    pub(super) added: FieldSet,
    pub(super) removed: FieldSet,
}

impl Changes {
    pub(super) fn between(before: &Value, after: &Value, schema: Schema) -> Self {
        let mut walk = Walk { changes: Self::default(), path: Vec::new() };
        if before != after {
            walk.value(Some(before), Some(after), schema);
        }
        walk.changes
    }

    /// What has another value than before, or is new.
    pub(super) fn written(&self) -> FieldSet {
        self.modified.union(&self.added)
    }

    pub(super) fn map(self, f: impl Fn(FieldSet) -> FieldSet) -> Self {
        Self { modified: f(self.modified), added: f(self.added), removed: f(self.removed) }
    }
}

struct Walk {
    changes: Changes,
    path: Vec<PathElement>,
}

/// How a value is walked; a null as whatever the other side is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Scalar,
    Object,
    List,
}

impl Form {
    fn of(value: &Value) -> Option<Self> {
        match value {
            Value::Null => None,
            Value::Object(_) => Some(Self::Object),
            Value::Array(_) => Some(Self::List),
            _ => Some(Self::Scalar),
        }
    }
}

impl Walk {
    /// Two values that differ.
    fn value(&mut self, before: Option<&Value>, after: Option<&Value>, schema: Schema) {
        let (left, right) = (before.and_then(Form::of), after.and_then(Form::of));
        let leaf = match (left, right) {
            (Some(left), Some(right)) if left != right => {
                self.form(left, before, after, schema);
                self.form(right, before, after, schema)
            }
            (left, right) => self.form(right.or(left).unwrap_or(Form::Scalar), before, after, schema),
        };
        if !leaf {
            // What holds something comes and goes with it.
            match (before, after) {
                (None, _) => insert(&mut self.changes.added, &self.path),
                (_, None) => insert(&mut self.changes.removed, &self.path),
                _ => {}
            }
        }
    }

    /// Whether the value counts as a whole.
    fn form(&mut self, form: Form, before: Option<&Value>, after: Option<&Value>, schema: Schema) -> bool {
        let granular = match (form, schema.shape()) {
            (Form::Scalar, _) | (Form::Object, Shape::Atomic) => false,
            (Form::Object, _) => {
                let none = Map::new();
                let before = before.and_then(Value::as_object).unwrap_or(&none);
                let after = after.and_then(Value::as_object).unwrap_or(&none);
                self.fields(before, after, schema)
            }
            (Form::List, Shape::ListMap(_) | Shape::Set) => {
                let before = before.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                let after = after.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
                self.items(before, after, schema)
            }
            (Form::List, _) => false,
        };
        if !granular {
            self.leaf(before, after);
        }
        !granular
    }

    fn leaf(&mut self, before: Option<&Value>, after: Option<&Value>) {
        let set = match (before, after) {
            (None, _) => &mut self.changes.added,
            (_, None) => &mut self.changes.removed,
            (Some(before), Some(after)) if !json::equal(before, after) => &mut self.changes.modified,
            _ => return,
        };
        insert(set, &self.path);
    }

    fn fields(&mut self, before: &Map<String, Value>, after: &Map<String, Value>, schema: Schema) -> bool {
        let only_after = after.keys().filter(|name| !before.contains_key(*name));
        for name in before.keys().chain(only_after) {
            // Most of an object is as it was.
            if before.get(name) == after.get(name) {
                continue;
            }
            self.path.push(PathElement::field(name));
            self.value(before.get(name), after.get(name), schema.field(name));
            self.path.pop();
        }
        !before.is_empty() || !after.is_empty()
    }

    fn items(&mut self, before: &[Value], after: &[Value], schema: Schema) -> bool {
        let mut items: BTreeMap<PathElement, (Vec<&Value>, Vec<&Value>)> = BTreeMap::new();
        for item in before {
            if let Some(element) = lists::element_of(item, schema.shape()) {
                items.entry(element).or_default().0.push(item);
            }
        }
        for item in after {
            if let Some(element) = lists::element_of(item, schema.shape()) {
                items.entry(element).or_default().1.push(item);
            }
        }
        for (element, (before, after)) in items {
            self.path.push(element);
            self.item(&before, &after, schema.item());
            self.path.pop();
        }
        !before.is_empty() || !after.is_empty()
    }

    /// The items with one key: more than one are duplicates, and count as a whole.
    fn item(&mut self, before: &[&Value], after: &[&Value], schema: Schema) {
        match (before, after) {
            ([] | [_], [] | [_]) if before == after => {}
            ([] | [_], [] | [_]) => self.value(before.first().copied(), after.first().copied(), schema),
            ([_, _, ..], [_, _, ..]) => {
                let same =
                    before.len() == after.len() && before.iter().zip(after).all(|(a, b)| json::equal(a, b));
                if !same {
                    insert(&mut self.changes.modified, &self.path);
                }
            }
            ([_, _, ..], _) => {
                if let Some(after) = after.first() {
                    self.value(None, Some(after), schema);
                }
                insert(&mut self.changes.removed, &self.path);
            }
            _ => {
                if let Some(before) = before.first() {
                    self.value(Some(before), None, schema);
                }
                insert(&mut self.changes.added, &self.path);
            }
        }
    }
}

fn insert(set: &mut FieldSet, path: &[PathElement]) {
    set.insert_elements(path);
}
