//! Kubernetes' own kinds: which live in a namespace, and where a kind keeps its pods' specification.

use super::Object;

/// Whether objects of a kind live in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// They live in a namespace.
    Namespaced,
    /// There is one of a name in the whole cluster.
    Cluster,
}

/// The scope of one of Kubernetes' own kinds; `None` for any other kind, which only the cluster can tell.
///
/// ```
/// use deploy_core::manifest::{Scope, scope};
///
/// assert_eq!(scope("apps", "Deployment"), Some(Scope::Namespaced));
/// assert_eq!(scope("", "Node"), Some(Scope::Cluster));
/// assert_eq!(scope("cert-manager.io", "Certificate"), None);
/// ```
pub fn scope(group: &str, kind: &str) -> Option<Scope> {
    let (_, cluster, namespaced) = KINDS.iter().find(|(name, ..)| *name == group)?;
    if cluster.contains(&kind) {
        Some(Scope::Cluster)
    } else if namespaced.contains(&kind) {
        Some(Scope::Namespaced)
    } else {
        None
    }
}

/// Where `object` keeps the specification of its pods, as a JSON pointer.
///
/// A kind that is not Kubernetes' own (an Argo Rollout) counts when its `spec.template.spec.containers` looks like
/// containers: a list of maps of which at least one names an image.
pub(crate) fn pod_spec_pointer(object: &Object) -> Option<&'static str> {
    let (group, kind) = (object.group(), object.kind());
    match (group, kind) {
        ("", "Pod") => Some("/spec"),
        ("", "PodTemplate") => Some("/template/spec"),
        ("batch", "CronJob") => Some("/spec/jobTemplate/spec/template/spec"),
        ("", "ReplicationController") | ("batch", "Job") => Some("/spec/template/spec"),
        ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet" | "StatefulSet") => {
            Some("/spec/template/spec")
        }
        _ => {
            let containers = object.get("/spec/template/spec/containers")?.as_array()?;
            let like_containers = containers.iter().all(serde_json::Value::is_object)
                && containers.iter().any(|container| container.get("image").is_some());
            like_containers.then_some("/spec/template/spec")
        }
    }
}

/// Of Kubernetes 1.36: the group, its cluster-scoped kinds, its namespaced kinds.
#[rustfmt::skip]
const KINDS: &[(&str, &[&str], &[&str])] = &[
    ("", &["ComponentStatus", "Namespace", "Node", "PersistentVolume"],
        &["Binding", "ConfigMap", "Endpoints", "Event", "LimitRange", "PersistentVolumeClaim", "Pod", "PodTemplate",
          "ReplicationController", "ResourceQuota", "Secret", "Service", "ServiceAccount"]),
    ("admissionregistration.k8s.io",
        &["MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "MutatingWebhookConfiguration",
          "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "ValidatingWebhookConfiguration"], &[]),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"], &[]),
    ("apiregistration.k8s.io", &["APIService"], &[]),
    ("apps", &[], &["ControllerRevision", "DaemonSet", "Deployment", "ReplicaSet", "StatefulSet"]),
    ("authentication.k8s.io", &["SelfSubjectReview", "TokenReview"], &[]),
    ("authorization.k8s.io", &["SelfSubjectAccessReview", "SelfSubjectRulesReview", "SubjectAccessReview"],
        &["LocalSubjectAccessReview"]),
    ("autoscaling", &[], &["HorizontalPodAutoscaler"]),
    ("batch", &[], &["CronJob", "Job"]),
    ("certificates.k8s.io", &["CertificateSigningRequest", "ClusterTrustBundle"], &["PodCertificateRequest"]),
    ("coordination.k8s.io", &[], &["Lease", "LeaseCandidate"]),
    ("discovery.k8s.io", &[], &["EndpointSlice"]),
    ("events.k8s.io", &[], &["Event"]),
    ("extensions", &[], &["DaemonSet", "Deployment", "Ingress", "NetworkPolicy", "ReplicaSet"]),
    ("flowcontrol.apiserver.k8s.io", &["FlowSchema", "PriorityLevelConfiguration"], &[]),
    ("internal.apiserver.k8s.io", &["StorageVersion"], &[]),
    ("networking.k8s.io", &["IPAddress", "IngressClass", "ServiceCIDR"], &["Ingress", "NetworkPolicy"]),
    ("node.k8s.io", &["RuntimeClass"], &[]),
    ("policy", &["PodSecurityPolicy"], &["Eviction", "PodDisruptionBudget"]),
    ("rbac.authorization.k8s.io", &["ClusterRole", "ClusterRoleBinding"], &["Role", "RoleBinding"]),
    ("resource.k8s.io", &["DeviceClass", "DeviceTaintRule", "ResourceSlice"],
        &["ResourceClaim", "ResourceClaimTemplate"]),
    ("scheduling.k8s.io", &["PriorityClass"], &["PodGroup", "Workload"]),
    ("storage.k8s.io", &["CSIDriver", "CSINode", "StorageClass", "VolumeAttachment", "VolumeAttributesClass"],
        &["CSIStorageCapacity"]),
    ("storagemigration.k8s.io", &["StorageVersionMigration"], &[]),
];
