//! Why it is not healthy: a [`Reason`], and the object, pod and container it was seen on.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::read::clip;
use crate::manifest::ObjectId;

/// The most characters of the cluster's own words that a [`Failure`] keeps.
const MAX_MESSAGE: usize = 512;

/// Why an object is not, or never will be, healthy.
///
/// Written as JSON it is `{"type": "ImageNotFound", "image": "…"}`, with the name of [`Reason::name`] (`Custom` for a custom one).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum Reason {
    /// The registry says that it has no such image, or none that this caller may know of.
    ImageNotFound {
        /// The image as the manifest names it.
        image: String,
    },
    /// The image's reference cannot be parsed.
    ImageInvalid {
        /// The image as the manifest names it.
        image: String,
    },
    /// The image cannot be pulled for another cause: the registry is down, asks for credentials, limits the rate.
    ImagePull {
        /// The image as the manifest names it.
        image: String,
        /// How many attempts were seen to fail.
        attempts: u32,
    },
    /// A container that must go on running ends, or an init container fails.
    ContainerExit {
        /// The last exit code; 0 for one that ends without an error though it must stay up.
        code: i32,
        /// How many ends were seen.
        times: u32,
    },
    /// A container is killed because it uses more memory than its limit.
    OutOfMemory {
        /// How many ends were seen.
        times: u32,
    },
    /// The runtime cannot create or start a container: no such command, no permission, a configuration it refuses.
    ContainerStart,
    /// An object, or a key in it, that the pod needs is missing.
    MissingReference {
        /// `ConfigMap`, `Secret` or `ServiceAccount`.
        kind: String,
        /// Its name.
        name: String,
        /// The missing key, where the object itself is there.
        key: Option<String>,
    },
    /// No node has room for the pod, or may take it.
    Unschedulable,
    /// The pod waits for a volume that is not bound.
    VolumePending {
        /// The PersistentVolumeClaim's name.
        claim: String,
    },
    /// The volume behind a PersistentVolumeClaim is gone.
    VolumeLost,
    /// A ResourceQuota forbids the pods.
    Quota,
    /// Admission forbids the pods: PodSecurity, a policy, a webhook that does not answer.
    Forbidden,
    /// `progressDeadlineSeconds` passed without progress.
    ProgressDeadline,
    /// The Job failed.
    JobFailed {
        /// The Job's own reason, as in `BackoffLimitExceeded`.
        cause: String,
    },
    /// The pod failed and will not be restarted.
    PodFailed {
        /// The pod's own reason, as in `Evicted`.
        cause: String,
    },
    /// Another CustomResourceDefinition has these names.
    NamesNotAccepted,
    /// The object's controller says that it cannot go on (condition `Stalled`).
    Stalled,
    /// The object is being deleted.
    Terminating,
    /// It is not ready, and may become so: why it waits, never why it failed.
    NotReady,
    /// What a rule of the user's found.
    Custom {
        /// The rule's own word for it, in the manner of `ImageNotFound`.
        cause: String,
    },
}

impl Reason {
    /// The stable name, as in `ImageNotFound`; a [`Custom`](Self::Custom) reason's own word.
    pub fn name(&self) -> &str {
        match self {
            Self::ImageNotFound { .. } => "ImageNotFound",
            Self::ImageInvalid { .. } => "ImageInvalid",
            Self::ImagePull { .. } => "ImagePull",
            Self::ContainerExit { .. } => "ContainerExit",
            Self::OutOfMemory { .. } => "OutOfMemory",
            Self::ContainerStart => "ContainerStart",
            Self::MissingReference { .. } => "MissingReference",
            Self::Unschedulable => "Unschedulable",
            Self::VolumePending { .. } => "VolumePending",
            Self::VolumeLost => "VolumeLost",
            Self::Quota => "Quota",
            Self::Forbidden => "Forbidden",
            Self::ProgressDeadline => "ProgressDeadline",
            Self::JobFailed { .. } => "JobFailed",
            Self::PodFailed { .. } => "PodFailed",
            Self::NamesNotAccepted => "NamesNotAccepted",
            Self::Stalled => "Stalled",
            Self::Terminating => "Terminating",
            Self::NotReady => "NotReady",
            Self::Custom { cause } => cause,
        }
    }

    /// Whether deploying the same again must fail again: what is wrong is in the manifests or in what they name,
    /// not in the state of the cluster or the network.
    pub fn is_final(&self) -> bool {
        matches!(
            self,
            Self::ImageNotFound { .. }
                | Self::ImageInvalid { .. }
                | Self::ContainerStart
                | Self::MissingReference { .. }
                | Self::NamesNotAccepted
        )
    }
}

/// A reason with its evidence.
///
/// `Display` is one sentence in the user's terms, such as
/// `image "shop/api:v9" not found (container "api" of pod api-7bc9b8bf6f-lnsxr)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Failure {
    /// What is wrong.
    pub reason: Reason,
    /// The object that was judged.
    pub object: ObjectId,
    /// The pod it was seen on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub pod: Option<String>,
    /// The container of that pod.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub container: Option<String>,
    /// Whether that container is an init container.
    #[serde(default)]
    pub init_container: bool,
    /// The cluster's own words, at most 512 characters; empty where it said nothing.
    pub message: String,
}

impl Failure {
    /// A failure of `object`; `message` is the cluster's own words and is cut after 512 characters.
    pub fn new(reason: Reason, object: ObjectId, message: &str) -> Self {
        let message = clip(message, MAX_MESSAGE);
        Self { reason, object, pod: None, container: None, init_container: false, message }
    }

    /// The same, seen on a pod.
    #[must_use]
    pub fn on_pod(mut self, pod: impl Into<String>) -> Self {
        self.pod = Some(pod.into());
        self
    }

    /// The same, seen on a container of the pod.
    #[must_use]
    pub fn in_container(mut self, container: impl Into<String>, init: bool) -> Self {
        self.container = Some(container.into());
        self.init_container = init;
        self
    }

    /// `container "api" of pod api-x`, as far as known.
    fn place(&self) -> Option<String> {
        let container = self.container.as_ref().map(|name| {
            let init = if self.init_container { "init " } else { "" };
            format!("{init}container \"{name}\"")
        });
        match (container, &self.pod) {
            (Some(container), Some(pod)) => Some(format!("{container} of pod {pod}")),
            (Some(container), None) => Some(container),
            (None, Some(pod)) => Some(format!("pod {pod}")),
            (None, None) => None,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place();
        let subject = place.clone().unwrap_or_else(|| self.object.to_string());
        // `x not found (container "api" of pod y)`
        let located = |f: &mut fmt::Formatter<'_>, what: fmt::Arguments<'_>| match &place {
            Some(place) => write!(f, "{what} ({place})"),
            None => f.write_fmt(what),
        };
        let mut message = self.message.as_str();
        match &self.reason {
            Reason::ImageNotFound { image } => {
                return located(f, format_args!("image \"{image}\" not found"));
            }
            Reason::ImageInvalid { image } => {
                return located(f, format_args!("\"{image}\" is not a valid image reference"));
            }
            Reason::ImagePull { image, attempts } => {
                let plural = if *attempts == 1 { "" } else { "s" };
                located(f, format_args!("image \"{image}\" cannot be pulled, {attempts} attempt{plural}"))?;
            }
            Reason::ContainerExit { code, times: count } => {
                write!(f, "{subject} exits with code {code} ({})", times(*count))?;
            }
            Reason::OutOfMemory { times: count } => {
                write!(f, "{subject} is killed for want of memory ({})", times(*count))?;
            }
            Reason::ContainerStart => write!(f, "{subject} cannot start")?,
            Reason::MissingReference { kind, name, key: Some(key) } => {
                return located(f, format_args!("key \"{key}\" not found in {kind} \"{name}\""));
            }
            Reason::MissingReference { kind, name, key: None } => {
                return located(f, format_args!("{kind} \"{name}\" not found"));
            }
            Reason::Unschedulable => {
                message = scheduler_gist(message);
                write!(f, "{subject} cannot be scheduled")?;
            }
            Reason::VolumePending { claim } => {
                write!(f, "{subject} waits for PersistentVolumeClaim \"{claim}\", which is not bound")?;
            }
            Reason::VolumeLost => write!(f, "{subject} has lost its volume")?,
            Reason::Quota => write!(f, "{subject}: the quota does not allow its pods")?,
            Reason::Forbidden => write!(f, "{subject}: its pods are not admitted")?,
            Reason::ProgressDeadline => write!(f, "{} made no progress within its deadline", self.object)?,
            Reason::JobFailed { cause } => {
                write!(f, "{} failed ({cause})", self.object)?;
                if let Some(place) = &place {
                    write!(f, " in {place}")?;
                }
            }
            Reason::PodFailed { cause } => write!(f, "{subject} failed ({cause})")?,
            Reason::NamesNotAccepted => write!(f, "{subject}: its names are taken")?,
            Reason::Stalled => write!(f, "{subject} is stalled")?,
            Reason::Terminating => write!(f, "{subject} is being deleted")?,
            Reason::NotReady => write!(f, "{subject} is not ready")?,
            Reason::Custom { cause } => write!(f, "{subject}: {cause}")?,
        }
        if message.is_empty() { Ok(()) } else { write!(f, ": {message}") }
    }
}

fn times(count: u32) -> String {
    match count {
        1 => "once".into(),
        count => format!("{count} times"),
    }
}

/// What stands in the way, out of the scheduler's long sentence
/// (`0/3 nodes are available: 3 Insufficient cpu. preemption: …`).
fn scheduler_gist(message: &str) -> &str {
    let gist = message.split_once("nodes are available: ").map_or(message, |(_, rest)| rest);
    let end =
        [". preemption:", ". no new claims to deallocate"].iter().filter_map(|mark| gist.find(mark)).min();
    end.and_then(|end| gist.get(..end)).unwrap_or(gist).trim_end_matches('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(reason: Reason, message: &str) -> Failure {
        Failure::new(reason, ObjectId::new("apps", "Deployment", Some("shop"), "api"), message)
    }

    #[test]
    fn is_one_sentence_in_the_users_terms() {
        let check = |failure: Failure, text: &str| assert_eq!(failure.to_string(), text);
        let image = || "shop/api:v9".to_owned();
        check(
            failure(Reason::ImageNotFound { image: image() }, "rpc error: …")
                .on_pod("api-x")
                .in_container("api", false),
            "image \"shop/api:v9\" not found (container \"api\" of pod api-x)",
        );
        check(
            failure(Reason::ImagePull { image: image(), attempts: 3 }, "connection refused")
                .on_pod("api-x")
                .in_container("api", false),
            "image \"shop/api:v9\" cannot be pulled, 3 attempts (container \"api\" of pod api-x): connection refused",
        );
        check(
            failure(Reason::ContainerExit { code: 1, times: 2 }, "")
                .on_pod("api-x")
                .in_container("api", false),
            "container \"api\" of pod api-x exits with code 1 (2 times)",
        );
        check(
            failure(Reason::OutOfMemory { times: 1 }, "").on_pod("api-x").in_container("warm", true),
            "init container \"warm\" of pod api-x is killed for want of memory (once)",
        );
        check(
            failure(
                Reason::MissingReference {
                    kind: "Secret".into(),
                    name: "db".into(),
                    key: Some("url".into()),
                },
                "",
            )
            .on_pod("api-x"),
            "key \"url\" not found in Secret \"db\" (pod api-x)",
        );
        check(
            failure(
                Reason::Unschedulable,
                "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are \
                 available: 1 Preemption is not helpful for scheduling.",
            )
            .on_pod("api-x"),
            "pod api-x cannot be scheduled: 1 Insufficient cpu",
        );
        check(
            failure(Reason::Quota, "exceeded quota: small"),
            "Deployment shop/api: the quota does not allow its pods: exceeded quota: small",
        );
        check(
            failure(Reason::JobFailed { cause: "BackoffLimitExceeded".into() }, ""),
            "Deployment shop/api failed (BackoffLimitExceeded)",
        );
    }

    #[test]
    fn is_data_under_its_stable_name() {
        let failure = failure(Reason::ContainerExit { code: 1, times: 2 }, "").on_pod("api-x");
        let json = serde_json::to_value(&failure).unwrap();
        assert_eq!(json["reason"], serde_json::json!({"type": failure.reason.name(), "code": 1, "times": 2}));
        assert_eq!(serde_json::from_value::<Failure>(json).unwrap(), failure);
    }

    #[test]
    fn long_words_are_cut() {
        let failure = failure(Reason::Stalled, &"é".repeat(100_000));
        assert_eq!(failure.message.chars().count(), MAX_MESSAGE);
    }
}
