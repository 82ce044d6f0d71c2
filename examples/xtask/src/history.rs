//! `history`: the revisions of a workload that Kubernetes keeps.

use deploy_core::error::Result;
use deploy_core::manifest::ObjectId;
use deploy_k8s::{Apply, WorkloadRevision};
use serde_json::{Value, json};

use crate::args::HistoryArgs;
use crate::paint::{Paint, Tone, printable};
use crate::session::Session;

/// A workload and its revisions, newest first.
pub(crate) struct History {
    workload: ObjectId,
    revisions: Vec<WorkloadRevision>,
}

pub(crate) async fn history(args: &HistoryArgs, session: &Session) -> Result<History> {
    let workload = args.workload.in_namespace(&session.namespace);
    let target = Apply::new(session.cluster.clone());
    session.ready();
    let revisions = session.unless_cancelled(target.workload_history(&workload)).await?;
    Ok(History { workload, revisions })
}

impl History {
    pub(crate) fn json(&self) -> Value {
        json!({"object": self.workload, "revisions": self.revisions})
    }

    pub(crate) fn text(&self, paint: Paint) -> String {
        if self.revisions.is_empty() {
            return format!("{}: no revisions are kept\n", self.workload);
        }
        let mut out = String::new();
        for WorkloadRevision { revision, current, .. } in &self.revisions {
            let when = revision.deployed.map(|deployed| deployed.to_string()).unwrap_or_default();
            let tone = if *current { Tone::Good } else { Tone::Plain };
            let line = format!("{:>4}  {when:<24}  {}", revision.number, revision.images.join(" "));
            out += &paint.text(tone, &printable(&line));
            if *current {
                out += "  (current)";
            }
            if !revision.description.is_empty() {
                out += &format!("  {}", printable(&revision.description));
            }
            out.push('\n');
        }
        out
    }
}
