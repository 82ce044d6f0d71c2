//! `undo`, `restart`, `pause` and `resume`: kubectl's rollout verbs, followed and rolled back.

use deploy_core::clock::Clock;
use deploy_core::error::Result;
use deploy_core::manifest::ObjectId;
use deploy_core::outcome::Outcome;
use deploy_k8s::{Apply, RolloutVerb};

use crate::args::{UndoArgs, VerbArgs};
use crate::images::Guards;
use crate::rollout::{Desired, roll_out};
use crate::session::Session;

pub(crate) async fn undo(args: &UndoArgs, session: &Session) -> Result<Outcome> {
    verb(&args.verb, session, |target, workload| RolloutVerb::undo(target, workload, args.to_revision)).await
}

pub(crate) async fn restart(args: &VerbArgs, session: &Session) -> Result<Outcome> {
    let now = session.clock.now();
    verb(args, session, |target, workload| RolloutVerb::restart(target, workload, now)).await
}

pub(crate) async fn pause(args: &VerbArgs, session: &Session) -> Result<Outcome> {
    verb(args, session, RolloutVerb::pause).await
}

pub(crate) async fn resume(args: &VerbArgs, session: &Session) -> Result<Outcome> {
    verb(args, session, RolloutVerb::resume).await
}

async fn verb(
    args: &VerbArgs,
    session: &Session,
    make: impl FnOnce(&Apply, ObjectId) -> Result<RolloutVerb>,
) -> Result<Outcome> {
    let target = Apply::new(session.cluster.clone()).field_manager(&args.rollout.field_manager)?;
    let verb = make(&target, args.workload.in_namespace(&session.namespace))?;
    roll_out(verb.target(), Desired::Derived(&verb), Guards::default(), &args.rollout, session).await
}
