//! The way forward: apply, observe, verify; and the evidence when it fails.

use std::convert::Infallible;
use std::time::Duration;

use super::Rollout;
use super::verify::verify;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::evidence::Evidence;
use crate::manifest::Bundle;
use crate::outcome::{Cause, RollbackReport};
use crate::plan::Plan;
use crate::run::{Cancel, Run};
use crate::target::{Applied, Observation};

/// How long the evidence may hold up the way back.
const DIAGNOSIS: Duration = Duration::from_secs(10);

/// How much longer than the run's timeout writing may take: a target that stops by itself can say what it waited for.
const GRACE: Duration = Duration::from_secs(1);

/// How the way forward came out; healthy if there is no cause.
#[derive(Default)]
pub(super) struct Attempt {
    pub(super) cause: Option<Cause>,
    pub(super) evidence: Evidence,
    /// All was healthy; what is wrong was found after that.
    pub(super) healthy: bool,
    /// The far side has undone it already.
    pub(super) undone: Option<RollbackReport>,
}

impl Rollout {
    /// Forward, and the checks.
    pub(super) async fn attempt(&self, plan: &Plan, bundle: &Bundle, run: &Run) -> Attempt {
        let run = &run.clone().within(run.rules().timeout);
        let attempt = self.forward(plan, run).await;
        match attempt.cause {
            None => {
                let cause = verify(&self.checks, &self.subject(bundle, run), run).await;
                Attempt { cause, healthy: true, ..attempt }
            }
            _ => attempt,
        }
    }

    /// Applies and observes.
    pub(super) async fn forward(&self, plan: &Plan, run: &Run) -> Attempt {
        let mut applied = match self.apply_in_time(plan, run).await {
            Ok(applied) => applied,
            Err(error) => return failed(error),
        };
        let observation = match applied.halted.take() {
            Some(observation) => Ok(observation),
            None => self.target.observe(&applied, run).await,
        };
        self.judged(&applied, observation, run).await
    }

    /// What follows from what was observed; with the evidence, where something is not well.
    pub(super) async fn judged(
        &self,
        applied: &Applied,
        observation: Result<Observation>,
        run: &Run,
    ) -> Attempt {
        let observation = match observation {
            Ok(observation) => observation,
            Err(error) => return failed(error),
        };
        let evidence = match &observation {
            Observation::Healthy | Observation::Cancelled => Evidence::default(),
            _ => self.evidence(applied, &observation, run).await,
        };
        let (cause, undone) = cause(observation);
        if let Some(Cause::TimedOut { waiting }) = &cause {
            let waiting = waiting.iter().map(|each| each.object.clone()).collect();
            run.emit(EventKind::TimedOut { waiting });
        }
        Attempt { cause, evidence, undone, ..Attempt::default() }
    }

    /// Applies until shortly after the run's deadline: a write under way then is finished, so that the way back knows where it starts.
    async fn apply_in_time(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let stop = Cancel::new();
        let stoppable = run.clone().cancelled_by(run.cancel().or(&stop));
        let late = async {
            run.clock().sleep_until(run.deadline() + GRACE).await;
            stop.cancel();
            std::future::pending::<Infallible>().await
        };
        let applied = tokio::select! {
            applied = self.target.apply(plan, &stoppable) => applied,
            never = late => match never {},
        };
        match applied {
            Err(error) if error.kind() == ErrorKind::Cancelled && !run.cancel().is_cancelled() => {
                let timeout = run.rules().timeout.as_secs();
                Err(Error::new(ErrorKind::Timeout, format!("not everything was written within {timeout} s"))
                    .during("apply"))
            }
            applied => applied,
        }
    }

    async fn evidence(&self, applied: &Applied, observation: &Observation, run: &Run) -> Evidence {
        let gap = |why: String| {
            let mut evidence = Evidence::default();
            evidence.gaps.push(why);
            evidence
        };
        tokio::select! {
            evidence = self.target.diagnose(applied, observation, run) => {
                evidence.unwrap_or_else(|error| gap(error.to_string()))
            }
            () = run.clock().sleep(DIAGNOSIS) => gap(format!("no evidence within {} s", DIAGNOSIS.as_secs())),
        }
    }
}

/// Why what was observed is not what was wanted, and how the far side undid it; no cause if it is.
pub(super) fn cause(observation: Observation) -> (Option<Cause>, Option<RollbackReport>) {
    match observation {
        Observation::Healthy => (None, None),
        Observation::Failed { failures } => (Some(Cause::Failed { failures }), None),
        Observation::TimedOut { waiting } => (Some(Cause::TimedOut { waiting }), None),
        Observation::Cancelled => (Some(Cause::Cancelled), None),
        Observation::Undone { cause, back } => (Some(*cause), Some(back)),
    }
}

fn failed(error: Error) -> Attempt {
    Attempt { cause: Some(error.into()), ..Attempt::default() }
}
