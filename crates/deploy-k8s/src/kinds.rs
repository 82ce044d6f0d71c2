//! `KIND/NAME` as kubectl takes it.
//!
//! ```
//! use deploy_k8s::KindName;
//!
//! let api: KindName = "deploy/api".parse()?;
//! assert_eq!(api.in_namespace("shop").to_string(), "Deployment shop/api");
//! assert!("deployment".parse::<KindName>().is_err());
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

use std::str::FromStr;

use deploy_core::error::{Error, Result};
use deploy_core::manifest::ObjectId;

/// The kinds that are rolled out, with kubectl's names for them.
const KINDS: [(&str, &str, [&str; 3]); 9] = [
    ("apps", "Deployment", ["deploy", "deployment", "deployments"]),
    ("apps", "StatefulSet", ["sts", "statefulset", "statefulsets"]),
    ("apps", "DaemonSet", ["ds", "daemonset", "daemonsets"]),
    ("apps", "ReplicaSet", ["rs", "replicaset", "replicasets"]),
    ("batch", "Job", ["job", "job", "jobs"]),
    ("batch", "CronJob", ["cj", "cronjob", "cronjobs"]),
    ("", "Pod", ["po", "pod", "pods"]),
    ("", "Service", ["svc", "service", "services"]),
    ("", "PersistentVolumeClaim", ["pvc", "persistentvolumeclaim", "persistentvolumeclaims"]),
];

/// An object named as on a command line, without its namespace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KindName {
    group: &'static str,
    kind: &'static str,
    name: String,
}

impl KindName {
    /// The object in `namespace`.
    pub fn in_namespace(&self, namespace: &str) -> ObjectId {
        ObjectId::new(self.group, self.kind, Some(namespace), &self.name)
    }
}

/// A kind named as on a command line, as in `job` or `deployments.apps`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kind {
    group: &'static str,
    kind: &'static str,
}

impl Kind {
    /// Its group; the core group is empty.
    pub fn group(self) -> &'static str {
        self.group
    }

    /// The kind, as in `Deployment`.
    pub fn kind(self) -> &'static str {
        self.kind
    }
}

impl FromStr for Kind {
    type Err = Error;

    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) that lists the kinds there are.
    fn from_str(text: &str) -> Result<Self> {
        let plain = text.trim().to_ascii_lowercase();
        let plain = plain.split_once('.').map_or(plain.as_str(), |(kind, _)| kind);
        let found = KINDS.iter().find(|(_, _, names)| names.contains(&plain));
        found.map(|(group, kind, _)| Self { group, kind }).ok_or_else(|| {
            let known: Vec<&str> = KINDS.iter().map(|(_, _, names)| names[1]).collect();
            Error::invalid(format!("the kind \"{}\" is not known here", text.escape_default()))
                .help(format!("name one of {}", known.join(", ")))
        })
    }
}

impl FromStr for KindName {
    type Err = Error;

    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) that lists the kinds there are.
    fn from_str(text: &str) -> Result<Self> {
        let bad = |why: String| {
            let known: Vec<&str> = KINDS.iter().map(|(_, _, names)| names[1]).collect();
            Error::invalid(why).help(format!("write KIND/NAME, KIND one of {}", known.join(", ")))
        };
        let text = text.trim();
        let Some((kind, name)) =
            text.split_once('/').filter(|(_, name)| !name.is_empty() && !name.contains('/'))
        else {
            return Err(bad(format!("\"{}\" is not KIND/NAME", text.escape_default())));
        };
        match kind.parse() {
            Ok(Kind { group, kind }) => Ok(Self { group, kind, name: name.to_owned() }),
            Err(_) => Err(bad(format!("the kind \"{}\" is not known here", kind.escape_default()))),
        }
    }
}
