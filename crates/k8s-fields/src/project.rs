//! The part of an object that a set of paths names, and the rest of it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::set::Node;
use crate::{FieldPath, FieldSet, Json, ManagedFields, Operation, ParseError, PathElement};

/// The object with only these fields.
///
/// Items of lists are found by their keys and values and stay in their order; an item's key fields come along with it. A
/// path that ends at an object or list takes the whole of it, unless the set goes on below. What the object does not have
/// is left out. `apiVersion`, `kind`, `metadata.name` and `metadata.namespace` are always there, so that the result can
/// be applied.
///
/// ```
/// use k8s_fields::{FieldSet, project};
/// use serde_json::json;
///
/// let live = json!({
///     "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web", "uid": "4711"},
///     "spec": {"nodeName": "node-1", "containers": [{"name": "sidecar"}, {"name": "app", "image": "app:1", "tty": true}]},
/// });
/// let set = FieldSet::from_json(r#"{"f:spec":{"f:containers":{"k:{\"name\":\"app\"}":{"f:image":{}}}}}"#)?;
/// assert_eq!(project(&live, &set), json!({
///     "apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"},
///     "spec": {"containers": [{"name": "app", "image": "app:1"}]},
/// }));
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
#[must_use]
pub fn project(object: &Value, set: &FieldSet) -> Value {
    let always: [&[&str]; 4] =
        [&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]];
    let always: FieldSet = always.into_iter().map(|names| FieldPath::fields(names.iter().copied())).collect();
    project_below(object, &Node { owned: false, below: set.union(&always) }).unwrap_or(Value::Null)
}

/// What `manager` applied, as it would apply it again: the projection to its entry (by Apply, of no subresource). None
/// where it has no such entry.
///
/// The entry's fields are to be read at the entry's `apiVersion`: read the object at that version.
///
/// # Errors
/// `metadata.managedFields` cannot be read.
pub fn extract(live: &Value, manager: &str) -> Result<Option<Value>, ParseError> {
    let entries = ManagedFields::of(live)?;
    let entry = entries.find(manager, Operation::Apply, None);
    Ok(entry.map(|entry| project(live, &entry.fields)))
}

fn project_below(value: &Value, node: &Node) -> Option<Value> {
    if node.below.is_empty() {
        return Some(value.clone());
    }
    let projected = match value {
        Value::Object(fields) => {
            let keep = |(name, value): (&String, &Value)| {
                Some((name.clone(), project_below(value, node.below.field(name)?)?))
            };
            let kept: Map<_, _> = fields.iter().filter_map(keep).collect();
            Some(Value::Object(kept)).filter(|kept| kept.as_object().is_some_and(|kept| !kept.is_empty()))
        }
        Value::Array(items) => {
            let finder = ItemFinder::new(&node.below);
            let kept: Vec<_> =
                items.iter().enumerate().filter_map(|(i, item)| finder.project(i, item)).collect();
            (!kept.is_empty()).then_some(Value::Array(kept))
        }
        _ => None,
    };
    // What is owned stays, even if nothing below it is left: `{}`, `[]`, or a scalar where the set expects more.
    projected.or_else(|| match value {
        _ if !node.owned => None,
        Value::Object(_) => Some(Value::Object(Map::new())),
        Value::Array(_) => Some(Value::Array(Vec::new())),
        scalar => Some(scalar.clone()),
    })
}

/// Finds the node of a list item.
struct ItemFinder<'a> {
    set: &'a FieldSet,
    /// The names of the key fields that occur, those with more names first: the closest key is the item's.
    names: Vec<Vec<&'a str>>,
}

impl<'a> ItemFinder<'a> {
    fn new(set: &'a FieldSet) -> Self {
        let names = set.nodes().filter_map(|(element, _)| match element {
            PathElement::Key(key) => Some(key.keys().map(String::as_str).collect::<Vec<_>>()),
            _ => None,
        });
        let mut names: Vec<_> = names.collect::<BTreeSet<_>>().into_iter().collect();
        names.sort_by_key(|names| std::cmp::Reverse(names.len()));
        Self { set, names }
    }

    fn find(&self, index: usize, item: &Value) -> Option<(PathElement, &'a Node)> {
        let keys = self.names.iter().filter_map(|names| key_of(item, names));
        let others = [PathElement::value(item.clone()), PathElement::Index(index)];
        keys.chain(others).find_map(|element| self.set.get(&element).map(|node| (element, node)))
    }

    fn project(&self, index: usize, item: &Value) -> Option<Value> {
        let (element, node) = self.find(index, item)?;
        let PathElement::Key(key) = element else { return project_below(item, node) };
        let fields = item.as_object()?;
        let mut projected = match project_below(item, node) {
            Some(Value::Object(projected)) => projected,
            _ => Map::new(),
        };
        for name in key.keys() {
            if let Some(value) = fields.get(name) {
                projected.insert(name.clone(), value.clone());
            }
        }
        Some(Value::Object(projected))
    }
}

/// The key of an item, if it has all these fields.
pub(crate) fn key_of(item: &Value, names: &[&str]) -> Option<PathElement> {
    let field = |name: &&str| Some(((*name).to_owned(), Json::from(item.get(*name)?.clone())));
    names.iter().map(field).collect::<Option<BTreeMap<_, _>>>().map(PathElement::Key)
}

/// The object without these fields, and without the objects and lists that only had these.
///
/// ```
/// use k8s_fields::{FieldSet, without};
/// use serde_json::json;
///
/// let object = json!({"metadata": {"name": "a", "annotations": {"example.com/build": "7"}}});
/// let build: FieldSet = [r#"metadata.annotations["example.com/build"]"#.parse()?].iter().collect();
/// assert_eq!(without(&object, &build), json!({"metadata": {"name": "a"}}));
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
#[must_use]
pub fn without(object: &Value, set: &FieldSet) -> Value {
    without_below(object, set).unwrap_or(Value::Null)
}

/// None if nothing is left although something was there.
fn without_below(value: &Value, set: &FieldSet) -> Option<Value> {
    let keep = |value: &Value, node: Option<&Node>| match node {
        None => Some(value.clone()),
        Some(node) if node.owned => None,
        Some(node) => without_below(value, &node.below),
    };
    match value {
        Value::Object(fields) => {
            let kept =
                fields.iter().filter_map(|(name, value)| Some((name.clone(), keep(value, set.field(name))?)));
            let kept: Map<_, _> = kept.collect();
            (kept.len() == fields.len() || !kept.is_empty()).then_some(Value::Object(kept))
        }
        Value::Array(items) => {
            let finder = ItemFinder::new(set);
            let kept = items.iter().enumerate();
            let kept: Vec<_> =
                kept.filter_map(|(i, item)| keep(item, finder.find(i, item).map(|(_, node)| node))).collect();
            (kept.len() == items.len() || !kept.is_empty()).then_some(Value::Array(kept))
        }
        scalar => Some(scalar.clone()),
    }
}
