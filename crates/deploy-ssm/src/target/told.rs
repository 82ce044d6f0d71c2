//! The node's events, told to whoever watches the run: each once, however often they are read.

use std::collections::BTreeSet;

use deploy_core::event::{Event, EventKind};
use deploy_core::plan::Action;
use deploy_core::run::Run;

use crate::node::{Report, RunStatus, Written};

/// The most lines of events that are read.
const MAX_LINES: usize = 50_000;

/// What was told so far.
#[derive(Debug, Default)]
pub(super) struct Told {
    lines: usize,
    /// The nodes whose reports were told.
    reported: BTreeSet<String>,
}

impl Told {
    /// Tells what is new in `events`, the node's lines so far. A line that is not whole yet waits for its end; one that cannot be read is
    /// passed over, for a node may know more events than we do.
    pub(super) fn events(&mut self, events: &str, run: &Run) {
        let whole = events.rfind('\n').and_then(|end| events.get(..end)).unwrap_or_default();
        for line in whole.lines().take(MAX_LINES).skip(self.lines) {
            self.lines += 1;
            match serde_json::from_str::<Event>(line) {
                Ok(event) => run.emit(event.kind),
                Err(error) => tracing::debug!(%error, "an event of the node's could not be read"),
            }
        }
    }

    /// Tells, of a node whose events did not come, what its report says was done; once of each `instance`.
    pub(super) fn report(&mut self, instance: &str, report: &Report, run: &Run) {
        if self.lines > 0 || !self.reported.insert(instance.to_owned()) {
            return;
        }
        let applied =
            |object: &Written| EventKind::Applied { object: object.object.clone(), action: object.action };
        for object in report.objects.iter().filter(|object| object.action != Action::Delete) {
            run.emit(applied(object));
        }
        match report.status {
            RunStatus::Undone => run.emit(EventKind::RolledBack),
            RunStatus::UndoFailed => {
                run.emit(EventKind::RollbackFailed { error: "see what is left as it is".to_owned() });
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use deploy_core::event::Recorder;

    use super::*;
    use crate::node::parse_report;

    #[test]
    fn each_node_of_a_fleet_is_told_of_once() {
        let recorder = Arc::new(Recorder::default());
        let run = Run::new().observer(recorder.clone());
        let report = parse_report(
            br#"{"app":"shop","id":"x","status":"undone","objects":[{"object":{"group":"apps","kind":"Deployment","namespace":"shop",
            "name":"api"},"apiVersion":"apps/v1","action":"update"}],"started":"2026-11-22T10:00:00Z","ended":"2026-11-22T10:00:05Z"}"#,
        )
        .unwrap();
        let mut told = Told::default();
        for instance in ["i-1", "i-2", "i-1"] {
            told.report(instance, &report, &run);
        }
        let kinds: Vec<EventKind> = recorder.events().into_iter().map(|event| event.kind).collect();
        let expect = |kind: &EventKind| matches!(kind, EventKind::Applied { .. } | EventKind::RolledBack);
        assert!(kinds.len() == 4 && kinds.iter().all(expect), "{kinds:?}");
    }
}
