//! What changes a release: `upgrade`, `rollback`, `uninstall`, `test`; and `diff`, which would.

use deploy_core::error::Result;
use deploy_core::manifest::Object;
use deploy_core::outcome::Outcome;
use deploy_core::run::OnFailure;
use deploy_k8s::Release;
use deploy_source::split_hooks;
use serde_json::json;

use super::args::{DiffArgs, Label, RollbackArgs, TestArgs, UninstallArgs, UpgradeArgs, WorkArgs};
use super::values::{self, Reuse};
use crate::apply::{bundle, written};
use crate::args::RunArgs;
use crate::rollout::{keep, run};
use crate::session::Session;
use crate::source::Stands;

pub(super) async fn upgrade(args: &UpgradeArgs, session: &Session) -> Result<Outcome> {
    let mut release = open(&args.release, &args.run, session)?
        .applied_by(written(&args.writing, session)?.asking_about_each(args.run.dry_run))
        .history_max(args.recording.history_max)
        .take_ownership(args.take_ownership);
    for Label { key, value } in &args.labels {
        release = release.label(key, value)?;
    }
    let source = &args.manifests.source;
    // Nothing else depends on it, and asking costs a request.
    let installed = if source.chart.is_some() || args.keep_failed_install {
        session.ready();
        session.unless_cancelled(release.is_installed()).await?
    } else {
        false
    };
    let reuse = if installed && source.chart.is_some() {
        args.reuse.decide(source.gives_values())
    } else {
        Reuse::Nothing
    };
    let load = async {
        let (given, defaults) = values::of_before(&release, reuse).await?;
        source.load(release.name(), Stands { installed, given, defaults }, session).await
    };
    let loaded = session.unless_cancelled(load).await?;
    let (mut objects, mut hooks) = (loaded.objects, Vec::new());
    if let Some(chart) = loaded.chart {
        // A chart may have several hooks of one name, and a bundle may not.
        (objects, hooks) = split_hooks(objects);
        release = release.chart(chart).crds(loaded.crds);
    }
    let images = &args.manifests.images;
    let mut wanted = bundle(objects, hooks, images, session)?;

    session.ready();
    if args.create_namespace && release.create_namespace().await? && args.run.dry_run {
        // Only beside it can be planned what belongs into it.
        let objects = wanted.objects().iter().cloned().chain([namespace(&session.namespace)?]).collect();
        // Its images are in place already.
        wanted = bundle(objects, wanted.hooks().to_vec(), &[], session)?;
    }
    let keeps = args.keep_failed_install && !installed;
    let on_failure = if keeps { OnFailure::Leave } else { args.undone.on_failure() };
    let mut run = run(&args.run, on_failure, session);
    if let Some(revision) = &args.git_revision {
        run = run.git_revision(revision);
    }
    let outcome = release.upgrade(&wanted, run).await?;
    keep(&outcome, &args.run.files, &session.teller());
    Ok(outcome)
}

pub(super) async fn roll_back(args: &RollbackArgs, session: &Session) -> Result<Outcome> {
    let release = open(&args.release, &args.run, session)?
        .applied_by(written(&args.writing, session)?.asking_about_each(args.run.dry_run))
        .history_max(args.recording.history_max);
    session.ready();
    let outcome = release.roll_back(args.revision, run(&args.run, args.undone.on_failure(), session)).await?;
    keep(&outcome, &args.run.files, &session.teller());
    Ok(outcome)
}

pub(super) async fn uninstall(args: &UninstallArgs, session: &Session) -> Result<Outcome> {
    let release = open(&args.release, &args.run, session)?;
    session.ready();
    let outcome = release.uninstall(args.keep_history, run(&args.run, OnFailure::Leave, session)).await?;
    keep(&outcome, &args.run.files, &session.teller());
    Ok(outcome)
}

pub(super) async fn test(args: &TestArgs, session: &Session) -> Result<Outcome> {
    let release = open(&args.release, &args.run, session)?;
    session.ready();
    let outcome = release.test(run(&args.run, OnFailure::Leave, session)).await?;
    keep(&outcome, &args.run.files, &session.teller());
    Ok(outcome)
}

pub(super) async fn diff(args: &DiffArgs, session: &Session) -> Result<Outcome> {
    let release = super::open(&args.revision.name, session)?;
    session.unless_cancelled(release.diff(args.revision.revision, session.run())).await
}

fn namespace(name: &str) -> Result<Object> {
    Object::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}))
}

fn open(args: &WorkArgs, run: &RunArgs, session: &Session) -> Result<Release> {
    let release = Release::new(session.cluster.clone(), &session.namespace, &args.name)?
        .holder(&session.holder)
        .dry_run(run.dry_run);
    Ok(match args.take_over_helm {
        Some(age) => release.helm_is_dead_after(age),
        None => release,
    })
}
