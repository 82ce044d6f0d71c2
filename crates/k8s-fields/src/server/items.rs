//! Whether the items of lists can be told apart.

use serde_json::Value;

use super::ApplyError;
use crate::schema::{Schema, Shape};
use crate::{FieldPath, FieldSet, PathElement, lists};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicates {
    Allowed,
    Refused,
}

/// That every item of a list that is merged by item has a key, and perhaps one of its own.
pub(super) fn check_items(value: &Value, schema: Schema, duplicates: Duplicates) -> Result<(), ApplyError> {
    check(value, schema, duplicates, &mut Vec::new())
}

fn check(
    value: &Value,
    schema: Schema,
    duplicates: Duplicates,
    path: &mut Vec<PathElement>,
) -> Result<(), ApplyError> {
    match (value, schema.shape()) {
        (Value::Object(fields), shape) if *shape != Shape::Atomic => {
            for (name, value) in fields {
                path.push(PathElement::field(name));
                check(value, schema.field(name), duplicates, path)?;
                path.pop();
            }
        }
        (Value::Array(items), shape @ (Shape::ListMap(_) | Shape::Set)) => {
            let mut seen = FieldSet::new();
            for (index, item) in items.iter().enumerate() {
                let list = || path.iter().cloned().collect::<FieldPath>();
                let element = lists::element_of(item, shape).filter(|_| !item.is_null());
                let Some(element) = element else { return Err(ApplyError::Keyless { list: list(), index }) };
                if duplicates == Duplicates::Refused && seen.get(&element).is_some() {
                    return Err(ApplyError::Duplicate { list: list(), element });
                }
                seen.insert(&[element.clone()].into_iter().collect());
                path.push(element);
                check(item, schema.item(), duplicates, path)?;
                path.pop();
            }
        }
        _ => {}
    }
    Ok(())
}
