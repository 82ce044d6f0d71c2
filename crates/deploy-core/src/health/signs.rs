//! What the cluster's words mean, as tables: the one place that knows the kubelet's and the runtimes' phrases.
//!
//! They are public because what judges elsewhere (a script on a far node) is generated from them.
//!
//! ```
//! use deploy_core::health::signs::{self, PullError, Waiting};
//!
//! assert_eq!(signs::waiting("ImagePullBackOff"), Some(Waiting::Pull));
//! assert_eq!(signs::waiting("ContainerCreating"), None);
//! assert_eq!(signs::pull_error("api:v9: not found", "api:v9"), PullError::NotFound);
//! assert_eq!(signs::pull_error("dial tcp: connect: connection refused", "api:v9"), PullError::Transient);
//! ```

/// What a container's `state.waiting.reason` means, where it is a bad sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Waiting {
    /// Its image could not be pulled: the message says whether for good, see [`pull_error`].
    Pull,
    /// Its image's reference is invalid.
    InvalidImage,
    /// Its image is not on the node and may not be pulled (`imagePullPolicy: Never`).
    NeverPull,
    /// It cannot be configured: a ConfigMap, a Secret or a key is missing, mostly.
    Config,
    /// The runtime cannot create or start it.
    Start,
    /// It ended again and again.
    CrashLoop,
}

/// The kubelet's waiting reasons that are bad signs; every other one (`ContainerCreating`, `PodInitializing`) is none.
pub const WAITING: &[(&str, Waiting)] = &[
    ("ErrImagePull", Waiting::Pull),
    ("ImagePullBackOff", Waiting::Pull),
    ("ImageInspectError", Waiting::Pull),
    ("RegistryUnavailable", Waiting::Pull),
    ("SignatureValidationFailed", Waiting::Pull),
    ("InvalidImageName", Waiting::InvalidImage),
    ("ErrImageNeverPull", Waiting::NeverPull),
    ("CreateContainerConfigError", Waiting::Config),
    ("PreCreateHookError", Waiting::Start),
    ("CreateContainerError", Waiting::Start),
    ("PreStartHookError", Waiting::Start),
    ("RunContainerError", Waiting::Start),
    ("PostStartHookError", Waiting::Start),
    ("CrashLoopBackOff", Waiting::CrashLoop),
];

/// What a container's `state.terminated.reason` says about its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ended {
    /// Its process ended; the exit code says how.
    Exit,
    /// It was killed for using more memory than its limit.
    OutOfMemory,
    /// It never started.
    Start,
}

/// The kubelet's and the runtimes' termination reasons that say more than the exit code.
pub const ENDED: &[(&str, Ended)] =
    &[("OOMKilled", Ended::OutOfMemory), ("StartError", Ended::Start), ("ContainerCannotRun", Ended::Start)];

/// Why an image could not be pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PullError {
    /// The registry has no such image, or none that this caller may know of.
    NotFound,
    /// The reference is invalid.
    Invalid,
    /// It may pass, as far as can be told.
    Transient,
}

/// Phrases of containerd, CRI-O, Docker and of registries in a pull's error, in lowercase; the first that occurs
/// decides, and where none does it may pass.
///
/// Whatever may be the network's or the registry's passing trouble comes first. Missing or refused credentials
/// (`unauthorized`, `no basic auth credentials`, 403) count as passing: a pull secret may come later. But
/// `pull access denied, repository does not exist or may require authorization`, a public registry's answer to a
/// misspelt repository, is final.
pub const PULL_ERRORS: &[(&str, PullError)] = &[
    ("invalid reference format", PullError::Invalid),
    ("couldn't parse image", PullError::Invalid),
    ("failed to parse image name", PullError::Invalid),
    ("repository name must be lowercase", PullError::Invalid),
    ("connection refused", PullError::Transient),
    ("connection reset", PullError::Transient),
    ("timeout", PullError::Transient),
    ("timed out", PullError::Transient),
    ("deadline exceeded", PullError::Transient),
    ("no such host", PullError::Transient),
    ("server misbehaving", PullError::Transient),
    ("temporary failure", PullError::Transient),
    ("toomanyrequests", PullError::Transient),
    ("too many requests", PullError::Transient),
    ("x509:", PullError::Transient),
    ("tls:", PullError::Transient),
    ("500 internal", PullError::Transient),
    ("502 bad gateway", PullError::Transient),
    ("503 service", PullError::Transient),
    ("504 gateway", PullError::Transient),
    ("code = unavailable", PullError::Transient),
    ("code = notfound", PullError::NotFound),
    (": not found", PullError::NotFound),
    ("404 not found", PullError::NotFound),
    ("manifest unknown", PullError::NotFound),
    ("manifest_unknown", PullError::NotFound),
    ("name unknown", PullError::NotFound),
    ("name_unknown", PullError::NotFound),
    ("no such image", PullError::NotFound),
    ("no matching manifest", PullError::NotFound),
    ("repository name not known", PullError::NotFound),
    ("repository does not exist", PullError::NotFound),
    ("pull access denied", PullError::NotFound),
];

/// An object that a message calls missing.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Missing {
    /// `ConfigMap`, `Secret` or `ServiceAccount`.
    pub kind: &'static str,
    /// Its name.
    pub name: String,
    /// The key that is missing in it.
    pub key: Option<String>,
}

/// The kinds that a pod can miss, as the kubelet and the API server write them before the quoted name.
pub const REFERENCES: &[(&str, &str)] =
    &[("configmap \"", "ConfigMap"), ("secret \"", "Secret"), ("serviceaccount \"", "ServiceAccount")];

/// What follows the quoted name of a missing object.
pub const NOT_FOUND: &str = " not found";
/// What stands before the key that is missing in an object.
pub const MISSING_KEY: &str = "couldn't find key ";
/// What stands before the kind of the object behind a volume in which a key is missing.
pub const NON_EXISTENT: &str = "references non-existent ";
/// What stands between that kind and the key.
pub const NON_EXISTENT_KEY: &str = " key: ";
/// What stands before the name of the volume that is not mounted.
pub const VOLUME_NAMED: &str = "volume \"";
/// What an Event `Failed` says where it is about an image.
pub const PULL_FAILED: &str = "Failed to pull image";

/// Phrases of an API server that refuses a pod for a ResourceQuota.
pub const QUOTA: &[&str] = &["exceeded quota", "failed quota"];
/// Phrases of a definite refusal; any other one may pass: an unreachable webhook, an API server in trouble.
pub const DEFINITE: &[&str] = &["is forbidden", "denied the request", " is invalid"];

/// Reasons of Events by which the cluster autoscaler or Karpenter says that a node is on its way.
pub const SCALES_UP: &[&str] = &["TriggeredScaleUp", "Nominated"];
/// Reasons of Events that tell what keeps a pod from its first container.
pub const VOLUME_TROUBLE: &[&str] = &["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"];
/// Reasons of Events after which that is over.
pub const VOLUMES_DONE: &[&str] = &["Pulling", "Pulled", "Created"];
/// Reasons of Events, no warnings, that tell why a PersistentVolumeClaim waits.
pub const CLAIM_WAITS: &[&str] = &["FailedBinding", "WaitForPodScheduled"];

/// The groups of Kubernetes itself under `k8s.io`. `*.x-k8s.io` and the groups of add-ons under `k8s.io`
/// (`gateway.networking.k8s.io`, `metrics.k8s.io`) are custom resources or have conditions.
pub const BUILT_IN: &[&str] = &[
    "admissionregistration",
    "apiextensions",
    "apiregistration",
    "authentication",
    "authorization",
    "certificates",
    "coordination",
    "discovery",
    "events",
    "flowcontrol.apiserver",
    "internal.apiserver",
    "networking",
    "node",
    "rbac.authorization",
    "resource",
    "scheduling",
    "storage",
    "storagemigration",
];

/// How far the cluster's clock may be off ours where a container that ran before we looked is taken for settled.
pub const CLOCK_SKEW: std::time::Duration = std::time::Duration::from_secs(60);

/// Whether an API group is one of Kubernetes itself: no dot, or one of [`BUILT_IN`].
pub fn is_built_in(group: &str) -> bool {
    !group.contains('.') || group.strip_suffix(".k8s.io").is_some_and(|own| BUILT_IN.contains(&own))
}

/// What a container's waiting reason means; `None` if it is no bad sign.
pub fn waiting(reason: &str) -> Option<Waiting> {
    WAITING.iter().find(|(word, _)| *word == reason).map(|(_, means)| *means)
}

/// What a container's termination reason says.
pub fn ended(reason: &str) -> Ended {
    ENDED.iter().find(|(word, _)| *word == reason).map_or(Ended::Exit, |(_, means)| *means)
}

/// Why a pull of `image` failed, by the message of its error.
pub fn pull_error(message: &str, image: &str) -> PullError {
    // An image may be called `timeout`.
    let message = if image.is_empty() { message.to_owned() } else { message.replace(image, "") };
    let message = message.to_lowercase();
    PULL_ERRORS
        .iter()
        .find(|(phrase, _)| message.contains(phrase))
        .map_or(PullError::Transient, |(_, error)| *error)
}

/// The object that `message` calls missing, as in `configmap "app" not found` or
/// `couldn't find key url in Secret shop/db`.
pub fn missing(message: &str) -> Option<Missing> {
    if let Some((_, rest)) = message.split_once(MISSING_KEY) {
        let (key, rest) = rest.split_once(" in ")?;
        let (kind, path) = rest.split_once(' ')?;
        let kind = REFERENCES.iter().find(|(_, name)| *name == kind)?.1;
        let name = path.split(' ').next()?.rsplit('/').next()?;
        return Some(Missing { kind, name: name.into(), key: Some(key.into()) });
    }
    REFERENCES.iter().find_map(|(word, kind)| {
        let (_, rest) = message.split_once(word)?;
        let (name, rest) = rest.split_once('"')?;
        rest.starts_with(NOT_FOUND).then(|| Missing { kind, name: name.into(), key: None })
    })
}

/// The key that `message` calls missing in the object behind a volume, as in `references non-existent secret key: url`.
pub fn missing_key(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(NON_EXISTENT)?;
    let (_, key) = rest.split_once(NON_EXISTENT_KEY)?;
    key.split([' ', ',']).next()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_errors_of_every_runtime() {
        use PullError::{Invalid, NotFound, Transient};
        let check = |message: &str, error: PullError| {
            assert_eq!(pull_error(message, "shop/timeout:v1"), error, "{message}");
        };
        // containerd
        check(
            "rpc error: code = NotFound desc = failed to pull and unpack image \"shop/timeout:v1\": failed to resolve reference \"shop/timeout:v1\": shop/timeout:v1: not found",
            NotFound,
        );
        check(
            "failed to pull and unpack image \"shop/timeout:v1\": no match for platform in manifest: not found",
            NotFound,
        );
        check(
            "failed to resolve reference: pull access denied, repository does not exist or may require authorization: server message: insufficient_scope: authorization failed",
            NotFound,
        );
        check(
            "failed to do request: Head \"http://127.0.0.1:5999/v2/api/manifests/v1\": dial tcp 127.0.0.1:5999: connect: connection refused",
            Transient,
        );
        check(
            "failed to do request: Head \"https://r.example/v2\": dial tcp: lookup r.example: no such host",
            Transient,
        );
        check("unexpected status code [manifests v1]: 503 Service Unavailable", Transient);
        check("failed to authorize: failed to fetch anonymous token: 403 Forbidden", Transient);
        check("unexpected status code https://r.example: 401 Unauthorized", Transient);
        check("429 Too Many Requests - toomanyrequests: You have reached your pull rate limit", Transient);
        check("tls: failed to verify certificate: x509: certificate signed by unknown authority", Transient);
        // CRI-O
        check(
            "initializing source docker://r.example/shop/timeout:v1: reading manifest v1 in r.example/shop: manifest unknown",
            NotFound,
        );
        check(
            "(Mirrors also failed: [m: connection refused]): reading manifest v1: manifest unknown",
            Transient,
        );
        check("requested access to the resource is denied", Transient);
        // Docker
        check(
            "Error response from daemon: manifest for shop/timeout:v1 not found: manifest unknown: manifest unknown",
            NotFound,
        );
        check("repository name not known to registry", NotFound);
        check(
            "couldn't parse image name \"A:v1\": invalid reference format: repository name must be lowercase",
            Invalid,
        );
        check("something new", Transient);
        check("", Transient);
    }

    #[test]
    fn missing_objects_and_keys() {
        let check = |message: &str, expect: Option<(&str, &str, Option<&str>)>| {
            let found = missing(message);
            let found = found.as_ref().map(|found| (found.kind, found.name.as_str(), found.key.as_deref()));
            assert_eq!(found, expect, "{message}");
        };
        check("configmap \"nope\" not found", Some(("ConfigMap", "nope", None)));
        check("Error: secret \"db\" not found", Some(("Secret", "db", None)));
        check(
            "MountVolume.SetUp failed for volume \"cfg\" : configmap \"nope\" not found",
            Some(("ConfigMap", "nope", None)),
        );
        check("couldn't find key url in Secret shop/db", Some(("Secret", "db", Some("url"))));
        check("couldn't find key url in Thing shop/db", None);
        check(
            "error looking up service account shop/api: serviceaccount \"api\" not found",
            Some(("ServiceAccount", "api", None)),
        );
        check("object \"shop\"/\"kube-root-ca.crt\" not registered", None);
        check("configmap \"unfinished", None);
        check("couldn't find key ", None);
        assert_eq!(
            missing_key("failed for volume \"c\" : references non-existent secret key: url"),
            Some("url")
        );
        assert_eq!(missing_key("references non-existent config key: a.b, more"), Some("a.b"));
        assert_eq!(missing_key("references non-existent"), None);
    }
}
