//! What must be remembered of a pod's containers from one status to the next.

use std::collections::BTreeMap;

use serde_json::Value;

use super::read::Read;
use super::signs::{Waiting, waiting};
use crate::clock::Timestamp;

/// The most containers of one pod that are looked at.
pub(super) const MAX_CONTAINERS: usize = 128;

#[derive(Clone, Debug, Default)]
pub(super) struct PodTrack {
    /// When it was first seen ready.
    pub(super) first_ready: Option<Timestamp>,
    containers: BTreeMap<String, ContainerTrack>,
}

impl PodTrack {
    pub(super) fn update(&mut self, pod: &impl Read, now: Timestamp) {
        for list in ["/status/initContainerStatuses", "/status/containerStatuses"] {
            for status in pod.items(list).take(MAX_CONTAINERS) {
                let Some(name) = status.text("/name") else { continue };
                if let Some(track) = self.containers.get_mut(name) {
                    track.update(status, now);
                } else if self.containers.len() < MAX_CONTAINERS {
                    self.containers.insert(name.to_owned(), ContainerTrack::new(status, now));
                }
            }
        }
        let ready =
            |item: &Value| item.text("/type") == Some("Ready") && item.text("/status") == Some("True");
        if self.first_ready.is_none() && pod.items("/status/conditions").any(ready) {
            self.first_ready = Some(now);
        }
    }

    pub(super) fn container(&self, name: &str) -> Option<&ContainerTrack> {
        self.containers.get(name)
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct ContainerTrack {
    /// Restarts from before we looked, which are not held against it.
    baseline: i64,
    restarts: i64,
    /// The run that goes on.
    pub(super) run: Option<Run>,
    /// When it was last seen running or ended: what was said before is of an earlier run.
    pub(super) last_up: Option<Timestamp>,
    /// The bad sign that it shows.
    pub(super) sign: Option<Sign>,
    down: bool,
    backing_off: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Run {
    key: String,
    pub(super) seen: Timestamp,
    /// When it started by the cluster's clock, known only if it ran already when we first looked.
    pub(super) started_before: Option<Timestamp>,
}

/// A waiting reason's meaning, from when it was first seen: `ErrImagePull` and `ImagePullBackOff` are one sign.
#[derive(Clone, Debug)]
pub(super) struct Sign {
    pub(super) means: Waiting,
    pub(super) since: Timestamp,
    /// When the waiting reason last changed.
    pub(super) changed: Timestamp,
    /// How often it turned to `ErrImagePull`.
    pub(super) pulls: u32,
    reason: String,
}

impl ContainerTrack {
    fn new(status: &Value, now: Timestamp) -> Self {
        let mut track = Self::default();
        track.update(status, now);
        if !track.down {
            track.baseline = track.restarts;
        }
        if let Some(run) = &mut track.run {
            run.started_before = status.time("/state/running/startedAt");
        }
        track
    }

    fn update(&mut self, status: &Value, now: Timestamp) {
        let reason = status.text("/state/waiting/reason").unwrap_or_default();
        let means = waiting(reason);
        let running = status.has("/state/running");
        let ended = status.has("/state/terminated");
        self.restarts = status.count("/restartCount");
        self.baseline = self.baseline.min(self.restarts);
        self.backing_off = means == Some(Waiting::CrashLoop);
        // Waiting after an end, the last run's end stands in `lastState` and is not counted in `restartCount` yet.
        self.down = ended || (status.has("/state/waiting") && status.has("/lastState/terminated"));
        if running || ended {
            self.last_up = Some(now);
        }
        self.run = running.then(|| {
            let id = status.text("/containerID").or_else(|| status.text("/state/running/startedAt"));
            let key = format!("{} {}", self.restarts, id.unwrap_or_default());
            match self.run.take().filter(|run| run.key == key) {
                Some(run) => run,
                None => Run { key, seen: now, started_before: None },
            }
        });
        self.sign = means.map(|means| Sign::next(self.sign.take(), means, reason, now));
    }

    /// How often it was seen to end.
    pub(super) fn ends(&self) -> u32 {
        let ends = self.restarts - self.baseline + i64::from(self.down);
        let ends = u32::try_from(ends).unwrap_or(u32::MAX);
        // The kubelet backs off only after a second end within ten minutes, whatever we saw of it.
        if self.backing_off { ends.max(2) } else { ends }
    }
}

impl Sign {
    fn next(previous: Option<Self>, means: Waiting, reason: &str, now: Timestamp) -> Self {
        let pulls = u32::from(reason == "ErrImagePull");
        match previous.filter(|sign| sign.means == means) {
            None => Self { means, since: now, changed: now, pulls, reason: reason.to_owned() },
            Some(sign) if sign.reason == reason => sign,
            Some(sign) => {
                let pulls = sign.pulls.saturating_add(pulls);
                Self { changed: now, pulls, reason: reason.to_owned(), ..sign }
            }
        }
    }
}
