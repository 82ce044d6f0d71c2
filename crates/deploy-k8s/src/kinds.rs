//! Kinds and objects as kubectl takes them on its command line: `deploy`, `jobs.batch`, `deployment/api`.
//!
//! ```
//! use deploy_k8s::{Kind, KindName};
//!
//! let api: KindName = "deploy/api".parse()?;
//! assert_eq!(api.in_namespace("shop").to_string(), "Deployment shop/api");
//! assert!("deployment".parse::<KindName>().is_err());
//!
//! let bindings: Kind = "rolebindings".parse()?;
//! assert_eq!((bindings.group(), bindings.kind()), ("rbac.authorization.k8s.io", "RoleBinding"));
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

use std::str::FromStr;

use deploy_core::error::{Error, Result};
use deploy_core::manifest::ObjectId;

use crate::api::Resource;

/// kubectl's short names, as `kubectl api-resources` lists them.
const SHORT_NAMES: [(&str, &str); 26] = [
    ("cj", "CronJob"),
    ("cm", "ConfigMap"),
    ("crd", "CustomResourceDefinition"),
    ("crds", "CustomResourceDefinition"),
    ("deploy", "Deployment"),
    ("ds", "DaemonSet"),
    ("ep", "Endpoints"),
    ("ev", "Event"),
    ("hpa", "HorizontalPodAutoscaler"),
    ("ing", "Ingress"),
    ("limits", "LimitRange"),
    ("netpol", "NetworkPolicy"),
    ("no", "Node"),
    ("ns", "Namespace"),
    ("pc", "PriorityClass"),
    ("pdb", "PodDisruptionBudget"),
    ("po", "Pod"),
    ("pv", "PersistentVolume"),
    ("pvc", "PersistentVolumeClaim"),
    ("quota", "ResourceQuota"),
    ("rc", "ReplicationController"),
    ("rs", "ReplicaSet"),
    ("sa", "ServiceAccount"),
    ("sc", "StorageClass"),
    ("sts", "StatefulSet"),
    ("svc", "Service"),
];

/// The kinds whose objects have a state to ask for or to change.
const WITH_STATE: [(&str, &str); 9] = [
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("batch", "Job"),
    ("batch", "CronJob"),
    ("", "Pod"),
    ("", "Service"),
    ("", "PersistentVolumeClaim"),
];

/// A kind named as on a command line: a built-in one as `KIND[.GROUP]`, in the singular, the plural or short, in whatever case; any
/// other as its exact `Kind.group`, because only a cluster knows its other names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kind {
    group: String,
    kind: String,
}

impl Kind {
    /// Its group; the core group is empty.
    pub fn group(&self) -> &str {
        &self.group
    }

    /// The kind, as in `Deployment`.
    pub fn kind(&self) -> &str {
        &self.kind
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) that says how kinds are named.
    fn from_str(text: &str) -> Result<Self> {
        let text = text.trim();
        let (name, group) = text.split_once('.').map_or((text, None), |(name, group)| (name, Some(group)));
        let short = SHORT_NAMES.iter().find(|(short, _)| short.eq_ignore_ascii_case(name));
        let full = short.map_or(name, |(_, kind)| kind);
        if let Some(Resource { group, kind, .. }) = Resource::built_in_named(group, full) {
            return Ok(Self { group, kind });
        }
        match group {
            Some(group) if is_kind(name) && is_custom_group(group) => {
                Ok(Self { group: group.to_owned(), kind: name.to_owned() })
            }
            _ => Err(unknown(text).help(
                "write KIND or KIND.GROUP, as in job, service or rolebinding.rbac.authorization.k8s.io; a kind that is not \
                 Kubernetes' own exactly as Kind.group, as in Widget.example.com",
            )),
        }
    }
}

/// Plurals and short names are in lower case; kinds begin with a capital letter.
fn is_kind(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_alphanumeric())
}

/// A group of custom resources is a domain name with a dot.
fn is_custom_group(group: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    group.contains('.') && group.split('.').all(|label| !label.is_empty() && label.chars().all(plain))
}

fn unknown(kind: &str) -> Error {
    Error::invalid(format!("the kind \"{}\" is not known here", kind.escape_default()))
}

/// An object named as on a command line, without its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindName {
    kind: Kind,
    name: String,
}

impl KindName {
    /// The object in `namespace`.
    pub fn in_namespace(&self, namespace: &str) -> ObjectId {
        ObjectId::new(&self.kind.group, &self.kind.kind, Some(namespace), &self.name)
    }
}

impl FromStr for KindName {
    type Err = Error;

    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) that lists the kinds there are.
    fn from_str(text: &str) -> Result<Self> {
        let help = |error: Error| {
            let known: Vec<String> = WITH_STATE.iter().map(|(_, kind)| kind.to_ascii_lowercase()).collect();
            error.help(format!("write KIND/NAME, KIND one of {}", known.join(", ")))
        };
        let text = text.trim();
        let Some((kind, name)) =
            text.split_once('/').filter(|(_, name)| !name.is_empty() && !name.contains('/'))
        else {
            return Err(help(Error::invalid(format!("\"{}\" is not KIND/NAME", text.escape_default()))));
        };
        let known = kind
            .parse()
            .ok()
            .filter(|Kind { group, kind }| WITH_STATE.contains(&(group.as_str(), kind.as_str())));
        match known {
            Some(kind) => Ok(Self { kind, name: name.to_owned() }),
            None => Err(help(unknown(kind))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_named_as_for_kubectl() {
        let check = |text: &str, expect: (&str, &str)| {
            let found: Kind = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((found.group(), found.kind()), expect, "{text}");
        };
        for text in ["job", "jobs", "Job", "JOBS", "jobs.batch", "Job.batch", " job "] {
            check(text, ("batch", "Job"));
        }
        check("deploy.apps", ("apps", "Deployment"));
        check("cm", ("", "ConfigMap"));
        check("secret", ("", "Secret"));
        check("svc", ("", "Service"));
        check("ing", ("networking.k8s.io", "Ingress"));
        check("ingresses", ("networking.k8s.io", "Ingress"));
        check("sc", ("storage.k8s.io", "StorageClass"));
        check("networkpolicies.networking.k8s.io", ("networking.k8s.io", "NetworkPolicy"));
        for kind in ["Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"] {
            check(&kind.to_lowercase(), ("rbac.authorization.k8s.io", kind));
        }
        check("Job.foo.example.com", ("foo.example.com", "Job"));
        check("Widget.example.com", ("example.com", "Widget"));
    }

    #[test]
    fn every_short_name_is_one_of_a_built_in_kind() {
        for (short, kind) in SHORT_NAMES {
            assert_eq!(short.parse::<Kind>().unwrap().kind(), kind);
        }
        for (group, kind) in WITH_STATE {
            assert!(Resource::is_built_in(group, kind), "{kind}");
        }
    }

    #[test]
    fn nothing_is_guessed() {
        let check = |text: &str| {
            let error = text.parse::<Kind>().expect_err(text).to_string();
            assert!(error.contains("is not known here"), "{error}");
            assert!(!error.to_lowercase().contains("persistentvolume"), "{error}");
        };
        for text in [
            "",
            "widget",
            "Widget",
            "jobs.foo.example.com",
            "job.apps",
            "Widget.apps",
            "widgets.example.com",
            "deploy.",
        ] {
            check(text);
        }
        check("Widget.example..com");
        check("Wid get.example.com");
        check("Widget.Example.com");
        check("a\u{1b}[2J.example.com");
    }

    #[test]
    fn objects_have_a_kind_with_a_state() {
        let check = |text: &str, expect: &str| {
            let found = text.parse::<KindName>().map(|found| found.in_namespace("shop").to_string());
            assert_eq!(found.ok().as_deref().unwrap_or("refused"), expect, "{text}");
        };
        check("deploy/api", "Deployment shop/api");
        check("jobs.batch/migrate", "Job shop/migrate");
        check("PVC/data", "PersistentVolumeClaim shop/data");
        check("jobs.foo.example.com/migrate", "refused");
        check("Job.foo.example.com/migrate", "refused");
        check("configmap/app", "refused");
        check("deployment", "refused");
        check("deployment/", "refused");
        check("deployment/a/b", "refused");
    }
}
