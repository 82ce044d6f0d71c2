//! `ssm status` and `ssm history`: what the node knows of an application.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::Event;
use deploy_core::run::DeploymentId;
use deploy_ssm::node::{Entry, History, NodeStatus, RunState, RunStatus, State};
use serde_json::json;

use super::args::StatusArgs;
use super::{Far, run};
use crate::Done;
use crate::board;
use crate::images::Desk;
use crate::paint::{Paint, Tone, printable};
use crate::table::{commit, table};

pub(super) async fn status(args: &StatusArgs, far: &Far, desk: &Desk<'_>) -> Result<Done> {
    let id = args.id.clone().map(DeploymentId::from);
    let status = far.target.status(id.as_ref(), &run(desk)).await?;
    if let (Some(id), None) = (&args.id, &status.run) {
        return Err(Error::new(ErrorKind::NotFound, "the node knows of no such deployment")
            .on(id)
            .help("without --id the newest are listed"));
    }
    Ok(Done::told(json!(status), move |paint| stands(&status, paint)))
}

fn stands(status: &NodeStatus, paint: Paint) -> String {
    let mut text = match status.current {
        Some(number) => format!("bundle {number} stands\n"),
        None => "nothing stands\n".to_owned(),
    };
    if let Some(run) = &status.run {
        let (word, tone) = word(run);
        text += &format!("deployment {}: {}\n", printable(&run.id), paint.text(tone, word));
        // What the node knows and this program does not is in the JSON.
        for event in run.events.iter().filter_map(|event| serde_json::from_value::<Event>(event.clone()).ok())
        {
            let line = printable(&event.kind.to_string()).replace('\n', " ");
            let time = paint.text(Tone::Dim, &event.at.to_string());
            text += &format!("  {time} {}\n", paint.text(board::tone(&event.kind), &line));
        }
    }
    let others: Vec<&RunState> =
        status.runs.iter().filter(|other| status.run.as_ref().is_none_or(|run| run.id != other.id)).collect();
    if !others.is_empty() {
        let rows = others.into_iter().map(|other| {
            let (word, tone) = word(other);
            ([other.id.clone(), word.to_owned()], tone)
        });
        text += &format!("\n{}", table(["OTHERS", "STATE"], rows, paint));
    }
    text
}

/// How a run is, in a word.
fn word(run: &RunState) -> (&'static str, Tone) {
    match (run.state, run.status) {
        (State::Running, _) => ("running", Tone::Warn),
        (State::Died, _) => ("killed; the next deployment takes over what it wrote", Tone::Bad),
        (_, Some(status)) => ended(status),
        _ => ("ended", Tone::Plain),
    }
}

fn ended(status: RunStatus) -> (&'static str, Tone) {
    match status {
        RunStatus::Healthy => ("healthy", Tone::Good),
        RunStatus::Undone => ("rolled back", Tone::Warn),
        RunStatus::Left => ("failed", Tone::Bad),
        RunStatus::UndoFailed => ("rollback failed", Tone::Bad),
        RunStatus::Refused => ("refused", Tone::Bad),
        RunStatus::Cancelled => ("cancelled before it began", Tone::Warn),
        _ => ("ended", Tone::Plain),
    }
}

pub(super) async fn history(far: &Far, desk: &Desk<'_>) -> Result<Done> {
    let history = far.target.kept(&run(desk)).await?;
    Ok(Done::told(json!(history), move |paint| deployments(&history, paint)))
}

/// The newest first.
fn deployments(history: &History, paint: Paint) -> String {
    if history.entries.is_empty() {
        return "nothing has been deployed\n".to_owned();
    }
    let head = ["NUMBER", "ENDED", "STATUS", "KEPT", "COMMIT", "IMAGES", "DESCRIPTION"];
    let row = |entry: &Entry| {
        let is = |number: Option<u64>| entry.number.is_some() && entry.number == number;
        let (word, tone) = match ended(entry.status) {
            (_, Tone::Good) if is(history.current) => ("deployed", Tone::Good),
            (_, Tone::Good) => ("superseded", Tone::Plain),
            ended => ended,
        };
        let kept = if history.kept.iter().any(|number| is(Some(*number))) { "yes" } else { "" };
        let cells = [
            entry.number.map(|number| number.to_string()).unwrap_or_default(),
            entry.at.to_string(),
            word.to_owned(),
            kept.to_owned(),
            commit(entry.git_revision.as_deref().unwrap_or_default()).to_owned(),
            entry.images.join(" "),
            entry.description.clone().unwrap_or_default(),
        ];
        (cells, tone)
    };
    table(head, history.entries.iter().rev().map(row), paint)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, from_value};

    #[test]
    fn tells_what_runs() {
        let applied = json!({
            "at": "2026-11-22T10:00:01Z", "event": "applied", "action": "update",
            "object": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "api"},
        });
        let status: NodeStatus = from_value(json!({
            "current": 6,
            "run": {"id": "b", "state": "running", "events": [applied, {"event": "of the future"}]},
            "runs": [{"id": "b", "state": "running"}, {"id": "a", "state": "ended", "status": "undone"}],
        }))
        .unwrap();
        assert_eq!(
            stands(&status, Paint(false)),
            "bundle 6 stands\ndeployment b: running\n  2026-11-22T10:00:01Z Deployment shop/api changed\n\n\
             OTHERS  STATE\na       rolled back\n"
        );
        let none: NodeStatus = from_value(json!({"current": null, "run": null})).unwrap();
        assert_eq!(stands(&none, Paint(true)), "nothing stands\n");
    }

    #[test]
    fn the_newest_deployment_comes_first() {
        let entry = |number: Value, status: &str, description: &str| {
            json!({
                "number": number, "id": "x", "status": status, "at": "2026-11-22T10:00:00Z", "images": ["api:v1"],
                "gitRevision": "4f1c2d9", "description": description,
            })
        };
        let history: History = from_value(json!({
            "current": 3, "kept": [2, 3],
            "entries": [
                entry(json!(1), "healthy", ""), entry(json!(2), "healthy", ""), entry(json!(3), "healthy", ""),
                entry(Value::Null, "undone", "no\nimage"),
            ],
        }))
        .unwrap();
        assert_eq!(
            deployments(&history, Paint(false)),
            "NUMBER  ENDED                 STATUS       KEPT  COMMIT   IMAGES  DESCRIPTION\n\
             \u{20}       2026-11-22T10:00:00Z  rolled back        4f1c2d9  api:v1  no image\n\
             3       2026-11-22T10:00:00Z  deployed     yes   4f1c2d9  api:v1\n\
             2       2026-11-22T10:00:00Z  superseded   yes   4f1c2d9  api:v1\n\
             1       2026-11-22T10:00:00Z  superseded         4f1c2d9  api:v1\n"
        );
        let none: History = from_value(json!({"current": null})).unwrap();
        assert_eq!(deployments(&none, Paint(true)), "nothing has been deployed\n");
    }
}
