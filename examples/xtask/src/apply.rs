//! `apply` and `diff`: manifests from files to a cluster.

use std::io;
use std::sync::Arc;

use deploy_core::error::Result;
use deploy_core::manifest::{Bundle, BundleBuilder};
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::source::Source;
use deploy_k8s::{Apply, ApplySet, ConflictRule, Conflicts};
use deploy_source::FileSource;

use crate::args::{ApplyArgs, DiffArgs, ManifestArgs, WritingArgs};
use crate::rollout::{Desired, records_namespace, roll_out};
use crate::session::Session;

pub(crate) async fn apply(args: &ApplyArgs, session: &Session) -> Result<Outcome> {
    let bundle = read(&args.manifests, session).await?;
    let (name, manager) = (args.rollout.name.as_deref(), &args.rollout.field_manager);
    let target =
        target(&args.writing, name, manager, &bundle, session)?.asking_about_each(args.rollout.dry_run);
    roll_out(target, Desired::Bundle(&bundle), &args.rollout, session).await
}

pub(crate) async fn diff(args: &DiffArgs, session: &Session) -> Result<Outcome> {
    let bundle = read(&args.manifests, session).await?;
    let target = target(&args.writing, args.name.as_deref(), &args.field_manager, &bundle, session)?;
    session.ready();
    Rollout::new(Arc::new(target.asking_about_each(true))).dry_run(true).run(&bundle, session.run()).await
}

async fn read(args: &ManifestArgs, session: &Session) -> Result<Bundle> {
    let source = FileSource::new(&args.files).recursive(args.recursive).standard_input(io::stdin());
    let objects = session.unless_cancelled(source.load()).await?;
    let bundle = Bundle::builder().objects(objects).namespace(&session.namespace);
    args.images.iter().cloned().fold(bundle, BundleBuilder::image).build()
}

fn target(
    args: &WritingArgs,
    name: Option<&str>,
    manager: &str,
    bundle: &Bundle,
    session: &Session,
) -> Result<Apply> {
    let conflicts = if args.force_conflicts { Conflicts::Force } else { Conflicts::Fail };
    let mut target = Apply::new(session.cluster.clone())
        .field_manager(manager)?
        .conflicts(conflicts)
        .take_over_from(&args.take_over);
    for field in &args.yields {
        target = target.conflict_rule(ConflictRule::new(Conflicts::Yield).field(field)?);
    }
    for kind in &args.recreate {
        target = target.recreate(kind.group(), kind.kind())?;
    }
    if let (true, Some(name)) = (args.prune, name) {
        target = target.prune(ApplySet::new(name, records_namespace(bundle, &session.namespace))?);
    }
    Ok(target)
}
