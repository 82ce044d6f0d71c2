//! Strategic merge patch: a merge patch that merges lists by the keys that the types have, with directives for what such a merge cannot say
//! (`apimachinery/pkg/util/strategicpatch`).
//!
//! `$patch: replace | delete` stands in the map that is replaced, or in the item that is deleted; `$retainKeys` lists the only fields that a
//! map keeps; `$deleteFromPrimitiveList/NAME` what goes from the list of scalars NAME; `$setElementOrder/NAME` in which order it then is.

mod items;

use serde_json::{Map, Value};

use crate::schema::{Merge, Type};
use crate::status::Status;

type Fields = Map<String, Value>;

const DIRECTIVE: &str = "$patch";
const RETAIN_KEYS: &str = "$retainKeys";
const DELETE_FROM: &str = "$deleteFromPrimitiveList";
const SET_ORDER: &str = "$setElementOrder";

/// Why a patch does not fit.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Misfit {
    /// A directive of another form than it has.
    Malformed(&'static str),
    /// Lists of lists.
    Unprocessable,
    /// More than is merged in a moment.
    TooMuch,
    /// What the API server takes for a mistake of its own.
    Other(String),
}

impl Misfit {
    /// As the API server refuses it.
    pub(super) fn refusal(self) -> Status {
        match self {
            Self::Malformed(what) => Status::bad_request(format!("invalid patch format of {what}")),
            Self::Unprocessable => Status {
                details: Some(serde_json::json!({})),
                ..Status::new(
                    422,
                    "Invalid",
                    "the server rejected our request due to an error in our request",
                )
            },
            Self::TooMuch => {
                Status::new(413, "RequestEntityTooLarge", "the lists that the patch merges are too long")
            }
            Self::Other(why) => Status::new(500, "", why),
        }
    }
}

fn other<T>(why: impl Into<String>) -> Result<T, Misfit> {
    Err(Misfit::Other(why.into()))
}

/// What the patch makes of a map of this type. Of the patch, what is merged already is taken out.
///
/// # Errors
/// Directives that say nothing, items without their key.
pub(super) fn merge(mut original: Fields, patch: &mut Fields, of: &'static Type) -> Result<Fields, Misfit> {
    match patch.get(DIRECTIVE) {
        Some(directive) if directive == "replace" => {
            patch.remove(DIRECTIVE);
            return Ok(patch.clone());
        }
        Some(directive) if directive == "delete" => return Ok(Fields::new()),
        Some(directive) => {
            let (directive, map) = (go(directive), go_map(patch));
            return other(format!("unknown patch type: {directive} in map: {map}"));
        }
        None => {}
    }
    retain_keys(&mut original, patch)?;
    merge_ordered(&mut original, patch, of)?;
    for (name, change) in patch.iter_mut() {
        let is_deletion = name.starts_with(DELETE_FROM);
        let name = if is_deletion {
            directed(name, DELETE_FROM).ok_or(Misfit::Malformed("primitive list"))?
        } else {
            name.as_str()
        };
        if change.is_null() {
            original.remove(name);
            continue;
        }
        let merged = match (original.remove(name), change) {
            (Some(Value::Object(before)), Value::Object(change)) => match of.merged_field(name) {
                Ok((_, Merge::Never)) => Some(Value::Object(change.clone())),
                Ok((of, _)) => Some(Value::Object(merge(before, change, of)?)),
                Err(why) => return other(why),
            },
            (Some(Value::Array(before)), Value::Array(change)) => {
                let (of, how) = of.merged_field(name).map_err(Misfit::Other)?;
                Some(Value::Array(match how {
                    Merge::Items(key) => items::merge(before, change, of.item(), key, is_deletion)?,
                    _ if is_deletion => items::merge(before, change, of.item(), "", true)?,
                    _ => change.clone(),
                }))
            }
            (before, _) if is_deletion => before,
            (_, change) => taken(change),
        };
        if let Some(merged) = merged {
            original.insert(name.to_owned(), merged);
        }
    }
    Ok(original)
}

/// The field that a directive `PREFIX/FIELD` is about.
fn directed<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    name.strip_prefix(prefix)?.strip_prefix('/')
}

fn retain_keys(original: &mut Fields, patch: &mut Fields) -> Result<(), Misfit> {
    let Some(kept) = patch.remove(RETAIN_KEYS) else { return Ok(()) };
    let Value::Array(kept) = kept else { return Err(Misfit::Malformed("retainKeys")) };
    let is_kept = |name: &str| kept.iter().any(|kept| kept == name);
    let fits = patch.iter().all(|(name, value)| {
        value.is_null() || name.starts_with(DELETE_FROM) || name.starts_with(SET_ORDER) || is_kept(name)
    });
    if !fits {
        return Err(Misfit::Malformed("retainKeys"));
    }
    original.retain(|name, _| is_kept(name));
    Ok(())
}

/// Merges the lists whose order the patch says, and brings them in that order.
fn merge_ordered(original: &mut Fields, patch: &mut Fields, of: &'static Type) -> Result<(), Misfit> {
    let directives: Vec<String> = patch.keys().filter(|name| name.starts_with(SET_ORDER)).cloned().collect();
    let mistyped = |found: &Value| {
        Misfit::Other(format!("expected a []interface {{}}, but received a {}", go_type(found)))
    };
    for directive in directives {
        let order = match patch.remove(&directive) {
            Some(Value::Array(order)) => order,
            found => return Err(mistyped(&found.unwrap_or_default())),
        };
        let name = directed(&directive, SET_ORDER);
        let name = name.ok_or(Misfit::Malformed("setElementOrder list"))?;
        let list = |found: Option<Value>| match found {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(found) => Err(mistyped(&found)),
        };
        let before = list(original.get(name).cloned())?;
        let mut change = list(patch.get(name).cloned())?;
        let (of, how) = of.merged_field(name).map_err(Misfit::Other)?;
        let key = if let Merge::Items(key) = how { key } else { "" };
        items::check_order(change.as_deref().unwrap_or_default(), &order, key)?;
        let merged = match (&before, &mut change) {
            (None, None) => continue,
            (Some(before), None) => before.clone(),
            (None, Some(change)) => change.iter_mut().filter_map(taken).collect(),
            (Some(before), Some(change)) => match how {
                Merge::Items(key) => items::merge(before.clone(), change, of.item(), key, false)?,
                _ => change.clone(),
            },
        };
        let merged = items::ordered(merged, &order, before.as_deref().unwrap_or_default(), key)?;
        original.insert(name.to_owned(), merged.into());
        patch.remove(name);
    }
    Ok(())
}

/// What is new, without nulls and directives; `None` where it is nothing but a directive.
fn taken(value: &mut Value) -> Option<Value> {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            if fields.contains_key(DIRECTIVE) {
                return None;
            }
            let fields = fields.iter_mut();
            Some(Value::Object(
                fields.filter_map(|(name, value)| Some((name.clone(), taken(value)?))).collect(),
            ))
        }
        Value::Array(items) => Some(Value::Array(items.iter_mut().filter_map(taken).collect())),
        value => Some(value.clone()),
    }
}

/// As Go's `%v` shows a value.
fn go(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.clone(),
        Value::Array(items) => go_list(items),
        Value::Object(fields) => go_map(fields),
        other => other.to_string(),
    }
}

fn go_list(items: &[Value]) -> String {
    format!("[{}]", items.iter().map(go).collect::<Vec<_>>().join(" "))
}

/// As Go's `%v` shows a map: by its keys.
pub(super) fn go_map(fields: &Fields) -> String {
    let mut shown: Vec<_> = fields.iter().collect();
    shown.sort_by_key(|(name, _)| *name);
    let shown: Vec<_> = shown.into_iter().map(|(name, value)| format!("{name}:{}", go(value))).collect();
    format!("map[{}]", shown.join(" "))
}

fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "%!s(<nil>)",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests;
