//! Finding the items of keyed lists and sets without knowing the schema: by the keys that are owned.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::project::key_of;
use crate::schema::{KeyField, Shape};
use crate::{Difference, FieldSet, Json, PathElement};

/// The names of the key fields of a list's owned items; none for a set.
///
/// # Errors
/// `Uncertain` for items whose keys have different names, for keys and values mixed, and for indexes.
pub(crate) fn key_names(owned: &FieldSet) -> Result<Option<Vec<&str>>, Difference> {
    let names = |element| match element {
        &PathElement::Value(_) => Ok(None),
        PathElement::Key(key) => Ok(Some(key.keys().map(String::as_str).collect::<Vec<_>>())),
        _ => Err(Difference::Uncertain),
    };
    let mut elements = owned.nodes().map(|(element, _)| names(element));
    let first = elements.next().unwrap_or(Err(Difference::Uncertain))?;
    for other in elements {
        if other? != first {
            return Err(Difference::Uncertain);
        }
    }
    Ok(first)
}

/// Where each item is in the list: more than one place for a duplicate. Items without all key fields are left out.
pub(crate) fn index(items: &[Value], names: Option<&[&str]>) -> BTreeMap<PathElement, Vec<usize>> {
    let mut places: BTreeMap<_, Vec<usize>> = BTreeMap::new();
    for (place, item) in items.iter().enumerate() {
        if let Some(element) = exact(item, names) {
            places.entry(element).or_default().push(place);
        }
    }
    places
}

/// The owned element that a desired item is. A key field that the item leaves out (a port's protocol) has the default that
/// the schema knows; where it knows none it may have any value, if only one owned item fits.
///
/// # Errors
/// `Added` if no owned item fits, `Uncertain` if more than one does.
pub(crate) fn owned_element(
    item: &Value,
    owned: &FieldSet,
    names: Option<&[&str]>,
    shape: &Shape,
) -> Result<PathElement, Difference> {
    if let Some(element) = defaulted_key(item, shape).or_else(|| exact(item, names)) {
        return if owned.get(&element).is_some() { Ok(element) } else { Err(Difference::Added) };
    }
    let fits = |element: &PathElement| match element {
        PathElement::Key(key) => {
            key.iter().all(|(name, value)| item.get(name).is_none_or(|v| value == &v.clone().into()))
        }
        _ => false,
    };
    let mut fitting = owned.nodes().map(|(element, _)| element).filter(|element| fits(element));
    match (fitting.next(), fitting.next()) {
        (Some(element), None) => Ok(element.clone()),
        (None, _) => Err(Difference::Added),
        _ => Err(Difference::Uncertain),
    }
}

/// Whether an item of a keyed list or a set is an element of it.
pub(crate) fn has_element(item: &Value, shape: &Shape) -> bool {
    match shape {
        Shape::Set => true,
        Shape::ListMap(keys) => {
            item.is_object() && keys.iter().any(|key| item.get(key.name()).or(key.default()).is_some())
        }
        _ => false,
    }
}

/// The element that an item of a keyed list or a set is.
pub(crate) fn element_of(item: &Value, shape: &Shape) -> Option<PathElement> {
    match shape {
        Shape::Set => Some(PathElement::value(item.clone())),
        _ => defaulted_key(item, shape),
    }
}

/// The key of an item as the API server forms it: with defaults, without what has none and is left out.
fn defaulted_key(item: &Value, shape: &Shape) -> Option<PathElement> {
    let Shape::ListMap(keys) = shape else { return None };
    let field = |key: &KeyField| {
        let value = item.get(key.name()).or(key.default())?;
        Some((key.name().to_owned(), Json::from(value.clone())))
    };
    let key: BTreeMap<_, _> = keys.iter().filter_map(field).collect();
    (item.is_object() && !key.is_empty()).then_some(PathElement::Key(key))
}

fn exact(item: &Value, names: Option<&[&str]>) -> Option<PathElement> {
    names.map_or_else(|| Some(PathElement::value(item.clone())), |names| key_of(item, names))
}
