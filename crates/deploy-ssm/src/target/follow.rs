//! Following what was handed over until the node has ended it, one way or the other.

use deploy_core::error::{ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::run::Run;
use deploy_core::target::Observation;
use futures_util::future::join_all;

use super::SsmK3s;
use super::deployments::{Deployment, Ended};
use super::follower::Follower;
use super::verdict;
use crate::node::Verb;

impl SsmK3s {
    pub(super) async fn follow(&self, run: &Run) -> Result<Observation> {
        let run = &self.deployments.present(run);
        let deployment = match self.deployments.get(run.id()) {
            Some(deployment) => deployment,
            None => self.take_up(Verb::Attach, run).await?,
        };
        self.follow_it(&deployment, false, run).await
    }

    /// Follows it to its end, and has it `stop` before.
    pub(super) async fn follow_it(
        &self,
        deployment: &Deployment,
        stop: bool,
        run: &Run,
    ) -> Result<Observation> {
        if deployment.reports().is_none() {
            match self.to_the_end(deployment, stop, run).await {
                // Nothing was begun.
                Err(error) if error.kind() == ErrorKind::Cancelled => return Ok(Observation::Cancelled),
                followed => followed?,
            }
        }
        let reports = deployment.reports().unwrap_or_default();
        match reports.as_slice() {
            [(instance, Ok(report))] => verdict::observation(report, instance),
            [(_, Err(error))] => Err(verdict::again(error)),
            all => verdict::of_all(all),
        }
    }

    async fn to_the_end(&self, deployment: &Deployment, stop: bool, run: &Run) -> Result<()> {
        let followed = deployment
            .instances
            .iter()
            .map(|instance| Follower::new(self, deployment, instance, run).follow(stop));
        let results = join_all(followed).await;
        let (mut log, mut over) = (None, true);
        let mut reports = Vec::with_capacity(results.len());
        for (instance, result) in deployment.instances.iter().zip(results) {
            let report = match result {
                Ok((report, its_log)) => {
                    log = log.or(its_log);
                    Ok(report)
                }
                Err(lost) => {
                    over &= lost.over;
                    Err(lost.error)
                }
            };
            reports.push((instance.clone(), report));
        }
        for (instance, report) in &reports {
            if let Ok(report) = report {
                deployment.told.lock().await.report(instance, report, run);
                for message in &report.notes {
                    run.emit(EventKind::Warning { message: message.clone() });
                }
            }
        }
        if let Some(staging) = &deployment.staging {
            if staging.tells()
                && let Ok(Some(whole)) = staging.log().await
            {
                log = Some(whole);
            }
            // A node that cannot be followed any more goes on by itself.
            if over && let Err(error) = staging.clear().await {
                run.emit(EventKind::Warning {
                    message: format!("what lay in S3 is left for a sweep: {error}"),
                });
            }
        }
        // The error of the only one is the caller's to see, who may ask again.
        let reports = match <[_; 1]>::try_from(reports) {
            Ok([(_, Err(error))]) => return Err(error),
            Ok([(instance, report)]) => vec![(instance, report)],
            Err(all) => all,
        };
        deployment.end(Ended { reports, log });
        Ok(())
    }
}
