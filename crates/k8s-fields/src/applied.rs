//! What a manager owns after applying an object.

use serde_json::Value;

use crate::schema::{Schema, Shape};
use crate::set::Node;
use crate::{FieldSet, PathElement, lists};

/// The `metadata` that the API server keeps out of `managedFields`.
const NEVER_OWNED: [&str; 9] = [
    "name",
    "namespace",
    "creationTimestamp",
    "selfLink",
    "uid",
    "clusterName",
    "generation",
    "managedFields",
    "resourceVersion",
];

/// The fields that a manager owns after a server-side apply of this object.
///
/// Exact for the built-in kinds; for others objects count as merged field by field and lists as replaced as a whole, which
/// is what their CRDs say where they say nothing. Items of a keyed list that have no key, which the API server refuses,
/// count for nothing.
///
/// ```
/// use k8s_fields::applied_fields;
/// use serde_json::json;
///
/// let service = json!({
///     "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
///     "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]},
/// });
/// let paths: Vec<String> = applied_fields(&service).iter().map(|path| path.to_string()).collect();
/// assert_eq!(paths, [
///     r#".spec.ports[port=80,protocol="TCP"]"#,
///     r#".spec.ports[port=80,protocol="TCP"].port"#,
///     ".spec.selector",
/// ]);
/// ```
#[must_use]
pub fn applied_fields(desired: &Value) -> FieldSet {
    let schema = Schema::of_object(desired);
    let mut fields = without_never_owned(fields_of(desired, schema).below);
    if *schema.shape() != Shape::Unknown {
        fields.retain(|element, _| !element.is_field("status"));
    }
    fields
}

/// The fields of an object as far as an entry may have them.
pub(crate) fn without_never_owned(mut fields: FieldSet) -> FieldSet {
    fields.retain(|element, node| {
        if element.is_field("metadata") {
            node.owned = false;
            node.below.retain(|element, _| !NEVER_OWNED.iter().any(|name| element.is_field(name)));
        }
        !element.is_field("apiVersion") && !element.is_field("kind")
    });
    fields
}

/// All fields that a value has, as whoever applies it owns them; of a duplicate item only the item.
pub(crate) fn fields_of(value: &Value, schema: Schema) -> Node {
    let mut node = Node::default();
    match (value, schema.shape()) {
        (Value::Object(fields), shape) if *shape != Shape::Atomic => {
            let by_itself = matches!(shape, Shape::Values | Shape::Free);
            for (name, value) in fields {
                let mut field = fields_of(value, schema.field(name));
                field.owned |=
                    by_itself || value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty);
                node.below.put(PathElement::field(name), field);
            }
        }
        (Value::Array(items), Shape::ListMap(_) | Shape::Set) => {
            for item in items {
                let Some(element) = lists::element_of(item, schema.shape()) else { continue };
                let duplicate = node.below.get(&element).is_some();
                let below = if duplicate { FieldSet::new() } else { fields_of(item, schema.item()).below };
                node.below.put(element, Node { owned: true, below });
            }
        }
        _ => node.owned = true,
    }
    node
}
