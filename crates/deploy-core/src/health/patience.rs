//! When a bad sign is hopeless.

use std::time::Duration;

/// How long, or how often, a bad sign is borne before the rollout is called failed.
///
/// Every wait is counted from the moment at which the sign was first *seen*, never from a timestamp of the cluster.
///
/// ```
/// use deploy_core::health::Patience;
/// use std::time::Duration;
///
/// let patience = Patience::default().with_settling(Duration::from_secs(10)).with_container_ends(4);
/// assert_eq!(patience.unschedulable, Duration::from_secs(30));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Patience {
    /// An image that the registry does not have, or whose reference is invalid. Default: none, it fails at once.
    pub image_not_found: Duration,
    /// Failed attempts at pulling an image for any other cause (registry down, rate limit, credentials). Default: 3.
    pub pull_attempts: u32,
    /// The same, as time: whichever comes first. Default: 60 s.
    pub pull: Duration,
    /// Ends of a container that must run (any exit code) or of an init container (exit code not 0). Default: 2.
    ///
    /// The containers of a Job are excepted: the Job's own `backoffLimit` decides.
    pub container_ends: u32,
    /// A container that the runtime cannot create or start (a bad command, mostly). Default: 10 s.
    pub container_start: Duration,
    /// A ConfigMap or Secret, or a key of one, that a container or a volume needs and that is missing. Default: 5 s.
    pub missing_reference: Duration,
    /// A pod that fits on no node, or waits for a volume; not while an autoscaler says that a node is on its way.
    /// Default: 30 s.
    pub unschedulable: Duration,
    /// Pods that a ResourceQuota forbids. Default: 2 s.
    pub quota: Duration,
    /// Pods that admission (PodSecurity, a policy, a LimitRange) forbids. Default: 10 s.
    pub admission: Duration,
    /// Pods that cannot be created because an admission webhook does not answer; it may be starting. Default: 60 s.
    pub webhook: Duration,
    /// How long a container without a readiness probe must be seen running before it counts; a restart starts
    /// it anew. Default: 3 s.
    pub settling: Duration,
    /// Where some new pods are hopeless and others are not: how long without any progress (a new pod, one more
    /// pod ready) until the rollout is. Default: 30 s.
    pub stalled: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            image_not_found: Duration::ZERO,
            pull_attempts: 3,
            pull: Duration::from_secs(60),
            container_ends: 2,
            container_start: Duration::from_secs(10),
            missing_reference: Duration::from_secs(5),
            unschedulable: Duration::from_secs(30),
            quota: Duration::from_secs(2),
            admission: Duration::from_secs(10),
            webhook: Duration::from_secs(60),
            settling: Duration::from_secs(3),
            stalled: Duration::from_secs(30),
        }
    }
}

macro_rules! setters {
    ($($setter:ident => $field:ident: $type:ty),* $(,)?) => {
        impl Patience {
            $(
                #[doc = concat!("The same with [`", stringify!($field), "`](Self::", stringify!($field), ") set.")]
                #[must_use]
                pub fn $setter(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    with_image_not_found => image_not_found: Duration,
    with_pull_attempts => pull_attempts: u32,
    with_pull => pull: Duration,
    with_container_ends => container_ends: u32,
    with_container_start => container_start: Duration,
    with_missing_reference => missing_reference: Duration,
    with_unschedulable => unschedulable: Duration,
    with_quota => quota: Duration,
    with_admission => admission: Duration,
    with_webhook => webhook: Duration,
    with_settling => settling: Duration,
    with_stalled => stalled: Duration,
}
