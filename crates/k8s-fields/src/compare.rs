//! Whether applying an object again would change anything.

use std::fmt;

use serde_json::{Map, Value};

use crate::schema::{Schema, Shape};
use crate::set::Node;
use crate::{FieldPath, FieldSet, ManagedFields, Operation, PathElement, lists, without};

/// The answer of [`compare`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub enum Comparison {
    /// A server-side apply of the desired object would change nothing: neither values nor ownership.
    Equal,
    /// It would, or might.
    Different {
        /// The first place found, an element of the desired or the live object.
        path: FieldPath,
        /// What is different there.
        why: Difference,
    },
}

impl Comparison {
    /// Whether the apply can be left out.
    pub fn is_equal(&self) -> bool {
        *self == Self::Equal
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Equal => f.write_str("equal"),
            Self::Different { path, why } if path.elements().is_empty() => write!(f, "{why}"),
            Self::Different { path, why } => write!(f, "{path}: {why}"),
        }
    }
}

/// Why two objects are not certainly equal. Shows no values: they may be secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
#[non_exhaustive]
pub enum Difference {
    /// The manager has no `managedFields` entry by Apply, or more than one.
    #[error("not applied by this manager")]
    NotApplied,
    /// The `managedFields` cannot be read.
    #[error("managedFields cannot be read")]
    Unreadable,
    /// The live object is being deleted; an apply would be answered with success all the same.
    #[error("being deleted")]
    Deleting,
    /// Another object, or another version of the API: of the live object or of the manager's entry.
    #[error("another object or another version of the API")]
    Identity,
    /// Desired, and not yet the manager's.
    #[error("not applied yet")]
    Added,
    /// The manager's, and not desired any more.
    #[error("no longer desired")]
    Removed,
    /// Another value.
    #[error("has another value")]
    Changed,
    /// The items of a list come in another order.
    #[error("has another order")]
    Reordered,
    /// Nothing certain can be said: an item of a list that matches several, or ownership of another form than an apply
    /// of the desired object has.
    #[error("cannot be compared with certainty")]
    Uncertain,
}

/// Whether a server-side apply of `desired` by `manager` would leave `live` as it is, so that it need not be sent.
///
/// `Equal` is certain: every field that is desired is owned by the manager's entry (by Apply, of no subresource, at the
/// desired object's `apiVersion`) and the other way round, every value is the live one, types included, and every list
/// keeps its order. `Different` may be wrong, and an apply then changes nothing: for quantities (`1000m` for `1`), for
/// defaults inside of what is merged as a whole (`fieldRef` without its `apiVersion`), for values that admission changes.
///
/// One thing is taken on trust in kinds that are not built in: an object or list that the manager owns as a whole counts
/// as merged as a whole, unless somebody else owns something inside of it. It may have been empty, too, when it was applied, and
/// filled by defaults: at worst an equal value is left unowned.
///
/// `live` must be read at the desired `apiVersion` and must say so itself: the items of a list answer come without
/// `apiVersion` and `kind`, add the list's. `metadata.name` and `metadata.namespace` are not compared, nor is a `status`
/// of built-in kinds that is part of the live one (`status: {}`; an apply drops it), nor what is at or below the paths in
/// `ignored`, on both sides. `stringData` must have become `data`
/// ([`secret_string_data_to_data`](crate::secret_string_data_to_data)).
///
/// Of an object that is equal, an apply may still write the `resourceVersion`, and nothing that shows: if the manifest has
/// nulls, the times and the order of `managedFields`; if the API server has stored the same object in another form.
///
/// ```
/// use k8s_fields::{FieldSet, compare};
/// use serde_json::json;
///
/// let live = json!({
///     "apiVersion": "v1", "kind": "ConfigMap",
///     "metadata": {
///         "name": "a", "namespace": "shop", "annotations": {"example.com/build": "7"},
///         "managedFields": [{
///             "manager": "deploy", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
///             "fieldsV1": {"f:metadata": {"f:annotations": {"f:example.com/build": {}}}, "f:data": {"f:key": {}}},
///         }],
///     },
///     "data": {"key": "value"},
/// });
/// let mut desired = json!({
///     "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"key": "value"},
/// });
/// let build: FieldSet = [r#"metadata.annotations["example.com/build"]"#.parse()?].iter().collect();
/// assert!(compare(&desired, &live, "deploy", &build).is_equal());
///
/// desired["data"] = json!({"key": "other"});
/// assert_eq!(compare(&desired, &live, "deploy", &build).to_string(), ".data.key: has another value");
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
pub fn compare(desired: &Value, live: &Value, manager: &str, ignored: &FieldSet) -> Comparison {
    match compare_objects(desired, live, manager, ignored) {
        Ok(()) => Comparison::Equal,
        Err((path, why)) => Comparison::Different { path, why },
    }
}

fn compare_objects(desired: &Value, live: &Value, manager: &str, ignored: &FieldSet) -> Outcome {
    check_identity(desired, live)?;
    let (ours, others) = owners(live, manager, desired)?;
    let schema = Schema::of_object(desired);
    let mut skipped =
        fields(&[&["apiVersion"], &["kind"], &["metadata", "name"], &["metadata", "namespace"]]);
    // An apply drops a status, but refuses one that the kind cannot have: what is live it can have.
    if let (Some(status), Some(live)) = (desired.get("status"), live.get("status"))
        && *schema.shape() != Shape::Unknown
        && is_part(status, live)
    {
        skipped.insert(&FieldPath::fields(["status"]));
    }
    // Generators write it, and the API server drops it.
    if desired.pointer("/metadata/creationTimestamp").is_some_and(Value::is_null) {
        skipped.insert(&FieldPath::fields(["metadata", "creationTimestamp"]));
    }
    skipped = skipped.union(ignored);
    let walk = Walk { path: Vec::new(), others: &others };
    walk.object(&without(desired, &skipped), &ours.without_subtrees(&skipped), live, schema)
}

type Outcome<T = ()> = Result<T, (FieldPath, Difference)>;

fn fields(paths: &[&[&str]]) -> FieldSet {
    paths.iter().map(|names| FieldPath::fields(names.iter().copied())).collect()
}

fn is_part(part: &Value, whole: &Value) -> bool {
    match (part, whole) {
        (Value::Object(fields), Value::Object(whole)) => {
            fields.iter().all(|(name, value)| whole.get(name).is_some_and(|whole| is_part(value, whole)))
        }
        _ => part.is_null() || part == whole,
    }
}

fn check_identity(desired: &Value, live: &Value) -> Outcome {
    for names in [&["apiVersion"][..], &["kind"], &["metadata", "name"], &["metadata", "namespace"]] {
        fn get<'a>(object: &'a Value, names: &[&str]) -> Option<&'a Value> {
            names.iter().try_fold(object, |value, name| value.get(*name))
        }
        let (desired, live) = (get(desired, names), get(live, names));
        // The manifest may leave the namespace to the caller.
        let left_out = names == ["metadata", "namespace"] && desired.is_none();
        if !left_out && (desired != live || desired.is_none()) {
            return Err((FieldPath::fields(names.iter().copied()), Difference::Identity));
        }
    }
    match live.pointer("/metadata/deletionTimestamp") {
        None | Some(Value::Null) => Ok(()),
        Some(_) => Err((FieldPath::fields(["metadata", "deletionTimestamp"]), Difference::Deleting)),
    }
}

/// What the manager applied, and what anybody else owns.
fn owners(live: &Value, manager: &str, desired: &Value) -> Outcome<(FieldSet, FieldSet)> {
    let place = || FieldPath::fields(["metadata", "managedFields"]);
    let entries = ManagedFields::of(live).map_err(|_| (place(), Difference::Unreadable))?.entries;
    let (mut ours, others): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|entry| entry.is(manager, Operation::Apply, None));
    let (Some(entry), true) = (ours.pop(), ours.is_empty()) else {
        return Err((place(), Difference::NotApplied));
    };
    if desired.get("apiVersion") != Some(&Value::from(entry.api_version)) {
        return Err((place(), Difference::Identity));
    }
    let others = others.iter().fold(FieldSet::new(), |all, other| all.union(&other.fields));
    Ok((entry.fields, others))
}

/// Walks the desired object, what is owned and the live object together.
struct Walk<'a> {
    path: Vec<PathElement>,
    others: &'a FieldSet,
}

impl Walk<'_> {
    fn differ<T>(&self, why: Difference) -> Outcome<T> {
        Err((self.path.iter().cloned().collect(), why))
    }

    fn below(&self, element: PathElement) -> Self {
        Self { path: self.path.iter().cloned().chain([element]).collect(), others: self.others }
    }

    fn node(&self, desired: &Value, node: &Node, live: Option<&Value>, schema: Schema) -> Outcome {
        if node.below.is_empty() {
            return self.leaf(desired, live, schema);
        }
        match (desired, live) {
            (Value::Object(_), Some(live)) => self.object(desired, &node.below, live, schema),
            (Value::Array(desired), Some(Value::Array(live))) => {
                self.list(desired, &node.below, live, schema)
            }
            _ => self.differ(Difference::Changed),
        }
    }

    /// What is owned as a whole: a scalar, a null, something atomic or something empty.
    fn leaf(&self, desired: &Value, live: Option<&Value>, schema: Schema) -> Outcome {
        // A null owns the absence of a value.
        let equal = if desired.is_null() { live.is_none_or(Value::is_null) } else { live == Some(desired) };
        if !equal {
            return self.differ(Difference::Changed);
        }
        let others = self.others.at(&self.path);
        let uncertain = match (desired, schema.shape()) {
            // Each null that is applied takes the absence away from whoever else owns it.
            (Value::Null, _) => others.is_some_and(|node| node.owned),
            // Owned while it was empty, and filled since by somebody else: an apply would own what is in it too.
            (Value::Object(fields), Shape::Plain | Shape::Values | Shape::Free) => !fields.is_empty(),
            (Value::Array(items), Shape::ListMap(_) | Shape::Set) => !items.is_empty(),
            (Value::Object(_) | Value::Array(_), Shape::Unknown) => {
                others.is_some_and(|node| !node.below.is_empty())
            }
            _ => false,
        };
        if uncertain { self.differ(Difference::Uncertain) } else { Ok(()) }
    }

    fn object(&self, desired: &Value, owned: &FieldSet, live: &Value, schema: Schema) -> Outcome {
        let empty = Map::new();
        let (Some(desired), Some(live)) =
            (desired.as_object().or(desired.is_null().then_some(&empty)), live.as_object())
        else {
            return self.differ(Difference::Changed);
        };
        for (element, _) in owned.nodes() {
            match element {
                PathElement::Field(name) if desired.contains_key(name) => {}
                PathElement::Field(_) => return self.below(element.clone()).differ(Difference::Removed),
                _ => return self.below(element.clone()).differ(Difference::Uncertain),
            }
        }
        for (name, value) in desired {
            let below = self.below(PathElement::field(name));
            let Some(node) = owned.field(name) else { return below.differ(Difference::Added) };
            // An apply owns the value's existence by itself only where the name is data; elsewhere this stems from
            // another kind of write, and an apply would give it up.
            let by_itself = matches!(schema.shape(), Shape::Values | Shape::Free | Shape::Unknown);
            if node.owned && !node.below.is_empty() && !by_itself {
                return below.differ(Difference::Uncertain);
            }
            below.node(value, node, live.get(name), schema.field(name))?;
        }
        Ok(())
    }

    fn list(&self, desired: &[Value], owned: &FieldSet, live: &[Value], schema: Schema) -> Outcome {
        let names = lists::key_names(owned).or_else(|why| self.differ(why))?;
        let live_index = lists::index(live, names.as_deref());
        let mut seen = FieldSet::new();
        let mut last = None;
        for item in desired {
            let element = lists::owned_element(item, owned, names.as_deref(), schema.shape())
                .or_else(|why| self.differ(why))?;
            let below = self.below(element.clone());
            let Some(node) = owned.get(&element).filter(|node| node.owned) else {
                return below.differ(Difference::Uncertain);
            };
            if seen.get(&element).is_some() {
                return below.differ(Difference::Uncertain);
            }
            seen.put(element.clone(), Node { owned: true, below: FieldSet::new() });
            let place = match live_index.get(&element).map(Vec::as_slice) {
                Some([place]) => *place,
                None => return below.differ(Difference::Changed),
                Some(_) => return below.differ(Difference::Uncertain),
            };
            if last.is_some_and(|last| place < last) {
                return below.differ(Difference::Reordered);
            }
            last = Some(place);
            below.node(item, node, live.get(place), schema.item())?;
        }
        match owned.nodes().find(|(element, _)| seen.get(element).is_none()) {
            Some((element, _)) => self.below(element.clone()).differ(Difference::Removed),
            None => Ok(()),
        }
    }
}
