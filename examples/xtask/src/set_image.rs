//! `set-image`: other images for a live workload.

use deploy_core::error::Result;
use deploy_core::outcome::Outcome;
use deploy_k8s::{Apply, SetImages};

use crate::args::SetImageArgs;
use crate::images::Guards;
use crate::rollout::{Desired, roll_out};
use crate::session::Session;

pub(crate) async fn set_image(args: &SetImageArgs, session: &Session) -> Result<Outcome> {
    let workload = args.workload.in_namespace(&session.namespace);
    let target = Apply::new(session.cluster.clone()).field_manager(&args.rollout.field_manager)?;
    let change = SetImages::new(&target, workload, args.images.clone());
    roll_out(change.target(), Desired::Derived(&change), Guards::default(), &args.rollout, session).await
}
