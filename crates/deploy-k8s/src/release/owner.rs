//! Whose an object is: what Helm marks the objects of a release with, and looks for before it touches one (`pkg/action/validate.go`).

use std::collections::HashSet;
use std::sync::Arc;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Object, ObjectId};
use serde_json::Value;

use crate::apply::Fate;

/// The field manager that Helm applies as.
pub(crate) const HELM: &str = "helm";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const RELEASE: &str = "meta.helm.sh/release-name";
const NAMESPACE: &str = "meta.helm.sh/release-namespace";
/// The annotation that keeps an object when its release wants it no more.
const POLICY: &str = "helm.sh/resource-policy";

/// The release that objects belong to.
#[derive(Clone, Debug)]
pub(crate) struct Owner {
    pub(crate) release: String,
    pub(crate) namespace: String,
    /// What revisions record that came to run: it is the release's, however it is marked.
    pub(crate) known: Arc<HashSet<ObjectId>>,
    /// What it brings along and does not own: the definitions of a chart's `crds` folder.
    pub(crate) unmarked: HashSet<ObjectId>,
    /// Whether objects that are nobody's, or another release's, are taken over.
    pub(crate) adopts: bool,
}

impl Owner {
    /// The object with the marks of the release.
    pub(crate) fn mark(&self, object: Object) -> Object {
        if self.unmarked.contains(&object.id()) {
            return object;
        }
        object
            .with_label(MANAGED_BY, "Helm")
            .with_annotation(RELEASE, &self.release)
            .with_annotation(NAMESPACE, &self.namespace)
    }

    /// Whether an object that stands may be the release's.
    ///
    /// # Errors
    /// [`Conflict`](ErrorKind::Conflict), with whose it is.
    pub(crate) fn check(&self, live: &Object) -> Result<()> {
        if self.adopts || self.owns(live) {
            return Ok(());
        }
        let why = match self.another(live) {
            Some(other) => format!("belongs to the release {other}"),
            None if self.known.contains(&live.id()) => return Ok(()),
            None => "exists, and does not belong to the release".to_owned(),
        };
        Err(Error::new(ErrorKind::Conflict, why)
            .during("plan")
            .on(live.id())
            .help("have its ownership taken, or take it out of the manifests"))
    }

    /// Whether it bears all marks of the release.
    pub(crate) fn owns(&self, live: &Object) -> bool {
        live.label(MANAGED_BY) == Some("Helm")
            && live.annotation(RELEASE) == Some(&self.release)
            && live.annotation(NAMESPACE) == Some(&self.namespace)
    }

    /// What becomes of an object that the release wants no more.
    pub(super) fn judge(&self, live: &Object) -> Fate {
        if live.annotation(POLICY) == Some("keep") {
            return Fate::Stays(format!("it is annotated {POLICY}: keep"));
        }
        if self.owns(live) {
            return Fate::Goes;
        }
        Fate::Stays(match self.another(live) {
            Some(other) => format!("it belongs to the release {other}"),
            None => "it does not bear the release's marks".to_owned(),
        })
    }

    /// The other release that it belongs to, as in `shop/api`.
    fn another(&self, live: &Object) -> Option<String> {
        let (namespace, release) = (live.annotation(NAMESPACE)?, live.annotation(RELEASE)?);
        ((namespace, release) != (&self.namespace, &self.release)).then(|| format!("{namespace}/{release}"))
    }
}

/// The namespace and name of the release whose marks a live object bears.
pub(crate) fn release_of(live: &Value) -> Option<(String, String)> {
    let annotation = |key: &str| live.pointer("/metadata/annotations")?.get(key)?.as_str().map(str::to_owned);
    Some((annotation(NAMESPACE)?, annotation(RELEASE)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn owner() -> Owner {
        let known = HashSet::from([ObjectId::new("", "ConfigMap", Some("shop"), "known")]);
        let (release, namespace) = ("api".into(), "shop".into());
        Owner { release, namespace, known: Arc::new(known), unmarked: HashSet::new(), adopts: false }
    }

    fn object(name: &str, release: Option<(&str, &str)>, more: &Value) -> Object {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop", "annotations": more}});
        if let Some((namespace, release)) = release {
            object["metadata"]["labels"] = json!({MANAGED_BY: "Helm"});
            object["metadata"]["annotations"][RELEASE] = release.into();
            object["metadata"]["annotations"][NAMESPACE] = namespace.into();
        }
        Object::new(object).unwrap()
    }

    #[test]
    fn what_stands_is_the_releases_or_refused() {
        let refused = |object: &Object| owner().check(object).err().map(|error| error.to_string());
        let ours = owner().mark(object("new", None, &json!({})));
        assert_eq!(refused(&ours), None);
        assert_eq!(refused(&object("known", None, &json!({}))), None, "it was recorded");
        for name in ["new", "known"] {
            let why = refused(&object(name, Some(("other", "web")), &json!({}))).unwrap();
            assert!(why.contains("belongs to the release other/web"), "{why}");
        }
        let why = refused(&object("new", None, &json!({}))).unwrap();
        assert!(why.contains("ConfigMap shop/new: exists, and does not belong to the release"), "{why}");
        let adopting = Owner { adopts: true, ..owner() };
        assert!(adopting.check(&object("new", Some(("other", "web")), &json!({}))).is_ok());
    }

    #[test]
    fn only_what_is_the_releases_goes() {
        let stays = |object: &Object| match owner().judge(object) {
            Fate::Goes => None,
            Fate::Stays(why) => Some(why),
        };
        assert_eq!(stays(&object("a", Some(("shop", "api")), &json!({}))), None);
        let kept = object("a", Some(("shop", "api")), &json!({POLICY: "keep"}));
        assert_eq!(stays(&kept).unwrap(), "it is annotated helm.sh/resource-policy: keep");
        assert_eq!(
            stays(&object("a", Some(("x", "y")), &json!({}))).unwrap(),
            "it belongs to the release x/y"
        );
        assert!(stays(&object("known", None, &json!({}))).is_some());
    }

    #[test]
    fn what_it_does_not_own_is_not_marked() {
        let definition = object("own", None, &json!({}));
        let owner = Owner { unmarked: HashSet::from([definition.id()]), ..owner() };
        assert_eq!(owner.mark(definition.clone()), definition);
        assert!(owner.owns(&owner.mark(object("other", None, &json!({})))));
    }
}
