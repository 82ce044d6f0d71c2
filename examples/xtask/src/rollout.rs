//! A bundle to a cluster: lock, journal and policy as the command line says.

use std::path::Path;
use std::sync::Arc;
use std::{fs, io};

use deploy_core::error::Result;
use deploy_core::manifest::Bundle;
use deploy_core::outcome::Outcome;
use deploy_core::rollout::Rollout;
use deploy_core::run::{OnFailure, Policy, Run};
use deploy_core::source::Derive;
use deploy_k8s::{Apply, LeaseLock, SecretJournal};

use crate::args::{FileArgs, RolloutArgs, RunArgs};
use crate::images::Guards;
use crate::paint::Tone;
use crate::report_file;
use crate::session::{Session, Teller};

/// What is rolled out.
#[derive(Clone, Copy)]
pub(crate) enum Desired<'a> {
    Bundle(&'a Bundle),
    /// Made of live objects, once nobody else writes.
    Derived(&'a dyn Derive),
}

pub(crate) async fn roll_out(
    target: Apply,
    desired: Desired<'_>,
    guards: Guards,
    args: &RolloutArgs,
    session: &Session,
) -> Result<Outcome> {
    let mut run = run(&args.run, args.undone.on_failure(), session);
    if let Some(name) = &args.name {
        run = run.named(name);
    }
    if let Some(revision) = &args.git_revision {
        run = run.git_revision(revision);
    }

    let records = match desired {
        Desired::Bundle(bundle) => records_namespace(bundle, &session.namespace),
        Desired::Derived(_) => &session.namespace,
    };
    let mut rollout = Rollout::new(Arc::new(target))
        .lock(Arc::new(LeaseLock::new(session.cluster.clone(), records)))
        .journal(Arc::new(SecretJournal::new(session.cluster.clone(), records)))
        .holder(&session.holder)
        .dry_run(args.run.dry_run);
    if let Some(preflight) = guards.preflight {
        rollout = rollout.preflight(preflight);
    }
    rollout = guards.gates.into_iter().fold(rollout, Rollout::gate);
    session.ready();
    let outcome = match desired {
        Desired::Bundle(bundle) => rollout.run(bundle, run).await?,
        Desired::Derived(make) => rollout.run_derived(make, run).await?,
    };

    keep(&outcome, &args.run.files, &session.teller());
    Ok(outcome)
}

/// A run as the command line says.
pub(crate) fn run(args: &RunArgs, on_failure: OnFailure, session: &Session) -> Run {
    session.run().policy(Policy::default().timeout(args.timeout).on_failure(on_failure))
}

/// Writes the files that are to tell of it.
pub(crate) fn keep(outcome: &Outcome, args: &FileArgs, teller: &Teller<'_>) {
    report_file::keep(outcome, &args.reports, teller);
    if let Some(folder) = &args.evidence
        && !outcome.evidence.is_empty()
    {
        match keep_evidence(outcome, folder) {
            Ok(()) => teller.progress.tell(Tone::Plain, &format!("the evidence is in {}", folder.display())),
            Err(error) => {
                let text =
                    format!("warning: the evidence cannot be written to {}: {error}", folder.display());
                teller.progress.tell(Tone::Warn, &text);
            }
        }
    }
}

/// Where lock and journal are kept: not in a namespace that comes and goes with the bundle itself.
pub(crate) fn records_namespace<'a>(bundle: &Bundle, namespace: &'a str) -> &'a str {
    let own =
        bundle.objects().iter().any(|object| object.id().is("", "Namespace") && object.name() == namespace);
    if own { "default" } else { namespace }
}

fn keep_evidence(outcome: &Outcome, folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    outcome.evidence.files().iter().try_for_each(|(name, text)| fs::write(folder.join(name), text))
}

#[cfg(test)]
mod tests {
    use super::*;
    use deploy_core::manifest::read;

    #[test]
    fn records_are_not_kept_in_a_namespace_of_the_bundle() {
        let check = |manifest: &str, expect: &str| {
            let bundle =
                Bundle::builder().objects(read("a.yaml", manifest.as_bytes()).unwrap()).build().unwrap();
            assert_eq!(records_namespace(&bundle, "shop"), expect);
        };
        check("{apiVersion: v1, kind: ConfigMap, metadata: {name: shop}}", "shop");
        check("{apiVersion: v1, kind: Namespace, metadata: {name: other}}", "shop");
        check("{apiVersion: v1, kind: Namespace, metadata: {name: shop}}", "default");
    }
}
