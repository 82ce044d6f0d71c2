//! What an ApplySet's parent records: the kinds and namespaces of its members (KEP-3659).

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::lock::check_name;
use deploy_core::manifest::{Object, ObjectId};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::api::{Place, Resource};

/// The parent's label.
pub(super) const ID: &str = "applyset.kubernetes.io/id";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
const TOOL: &str = "deploy-core";
/// Kinds or namespaces of one set past this are refused: each is a request.
const MAX_MEMBER_PLACES: usize = 2000;

/// A set of objects that are deployed, and pruned, together.
///
/// ```
/// use deploy_k8s::ApplySet;
///
/// let set = ApplySet::new("shop", "shop")?;
/// assert!(set.id().starts_with("applyset-") && set.id().ends_with("-v1"));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplySet {
    pub(super) parent: String,
    pub(super) namespace: String,
}

impl ApplySet {
    /// The set `name`, whose parent is the Secret `deploy-set.NAME` in `namespace`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that is not fit for one of a run.
    pub fn new(name: &str, namespace: impl Into<String>) -> Result<Self> {
        check_name(name)?;
        Ok(Self { parent: format!("deploy-set.{name}"), namespace: namespace.into() })
    }

    /// The value of the members' label, as KEP-3659 derives it.
    pub fn id(&self) -> String {
        let hash = Sha256::digest(format!("{}.{}.Secret.", self.parent, self.namespace));
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(hash))
    }

    pub(super) fn parent_id(&self) -> ObjectId {
        ObjectId::new("", "Secret", Some(&self.namespace), &self.parent)
    }

    pub(super) fn place(&self) -> Result<Place> {
        let secrets = Resource::of_records("", "Secret")?;
        Ok(secrets.within(Some(&self.namespace)))
    }

    /// The parent of members of these places.
    pub(super) fn parent(&self, places: &Places) -> Result<Object> {
        Object::new(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": self.parent, "namespace": self.namespace,
                "labels": {ID: self.id()},
                "annotations": {
                    TOOLING: format!("{TOOL}/{}", env!("CARGO_PKG_VERSION")),
                    KINDS: places.kinds(),
                    NAMESPACES: places.namespaces(&self.namespace),
                },
            },
        }))
    }
}

/// Where members are: kinds as `Kind.group`, and namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Places {
    pub(super) kinds: BTreeSet<String>,
    pub(super) namespaces: BTreeSet<String>,
}

impl Places {
    pub(super) fn of<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> Self {
        let mut places = Self::default();
        for id in ids {
            places.kinds.insert(match id.group.as_str() {
                "" => id.kind.clone(),
                group => format!("{}.{group}", id.kind),
            });
            places.namespaces.extend(id.namespace.clone());
        }
        places
    }

    /// What a parent says; the parent's own namespace included.
    pub(super) fn recorded(parent: &Object) -> Result<Self> {
        let list = |key: &str| -> BTreeSet<String> {
            let text = parent.annotation(key).unwrap_or_default();
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        let mut places = Self { kinds: list(KINDS), namespaces: list(NAMESPACES) };
        places.namespaces.extend(parent.namespace().map(str::to_owned));
        places.check().map_err(|error| error.on(parent.id()))?;
        Ok(places)
    }

    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for more than can be listed at every run.
    pub(super) fn check(&self) -> Result<()> {
        let (kinds, namespaces) = (self.kinds.len(), self.namespaces.len());
        if kinds.saturating_mul(namespaces) > MAX_MEMBER_PLACES {
            let message = format!("{kinds} kinds in {namespaces} namespaces are too many for one set");
            return Err(
                Error::invalid(message).help("split it: each kind in each namespace is listed at every run")
            );
        }
        Ok(())
    }

    /// With the parent's own namespace, as they are recorded.
    pub(super) fn within(&self, own: &str) -> Self {
        let own = Self { kinds: BTreeSet::new(), namespaces: BTreeSet::from([own.to_owned()]) };
        self.with(&own)
    }

    pub(super) fn with(&self, other: &Self) -> Self {
        Self {
            kinds: self.kinds.union(&other.kinds).cloned().collect(),
            namespaces: self.namespaces.union(&other.namespaces).cloned().collect(),
        }
    }

    fn kinds(&self) -> String {
        self.kinds.iter().cloned().collect::<Vec<_>>().join(",")
    }

    fn namespaces(&self, own: &str) -> String {
        self.namespaces.iter().filter(|namespace| *namespace != own).cloned().collect::<Vec<_>>().join(",")
    }
}

/// Another tool's set is not ours to prune.
pub(super) fn check_tooling(parent: &Object) -> Result<()> {
    let tooling = parent.annotation(TOOLING).unwrap_or_default();
    if tooling.split('/').next() == Some(TOOL) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("the set's parent is of another tool: \"{tooling}\""))
        .during("plan")
        .on(parent.id())
        .help("prune with that tool, or give this deployment another name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_keps() {
        // unpadded base64url(sha256("deploy-set.shop.shop.Secret.")), by coreutils
        let id = ApplySet::new("shop", "shop").unwrap().id();
        assert_eq!(id, "applyset-30gsCZ4nqPrZYQnppdaAE6mFWUL0YFRU1McGMpsprlA-v1");
        assert!(id.len() <= 63);
    }

    #[test]
    fn a_parent_says_where_members_are() {
        let set = ApplySet::new("shop", "shop").unwrap();
        let ids = [
            ObjectId::new("apps", "Deployment", Some("shop"), "api"),
            ObjectId::new("", "ConfigMap", Some("more"), "a"),
            ObjectId::new("", "Namespace", None, "more"),
        ];
        let places = Places::of(ids.iter());
        let parent = set.parent(&places).unwrap();
        assert_eq!(parent.annotation(KINDS), Some("ConfigMap,Deployment.apps,Namespace"));
        assert_eq!(parent.annotation(NAMESPACES), Some("more"));
        assert_eq!(Places::recorded(&parent).unwrap(), places);
        assert!(check_tooling(&parent).is_ok());
        assert!(check_tooling(&parent.with_annotation(TOOLING, "kubectl/v1.35")).is_err());
    }
}
