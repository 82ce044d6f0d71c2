//! What is planned: a bundle packed for nodes that are there, or a bundle that they keep.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Bundle, Object};
use deploy_core::plan::{Change, Depth, Plan, PlannedStage};
use deploy_core::run::Run;

use super::SsmK3s;
use super::staging::Through;
use crate::bundle::Package;

/// What a plan of ours keeps until it is applied.
pub(super) struct Prepared {
    pub(super) instances: Vec<String>,
    pub(super) what: What,
}

pub(super) enum What {
    Package(Package),
    /// A bundle that the node keeps; 0 is nothing at all.
    Kept(u64),
}

impl SsmK3s {
    pub(super) async fn plan_bundle(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        let settled = self.options.cluster_scoped.settle(bundle.clone())?;
        let package = Package::new(&settled)?;
        self.check_secrets(&package)?;
        let instances = self.find(run).await?;
        let change = |object: &Object| Change::unseen(object.clone(), object.clone()).simulated();
        let mut changes = Vec::with_capacity(settled.objects().len());
        let mut stages = Vec::new();
        for stage in settled.stages()? {
            let first = changes.len();
            let gates = stage.objects.iter().enumerate();
            let gates = gates
                .filter(|(_, index)| stage.await_ready.contains(index))
                .map(|(at, _)| first + at)
                .collect();
            changes
                .extend(stage.objects.iter().filter_map(|index| settled.objects().get(*index)).map(change));
            stages.push(PlannedStage { changes: (first..changes.len()).collect(), gates });
        }
        let digest = bundle.digest().to_string();
        let mut plan = Plan::new(run.id().clone(), digest, Depth::Digest, changes, stages);
        plan.notes
            .push("the whole bundle is applied on the node, which alone knows what changes by it".to_owned());
        Ok(plan.keeping(Prepared { instances, what: What::Package(package) }))
    }

    /// A bundle that the node keeps; `None` is the newest good one before the present.
    pub(super) async fn plan_kept(&self, revision: Option<u64>, run: &Run) -> Result<Plan> {
        let kept = self.kept(run).await?;
        let number = match revision {
            Some(number) => number,
            None => kept.before_the_present()?,
        };
        // Of what goes entirely, what goes is the present.
        let shown = if number == 0 { kept.present()? } else { number };
        if !kept.has(shown) {
            return Err(Error::new(
                ErrorKind::NotFound,
                format!("bundle {shown} of {} is not kept on the node", self.app()),
            )
            .help(kept.told()));
        }
        let objects = self.shown(shown, run).await?;
        let instances = self.find(run).await?;
        let changes: Vec<Change> = objects
            .into_iter()
            .map(|object| {
                if number == 0 {
                    Change::delete(object)
                } else {
                    Change::unseen(object.clone(), object).simulated()
                }
            })
            .collect();
        let wanted = changes.iter().filter(|_| number != 0).map(|change| change.desired.clone());
        let digest = Bundle::builder().objects(wanted).build()?.digest().to_string();
        let all = if number == 0 {
            Vec::new()
        } else {
            vec![PlannedStage { changes: (0..changes.len()).collect(), gates: Vec::new() }]
        };
        let mut plan = Plan::new(run.id().clone(), digest, Depth::Digest, changes, all);
        plan.notes.push(if number == 0 {
            "nothing stood before: what was deployed is removed".to_owned()
        } else {
            format!(
                "bundle {number} is applied as the node keeps it, and what only later ones had is deleted"
            )
        });
        Ok(plan.keeping(Prepared { instances, what: What::Kept(number) }))
    }

    /// The nodes' ids.
    pub(super) async fn find(&self, run: &Run) -> Result<Vec<String>> {
        let found = tokio::select! {
            found = self.options.instances.find(&self.options.aws) => found?,
            () = run.cancel().cancelled() => return Err(cancelled()),
        };
        Ok(found.into_iter().map(|instance| instance.id).collect())
    }

    /// Secrets may not travel through the command: its parameters stay readable in its history and in the audit trail.
    fn check_secrets(&self, package: &Package) -> Result<()> {
        if package.has_secrets() && self.options.through == Through::Command {
            return Err(Error::invalid(format!(
                "{} may not travel through a command, whose history and audit trail would show it",
                package.secrets().join(", ")
            ))
            .help("name a bucket, or let one be made for the deployment"));
        }
        Ok(())
    }
}

pub(super) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled before anything was handed over")
}
