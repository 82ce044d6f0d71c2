//! `set-image`: other images for a live workload.

use deploy_core::error::Result;
use deploy_core::outcome::Outcome;
use deploy_k8s::{Apply, Conflicts};

use crate::args::SetImageArgs;
use crate::rollout::{Made, roll_out};
use crate::session::Session;

pub(crate) async fn set_image(args: &SetImageArgs, session: &Session) -> Result<Outcome> {
    let workload = args.workload.in_namespace(&session.namespace);
    // The images have an owner already; to set them is what was asked for.
    let target = Apply::new(session.cluster.clone())
        .field_manager(&args.rollout.field_manager)?
        .conflicts(Conflicts::Force);
    session.ready();
    let bundle = session.unless_cancelled(target.with_images(&workload, &args.images)).await?;
    roll_out(target, &bundle, Made::FromLive, &args.rollout, session).await
}
