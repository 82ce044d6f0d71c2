//! `status`: follows a workload as it stands, or looks at it once.

use std::sync::Arc;

use deploy_core::error::Result;
use deploy_core::health::{Assessment, Verdict};
use deploy_core::manifest::ObjectId;
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::Policy;
use deploy_k8s::{Apply, RolloutVerb};
use serde_json::{Value, json};

use crate::args::StatusArgs;
use crate::paint::{Paint, Tone, printable};
use crate::session::Session;

/// A workload and how it was found.
pub(crate) struct Status {
    object: ObjectId,
    assessment: Assessment,
}

/// Until it is well or hopeless; nothing is written.
pub(crate) async fn follow(args: &StatusArgs, session: &Session) -> Result<Outcome> {
    let object = args.workload.in_namespace(&session.namespace);
    let status = RolloutVerb::status(&Apply::new(session.cluster.clone()), object)?;
    let run = session.run().policy(Policy::default().timeout(args.timeout));
    session.ready();
    Rollout::new(Arc::new(status.target())).run_derived(&status, run).await
}

/// One look.
pub(crate) async fn look(args: &StatusArgs, session: &Session) -> Result<Status> {
    let object = args.workload.in_namespace(&session.namespace);
    let target = Apply::new(session.cluster.clone());
    session.ready();
    let assessment = session.unless_cancelled(target.status(&object, &session.run())).await?;
    Ok(Status { object, assessment })
}

impl Status {
    pub(crate) fn is_healthy(&self) -> bool {
        self.assessment.is_healthy()
    }

    pub(crate) fn json(&self) -> Value {
        let Assessment { verdict, progress, suspect, .. } = &self.assessment;
        json!({"object": self.object, "verdict": verdict, "progress": progress, "suspect": suspect})
    }

    pub(crate) fn text(&self, paint: Paint) -> String {
        let Assessment { verdict, progress, suspect, .. } = &self.assessment;
        let (tone, word) = match verdict {
            Verdict::Healthy => (Tone::Good, "healthy"),
            Verdict::Progressing => (Tone::Warn, "progressing"),
            Verdict::Failed { .. } => (Tone::Bad, "failed"),
            _ => (Tone::Warn, "unknown"),
        };
        let mut text = format!("{}: {}: {}\n", self.object, paint.text(tone, word), printable(progress));
        if let Some(suspect) = suspect {
            text += &format!("  suspect: {}\n", printable(&suspect.to_string()));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::health::{Failure, Reason};

    #[test]
    fn says_how_it_is() {
        let object = ObjectId::new("apps", "Deployment", Some("shop"), "api");
        let check = |assessment: Assessment, expect: &str| {
            let status = Status { object: object.clone(), assessment };
            assert_eq!(status.text(Paint(false)), expect);
        };
        check(
            Assessment::healthy("2 of 2 are available"),
            "Deployment shop/api: healthy: 2 of 2 are available\n",
        );
        let failure = Failure::new(Reason::Stalled, object.clone(), "stuck");
        check(
            Assessment::failed(failure.clone()),
            "Deployment shop/api: failed: Deployment shop/api is stalled: stuck\n",
        );
        check(
            Assessment::progressing("1 of 2").suspecting(failure),
            "Deployment shop/api: progressing: 1 of 2\n  suspect: Deployment shop/api is stalled: stuck\n",
        );
    }
}
