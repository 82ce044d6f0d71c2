//! Whether the items of lists can be told apart.

use std::collections::BTreeSet;

use serde_json::Value;

use super::ApplyError;
use crate::schema::{Schema, Shape};
use crate::{PathElement, lists};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Duplicates {
    Allowed,
    Refused,
}

/// That every item of a list that is merged by item has a key, and perhaps one of its own.
pub(super) fn check_items(value: &Value, schema: Schema, duplicates: Duplicates) -> Result<(), ApplyError> {
    check(value, schema, duplicates).map_err(|Bad { mut path, fault }| {
        path.reverse();
        let list = path.into_iter().collect();
        match fault {
            Fault::Keyless(index) => ApplyError::Keyless { list, index },
            Fault::Duplicate(element) => ApplyError::Duplicate { list, element },
        }
    })
}

/// A list that is not good; its path from the end to the start, put together on the way back: mostly there is none.
struct Bad {
    path: Vec<PathElement>,
    fault: Fault,
}

enum Fault {
    Keyless(usize),
    Duplicate(PathElement),
}

impl Bad {
    fn here(fault: Fault) -> Self {
        Self { path: Vec::new(), fault }
    }

    fn below(mut self, element: PathElement) -> Self {
        self.path.push(element);
        self
    }
}

fn check(value: &Value, schema: Schema, duplicates: Duplicates) -> Result<(), Bad> {
    if schema.is_plain_below() {
        return Ok(());
    }
    match (value, schema.shape()) {
        (Value::Object(fields), shape) if *shape != Shape::Atomic => {
            // The others hold no lists.
            let nested = |value: &Value| value.is_object() || value.is_array();
            for (name, value) in fields.iter().filter(|(_, value)| nested(value)) {
                check(value, schema.field(name), duplicates)
                    .map_err(|bad| bad.below(PathElement::field(name)))?;
            }
        }
        (Value::Array(items), shape @ (Shape::ListMap(_) | Shape::Set)) => {
            let mut seen = BTreeSet::new();
            for (index, item) in items.iter().enumerate() {
                if item.is_null() || !lists::has_element(item, shape) {
                    return Err(Bad::here(Fault::Keyless(index)));
                }
                let element = || lists::element_of(item, shape);
                if duplicates == Duplicates::Refused
                    && let Some(element) = element()
                    && !seen.insert(element.clone())
                {
                    return Err(Bad::here(Fault::Duplicate(element)));
                }
                let name = |bad: Bad| element().into_iter().fold(bad, Bad::below);
                check(item, schema.item(), duplicates).map_err(name)?;
            }
        }
        _ => {}
    }
    Ok(())
}
