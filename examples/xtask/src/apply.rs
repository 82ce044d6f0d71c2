//! `apply` and `diff`: manifests from files, a chart or a kustomization to a cluster.

use std::sync::Arc;

use deploy_core::error::Result;
use deploy_core::manifest::{Bundle, BundleBuilder, ImageOverride, Object};
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_k8s::{Apply, ApplySet, ConflictRule, Conflicts};

use crate::args::{ApplyArgs, ChangesArgs, DiffArgs, ManifestArgs, WritingArgs};
use crate::images;
use crate::rollout::{Desired, records_namespace, roll_out};
use crate::session::Session;
use crate::source::Stands;

pub(crate) async fn apply(args: &ApplyArgs, session: &Session) -> Result<Outcome> {
    let (name, manager) = (args.rollout.name.as_deref(), &args.rollout.field_manager);
    let (bundle, note) = read(&args.changes.manifests, name, session).await?;
    let guarded = images::guarded(bundle, &args.images, session);
    let (bundle, guards) = session.unless_cancelled(guarded).await?;
    let target =
        target(&args.changes, name, manager, &bundle, session)?.asking_about_each(args.rollout.run.dry_run);
    let mut outcome = roll_out(target, Desired::Bundle(&bundle), guards, &args.rollout, session).await?;
    outcome.notes.extend(note);
    Ok(outcome)
}

pub(crate) async fn diff(args: &DiffArgs, session: &Session) -> Result<Outcome> {
    let (bundle, note) = read(&args.changes.manifests, args.name.as_deref(), session).await?;
    let target = target(&args.changes, args.name.as_deref(), &args.field_manager, &bundle, session)?;
    session.ready();
    let rollout = Rollout::new(Arc::new(target.asking_about_each(true))).dry_run(true);
    let mut outcome = rollout.run(&bundle, session.run()).await?;
    outcome.notes.extend(note);
    Ok(outcome)
}

/// The bundle, and a note on what was left out of it.
async fn read(
    args: &ManifestArgs,
    name: Option<&str>,
    session: &Session,
) -> Result<(Bundle, Option<String>)> {
    // Every time the same, whether something stands or not: applying again must change nothing.
    let load = args.source.load(name.unwrap_or_default(), Stands::default(), session);
    let (objects, note) = session.unless_cancelled(load).await?.without_hooks();
    Ok((bundle(objects, Vec::new(), &args.images, session)?, note))
}

/// Objects for the session's namespace, with other images in place.
pub(crate) fn bundle(
    objects: Vec<Object>,
    hooks: Vec<Object>,
    images: &[ImageOverride],
    session: &Session,
) -> Result<Bundle> {
    let bundle = Bundle::builder().objects(objects).hooks(hooks).namespace(&session.namespace);
    images.iter().cloned().fold(bundle, BundleBuilder::image).build()
}

fn target(
    args: &ChangesArgs,
    name: Option<&str>,
    manager: &str,
    bundle: &Bundle,
    session: &Session,
) -> Result<Apply> {
    let target = written(&args.writing, session)?.field_manager(manager)?;
    match name.filter(|_| args.prune) {
        Some(name) => Ok(target.prune(ApplySet::new(name, records_namespace(bundle, &session.namespace))?)),
        None => Ok(target),
    }
}

/// What writes objects as the command line says.
pub(crate) fn written(args: &WritingArgs, session: &Session) -> Result<Apply> {
    let conflicts = if args.force_conflicts { Conflicts::Force } else { Conflicts::Fail };
    let mut target = Apply::new(session.cluster.clone()).conflicts(conflicts).take_over_from(&args.take_over);
    for field in &args.yields {
        target = target.conflict_rule(ConflictRule::new(Conflicts::Yield).field(field)?);
    }
    for kind in &args.recreate {
        target = target.recreate(kind.group(), kind.kind())?;
    }
    Ok(target)
}
