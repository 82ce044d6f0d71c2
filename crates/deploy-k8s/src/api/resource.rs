//! A kind as the API serves it, and the paths of its objects.

use std::fmt::Write as _;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::ObjectId;

/// A kind as the API serves it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Resource {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    pub(crate) plural: String,
    pub(crate) namespaced: bool,
}

/// Where objects of a kind live: one namespace, or the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) resource: Resource,
    pub(crate) namespace: Option<String>,
}

/// The built-in kinds that need no discovery: group, version, kind, plural, namespaced.
const BUILT_IN: [(&str, &str, &str, &str, bool); 38] = [
    ("", "v1", "ConfigMap", "configmaps", true),
    ("", "v1", "Endpoints", "endpoints", true),
    ("", "v1", "Event", "events", true),
    ("", "v1", "LimitRange", "limitranges", true),
    ("", "v1", "Namespace", "namespaces", false),
    ("", "v1", "Node", "nodes", false),
    ("", "v1", "PersistentVolume", "persistentvolumes", false),
    ("", "v1", "PersistentVolumeClaim", "persistentvolumeclaims", true),
    ("", "v1", "Pod", "pods", true),
    ("", "v1", "PodTemplate", "podtemplates", true),
    ("", "v1", "ReplicationController", "replicationcontrollers", true),
    ("", "v1", "ResourceQuota", "resourcequotas", true),
    ("", "v1", "Secret", "secrets", true),
    ("", "v1", "Service", "services", true),
    ("", "v1", "ServiceAccount", "serviceaccounts", true),
    (
        "admissionregistration.k8s.io",
        "v1",
        "MutatingWebhookConfiguration",
        "mutatingwebhookconfigurations",
        false,
    ),
    (
        "admissionregistration.k8s.io",
        "v1",
        "ValidatingWebhookConfiguration",
        "validatingwebhookconfigurations",
        false,
    ),
    ("apiextensions.k8s.io", "v1", "CustomResourceDefinition", "customresourcedefinitions", false),
    ("apiregistration.k8s.io", "v1", "APIService", "apiservices", false),
    ("apps", "v1", "ControllerRevision", "controllerrevisions", true),
    ("apps", "v1", "DaemonSet", "daemonsets", true),
    ("apps", "v1", "Deployment", "deployments", true),
    ("apps", "v1", "ReplicaSet", "replicasets", true),
    ("apps", "v1", "StatefulSet", "statefulsets", true),
    ("autoscaling", "v2", "HorizontalPodAutoscaler", "horizontalpodautoscalers", true),
    ("batch", "v1", "CronJob", "cronjobs", true),
    ("batch", "v1", "Job", "jobs", true),
    ("coordination.k8s.io", "v1", "Lease", "leases", true),
    ("networking.k8s.io", "v1", "Ingress", "ingresses", true),
    ("networking.k8s.io", "v1", "IngressClass", "ingressclasses", false),
    ("networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true),
    ("policy", "v1", "PodDisruptionBudget", "poddisruptionbudgets", true),
    ("rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", false),
    ("rbac.authorization.k8s.io", "v1", "ClusterRoleBinding", "clusterrolebindings", false),
    ("rbac.authorization.k8s.io", "v1", "Role", "roles", true),
    ("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true),
    ("scheduling.k8s.io", "v1", "PriorityClass", "priorityclasses", false),
    ("storage.k8s.io", "v1", "StorageClass", "storageclasses", false),
];

impl Resource {
    /// The built-in kind, where it is one that every supported cluster serves.
    pub(crate) fn built_in(group: &str, version: &str, kind: &str) -> Option<Self> {
        BUILT_IN
            .iter()
            .find(|known| (known.0, known.1, known.2) == (group, version, kind))
            .map(Self::from_row)
    }

    /// Whether the kind is Kubernetes' own, in whatever version.
    pub(crate) fn is_built_in(group: &str, kind: &str) -> bool {
        BUILT_IN.iter().any(|known| (known.0, known.2) == (group, kind))
    }

    /// The built-in kind in the version of the table.
    pub(crate) fn built_in_kind(group: &str, kind: &str) -> Option<Self> {
        BUILT_IN.iter().find(|known| (known.0, known.2) == (group, kind)).map(Self::from_row)
    }

    /// The built-in kind that records of ours are kept in.
    ///
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) for a kind that is not in the table.
    pub(crate) fn of_records(group: &str, kind: &str) -> Result<Self> {
        let missing = || Error::new(ErrorKind::Internal, format!("{kind} is not among the built-in kinds"));
        Self::built_in_kind(group, kind).ok_or_else(missing)
    }

    /// The built-in kind called `name`, as a kind or in the plural, in whatever case; in `group` if one is given.
    pub(crate) fn built_in_named(group: Option<&str>, name: &str) -> Option<Self> {
        let same = |known: &str, word: &str| known.eq_ignore_ascii_case(word);
        BUILT_IN
            .iter()
            .find(|known| {
                group.is_none_or(|group| same(known.0, group)) && (same(known.2, name) || same(known.3, name))
            })
            .map(Self::from_row)
    }

    fn from_row(row: &(&str, &str, &str, &str, bool)) -> Self {
        let (group, version, kind, plural, namespaced) = *row;
        Self {
            group: group.into(),
            version: version.into(),
            kind: kind.into(),
            plural: plural.into(),
            namespaced,
        }
    }

    pub(crate) fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }

    /// The objects of this kind in `namespace`; a cluster-scoped kind has none.
    pub(crate) fn within(self, namespace: Option<&str>) -> Place {
        let namespace = namespace.filter(|_| self.namespaced).map(str::to_owned);
        Place { resource: self, namespace }
    }
}

/// The path of `/api/v1` or `/apis/GROUP/VERSION`.
pub(crate) fn group_version_path(group: &str, version: &str) -> String {
    let (group, version) = (escape(group), escape(version));
    if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") }
}

impl Place {
    /// The path of the collection.
    pub(crate) fn path(&self) -> String {
        let mut path = group_version_path(&self.resource.group, &self.resource.version);
        if let Some(namespace) = &self.namespace {
            // Writing to a String cannot fail.
            let _ = write!(path, "/namespaces/{}", escape(namespace));
        }
        path + "/" + &self.resource.plural
    }

    /// The path of one object.
    pub(crate) fn object(&self, name: &str) -> String {
        format!("{}/{}", self.path(), escape(name))
    }

    pub(crate) fn id(&self, name: &str) -> ObjectId {
        ObjectId::new(&self.resource.group, &self.resource.kind, self.namespace.as_deref(), name)
    }
}

/// Percent-encodes what may not stand in a path segment or a query value.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let check = |group: &str, kind: &str, namespace: Option<&str>, path: &str| {
            let place = Resource::built_in_kind(group, kind).unwrap().within(namespace);
            assert_eq!(place.object("x"), path);
        };
        check("", "ConfigMap", Some("shop"), "/api/v1/namespaces/shop/configmaps/x");
        check("apps", "Deployment", Some("shop"), "/apis/apps/v1/namespaces/shop/deployments/x");
        check("", "Namespace", Some("shop"), "/api/v1/namespaces/x");
        assert_eq!(escape("system:a/b c"), "system%3Aa%2Fb%20c");
    }
}
