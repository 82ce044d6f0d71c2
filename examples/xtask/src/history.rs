//! `history`: the revisions of a workload that Kubernetes keeps.

use deploy_core::error::Result;
use deploy_core::manifest::ObjectId;
use deploy_core::target::Revision;
use deploy_k8s::Apply;
use serde_json::{Value, json};

use crate::args::HistoryArgs;
use crate::paint::{Paint, Tone, printable};
use crate::session::Session;

/// A workload and its revisions, newest first.
pub(crate) struct History {
    workload: ObjectId,
    /// With whether it is the present one.
    revisions: Vec<(Revision, bool)>,
}

pub(crate) async fn history(args: &HistoryArgs, session: &Session) -> Result<History> {
    let workload = args.workload.in_namespace(&session.namespace);
    let target = Apply::new(session.cluster.clone());
    session.ready();
    let revisions = session.unless_cancelled(target.workload_history(&workload)).await?;
    let revisions = revisions.into_iter().map(|found| (found.revision, found.current)).collect();
    Ok(History { workload, revisions })
}

impl History {
    pub(crate) fn json(&self) -> Value {
        let revision = |(revision, current): &(Revision, bool)| {
            let mut json = json!(revision);
            json["current"] = (*current).into();
            json
        };
        let revisions: Vec<Value> = self.revisions.iter().map(revision).collect();
        json!({"object": self.workload, "revisions": revisions})
    }

    pub(crate) fn text(&self, paint: Paint) -> String {
        if self.revisions.is_empty() {
            return format!("{}: no revisions are kept\n", self.workload);
        }
        let mut out = String::new();
        for (revision, current) in &self.revisions {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn history() -> History {
        let mut new = Revision::new(12, "current");
        new.deployed = Some("2026-03-04T05:06:07Z".parse().unwrap());
        new.images = vec!["registry.example/api:v2".into(), "proxy:v1".into()];
        new.description = "release\x1b 2".into();
        new.git_revision = Some("abc".into());
        let old = Revision::new(3, "superseded");
        let workload = ObjectId::new("apps", "Deployment", Some("shop"), "api");
        History { workload, revisions: vec![(new, true), (old, false)] }
    }

    #[test]
    fn as_text() {
        assert_eq!(
            history().text(Paint(false)),
            "  12  2026-03-04T05:06:07Z      registry.example/api:v2 proxy:v1  (current)  release\u{fffd} 2\n\
             \u{20}  3                            \n"
        );
        let coloured = history().text(Paint(true));
        assert!(
            coloured.starts_with("\x1b[32m  12  ") && coloured.contains("proxy:v1\x1b[0m  (current)"),
            "{coloured}"
        );
        let none = History { revisions: Vec::new(), ..history() };
        assert_eq!(none.text(Paint(true)), "Deployment shop/api: no revisions are kept\n");
    }

    #[test]
    fn as_data() {
        assert_eq!(
            history().json(),
            json!({
                "object": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "api"},
                "revisions": [
                    {
                        "number": 12, "deployed": "2026-03-04T05:06:07Z", "status": "current", "current": true,
                        "description": "release\u{1b} 2", "images": ["registry.example/api:v2", "proxy:v1"],
                        "gitRevision": "abc",
                    },
                    {
                        "number": 3, "deployed": null, "status": "superseded", "current": false,
                        "description": "", "images": [], "gitRevision": null,
                    },
                ],
            })
        );
    }
}
