//! Which fields differ between two states of an object.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use crate::schema::{Schema, Shape};
use crate::set::Node;
use crate::{FieldSet, PathElement, json, lists};

/// A field of which there are duplicates on one side may be in both.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// What has another value than before, or is new.
    pub(super) written: FieldSet,
    pub(super) removed: FieldSet,
}

impl Changes {
    pub(super) fn between(before: &Value, after: &Value, schema: Schema) -> Self {
        let Below { written, removed } = value(Some(before), Some(after), schema);
        Self { written: written.below, removed: removed.below }
    }

    pub(super) fn map(self, f: impl Fn(FieldSet) -> FieldSet) -> Self {
        Self { written: f(self.written), removed: f(self.removed) }
    }
}

/// The changes at a path and below it.
#[derive(Default)]
struct Below {
    written: Node,
    removed: Node,
}

impl Below {
    fn put(&mut self, element: PathElement, Self { written, removed }: Self) {
        if !removed.is_empty() && !written.is_empty() {
            self.written.below.put(element.clone(), written);
            self.removed.below.put(element, removed);
        } else if removed.is_empty() {
            self.written.below.put(element, written);
        } else {
            self.removed.below.put(element, removed);
        }
    }
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

fn value(before: Option<&Value>, after: Option<&Value>, schema: Schema) -> Below {
    let mut here = Below::default();
    let (left, right) = (before.and_then(Form::of), after.and_then(Form::of));
    let leaf = match (left, right) {
        (Some(left), Some(right)) if left != right => {
            here.form(left, before, after, schema);
            here.form(right, before, after, schema)
        }
        (left, right) => here.form(right.or(left).unwrap_or(Form::Scalar), before, after, schema),
    };
    if !leaf {
        // What holds something comes and goes with it.
        here.written.owned |= before.is_none();
        here.removed.owned |= before.is_some() && after.is_none();
    }
    here
}

impl Below {
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
        match (before, after) {
            (None, _) => self.written.owned = true,
            (_, None) => self.removed.owned = true,
            (Some(before), Some(after)) => self.written.owned |= !json::equal(before, after),
        }
    }

    fn fields(&mut self, before: &Map<String, Value>, after: &Map<String, Value>, schema: Schema) -> bool {
        let new = after.keys().filter(|name| !before.contains_key(*name)).map(|name| (name, None));
        for (name, before) in before.iter().map(|(name, value)| (name, Some(value))).chain(new) {
            let after = after.get(name);
            // Most of an object is as it was.
            if before != after {
                self.put(PathElement::field(name), value(before, after, schema.field(name)));
            }
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
            self.put(element, item(&before, &after, schema.item()));
        }
        !before.is_empty() || !after.is_empty()
    }
}

/// The items with one key: more than one are duplicates, and count as a whole.
fn item(before: &[&Value], after: &[&Value], schema: Schema) -> Below {
    match (before, after) {
        ([] | [_], [] | [_]) if before == after => Below::default(),
        ([] | [_], [] | [_]) => value(before.first().copied(), after.first().copied(), schema),
        ([_, _, ..], [_, _, ..]) => {
            let same =
                before.len() == after.len() && before.iter().zip(after).all(|(a, b)| json::equal(a, b));
            let mut here = Below::default();
            here.written.owned = !same;
            here
        }
        ([_, _, ..], _) => {
            let mut here =
                after.first().map_or_else(Below::default, |after| value(None, Some(after), schema));
            here.removed.owned = true;
            here
        }
        _ => {
            let mut here =
                before.first().map_or_else(Below::default, |before| value(Some(before), None, schema));
            here.written.owned = true;
            here
        }
    }
}
