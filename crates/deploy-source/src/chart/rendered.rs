//! A chart as it was rendered.

use deploy_core::chart::Chart;
use deploy_core::manifest::Object;

/// What Helm calls a hook by.
pub const HOOK: &str = "helm.sh/hook";

/// A chart's manifests, and what a release records of it.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Rendered {
    /// What its templates came to, hooks and tests among them, in Helm's order; see [`split_hooks`].
    ///
    /// An object's [`Origin`](deploy_core::manifest::Origin) is its template, as in `shop/templates/app.yaml:7:1`, with the line of the
    /// rendered text.
    pub objects: Vec<Object>,
    /// What is in the folder `crds/` of the chart, then in those of its subcharts: no templates, and no part of the release's manifest.
    /// Helm creates them before all else if they are not there, and neither changes nor deletes them later.
    pub crds: Vec<Object>,
    /// Its metadata, its values, those that were given, and its notes.
    pub chart: Chart,
}

/// Parts what is deployed from the hooks (and test hooks), each in its order.
///
/// Hooks are what carries the annotation `helm.sh/hook`: a release runs them before and after its steps. Where there are no steps, as for
/// `kubectl apply`, they are to be left out.
///
/// ```
/// use deploy_core::manifest::read;
/// use deploy_source::split_hooks;
///
/// let objects = read("shop.yaml", br#"
/// {apiVersion: v1, kind: Service, metadata: {name: api}}
/// ---
/// {apiVersion: batch/v1, kind: Job, metadata: {name: migrate, annotations: {helm.sh/hook: pre-upgrade}}}
/// "#)?;
/// let (deployed, hooks) = split_hooks(objects);
/// assert_eq!((deployed[0].name(), hooks[0].name()), ("api", "migrate"));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
pub fn split_hooks(objects: Vec<Object>) -> (Vec<Object>, Vec<Object>) {
    // As Helm does: whatever the value is.
    let is_hook = |object: &Object| {
        object.get("/metadata/annotations").is_some_and(|annotations| annotations.get(HOOK).is_some())
    };
    objects.into_iter().partition(|object| !is_hook(object))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn object(name: &str, annotations: &Value) -> Object {
        let metadata = json!({"name": name, "annotations": annotations});
        Object::new(json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata})).unwrap()
    }

    #[test]
    fn a_hook_is_what_is_annotated_as_one() {
        let check = |annotations: Value, hook: bool| {
            let (deployed, hooks) = split_hooks(vec![object("x", &annotations)]);
            assert_eq!(
                (deployed.len(), hooks.len()),
                (usize::from(!hook), usize::from(hook)),
                "{annotations}"
            );
        };
        check(json!({"helm.sh/hook": "pre-install"}), true);
        check(json!({"helm.sh/hook": "test"}), true);
        check(json!({"helm.sh/hook": ""}), true);
        check(json!({"helm.sh/hook": 1}), true);
        check(json!({"helm.sh/hook-weight": "1"}), false);
        check(json!({"helm.sh/resource-policy": "keep"}), false);
        check(json!({}), false);
        check(json!(null), false);
        check(json!(["helm.sh/hook"]), false);
    }

    proptest! {
        #[test]
        fn both_keep_their_order(hooks in prop::collection::vec(any::<bool>(), 0..20)) {
            let objects: Vec<Object> = hooks.iter().enumerate().map(|(index, hook)| {
                object(&format!("{index:02}"), &if *hook { json!({HOOK: "test"}) } else { json!({}) })
            }).collect();
            let (deployed, found) = split_hooks(objects);
            prop_assert_eq!(found.len(), hooks.iter().filter(|hook| **hook).count());
            for part in [deployed, found] {
                prop_assert!(part.is_sorted_by_key(|object| object.name().to_owned()));
            }
        }
    }
}
