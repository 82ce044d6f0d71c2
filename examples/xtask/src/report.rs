//! How a run ended, as a person reads it.

mod evidence;

use deploy_core::event::EventKind;
use deploy_core::outcome::{Cause, ObjectOutcome, Outcome, RollbackReport, Status};
use deploy_core::plan::Action;
use deploy_core::target::Waiting;
use serde_json::{Value, json};

use crate::paint::{Paint, Tone, printable};
use crate::{diff, failure};

/// All of it as data.
pub(crate) fn json(outcome: &Outcome) -> Value {
    let mut json = json!(outcome);
    if let Some(Cause::Error { error }) = &outcome.cause {
        json["cause"]["error"] = failure::json(error);
    }
    json
}

/// What a run did, for the words that tell of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Objects were brought to what is wanted, or found so.
    Rollout,
    /// A revision of a release came about.
    Revision,
    /// A release went.
    Uninstallation,
    /// The tests of a release ran.
    Tests,
}

pub(crate) fn outcome(outcome: &Outcome, deed: Deed, paint: Paint) -> String {
    let mut out = Lines { paint, text: String::new() };
    if outcome.status == Status::Planned {
        out.text = diff::plan(outcome, paint);
    }
    out.line(0, tone(outcome.status), &headline(outcome, deed));
    if let Some(cause) = outcome.cause.as_ref().filter(|cause| !matches!(cause, Cause::Cancelled)) {
        for line in causes(cause) {
            out.line(1, Tone::Plain, &line);
        }
    }
    if let Some(rollback) = &outcome.rollback {
        way_back(rollback, &mut out);
    }
    if outcome.status != Status::Planned {
        notes(&outcome.notes, &mut out);
    }
    if outcome.status == Status::Failed {
        left_as_it_is(outcome, &mut out);
    }
    evidence::lines(&outcome.evidence, &mut out);
    out.text
}

fn tone(status: Status) -> Tone {
    match status {
        Status::Planned => Tone::Plain,
        Status::Healthy => Tone::Good,
        Status::RolledBack | Status::Incomplete => Tone::Warn,
        _ => Tone::Bad,
    }
}

fn headline(outcome: &Outcome, deed: Deed) -> String {
    let took = format!("{:.1} s", outcome.took.as_secs_f64());
    let revision = outcome.revision.map(|revision| format!("revision {revision} ")).unwrap_or_default();
    let (failed, done) = match deed {
        Deed::Rollout => (String::new(), "healthy".to_owned()),
        Deed::Revision => (revision.clone(), format!("{revision}deployed")),
        Deed::Uninstallation => ("uninstallation ".to_owned(), "uninstalled".to_owned()),
        Deed::Tests => (format!("test of {revision}"), format!("{revision}tested")),
    };
    let failed = match &outcome.cause {
        Some(Cause::Cancelled) => failed + "cancelled",
        Some(Cause::TimedOut { .. }) => failed + "timed out",
        _ => failed + "failed",
    };
    let words = match deed {
        Deed::Tests => ["passed", "changed", "created anew", "deleted"],
        _ => ["created", "changed", "created anew", "deleted"],
    };
    match outcome.status {
        Status::Planned => format!(
            "planned: {}; nothing was written",
            counts(&outcome.objects, ["to create", "to change", "to create anew", "to delete"])
        ),
        Status::Healthy => format!("{done} after {took}: {}", counts(&outcome.objects, words)),
        Status::Incomplete => {
            let (left, rest): (Vec<_>, Vec<_>) =
                outcome.objects.iter().partition(|each| is_to_be_deleted(outcome, each));
            let left =
                if left.is_empty() { String::new() } else { format!(", {} still to be deleted", left.len()) };
            format!(
                "{done} after {took}, but not all that should go is gone: {}{left}; the next run tries again",
                counts(rest, words)
            )
        }
        Status::RolledBack => format!("{failed}; the old state is back after {took}"),
        Status::RollbackFailed => format!("{failed}, and the way back failed too, after {took}"),
        _ => format!("{failed} after {took}, and left as it is"),
    }
}

/// Whether the run ended before it deleted this.
fn is_to_be_deleted(outcome: &Outcome, each: &ObjectOutcome) -> bool {
    let deleted = |event: &EventKind| match event {
        EventKind::Applied { object, action: Action::Delete } => *object == each.object,
        _ => false,
    };
    each.action == Action::Delete && !outcome.timeline.iter().any(|event| deleted(&event.kind))
}

/// `1 created, 2 unchanged`, without what there is none of.
fn counts<'a>(objects: impl IntoIterator<Item = &'a ObjectOutcome>, words: [&str; 4]) -> String {
    let objects: Vec<_> = objects.into_iter().collect();
    let actions = [Action::Create, Action::Update, Action::Recreate, Action::Delete].into_iter().zip(words);
    let parts: Vec<String> = actions
        .chain([(Action::Unchanged, "unchanged")])
        .map(|(action, word)| (objects.iter().filter(|each| each.action == action).count(), word))
        .filter(|(count, _)| *count > 0)
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    if parts.is_empty() { "no objects".to_owned() } else { parts.join(", ") }
}

fn causes(cause: &Cause) -> Vec<String> {
    match cause {
        Cause::Failed { failures } => {
            failures.iter().map(|failure| format!("{}: {failure}", failure.object)).collect()
        }
        Cause::TimedOut { waiting } => {
            let line = |Waiting { object, progress, suspect }: &Waiting| match suspect {
                Some(suspect) => format!("{object}: {progress} (suspect: {suspect})"),
                None => format!("{object}: {progress}"),
            };
            waiting.iter().map(line).collect()
        }
        other => vec![other.to_string()],
    }
}

fn way_back(report: &RollbackReport, out: &mut Lines) {
    for left in &report.left {
        out.line(1, Tone::Bad, &format!("not brought back: {}: {}", left.object, left.error));
    }
    if let Some(cause) = &report.unhealthy {
        for line in causes(cause) {
            out.line(1, Tone::Bad, &format!("the old state is not healthy: {line}"));
        }
    }
    notes(&report.notes, out);
}

fn notes(notes: &[String], out: &mut Lines) {
    for note in notes {
        out.line(0, Tone::Warn, &format!("note: {note}"));
    }
}

fn left_as_it_is(outcome: &Outcome, out: &mut Lines) {
    let written: Vec<String> = outcome
        .objects
        .iter()
        .filter(|each| each.action != Action::Unchanged)
        .map(|each| format!("{} (to be {})", each.object, each.action.past()))
        .collect();
    if !written.is_empty() {
        out.line(1, Tone::Plain, &format!("what may have been written: {}", written.join(", ")));
    }
}

struct Lines {
    paint: Paint,
    text: String,
}

impl Lines {
    fn line(&mut self, depth: usize, tone: Tone, text: &str) {
        let text = printable(text).replace('\n', " ");
        self.text += &format!("{:indent$}{}\n", "", self.paint.text(tone, &text), indent = depth * 2);
    }
}

#[cfg(test)]
mod tests {
    use deploy_core::error::Error;
    use deploy_core::event::Event;
    use deploy_core::health::{Assessment, Failure, Reason};
    use deploy_core::manifest::ObjectId;
    use deploy_core::memory::MemoryTarget;
    use deploy_core::run::{OnFailure, Policy};

    use super::*;
    use crate::sample::{config_map, object_outcome, run};

    fn broken() -> MemoryTarget {
        let id = ObjectId::new("", "ConfigMap", Some("shop"), "app");
        MemoryTarget::new()
            .judged_by(move |_| Assessment::failed(Failure::new(Reason::Stalled, id.clone(), "st\x1buck")))
    }

    #[test]
    fn says_how_it_ended_and_why() {
        let check =
            |found: &Outcome, expect: &str| assert_eq!(outcome(found, Deed::Rollout, Paint(false)), expect);
        check(
            &run(MemoryTarget::new(), |rollout| rollout, Policy::default()),
            "healthy after 1.2 s: 1 created\n",
        );
        check(
            &run(MemoryTarget::new(), |rollout| rollout.dry_run(true), Policy::default()),
            "create ConfigMap shop/app\n  + .apiVersion: \"v1\"\n  + .data.a: \"1\"\n  + .kind: \"ConfigMap\"\n  \
             + .metadata.name: \"app\"\n  + .metadata.namespace: \"shop\"\nplanned: 1 to create; nothing was written\n",
        );
        check(
            &run(broken(), |rollout| rollout, Policy::default()),
            "failed; the old state is back after 1.2 s\n  ConfigMap shop/app: ConfigMap shop/app is stalled: st\u{fffd}uck\n",
        );
        check(
            &run(broken(), |rollout| rollout, Policy::default().on_failure(OnFailure::Leave)),
            "failed after 1.2 s, and left as it is\n  ConfigMap shop/app: ConfigMap shop/app is stalled: st\u{fffd}uck\n  \
             what may have been written: ConfigMap shop/app (to be created)\n",
        );
    }

    #[test]
    fn a_release_is_told_of_by_its_revision() {
        let leave = || Policy::default().on_failure(OnFailure::Leave);
        let check = |mut found: Outcome, deed: Deed, expect: &str| {
            found.revision = Some(5);
            let text = outcome(&found, deed, Paint(false));
            assert_eq!(text.lines().next(), Some(expect));
        };
        let good = |deed: Deed, expect: &str| {
            check(run(MemoryTarget::new(), |rollout| rollout, Policy::default()), deed, expect);
        };
        good(Deed::Revision, "revision 5 deployed after 1.2 s: 1 created");
        good(Deed::Uninstallation, "uninstalled after 1.2 s: 1 created");
        good(Deed::Tests, "revision 5 tested after 1.2 s: 1 passed");
        let back = run(broken(), |rollout| rollout, Policy::default());
        check(back, Deed::Revision, "revision 5 failed; the old state is back after 1.2 s");
        let bad = |deed: Deed, expect: &str| check(run(broken(), |rollout| rollout, leave()), deed, expect);
        bad(Deed::Revision, "revision 5 failed after 1.2 s, and left as it is");
        bad(Deed::Uninstallation, "uninstallation failed after 1.2 s, and left as it is");
        bad(Deed::Tests, "test of revision 5 failed after 1.2 s, and left as it is");
        let mut incomplete = run(MemoryTarget::new(), |rollout| rollout, Policy::default());
        (incomplete.status, incomplete.cause) = (Status::Incomplete, Some(Cause::Cancelled));
        let told = "uninstalled after 1.2 s, but not all that should go is gone: 1 created; the next run tries again";
        check(incomplete, Deed::Uninstallation, told);
    }

    #[test]
    fn what_is_deleted_already_is_not_left() {
        let mut found = run(MemoryTarget::new(), |rollout| rollout, Policy::default());
        found.objects.extend(["beta", "gamma", "delta"].map(|name| object_outcome(name, Action::Delete)));
        let deleted = EventKind::Applied { object: config_map("beta"), action: Action::Delete };
        found.timeline.push(Event { at: found.started, kind: deleted });
        found.status = Status::Incomplete;
        let mut check = |cause: Cause, because: &str| {
            found.cause = Some(cause);
            let head = "healthy after 1.2 s, but not all that should go is gone: 1 created, 1 deleted, 2 still to be deleted; \
                        the next run tries again\n";
            assert_eq!(outcome(&found, Deed::Rollout, Paint(false)), format!("{head}{because}"));
        };
        check(Cause::Cancelled, "");
        check(Cause::Error { error: Error::invalid("refused").on("gamma") }, "  gamma: refused\n");
        let waiting = Waiting { object: config_map("beta"), progress: "being deleted".into(), suspect: None };
        check(Cause::TimedOut { waiting: vec![waiting] }, "  ConfigMap shop/beta: being deleted\n");
        assert!(outcome(&found, Deed::Rollout, Paint(true)).starts_with("\x1b[33mhealthy"), "a warning");
    }

    #[test]
    fn a_run_without_deletions_left_is_incomplete_still() {
        let mut found = run(MemoryTarget::new(), |rollout| rollout, Policy::default());
        (found.status, found.cause) =
            (Status::Incomplete, Some(Cause::Error { error: Error::invalid("refused") }));
        assert_eq!(
            outcome(&found, Deed::Rollout, Paint(false)),
            "healthy after 1.2 s, but not all that should go is gone: 1 created; the next run tries again\n  refused\n"
        );
        assert_eq!(json(&found)["cause"]["error"]["message"], "refused");
    }
}
