//! What explains a failure: the pods, their logs, and Events.

use deploy_core::evidence::{ContainerEvidence, Evidence};

use super::Lines;
use crate::paint::Tone;

/// The most pods and Events that are shown; `--json` and `--evidence` have them all.
const MOST: usize = 5;

/// The evidence, below a line that says so; nothing where there is none.
pub(super) fn lines(evidence: &Evidence, out: &mut Lines) {
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

#[cfg(test)]
mod tests {
    use deploy_core::evidence::{EventLine, PodEvidence};
    use deploy_core::manifest::ObjectId;
    use deploy_core::memory::MemoryTarget;
    use deploy_core::run::Policy;

    use super::super::{Deed, outcome};
    use super::*;
    use crate::paint::Paint;
    use crate::sample::run;

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
        let text = outcome(&found, Deed::Rollout, Paint(false));
        let pod = "  pod shop/api-1: Running\n    container api (api:crash): waiting: CrashLoopBackOff, 2 restarts\n      \
                   its log:\n      | starting\n      | boom\n";
        let tail = "  and 2 more pods; --json and --evidence have them all\n  event Pod shop/api-1: BackOff: back-off (3 times)\n  \
                    not known: no right to read logs\n";
        assert_eq!(text, format!("healthy after 1.2 s: 1 created\nevidence\n{}{tail}", pod.repeat(5)));
    }
}
