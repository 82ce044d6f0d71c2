//! Objects as they may be shown.

use serde_json::Value;

/// What stands in the place of a secret value.
pub const MASK: &str = "***";

/// Where `kubectl apply` keeps a copy of the object.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A copy of `value` (an object, or a list of objects) fit to be shown: the values of a Secret's `data` and `stringData` are masked, and so
/// is the copy of the object that `kubectl apply` keeps in an annotation, whatever the kind.
///
/// The mask is the same for every value (a digest of a short secret could be guessed), so compare first, then show.
///
/// ```
/// use serde_json::json;
///
/// let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "data": {"password": "aHVudGVyMg=="}});
/// assert_eq!(deploy_core::manifest::redact(&secret)["data"], json!({"password": "***"}));
/// ```
#[must_use]
pub fn redact(value: &Value) -> Value {
    let mut shown = value.clone();
    mask(&mut shown, false);
    shown
}

/// Masks `value`, which is a Secret if it says so or if its list does.
fn mask(value: &mut Value, in_secret_list: bool) {
    let text = |key: &str| value.get(key).and_then(Value::as_str);
    let is_core = text("apiVersion").is_none_or(|version| !version.contains('/'));
    let is_list = is_core && text("kind") == Some("SecretList");
    if in_secret_list || (is_core && text("kind") == Some("Secret")) {
        for field in ["data", "stringData"] {
            match value.get_mut(field) {
                Some(Value::Object(map)) => map.values_mut().for_each(|value| *value = MASK.into()),
                Some(Value::Null) | None => {}
                // The API server would refuse it, but it may hold a secret all the same.
                Some(other) => *other = MASK.into(),
            }
        }
    }
    let annotations = value.pointer_mut("/metadata/annotations").and_then(Value::as_object_mut);
    if let Some(last_applied) = annotations.and_then(|annotations| annotations.get_mut(LAST_APPLIED)) {
        *last_applied = MASK.into();
    }
    if let Some(items) = value.get_mut("items").and_then(Value::as_array_mut) {
        for item in items {
            mask(item, is_list);
        }
    }
}
