//! The new pods of a workload together: when is one bad pod a failed rollout.

use super::{Finding, PodCase, PodReport, examine};
use crate::clock::Timestamp;
use crate::health::Failure;
use crate::health::judge::Case;
use crate::health::world::Seen;

/// The new pods of a workload; pods that ended for good (evicted, say) are replaced by their controller and do not
/// count. The rule stands in the documentation of [`health`](crate::health).
pub(in crate::health) struct Fleet<'a> {
    live: Vec<PodReport<'a>>,
    over: Vec<PodReport<'a>>,
    now: Timestamp,
    /// When some hopeless pods are failure, should nothing more happen.
    stalled_at: Option<Timestamp>,
}

impl<'a> Fleet<'a> {
    /// Examines `pods`; `judge_exits` says whether the ends of their containers are ours to judge.
    pub(in crate::health) fn new(case: &'a Case<'a>, pods: &[&'a Seen], judge_exits: bool) -> Self {
        let reports = pods.iter().map(|seen| examine(PodCase::new(case, seen, judge_exits)));
        let (over, live) = reports.partition::<Vec<_>, _>(|pod| pod.is_over);
        let progress = pods.iter().flat_map(|seen| [Some(seen.first), seen.pod.first_ready]).flatten().max();
        let stalled_at = progress.map(|progress| progress + case.patience.stalled);
        Self { live, over, now: case.now, stalled_at }
    }

    /// How many pods are not over.
    pub(in crate::health) fn len(&self) -> i64 {
        i64::try_from(self.live.len()).unwrap_or(i64::MAX)
    }

    /// How many pods are ready, and will stay so as far as can be seen.
    pub(in crate::health) fn good(&self) -> i64 {
        let good = self.live.iter().filter(|pod| pod.good_at.is_some_and(|at| at <= self.now)).count();
        i64::try_from(good).unwrap_or(i64::MAX)
    }

    /// Why the rollout is hopeless; `blocked_at` hopeless pods block it, where the controller goes in order.
    pub(in crate::health) fn hopeless(&self, blocked_at: Option<i64>) -> Option<Failure> {
        let hopeless: Vec<(&PodReport<'a>, &Finding)> = self.hopeless_pods().collect();
        let in_template = hopeless.iter().find(|(pod, finding)| {
            let container = finding.failure.container.as_deref();
            let elsewhere = |other: &PodReport<'a>| match container {
                Some(container) => other.started.contains(&container),
                None => !other.started.is_empty(),
            };
            finding.shared && !self.live.iter().any(|other| !std::ptr::eq(other, *pod) && elsewhere(other))
        });
        if let Some((_, finding)) = in_template {
            return Some(finding.failure.clone());
        }
        let all = hopeless.len() == self.live.len();
        let blocked =
            blocked_at.is_some_and(|at| i64::try_from(hopeless.len()).is_ok_and(|count| count >= at.max(1)));
        let stalled = self.stalled_at.is_some_and(|at| at <= self.now);
        let (_, first) = hopeless.first().filter(|_| all || blocked || stalled)?;
        Some(first.failure.clone())
    }

    /// What the rollout most likely waits for.
    pub(in crate::health) fn suspect(&self) -> Option<Failure> {
        let findings = self.live.iter().chain(&self.over).filter_map(|pod| pod.finding.as_ref());
        let pressing = findings.min_by_key(|finding| (finding.hopeless_at.is_none(), finding.hopeless_at))?;
        Some(pressing.failure.clone())
    }

    /// When the answers above can change although nothing new is seen.
    pub(in crate::health) fn look_again(&self) -> Option<Timestamp> {
        let stalled_at = self.stalled_at.filter(|_| self.hopeless_pods().next().is_some());
        let pods = self.live.iter().flat_map(|pod| {
            [pod.good_at, pod.finding.as_ref().and_then(|finding| finding.hopeless_at)].into_iter().flatten()
        });
        pods.chain(stalled_at).filter(|moment| *moment > self.now).min()
    }

    fn hopeless_pods(&self) -> impl Iterator<Item = (&PodReport<'a>, &Finding)> {
        self.live.iter().filter_map(|pod| {
            let finding = pod.finding.as_ref().filter(|finding| finding.is_hopeless(self.now))?;
            Some((pod, finding))
        })
    }
}
