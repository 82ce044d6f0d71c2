//! Outcomes of every size and with any text.

use std::time::Duration;

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind};
use crate::event::{Event, EventKind};
use crate::evidence::{ContainerEvidence, EventLine, PodEvidence};
use crate::health::{Failure, PodPhase, Reason};
use crate::manifest::ObjectId;
use crate::outcome::{Cause, ObjectOutcome, Outcome, RollbackReport, Status};
use crate::plan::{Action, Depth, FieldChange, Plan, Yielded};
use crate::run::DeploymentId;
use crate::target::{Left, Waiting};

fn outcome(status: Status) -> Outcome {
    let id = DeploymentId::from("20261121-075325-7f3a9c".to_owned());
    let plan = Plan::new(id, "sha256:0".into(), Depth::Fields, Vec::new(), Vec::new());
    let mut outcome = Outcome::of(&plan, status, "cluster kind-dev as ci".into());
    outcome.name = Some("shop".into());
    outcome.started = "2026-11-21T07:53:25Z".parse().unwrap();
    outcome
}

fn object(id: &ObjectId, action: Action) -> ObjectOutcome {
    ObjectOutcome {
        object: id.clone(),
        action,
        simulated: false,
        diff: Vec::new(),
        yielded: Vec::new(),
        unified: None,
    }
}

/// A rollout of `workloads` with `pods` each, the last of which fails, and `steps` words of progress each.
pub(super) fn rollout(workloads: u32, pods: u32, steps: u32) -> Outcome {
    let mut outcome = outcome(Status::RolledBack);
    let start = outcome.started;
    let mut now = 0;
    let mut say = |outcome: &mut Outcome, kind| {
        now += 20;
        outcome.timeline.push(Event { at: start + Duration::from_millis(now), kind });
    };
    let ids: Vec<ObjectId> = (0..workloads)
        .map(|n| ObjectId::new("apps", "Deployment", Some("shop"), format!("api-{n}")))
        .collect();
    for id in &ids {
        outcome.objects.push(object(id, Action::Update));
        say(&mut outcome, EventKind::Applied { object: id.clone(), action: Action::Update });
    }
    for (step, id) in (0..steps).flat_map(|step| ids.iter().map(move |id| (step, id))) {
        let message = format!("{step} of {steps} updated replicas are available");
        say(&mut outcome, EventKind::Progress { object: id.clone(), message });
    }
    let phases = [PodPhase::Pending, PodPhase::Starting, PodPhase::Running, PodPhase::Ready];
    for phase in phases {
        for (id, pod) in ids.iter().flat_map(|id| (0..pods).map(move |pod| (id, pod))) {
            let pod = format!("{}-7bc9b8bf6f-lnsx{pod}", id.name);
            say(&mut outcome, EventKind::Pod { object: id.clone(), pod, phase, reason: None });
        }
    }
    let (last, healthy) = ids.split_last().unwrap();
    for id in healthy {
        say(&mut outcome, EventKind::Healthy { object: id.clone() });
    }
    let failure = Failure::new(Reason::ContainerExit { code: 1, times: 2 }, last.clone(), "")
        .on_pod(format!("{}-7bc9b8bf6f-lnsx0", last.name))
        .in_container("api", false);
    say(&mut outcome, EventKind::Hopeless { failure: failure.clone() });
    outcome.cause = Some(Cause::Failed { failures: vec![failure] });
    say(&mut outcome, EventKind::RollingBack { cause: "it failed".into() });
    for id in &ids {
        say(&mut outcome, EventKind::Restored { object: id.clone(), action: Action::Update });
    }
    say(&mut outcome, EventKind::RolledBack);
    outcome.took = Duration::from_millis(now + 20);
    outcome
}

/// Every text of an outcome is one of `texts`.
pub(super) fn hostile(texts: &[String]) -> Outcome {
    let mut texts = texts.iter().cycle().cloned();
    let mut text = move || texts.next().unwrap_or_default();
    let mut outcome = outcome(Status::RollbackFailed);
    (outcome.name, outcome.git_revision) = (Some(text()), Some(text()));
    (outcome.target, outcome.bundle, outcome.deployment) = (text(), text(), DeploymentId::from(text()));
    let id = ObjectId::new(text(), text(), Some(&text()), text());
    let failure = Failure::new(Reason::Custom { cause: text() }, id.clone(), &text()).on_pod(text());
    let failure = failure.in_container(text(), false);
    let error = || Error::new(ErrorKind::Internal, "x");
    outcome.cause = Some(Cause::Failed { failures: vec![failure.clone()] });
    let waiting = Waiting { object: id.clone(), progress: text(), suspect: Some(failure.clone()) };
    outcome.rollback = Some(RollbackReport {
        left: vec![Left { object: id.clone(), error: error().on(text()).help(text()).source(text()) }],
        unhealthy: Some(Cause::TimedOut { waiting: vec![waiting] }),
        notes: vec![text()],
    });
    outcome.notes = vec![text(), text()];
    let mut changed = object(&id, Action::Update);
    changed.diff.push(FieldChange {
        path: format!(".containers[name=\"{}\"].image", text()),
        before: Some(text().into()),
        after: Some(text().into()),
    });
    let value = serde_json::json!({"name": text(), "image": text(), text(): [text()]});
    changed.diff.push(FieldChange { path: text(), before: None, after: Some(value) });
    changed.yielded.push(Yielded::new(text(), text()));
    changed.unified = Some(format!("{}\n{}", text(), text()));
    outcome.objects = vec![changed, object(&id, Action::Unchanged)];
    let mut pod = PodEvidence::new(text(), text(), text());
    let mut container = ContainerEvidence::new(text(), text(), text());
    (container.log, container.previous_log) = (vec![text(), text()], vec![text()]);
    pod.containers.push(container);
    outcome.evidence.pods.push(pod);
    outcome.evidence.events.push(EventLine {
        object: id.clone(),
        reason: text(),
        message: text(),
        count: -1,
    });
    outcome.evidence.gaps.push(text());
    let kinds = [
        EventKind::Applied { object: id.clone(), action: Action::Create },
        EventKind::Progress { object: id.clone(), message: text() },
        EventKind::Pod { object: id.clone(), pod: text(), phase: PodPhase::Failing, reason: Some(text()) },
        EventKind::Warning { message: text() },
        EventKind::Hopeless { failure },
        EventKind::RollingBack { cause: text() },
        EventKind::RollbackFailed { error: text() },
    ];
    // A clock that jumps about, too.
    let times = [5, 1, 9, 0, 86_400, 3, 40].map(Timestamp::from_unix_seconds);
    outcome.started = Timestamp::from_unix_seconds(2);
    outcome.timeline = kinds.into_iter().zip(times).map(|(kind, at)| Event { at, kind }).collect();
    outcome
}
