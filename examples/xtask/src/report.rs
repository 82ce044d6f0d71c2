//! How a run ended, as a person reads it.

use deploy_core::evidence::{ContainerEvidence, Evidence};
use deploy_core::outcome::{Cause, Outcome, RollbackReport, Status};
use deploy_core::plan::Action;
use deploy_core::target::Waiting;

use crate::diff;
use crate::paint::{Paint, Tone, printable};

/// The most pods and Events that are shown; `--json` and `--evidence` have them all.
const MOST: usize = 5;

pub(crate) fn outcome(outcome: &Outcome, paint: Paint) -> String {
    let mut out = Lines { paint, text: String::new() };
    if outcome.status == Status::Planned {
        out.text = diff::plan(outcome, paint);
    }
    out.line(0, tone(outcome.status), &headline(outcome));
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
    evidence(&outcome.evidence, &mut out);
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

fn headline(outcome: &Outcome) -> String {
    let took = format!("{:.1} s", outcome.took.as_secs_f64());
    let failed = match &outcome.cause {
        Some(Cause::Cancelled) => "cancelled",
        Some(Cause::TimedOut { .. }) => "timed out",
        _ => "failed",
    };
    match outcome.status {
        Status::Planned => format!(
            "planned: {}; nothing was written",
            counts(outcome, ["to create", "to change", "to create anew", "to delete"])
        ),
        Status::Healthy => {
            format!(
                "healthy after {took}: {}",
                counts(outcome, ["created", "changed", "created anew", "deleted"])
            )
        }
        Status::Incomplete => format!(
            "healthy after {took}, but not all that should go is gone: {}; the next run tries again",
            counts(outcome, ["created", "changed", "created anew", "to be deleted"])
        ),
        Status::RolledBack => format!("{failed}; the old state is back after {took}"),
        Status::RollbackFailed => format!("{failed}, and the way back failed too, after {took}"),
        _ => format!("{failed} after {took}, and left as it is"),
    }
}

/// `1 created, 2 unchanged`, without what there is none of.
fn counts(outcome: &Outcome, words: [&str; 4]) -> String {
    let actions = [Action::Create, Action::Update, Action::Recreate, Action::Delete].into_iter().zip(words);
    let parts: Vec<String> = actions
        .chain([(Action::Unchanged, "unchanged")])
        .map(|(action, word)| (outcome.objects.iter().filter(|each| each.action == action).count(), word))
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

fn evidence(evidence: &Evidence, out: &mut Lines) {
    if evidence.is_empty() {
        return;
    }
    out.line(0, Tone::Plain, "evidence");
    for pod in evidence.pods.iter().take(MOST) {
        out.line(1, Tone::Plain, &format!("pod {}/{}: {}", pod.namespace, pod.name, pod.state));
        for container in &pod.containers {
            container_lines(container, out);
        }
    }
    more(evidence.pods.len(), "pods", out);
    for event in evidence.events.iter().take(MOST) {
        let times = if event.count > 1 { format!(" ({} times)", event.count) } else { String::new() };
        out.line(
            1,
            Tone::Plain,
            &format!("event {}: {}: {}{times}", event.object, event.reason, event.message),
        );
    }
    more(evidence.events.len(), "events", out);
    for gap in &evidence.gaps {
        out.line(1, Tone::Warn, &format!("not known: {gap}"));
    }
}

fn container_lines(container: &ContainerEvidence, out: &mut Lines) {
    let restarts = match container.restarts {
        0 => String::new(),
        1 => ", 1 restart".to_owned(),
        count => format!(", {count} restarts"),
    };
    out.line(
        2,
        Tone::Plain,
        &format!("container {} ({}): {}{restarts}", container.name, container.image, container.state),
    );
    for (title, log) in [("its log", &container.log), ("the log before its restart", &container.previous_log)]
    {
        // After a restart both often say the same.
        if log.is_empty() || (title != "its log" && *log == container.log) {
            continue;
        }
        out.line(3, Tone::Dim, &format!("{title}:"));
        for line in log {
            out.line(3, Tone::Plain, &format!("| {line}"));
        }
    }
}

fn more(count: usize, what: &str, out: &mut Lines) {
    if count > MOST {
        out.line(
            1,
            Tone::Dim,
            &format!("and {} more {what}; --json and --evidence have them all", count - MOST),
        );
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
    use std::sync::Arc;

    use deploy_core::evidence::{EventLine, PodEvidence};
    use deploy_core::health::{Assessment, Failure, Reason};
    use deploy_core::manifest::{Bundle, ObjectId, read};
    use deploy_core::memory::MemoryTarget;
    use deploy_core::rollout::Rollout;
    use deploy_core::run::{OnFailure, Policy, Run};

    use super::*;

    fn run(target: MemoryTarget, rollout: impl FnOnce(Rollout) -> Rollout, policy: Policy) -> Outcome {
        let objects =
            read("a.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}, data: {a: '1'}}")
                .unwrap();
        let bundle = Bundle::builder().objects(objects).namespace("shop").build().unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let mut outcome = runtime
            .block_on(rollout(Rollout::new(Arc::new(target))).run(&bundle, Run::new().policy(policy)))
            .unwrap();
        outcome.took = std::time::Duration::from_millis(1230);
        outcome.evidence = Evidence::default();
        outcome
    }

    fn broken() -> MemoryTarget {
        let id = ObjectId::new("", "ConfigMap", Some("shop"), "app");
        MemoryTarget::new()
            .judged_by(move |_| Assessment::failed(Failure::new(Reason::Stalled, id.clone(), "st\x1buck")))
    }

    #[test]
    fn says_how_it_ended_and_why() {
        let check = |found: &Outcome, expect: &str| assert_eq!(outcome(found, Paint(false)), expect);
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
    fn shows_the_evidence() {
        let mut container = ContainerEvidence::new("api", "api:crash", "waiting: CrashLoopBackOff");
        container.restarts = 2;
        container.log = vec!["starting".into(), "boom".into()];
        container.previous_log.clone_from(&container.log);
        let mut pod = PodEvidence::new("shop", "api-1", "Running");
        pod.containers.push(container);
        let mut found = run(MemoryTarget::new(), |rollout| rollout, Policy::default());
        found.evidence.pods = vec![pod; 7];
        let object = ObjectId::new("", "Pod", Some("shop"), "api-1");
        found.evidence.events.push(EventLine {
            object,
            reason: "BackOff".into(),
            message: "back-off".into(),
            count: 3,
        });
        found.evidence.gaps.push("no right to read logs".into());
        let text = outcome(&found, Paint(false));
        let pod = "  pod shop/api-1: Running\n    container api (api:crash): waiting: CrashLoopBackOff, 2 restarts\n      \
                   its log:\n      | starting\n      | boom\n";
        let tail = "  and 2 more pods; --json and --evidence have them all\n  event Pod shop/api-1: BackOff: back-off (3 times)\n  \
                    not known: no right to read logs\n";
        assert_eq!(text, format!("healthy after 1.2 s: 1 created\nevidence\n{}{tail}", pod.repeat(5)));
    }
}
