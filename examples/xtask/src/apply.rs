//! `apply`: manifests from files to a cluster.

use std::io;

use deploy_core::error::Result;
use deploy_core::manifest::{Bundle, BundleBuilder};
use deploy_core::outcome::Outcome;
use deploy_core::source::Source;
use deploy_k8s::{Apply, Conflicts};
use deploy_source::FileSource;

use crate::args::ApplyArgs;
use crate::rollout::{Desired, roll_out};
use crate::session::Session;

pub(crate) async fn apply(args: &ApplyArgs, session: &Session) -> Result<Outcome> {
    let source = FileSource::new(&args.files).recursive(args.recursive).standard_input(io::stdin());
    let objects = session.unless_cancelled(source.load()).await?;
    let bundle = Bundle::builder().objects(objects).namespace(&session.namespace);
    let bundle = args.images.iter().cloned().fold(bundle, BundleBuilder::image).build()?;

    let conflicts = if args.force_conflicts { Conflicts::Force } else { Conflicts::Fail };
    let target =
        Apply::new(session.cluster.clone()).field_manager(&args.rollout.field_manager)?.conflicts(conflicts);
    roll_out(target, Desired::Bundle(&bundle), &args.rollout, session).await
}
