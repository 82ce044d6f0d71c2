//! An object with what is applied to it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::schema::{Schema, Shape};
use crate::{PathElement, lists};

/// The live value with the applied one over it. What only the live one has stays.
pub(super) fn merge(live: &Value, applied: &Value, schema: Schema) -> Value {
    match (live, applied, schema.shape()) {
        (_, _, Shape::Atomic) => applied.clone(),
        (Value::Object(live), Value::Object(applied), _) => merge_objects(live, applied, schema),
        (Value::Array(live), Value::Array(applied), Shape::ListMap(_) | Shape::Set) => {
            merge_lists(live, applied, schema)
        }
        // A null does not empty what is merged item by item.
        (Value::Object(fields), Value::Null, _) if !fields.is_empty() => live.clone(),
        (Value::Array(items), Value::Null, Shape::ListMap(_) | Shape::Set) if !items.is_empty() => {
            live.clone()
        }
        _ => applied.clone(),
    }
}

fn merge_objects(live: &Map<String, Value>, applied: &Map<String, Value>, schema: Schema) -> Value {
    let mut merged = live.clone();
    for (name, value) in applied {
        let value = match live.get(name) {
            Some(live) => merge(live, value, schema.field(name)),
            None => value.clone(),
        };
        merged.insert(name.clone(), value);
    }
    Value::Object(merged)
}

/// Items of both lists come in the applied order, those of one list stay behind the item that they stood behind.
/// An applied item comes once; the live list may have duplicates, of which no item is merged with the applied one.
fn merge_lists(live: &[Value], applied: &[Value], schema: Schema) -> Value {
    let elements = |items: &[Value]| -> Vec<_> {
        items.iter().map(|item| lists::element_of(item, schema.shape())).collect()
    };
    let (lefts, rights) = (elements(live), elements(applied));
    let mut live_items: BTreeMap<&PathElement, &Value> = BTreeMap::new();
    for (element, item) in lefts.iter().zip(live) {
        let Some(element) = element else { continue };
        live_items.entry(element).and_modify(|item| *item = &Value::Null).or_insert(item);
    }
    let applied_elements: BTreeSet<&PathElement> = rights.iter().flatten().collect();
    let is_applied = |left: &Option<PathElement>| left.as_ref().is_some_and(|e| applied_elements.contains(e));
    let mut shared = rights.iter().flatten().filter(|element| live_items.contains_key(element)).peekable();

    let mut merged = Vec::with_capacity(live.len().max(applied.len()));
    let mut taken: BTreeSet<&PathElement> = BTreeSet::new();
    let (mut left, mut right) = (0, 0);
    loop {
        let next_live = lefts.get(left).zip(live.get(left));
        let next_applied = rights.get(right).zip(applied.get(right));
        if let (Some((element, _)), Some((other, _))) = (next_live, next_applied)
            && element != other
            && is_applied(element)
            && shared.peek().is_some_and(|next| Some(*next) != element.as_ref())
        {
            // Its turn comes where the applied list has it.
            left += 1;
            continue;
        }
        let same = next_live.zip(next_applied).is_some_and(|((a, _), (b, _))| a == b);
        if let Some((element, item)) = next_live
            && !same
        {
            if !is_applied(element) {
                merged.push(item.clone());
                left += 1;
                continue;
            }
            if element.as_ref().is_some_and(|element| taken.contains(element)) {
                left += 1;
            }
        }
        let Some((element, item)) = next_applied else {
            if next_live.is_none() {
                return Value::Array(merged);
            }
            continue;
        };
        match element {
            Some(element) => {
                taken.insert(element);
                let live = live_items.get(element).copied();
                merged.push(live.map_or_else(|| item.clone(), |live| merge(live, item, schema.item())));
                if shared.peek().is_some_and(|next| *next == element) {
                    shared.next();
                }
            }
            None => merged.push(item.clone()),
        }
        right += 1;
        left += usize::from(same);
    }
}
