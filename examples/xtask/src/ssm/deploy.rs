//! `ssm deploy` and `ssm rollback`: begun here, done by the node.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Bundle, BundleBuilder, Object};
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::{DeploymentId, Run};
use deploy_core::source::Source;
use deploy_source::{FileSource, Kustomization};
use deploy_ssm::S3Lock;
use deploy_ssm::aws::Bucket;

use super::args::{AppArgs, DeployArgs, FollowArgs, RollbackArgs, WayArgs};
use super::{Far, far, followed, run};
use crate::images::Desk;
use crate::paint::Tone;
use crate::rollout::keep;
use crate::session::Teller;

/// Below what the bucket's locks lie.
const LOCKS: &str = "locks";

pub(super) async fn deploy(args: &DeployArgs, far: &Far, desk: &Desk<'_>) -> Result<Outcome> {
    let objects = tokio::select! {
        objects = read(args) => objects?,
        () = desk.cancel.cancelled() => {
            return Err(Error::new(ErrorKind::Cancelled, "cancelled before anything was written"));
        }
    };
    let bundle = Bundle::builder().objects(objects).namespace(&far.namespace);
    let bundle = args.images.iter().cloned().fold(bundle, BundleBuilder::image).build()?;
    let (rollout, run) = begin(&args.app, &args.ways, far, desk)?;
    let id = run.id().clone();
    let outcome = rollout.run(&bundle, run).await?;
    keep_all(&outcome, &id, &args.ways.follow, far, desk);
    Ok(outcome)
}

pub(super) async fn roll_back(args: &RollbackArgs, far: &Far, desk: &Desk<'_>) -> Result<Outcome> {
    let (rollout, run) = begin(&args.app, &args.ways, far, desk)?;
    let id = run.id().clone();
    let outcome = rollout.run_revision(args.number, run).await?;
    keep_all(&outcome, &id, &args.ways.follow, far, desk);
    Ok(outcome)
}

async fn read(args: &DeployArgs) -> Result<Vec<Object>> {
    match &args.kustomization {
        Some(folder) => Kustomization::new(folder).load().await,
        None => {
            FileSource::new(&args.files).recursive(args.recursive).standard_input(io::stdin()).load().await
        }
    }
}

/// What is about to begin; its id is told, for whoever takes it up.
fn begin(app: &AppArgs, ways: &WayArgs, far: &Far, desk: &Desk<'_>) -> Result<(Rollout, Run)> {
    let mut run = followed(run(desk), &ways.follow, ways.undone.on_failure(), far);
    if let Some(revision) = &ways.git_revision {
        run = run.git_revision(revision);
    }
    let target = Arc::new(far.target.clone());
    let mut rollout = Rollout::new(target).holder(&far.holder).dry_run(ways.dry_run);
    if let Some(bucket) = &ways.lock_bucket {
        rollout = rollout.lock(Arc::new(S3Lock::new(Bucket::new(&far.aws, bucket)?, LOCKS)));
    }
    if !ways.dry_run {
        let id = run.id();
        let resume = far.resume.get_or_init(|| far::resume(id.as_str(), app, &ways.follow));
        desk.progress.tell(Tone::Plain, &format!("deployment {id}; to follow it from elsewhere: {resume}"));
    }
    Ok((rollout, run))
}

/// Writes the files that are to tell of it. One that cannot be written is told, and is no reason to fail what is done.
pub(super) fn keep_all(
    outcome: &Outcome,
    id: &DeploymentId,
    follow: &FollowArgs,
    far: &Far,
    desk: &Desk<'_>,
) {
    let teller = Teller { progress: desk.progress, step_summary: desk.environment.step_summary.as_deref() };
    keep(outcome, &follow.files, &teller);
    if let (Some(path), Some(log)) = (&follow.log, far.target.log(id)) {
        keep_log(path, &log, desk);
    }
}

fn keep_log(path: &Path, log: &str, desk: &Desk<'_>) {
    match fs::write(path, log) {
        Ok(()) => desk.progress.tell(Tone::Plain, &format!("the node's log is in {}", path.display())),
        Err(error) => {
            let text = format!("warning: the node's log cannot be written to {}: {error}", path.display());
            desk.progress.tell(Tone::Warn, &text);
        }
    }
}
