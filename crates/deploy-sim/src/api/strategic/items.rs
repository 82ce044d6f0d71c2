//! Lists, item by item.

use serde_json::Value;

use super::{DIRECTIVE, Fields, Misfit, go_list, go_map, go_type, other};
use crate::schema::Type;

/// Items that are looked for times items that are looked at: a patch of a few kilobytes must not take minutes.
const MAX_COMPARISONS: usize = 20_000_000;

/// Merges the items of the change: scalars as a set, objects by their key. What is deleted goes, where that is what the change says.
pub(super) fn merge(
    mut original: Vec<Value>,
    change: &mut [Value],
    of: &'static Type,
    key: &str,
    is_deletion: bool,
) -> Result<Vec<Value>, Misfit> {
    if original.is_empty() && change.is_empty() {
        return Ok(original);
    }
    if original.len().saturating_mul(change.len()) > MAX_COMPARISONS
        || change.len().saturating_mul(change.len()) > MAX_COMPARISONS
    {
        return Err(Misfit::TooMuch);
    }
    if !check_alike(&original, change)? {
        if is_deletion {
            original.retain(|item| !change.contains(item));
            return Ok(original);
        }
        let all = original.len().saturating_add(change.len());
        if all.saturating_mul(all) > MAX_COMPARISONS {
            return Err(Misfit::TooMuch);
        }
        let before = original.clone();
        original.extend(change.iter().cloned());
        return ordered(unique(original), change, &before, key);
    }
    if key.is_empty() {
        return other("cannot merge lists without merge key for struct");
    }
    let mut others = Vec::new();
    let mut replaces = false;
    for item in change.iter_mut().filter_map(Value::as_object_mut) {
        match item.get(DIRECTIVE) {
            None => others.push(item),
            Some(directive) if directive == "delete" => {
                let Some(value) = item.get(key) else { return no_key(item, key) };
                original.retain(|item| item.get(key) != Some(value));
            }
            Some(directive) if directive == "replace" => replaces = true,
            Some(directive) if directive == "merge" => {
                return other("merging lists cannot yet be specified in the patch");
            }
            Some(directive) => {
                let directive = super::go(directive);
                return other(format!("unknown patch type: {directive} in map: {}", go_map(item)));
            }
        }
    }
    let order: Vec<Value> = others.iter().map(|item| Value::Object((**item).clone())).collect();
    if replaces {
        let before = order.clone();
        return ordered(order, &[], &before, key);
    }
    let before = original.clone();
    for item in others {
        let Some(value) = item.get(key) else { return no_key(item, key) };
        match original.iter_mut().find(|found| found.get(key) == Some(value)) {
            Some(Value::Object(found)) => *found = super::merge(std::mem::take(found), item, of)?,
            _ => original.push(Value::Object(item.clone())),
        }
    }
    ordered(original, &order, &before, key)
}

/// Whether the items are objects.
fn check_alike(original: &[Value], change: &[Value]) -> Result<bool, Misfit> {
    let mut types = original.iter().chain(change).map(go_type);
    let first = types.next().unwrap_or_default();
    if first == "[]interface {}" {
        return Err(Misfit::Unprocessable);
    }
    if types.any(|found| found != first) {
        let lists = format!("[{} {}]", go_list(original), go_list(change));
        return other(format!("list element types are not identical: {lists}"));
    }
    Ok(first == "map[string]interface {}")
}

fn no_key<T>(item: &Fields, key: &str) -> Result<T, Misfit> {
    other(format!("map: {} does not contain declared merge key: {key}", go_map(item)))
}

/// Each once: the last one takes the place of one that is there already, as Go does.
fn unique(mut items: Vec<Value>) -> Vec<Value> {
    let mut at = 0;
    while at < items.len() {
        let mut next = at + 1;
        while next < items.len() {
            if items.get(at) == items.get(next) {
                items.swap_remove(next);
            } else {
                next += 1;
            }
        }
        at += 1;
    }
    items
}

/// The items of the patch in its order, the others in that of the object; of two that the object has both its order decides.
pub(super) fn ordered(
    merged: Vec<Value>,
    order: &[Value],
    before: &[Value],
    key: &str,
) -> Result<Vec<Value>, Misfit> {
    if merged.len().saturating_mul(order.len().max(before.len())) > MAX_COMPARISONS {
        return Err(Misfit::TooMuch);
    }
    let place = |list: &[Value], item: &Value| list.iter().position(|found| is_same(found, item, key));
    for item in merged.iter().chain(order).chain(before).filter(|_| !key.is_empty()) {
        match item {
            Value::Object(fields) if !fields.contains_key(key) => return no_key(fields, key),
            Value::Object(_) => {}
            found => {
                let found = go_type(found);
                return other(format!("expected a map[string]interface {{}}, but received a {found}"));
            }
        }
    }
    let (mut patched, mut others): (Vec<_>, Vec<_>) =
        merged.into_iter().partition(|item| place(order, item).is_some());
    patched.sort_by_key(|item| place(order, item));
    others.sort_by_key(|item| place(before, item));
    let mut patched = patched.into_iter().map(|item| (place(before, &item), item)).peekable();
    let mut others = others.into_iter().map(|item| (place(before, &item), item)).peekable();
    let mut all = Vec::new();
    loop {
        let next = match (others.peek(), patched.peek()) {
            (Some((Some(other), _)), Some((Some(patched), _))) => other < patched,
            (Some(_), None) => true,
            (_, Some(_)) => false,
            (None, None) => return Ok(all),
        };
        all.extend(if next { others.next() } else { patched.next() }.map(|(_, item)| item));
    }
}

fn is_same(one: &Value, other: &Value, key: &str) -> bool {
    if key.is_empty() { one == other } else { one.get(key) == other.get(key) }
}

/// Refuses items of the patch that the order does not have, or in another order.
pub(super) fn check_order(change: &[Value], order: &[Value], key: &str) -> Result<(), Misfit> {
    if order.is_empty() || change.is_empty() {
        return Ok(());
    }
    let mut rest = order.iter();
    for item in change.iter().filter(|item| item.get(DIRECTIVE).is_none()) {
        if !rest.any(|found| is_same(found, item, key)) {
            return other(format!(
                "The order in patch list:\n{}\n doesn't match $setElementOrder list:\n{}\n",
                go_list(change),
                go_list(order)
            ));
        }
    }
    Ok(())
}
