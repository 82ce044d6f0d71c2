//! From events to lanes.

use std::fmt::Write;
use std::time::Duration;

use super::sample::rollout;
use crate::event::{Event, EventKind};
use crate::health::{Failure, PodPhase, Reason};
use crate::manifest::ObjectId;
use crate::outcome::{Outcome, Status};
use crate::plan::Action;
use crate::report::lanes::Chart;

fn api() -> ObjectId {
    ObjectId::new("apps", "Deployment", Some("shop"), "api")
}

fn applied(action: Action) -> EventKind {
    EventKind::Applied { object: api(), action }
}

fn restored(action: Action) -> EventKind {
    EventKind::Restored { object: api(), action }
}

fn progress(message: &str) -> EventKind {
    EventKind::Progress { object: api(), message: message.into() }
}

fn healthy() -> EventKind {
    EventKind::Healthy { object: api() }
}

fn pod(phase: PodPhase, reason: Option<&str>) -> EventKind {
    EventKind::Pod { object: api(), pod: "api-x".into(), phase, reason: reason.map(str::to_owned) }
}

fn hopeless(pod: Option<&str>) -> EventKind {
    let failure = Failure::new(Reason::Stalled, api(), "");
    let failure = pod.into_iter().fold(failure, Failure::on_pod);
    EventKind::Hopeless { failure }
}

/// The events a second apart, from the first second on, in a run of ten seconds.
fn outcome(status: Status, events: Vec<EventKind>) -> Outcome {
    let outcome = rollout(1, 1, 1);
    let at = |index: usize| outcome.started + Duration::from_secs(index as u64 + 1);
    let timeline = events.into_iter().enumerate().map(|(index, kind)| Event { at: at(index), kind });
    let timeline = timeline.collect();
    Outcome { status, took: Duration::from_secs(10), timeline, ..outcome }
}

/// `api: created@1 rolling out 1-3 (note)`, a line for each lane.
fn drawn(lanes: &Chart) -> Vec<String> {
    let lane = |lane: &crate::report::lanes::Lane| {
        let mut line = format!("{}:", lane.pod.as_ref().unwrap_or(&lane.object.name));
        for write in &lane.writes {
            let _ = write!(line, " {}@{}", write.what, write.at.as_secs());
        }
        for bar in &lane.bars {
            let _ = write!(line, " {} {}-{}", bar.phase.word(), bar.from.as_secs(), bar.to.as_secs());
            if !bar.note.is_empty() {
                let _ = write!(line, " ({})", bar.note);
            }
        }
        line
    };
    lanes.lanes.iter().map(lane).collect()
}

#[test]
fn lanes_grow_from_events() {
    let check = |events: Vec<EventKind>, expect: &[&str]| {
        assert_eq!(drawn(&Chart::of(&outcome(Status::RolledBack, events))), expect);
    };
    check(vec![], &[]);
    check(vec![applied(Action::Unchanged)], &[]);
    // Nobody waits for a ConfigMap.
    check(vec![applied(Action::Create)], &["api: created@1"]);
    check(
        vec![applied(Action::Create), progress("0 of 1"), progress("1 of 1"), healthy()],
        &["api: created@1 rolling out 1-4 (1 of 1) healthy 4-10"],
    );
    check(
        vec![applied(Action::Delete), progress("being deleted"), EventKind::Gone { object: api() }],
        &["api: deleted@1 being deleted 1-3 (being deleted)"],
    );
    check(
        vec![
            applied(Action::Update),
            pod(PodPhase::Pending, None),
            pod(PodPhase::Starting, None),
            pod(PodPhase::Failing, Some("ErrImagePull")),
            pod(PodPhase::Failing, Some("ImagePullBackOff")),
            hopeless(Some("api-x")),
            restored(Action::Update),
            pod(PodPhase::Terminating, None),
            pod(PodPhase::Gone, None),
        ],
        &[
            "api: changed@1 restored@7 rolling out 1-6 failed 6-7 (pod api-x is stalled) being restored 7-10",
            "api-x: pending 2-3 starting 3-4 failing 4-8 (ImagePullBackOff) terminating 8-9",
        ],
    );
    // The verdict comes before the pod's status.
    check(
        vec![pod(PodPhase::Starting, None), hopeless(Some("api-x")), pod(PodPhase::Gone, None)],
        &["api: failed 2-10 (pod api-x is stalled)", "api-x: starting 1-2 failing 2-3 (Stalled)"],
    );
    check(
        vec![applied(Action::Create), hopeless(None), restored(Action::Delete), EventKind::RolledBack],
        &[
            "api: created@1 deleted@3 rolling out 1-2 failed 2-3 (Deployment shop/api is stalled) being deleted 3-4",
        ],
    );
    check(
        vec![
            progress("0 of 1"),
            EventKind::TimedOut { waiting: vec![api()] },
            restored(Action::Update),
            EventKind::RolledBack,
        ],
        &["api: restored@3 rolling out 1-2 (0 of 1) failed 2-3 (timed out) being restored 3-4 healthy 4-10"],
    );
}

#[test]
fn a_clock_set_back_draws_nothing_backwards() {
    let mut outcome = outcome(Status::Healthy, vec![applied(Action::Create), progress("x"), healthy()]);
    outcome.timeline[1].at = outcome.started - Duration::from_secs(60);
    outcome.timeline[2].at = outcome.started;
    assert_eq!(drawn(&Chart::of(&outcome)), ["api: created@1 healthy 1-10"]);
}

#[test]
fn the_first_of_each_mark_counts() {
    let check = |status, events: Vec<EventKind>, expect: &[(&str, u64)]| {
        let marks = Chart::of(&outcome(status, events)).marks;
        let marks: Vec<_> = marks.iter().map(|mark| (mark.label, mark.at.as_secs())).collect();
        assert_eq!(marks, expect);
    };
    let planned = EventKind::Planned { create: 1, update: 0, unchanged: 0, delete: 0 };
    check(
        Status::Healthy,
        vec![planned.clone(), applied(Action::Create), applied(Action::Create), healthy(), healthy()],
        &[("planned", 1), ("first write", 2), ("healthy", 5), ("done", 10)],
    );
    check(
        Status::RolledBack,
        vec![
            hopeless(None),
            hopeless(None),
            EventKind::RollingBack { cause: String::new() },
            EventKind::RolledBack,
        ],
        &[("failed", 1), ("rolling back", 3), ("old state is back", 4), ("done", 10)],
    );
}

#[test]
fn what_failed_stays_longest() {
    let lanes = Chart::of(&rollout(5, 2, 1));
    assert_eq!(lanes.lanes.len(), 15);
    let check = |max, expect: &[&str], hidden| {
        let (kept, rest) = lanes.most(max);
        let names: Vec<&str> =
            kept.iter().map(|lane| lane.pod.as_deref().unwrap_or(&lane.object.name)).collect();
        assert_eq!((names.as_slice(), rest), (expect, hidden));
    };
    check(0, &[], 15);
    check(2, &["api-4", "api-4-7bc9b8bf6f-lnsx0"], 13);
    check(4, &["api-0", "api-1", "api-4", "api-4-7bc9b8bf6f-lnsx0"], 11);
    assert_eq!(lanes.most(100).0.len(), 15);
}
