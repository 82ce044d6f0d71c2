//! One container of one pod: does it count, and what is wrong with it.

use serde_json::Value;

use super::{Finding, PodCase};
use crate::clock::Timestamp;
use crate::health::read::Read;
use crate::health::signs::{self, CLOCK_SKEW, Ended, Missing, PullError, Waiting};
use crate::health::track::{ContainerTrack, Sign};
use crate::health::{Failure, KubeEvent, Reason};

/// What is known of one container.
pub(super) struct Report<'a> {
    /// From when on it counts as healthy, if it goes on as it does.
    pub(super) good_at: Option<Timestamp>,
    /// What is wrong with it, the most pressing first.
    pub(super) findings: Vec<Finding>,
    /// Its name, if it was ever seen to run or to end.
    pub(super) started: Option<&'a str>,
}

pub(super) struct Container<'a> {
    pub(super) pod: PodCase<'a>,
    pub(super) name: &'a str,
    pub(super) spec: &'a Value,
    pub(super) status: Option<&'a Value>,
    pub(super) track: Option<&'a ContainerTrack>,
    pub(super) init: bool,
}

impl<'a> Container<'a> {
    pub(super) fn report(&self) -> Report<'a> {
        let good_at = self.good_at();
        let findings = if good_at.is_some_and(|good_at| good_at <= self.pod.case.now) {
            Vec::new()
        } else {
            [self.ending(), self.pulling(), self.waiting(), self.readiness()].into_iter().flatten().collect()
        };
        let started = self.track.and_then(|track| track.last_up).map(|_| self.name);
        Report { good_at, findings, started }
    }

    /// Whether it is meant to run for as long as the pod does.
    fn must_run(&self) -> bool {
        if self.init { self.spec.text("/restartPolicy") == Some("Always") } else { self.pod.must_run }
    }

    fn good_at(&self) -> Option<Timestamp> {
        let status = self.status?;
        if status.int("/state/terminated/exitCode") == Some(0) && !self.must_run() {
            return Some(self.pod.seen.first);
        }
        if !self.must_run() || !status.flag("/ready") {
            return None;
        }
        let run = self.track?.run.as_ref()?;
        if self.spec.has("/readinessProbe") {
            return Some(run.seen);
        }
        let settling = self.pod.case.patience.settling;
        let seen_settled = run.seen + settling;
        Some(
            run.started_before
                .map_or(seen_settled, |started| seen_settled.min(started + settling + CLOCK_SKEW)),
        )
    }

    /// It ended, and ending is not what it is for.
    fn ending(&self) -> Option<Finding> {
        let status = self.status?;
        let end = ["/state/terminated", "/lastState/terminated"].iter().find_map(|end| status.at(end))?;
        let code = i32::try_from(end.int("/exitCode").unwrap_or(0)).unwrap_or(i32::MAX);
        let times = self.track?.ends();
        if times == 0 || (code == 0 && !self.must_run()) {
            return None;
        }
        let (reason, words) = match signs::ended(end.text("/reason").unwrap_or_default()) {
            Ended::OutOfMemory => (Reason::OutOfMemory { times }, ""),
            Ended::Start => (Reason::ContainerStart, end.text("/message").unwrap_or_default()),
            // The container's own last words are not the cluster's: they come with the evidence.
            Ended::Exit => (Reason::ContainerExit { code, times }, ""),
        };
        let hopeless = self.pod.judge_exits && times >= self.pod.case.patience.container_ends.max(1);
        Some(self.finding(reason, words, hopeless.then_some(self.pod.seen.first)))
    }

    /// Its image cannot be pulled; the Event says so before the status does.
    fn pulling(&self) -> Option<Finding> {
        let sign = self.sign(Waiting::Pull);
        if self.is_up() || (sign.is_none() && self.track.is_some_and(|track| track.sign.is_some())) {
            return None;
        }
        let failed = self.last_event(|event| {
            event.reason == "Failed"
                && event.message.contains(signs::PULL_FAILED)
                && self.is_of_this_run(event)
        });
        let since =
            sign.map(|sign| sign.since).into_iter().chain(failed.map(|event| event.first_seen)).min()?;
        let latest =
            sign.map(|sign| sign.changed).into_iter().chain(failed.map(|event| event.last_seen)).max();
        if self
            .last_event(|event| event.reason == "Pulled")
            .is_some_and(|pulled| Some(pulled.last_seen) > latest)
        {
            return None;
        }
        let image = self.spec.text("/image").unwrap_or_default();
        let status = sign.and_then(|_| self.status?.text("/state/waiting/message")).unwrap_or_default();
        let event = failed.map(|event| event.message.as_str()).unwrap_or_default();
        // A status may say no more than `Back-off pulling image`.
        let error = |message| (signs::pull_error(message, image), message);
        let (error, words) = match (error(status), error(event)) {
            ((PullError::Transient, _), event) if event.0 != PullError::Transient => event,
            ((PullError::Transient, ""), event) => event,
            (status, _) => status,
        };
        let image = image.to_owned();
        let patience = self.pod.case.patience;
        let (reason, hopeless_at) = match error {
            PullError::NotFound => (Reason::ImageNotFound { image }, since + patience.image_not_found),
            PullError::Invalid => (Reason::ImageInvalid { image }, since + patience.image_not_found),
            PullError::Transient => {
                let begun = self
                    .last_event(|event| event.reason == "Pulling" && self.is_of_this_run(event))
                    .map_or(0, |event| event.count.saturating_sub(1));
                let attempts =
                    sign.map_or(0, |sign| sign.pulls).max(failed.map_or(0, |event| event.count)).max(begun);
                let spent = attempts >= patience.pull_attempts.max(1);
                let hopeless_at = if spent { since } else { since + patience.pull };
                (Reason::ImagePull { image, attempts: attempts.max(1) }, hopeless_at)
            }
        };
        let shared = error != PullError::Transient;
        Some(Finding { shared, ..self.finding(reason, words, Some(hopeless_at)) })
    }

    /// It waits for a reason that is not the pull of its image.
    fn waiting(&self) -> Option<Finding> {
        if self.is_up() {
            return None;
        }
        let patience = self.pod.case.patience;
        let image = || self.spec.text("/image").unwrap_or_default().to_owned();
        let words = self.status.and_then(|status| status.text("/state/waiting/message")).unwrap_or_default();
        let Some(sign) = self.track.and_then(|track| track.sign.as_ref()) else {
            return self.missing_by_event();
        };
        let (reason, hopeless_at, shared) = match sign.means {
            Waiting::InvalidImage => {
                (Reason::ImageInvalid { image: image() }, sign.since + patience.image_not_found, true)
            }
            // The node's own store decides, so that another node may have it.
            Waiting::NeverPull => {
                (Reason::ImageNotFound { image: image() }, sign.since + patience.image_not_found, false)
            }
            Waiting::Config => {
                let earlier = self.missing_by_event().and_then(|finding| finding.hopeless_at);
                let hopeless_at = sign.since + patience.missing_reference;
                let reason = signs::missing(words).map_or(Reason::ContainerStart, missing_reference);
                (reason, earlier.map_or(hopeless_at, |earlier| earlier.min(hopeless_at)), true)
            }
            Waiting::Start => (Reason::ContainerStart, sign.since + patience.container_start, false),
            Waiting::Pull | Waiting::CrashLoop => return None,
        };
        Some(Finding { shared, ..self.finding(reason, words, Some(hopeless_at)) })
    }

    /// `Error: configmap "app" not found`, before the status says so.
    fn missing_by_event(&self) -> Option<Finding> {
        let failed = self.last_event(|event| {
            event.reason == "Failed" && self.is_of_this_run(event) && signs::missing(&event.message).is_some()
        })?;
        if self
            .last_event(|event| event.reason == "Created")
            .is_some_and(|made| made.last_seen > failed.last_seen)
        {
            return None;
        }
        let missing = signs::missing(&failed.message)?;
        let hopeless_at = failed.first_seen + self.pod.case.patience.missing_reference;
        let finding = self.finding(missing_reference(missing), &failed.message, Some(hopeless_at));
        Some(Finding { shared: true, ..finding })
    }

    /// It runs, but its probe does not pass: that may change at any time.
    fn readiness(&self) -> Option<Finding> {
        let status = self.status?;
        if !self.must_run() || !status.has("/state/running") || status.flag("/ready") {
            return None;
        }
        let unhealthy = self.last_event(|event| event.reason == "Unhealthy" && event.warning);
        Some(self.finding(Reason::NotReady, unhealthy.map_or("", |event| &event.message), None))
    }

    fn is_up(&self) -> bool {
        self.status.is_some_and(|status| status.has("/state/running") || status.has("/state/terminated"))
    }

    fn sign(&self, means: Waiting) -> Option<&'a Sign> {
        self.track?.sign.as_ref().filter(|sign| sign.means == means)
    }

    fn last_event(&self, wanted: impl Fn(&KubeEvent) -> bool) -> Option<&'a KubeEvent> {
        self.pod
            .events
            .iter()
            .filter(|event| event.container.as_deref() == Some(self.name) && wanted(event))
            .max_by_key(|event| event.last_seen)
    }

    /// Whether the Event is not about a run of the container that came to its end.
    fn is_of_this_run(&self, event: &KubeEvent) -> bool {
        self.track.and_then(|track| track.last_up).is_none_or(|up| event.first_seen > up)
    }

    fn finding(&self, reason: Reason, words: &str, hopeless_at: Option<Timestamp>) -> Finding {
        let failure = Failure::new(reason, self.pod.case.id.clone(), words)
            .on_pod(self.pod.seen.object.name())
            .in_container(self.name, self.init);
        Finding { failure, hopeless_at, shared: false }
    }
}

pub(super) fn missing_reference(missing: Missing) -> Reason {
    Reason::MissingReference { kind: missing.kind.into(), name: missing.name, key: missing.key }
}
