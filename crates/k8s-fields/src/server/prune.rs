//! What a manager applied before and does not apply any more goes, unless somebody else owns it.

use serde_json::Value;

use crate::schema::{Schema, Shape};
use crate::set::Node;
use crate::{FieldSet, PathElement, applied, lists};

/// The merged object without the fields of `last` that nobody in `owned` (all entries as they are after the apply) has.
pub(super) fn prune(merged: &Value, last: &FieldSet, owned: &FieldSet, schema: Schema) -> Value {
    let last = with_named_parents(last, schema);
    let all = with_named_parents(&applied::fields_of(merged, schema).below, schema);
    // Take all away that was applied, put back what somebody owns, then what was never applied.
    let rest = applied::fields_of(&remove(merged, &last, schema), schema).below;
    let kept = with_named_parents(&rest, schema).union(&with_named_parents(owned, schema));
    let rest = applied::fields_of(&remove(merged, &all.difference(&kept), schema), schema).below;
    let gone = all.difference(&with_named_parents(&rest, schema)).intersection(&last);
    remove(merged, &gone, schema)
}

/// The set with the objects and lists above its paths, as far as a type names them: a field goes as a whole when all that
/// was applied of it goes. What is data (a label's name, a list item's key) stands for itself.
fn with_named_parents(set: &FieldSet, schema: Schema) -> FieldSet {
    let mut result = FieldSet::new();
    let data = matches!(schema.shape(), Shape::Values | Shape::Free);
    for (element, node) in set.nodes() {
        let (schema, named) = match element {
            PathElement::Field(name) => (schema.field(name), !data),
            _ => (schema.item(), false),
        };
        let owned = node.owned || named && !node.below.is_empty();
        result.put(element.clone(), Node { owned, below: with_named_parents(&node.below, schema) });
    }
    result
}

/// The value without these fields. What held only them stays, empty.
fn remove(value: &Value, set: &FieldSet, schema: Schema) -> Value {
    let keep = |value: &Value, node: Option<&Node>, schema| match node {
        None => Some(value.clone()),
        Some(node) if node.owned => None,
        Some(node) => Some(remove(value, &node.below, schema)),
    };
    match (value, schema.shape()) {
        (Value::Object(fields), shape) if *shape != Shape::Atomic => {
            let kept = fields.iter().filter_map(|(name, value)| {
                Some((name.clone(), keep(value, set.field(name), schema.field(name))?))
            });
            Value::Object(kept.collect())
        }
        (Value::Array(items), shape @ (Shape::ListMap(_) | Shape::Set)) => {
            let node = |item| lists::element_of(item, shape).and_then(|element| set.get(&element));
            items.iter().filter_map(|item| keep(item, node(item), schema.item())).collect()
        }
        _ => value.clone(),
    }
}
