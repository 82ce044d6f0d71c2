//! The timeline of an outcome as lanes and marks: what the Gantt chart and the HTML timeline draw.

use std::time::Duration;

use super::text;
use crate::event::EventKind;
use crate::health::PodPhase;
use crate::manifest::ObjectId;
use crate::outcome::{Outcome, Status};
use crate::plan::Action;

/// What happened, ready to be drawn. Times are since the run began.
#[derive(Debug)]
pub(super) struct Chart {
    pub(super) total: Duration,
    /// Objects in the order of their first event, each followed by its pods.
    pub(super) lanes: Vec<Lane>,
    pub(super) marks: Vec<Mark>,
}

/// What is known of one object, or of one of its pods.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) object: ObjectId,
    pub(super) pod: Option<String>,
    /// In their order, without overlap; there may be gaps.
    pub(super) bars: Vec<Bar>,
    /// Writes.
    pub(super) writes: Vec<Write>,
    open: bool,
    /// Whether anything was heard of it but that it was written.
    followed: bool,
}

/// A time in one phase.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Bar {
    pub(super) from: Duration,
    pub(super) to: Duration,
    pub(super) phase: Phase,
    /// What is known beside it: a pod's reason, an object's progress or failure.
    pub(super) note: String,
}

/// A moment at which an object was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Write {
    pub(super) at: Duration,
    /// As in `created`, `restored`.
    pub(super) what: &'static str,
}

/// A moment of the run.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) at: Duration,
    pub(super) label: &'static str,
    pub(super) tone: Tone,
}

/// What something means to its reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    Plain,
    Good,
    Warn,
    Bad,
}

/// A pod's phase, or an object's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Pod(PodPhase),
    RollingOut,
    Healthy,
    Failed,
    Restoring,
    Deleting,
}

impl Phase {
    pub(super) fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Pod(PodPhase::Failing))
    }

    /// In a word or two.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::RollingOut => "rolling out",
            Self::Healthy => "healthy",
            Self::Failed => "failed",
            Self::Restoring => "being restored",
            Self::Deleting => "being deleted",
            Self::Pod(PodPhase::Pending) => "pending",
            Self::Pod(PodPhase::Starting) => "starting",
            Self::Pod(PodPhase::Running) => "not ready",
            Self::Pod(PodPhase::Ready) => "ready",
            Self::Pod(PodPhase::Failing) => "failing",
            Self::Pod(PodPhase::Succeeded) => "succeeded",
            Self::Pod(PodPhase::Terminating) => "terminating",
            Self::Pod(PodPhase::Gone) => "gone",
        }
    }
}

impl Chart {
    pub(super) fn of(outcome: &Outcome) -> Self {
        let since = |event: &crate::event::Event| event.at.since(outcome.started);
        let last = outcome.timeline.iter().map(since).max().unwrap_or_default();
        let mut this = Self { total: outcome.took.max(last), lanes: Vec::new(), marks: Vec::new() };
        let mut now = Duration::ZERO;
        for event in &outcome.timeline {
            // A clock that was set back must not draw a bar that ends before it begins.
            now = now.max(since(event));
            this.take(&event.kind, now);
        }
        let healthy = |event: &&crate::event::Event| matches!(event.kind, EventKind::Healthy { .. });
        if matches!(outcome.status, Status::Healthy | Status::Incomplete)
            && let Some(event) = outcome.timeline.iter().rfind(healthy)
        {
            this.mark(since(event), "healthy", Tone::Good);
        }
        let total = this.total;
        this.mark(total, "done", Tone::Plain);
        this.marks.sort_by_key(|mark| mark.at);
        for lane in &mut this.lanes {
            lane.finish(total);
        }
        this.lanes.retain(|lane| !lane.bars.is_empty() || !lane.writes.is_empty());
        this
    }

    /// At most `max` lanes, in order, and how many were left out. What failed stays longest, then objects, then the first pods.
    pub(super) fn most(&self, max: usize) -> (Vec<&Lane>, usize) {
        let mut ranked: Vec<(usize, &Lane)> = self.lanes.iter().enumerate().collect();
        ranked.sort_by_key(|(_, lane)| (!lane.is_bad(), lane.pod.is_some(), lane.bars.is_empty()));
        ranked.truncate(max);
        ranked.sort_by_key(|(index, _)| *index);
        let kept: Vec<&Lane> = ranked.into_iter().map(|(_, lane)| lane).collect();
        let hidden = self.lanes.len() - kept.len();
        (kept, hidden)
    }

    fn take(&mut self, event: &EventKind, at: Duration) {
        match event {
            EventKind::Planned { .. } => self.mark(at, "planned", Tone::Plain),
            EventKind::Applied { object, action } if *action != Action::Unchanged => {
                self.mark(at, "first write", Tone::Plain);
                let lane = self.lane(object, None);
                lane.writes.push(Write { at, what: action.past() });
                let phase = if *action == Action::Delete { Phase::Deleting } else { Phase::RollingOut };
                lane.enter(at, phase, "");
            }
            EventKind::Progress { object, message } => {
                let lane = self.lane(object, None);
                lane.followed = true;
                let phase = match lane.phase() {
                    Some(phase @ (Phase::Restoring | Phase::Deleting)) => phase,
                    _ => Phase::RollingOut,
                };
                lane.enter(at, phase, message);
            }
            EventKind::Pod { object, pod, phase: PodPhase::Gone, .. } => self.lane(object, Some(pod)).end(at),
            EventKind::Pod { object, pod, phase, reason } => {
                let lane = self.lane(object, Some(pod));
                lane.followed = true;
                lane.enter(at, Phase::Pod(*phase), reason.as_deref().unwrap_or_default());
            }
            EventKind::Healthy { object } => {
                let lane = self.lane(object, None);
                lane.followed = true;
                lane.enter(at, Phase::Healthy, "");
            }
            EventKind::Gone { object } => {
                let lane = self.lane(object, None);
                lane.followed = true;
                lane.end(at);
            }
            EventKind::Hopeless { failure } => {
                self.mark(at, "failed", Tone::Bad);
                let lane = self.lane(&failure.object, None);
                lane.followed = true;
                lane.enter(at, Phase::Failed, &failure.to_string());
                // An Event may say it before the pod's status does.
                if let Some(pod) = &failure.pod {
                    let lane = self.lane(&failure.object, Some(pod));
                    lane.followed = true;
                    if lane.phase() != Some(Phase::Pod(PodPhase::Failing)) {
                        lane.enter(at, Phase::Pod(PodPhase::Failing), failure.reason.name());
                    }
                }
            }
            EventKind::TimedOut { waiting } => {
                self.mark(at, "timed out", Tone::Bad);
                for object in waiting {
                    let lane = self.lane(object, None);
                    lane.followed = true;
                    lane.enter(at, Phase::Failed, "timed out");
                }
            }
            EventKind::Cancelled => self.mark(at, "cancelled", Tone::Warn),
            EventKind::RollingBack { .. } => self.mark(at, "rolling back", Tone::Warn),
            EventKind::Restored { object, action } if *action != Action::Unchanged => {
                let deleted = *action == Action::Delete;
                let lane = self.lane(object, None);
                lane.writes.push(Write { at, what: if deleted { "deleted" } else { "restored" } });
                lane.enter(at, if deleted { Phase::Deleting } else { Phase::Restoring }, "");
            }
            EventKind::RolledBack => {
                self.mark(at, "old state is back", Tone::Good);
                for lane in &mut self.lanes {
                    match lane.phase() {
                        Some(Phase::Restoring) => lane.enter(at, Phase::Healthy, ""),
                        Some(Phase::Deleting) => lane.end(at),
                        _ => {}
                    }
                }
            }
            EventKind::RollbackFailed { .. } => self.mark(at, "way back failed", Tone::Bad),
            _ => {}
        }
    }

    /// The first of each kind counts.
    fn mark(&mut self, at: Duration, label: &'static str, tone: Tone) {
        if !self.marks.iter().any(|mark| mark.label == label) {
            self.marks.push(Mark { at, label, tone });
        }
    }

    fn lane(&mut self, object: &ObjectId, pod: Option<&str>) -> &mut Lane {
        let known = self.lanes.iter().position(|lane| lane.object == *object && lane.pod.as_deref() == pod);
        let index = known.unwrap_or_else(|| {
            let is_its = |lane: &Lane| lane.object == *object;
            // An object stands above its pods, whichever was heard of first.
            let place = match pod {
                None => self.lanes.iter().position(is_its),
                Some(_) => self.lanes.iter().rposition(is_its).map(|last| last + 1),
            };
            let index = place.unwrap_or(self.lanes.len());
            self.lanes.insert(index, Lane::new(object.clone(), pod.map(str::to_owned)));
            index
        });
        &mut self.lanes[index]
    }
}

impl Lane {
    fn new(object: ObjectId, pod: Option<String>) -> Self {
        Self { object, pod, bars: Vec::new(), writes: Vec::new(), open: false, followed: false }
    }

    pub(super) fn is_bad(&self) -> bool {
        self.bars.iter().any(|bar| bar.phase.is_bad())
    }

    fn phase(&self) -> Option<Phase> {
        self.bars.last().filter(|_| self.open).map(|bar| bar.phase)
    }

    /// The same phase goes on, with the newer note.
    fn enter(&mut self, at: Duration, phase: Phase, note: &str) {
        let note = text::line(note);
        if self.phase() == Some(phase) {
            if let Some(bar) = self.bars.last_mut().filter(|_| !note.is_empty()) {
                bar.note = note;
            }
            return;
        }
        self.end(at);
        self.bars.push(Bar { from: at, to: at, phase, note });
        self.open = true;
    }

    /// A bar that took no time goes.
    fn end(&mut self, at: Duration) {
        if !std::mem::take(&mut self.open) {
            return;
        }
        if let Some(bar) = self.bars.last_mut() {
            bar.to = at;
        }
        self.bars.pop_if(|bar| bar.from == bar.to);
    }

    fn finish(&mut self, total: Duration) {
        if !self.followed {
            // A ConfigMap is as wanted once it is written: nobody waits for it.
            self.bars.clear();
        } else if self.open
            && let Some(bar) = self.bars.last_mut()
        {
            bar.to = total;
        }
        self.open = false;
    }
}
