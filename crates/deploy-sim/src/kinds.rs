//! The kinds that are served: built in, and those that CustomResourceDefinitions add.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use serde_json::Value;

/// One resource in one version.
#[expect(clippy::struct_field_names, reason = "an object's kind is called so")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Kind {
    /// The group; empty for the core group.
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) kind: String,
    /// `deployments`
    pub(crate) plural: String,
    pub(crate) singular: String,
    pub(crate) short: Vec<String>,
    /// Of a custom one: what else it is listed under, as `all`.
    pub(crate) categories: Vec<String>,
    pub(crate) namespaced: bool,
    /// `status`, `scale`, `log`
    pub(crate) subresources: Vec<String>,
    /// Where the store keeps its objects: `deployments.apps`, the same for all versions.
    pub(crate) resource: Arc<str>,
    /// Whether a definition added it.
    pub(crate) custom: bool,
    /// Whether there never is an object of it here: what it would do is not done.
    pub(crate) empty: bool,
    /// The version of its definition.
    pub(crate) definition: Option<Arc<Value>>,
}

impl Kind {
    /// `apps/v1`, `v1`
    pub(crate) fn api_version(&self) -> String {
        match self.group.as_str() {
            "" => self.version.clone(),
            group => format!("{group}/{}", self.version),
        }
    }

    /// Whether it is a question: an object that is answered, and not kept.
    pub(crate) fn is_review(&self) -> bool {
        !self.custom && ["authentication.k8s.io", "authorization.k8s.io"].contains(&self.group.as_str())
    }

    /// Whether its status is written by itself.
    pub(crate) fn has_status(&self) -> bool {
        self.subresources.iter().any(|subresource| subresource == "status")
    }

    /// What the definition says of its fields.
    pub(crate) fn schema(&self) -> Option<&Value> {
        self.definition.as_ref()?.pointer("/schema/openAPIV3Schema")
    }
}

/// All that is served. A clone shares the kinds until one of them is changed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Kinds {
    by_path: Arc<BTreeMap<(String, String, String), Arc<Kind>>>,
}

/// `API-VERSION KIND PLURAL [SHORT,…] SCOPE [SUBRESOURCE,…]`; a dash stands for none.
const BUILT_IN: &str = "
v1 Namespace namespaces ns cluster finalize,status
v1 Node nodes no cluster status
v1 PersistentVolume persistentvolumes pv cluster status
v1 ConfigMap configmaps cm namespaced -
v1 Secret secrets - namespaced -
v1 Service services svc namespaced status
v1 ServiceAccount serviceaccounts sa namespaced token
v1 Endpoints endpoints ep namespaced -
v1 Event events ev namespaced -
v1 Pod pods po namespaced eviction,log,status
v1 PodTemplate podtemplates - namespaced -
v1 PersistentVolumeClaim persistentvolumeclaims pvc namespaced status
v1 ResourceQuota resourcequotas quota namespaced status
v1 LimitRange limitranges limits namespaced -
apps/v1 Deployment deployments deploy namespaced scale,status
apps/v1 ReplicaSet replicasets rs namespaced scale,status
apps/v1 StatefulSet statefulsets sts namespaced scale,status
apps/v1 DaemonSet daemonsets ds namespaced status
apps/v1 ControllerRevision controllerrevisions - namespaced -
batch/v1 Job jobs - namespaced status
batch/v1 CronJob cronjobs cj namespaced status
autoscaling/v2 HorizontalPodAutoscaler horizontalpodautoscalers hpa namespaced status
policy/v1 PodDisruptionBudget poddisruptionbudgets pdb namespaced status
discovery.k8s.io/v1 EndpointSlice endpointslices - namespaced -
networking.k8s.io/v1 Ingress ingresses ing namespaced status
networking.k8s.io/v1 IngressClass ingressclasses - cluster -
networking.k8s.io/v1 NetworkPolicy networkpolicies netpol namespaced -
events.k8s.io/v1 Event events ev namespaced -
coordination.k8s.io/v1 Lease leases - namespaced -
rbac.authorization.k8s.io/v1 Role roles - namespaced -
rbac.authorization.k8s.io/v1 RoleBinding rolebindings - namespaced -
rbac.authorization.k8s.io/v1 ClusterRole clusterroles - cluster -
rbac.authorization.k8s.io/v1 ClusterRoleBinding clusterrolebindings - cluster -
storage.k8s.io/v1 StorageClass storageclasses sc cluster -
scheduling.k8s.io/v1 PriorityClass priorityclasses pc cluster -
authentication.k8s.io/v1 SelfSubjectReview selfsubjectreviews - cluster -
authentication.k8s.io/v1 TokenReview tokenreviews - cluster -
authorization.k8s.io/v1 LocalSubjectAccessReview localsubjectaccessreviews - namespaced -
authorization.k8s.io/v1 SelfSubjectAccessReview selfsubjectaccessreviews - cluster -
authorization.k8s.io/v1 SelfSubjectRulesReview selfsubjectrulesreviews - cluster -
authorization.k8s.io/v1 SubjectAccessReview subjectaccessreviews - cluster -
apiextensions.k8s.io/v1 CustomResourceDefinition customresourcedefinitions crd,crds cluster status
";

/// As above, but of these there never is an object: lists are empty, and what would make one is refused. They stand beside kinds that work; a group
/// of nothing else is not served, so that who asks what the cluster can do (`.Capabilities` of a chart) is not told of it.
const EMPTY: &str = "
v1 ReplicationController replicationcontrollers rc namespaced scale,status
storage.k8s.io/v1 CSIDriver csidrivers - cluster -
storage.k8s.io/v1 CSIStorageCapacity csistoragecapacities - namespaced -
storage.k8s.io/v1 VolumeAttachment volumeattachments - cluster status
storage.k8s.io/v1 VolumeAttributesClass volumeattributesclasses vac cluster -
";

impl Kinds {
    pub(crate) fn built_in() -> Self {
        static KINDS: LazyLock<Kinds> = LazyLock::new(Kinds::read);
        KINDS.clone()
    }

    fn read() -> Self {
        let mut kinds = Self::default();
        let lines = BUILT_IN.lines().map(|line| (line, false)).chain(EMPTY.lines().map(|line| (line, true)));
        for (line, empty) in lines {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let [api_version, kind, plural, short, scope, subresources] = fields.as_slice() else { continue };
            let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
            let list = |text: &str| -> Vec<String> {
                text.split(',').filter(|item| *item != "-").map(str::to_owned).collect()
            };
            kinds.add(Kind {
                group: group.to_owned(),
                version: version.to_owned(),
                kind: (*kind).to_owned(),
                plural: (*plural).to_owned(),
                singular: kind.to_lowercase(),
                short: list(short),
                categories: Vec::new(),
                namespaced: *scope == "namespaced",
                subresources: list(subresources),
                // The same Events as of the core group.
                resource: format!("{plural}.{}", if *plural == "events" { "" } else { group }).into(),
                custom: false,
                empty,
                definition: None,
            });
        }
        kinds
    }

    /// Serves a kind, in place of one that had its path.
    pub(crate) fn add(&mut self, kind: Kind) {
        let path = (kind.group.clone(), kind.version.clone(), kind.plural.clone());
        Arc::make_mut(&mut self.by_path).insert(path, Arc::new(kind));
    }

    /// Serves the custom kinds of this resource no more.
    pub(crate) fn remove_custom(&mut self, resource: &str) {
        Arc::make_mut(&mut self.by_path).retain(|_, kind| !(kind.custom && *kind.resource == *resource));
    }

    /// By its place in a URL.
    pub(crate) fn find(&self, group: &str, version: &str, plural: &str) -> Option<&Arc<Kind>> {
        self.by_path.get(&(group.to_owned(), version.to_owned(), plural.to_owned()))
    }

    /// By the `apiVersion` and `kind` of an object.
    pub(crate) fn of(&self, api_version: &str, kind: &str) -> Option<&Arc<Kind>> {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        let from = (group.to_owned(), version.to_owned(), String::new());
        let mut found =
            self.by_path.range(from..).take_while(|(path, _)| path.0 == group && path.1 == version);
        found.find(|(_, found)| found.kind == kind).map(|(_, kind)| kind)
    }

    /// All of them, by group, version and plural.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Arc<Kind>> {
        self.by_path.values()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_by_path_and_by_kind() {
        let kinds = Kinds::built_in();
        let deployment = kinds.find("apps", "v1", "deployments").unwrap();
        assert_eq!((deployment.kind.as_str(), deployment.namespaced), ("Deployment", true));
        assert_eq!(deployment.subresources, ["scale", "status"]);
        assert_eq!(deployment.api_version(), "apps/v1");
        assert_eq!(kinds.of("apps/v1", "Deployment"), Some(deployment));
        assert_eq!(&*kinds.of("v1", "Namespace").unwrap().resource, "namespaces.");
        assert!(kinds.of("v1", "Deployment").is_none());
        assert!(kinds.find("apps", "v1beta1", "deployments").is_none());
        let lines = [BUILT_IN, EMPTY].map(|table| table.trim().lines().count());
        assert_eq!(kinds.all().count(), lines[0] + lines[1]);
    }

    #[test]
    fn a_definition_comes_and_goes() {
        let mut kinds = Kinds::built_in();
        let widget = Kind {
            group: "x.io".into(),
            version: "v1".into(),
            kind: "Widget".into(),
            plural: "widgets".into(),
            singular: "widget".into(),
            short: Vec::new(),
            categories: Vec::new(),
            namespaced: true,
            subresources: Vec::new(),
            resource: "widgets.x.io".into(),
            custom: true,
            empty: false,
            definition: None,
        };
        kinds.add(widget);
        assert!(kinds.of("x.io/v1", "Widget").is_some());
        kinds.remove_custom("widgets.x.io");
        assert!(kinds.of("x.io/v1", "Widget").is_none());
        kinds.remove_custom("pods.");
        assert!(kinds.of("v1", "Pod").is_some());
    }
}
