//! Handing a plan over: the package to where the node gets it, and one command.

use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::plan::Plan;
use deploy_core::run::Run;
use deploy_core::target::{Applied, AppliedObject};

use super::SsmK3s;
use super::bounds::Bounds;
use super::deployments::{Deployments, Sent};
use super::plan::{Prepared, What, cancelled};
use super::staging::Staging;
use crate::bundle::Package;
use crate::command::{Command, START_WITHIN, comment};
use crate::node::{self, Request, Verb};

impl SsmK3s {
    pub(super) async fn hand_over(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        let prepared = plan
            .kept::<Prepared>()
            .ok_or_else(|| Error::invalid("the plan was not made by this target").during("apply"))?;
        if run.cancel().is_cancelled() {
            return Err(cancelled());
        }
        let found_bad = self.deployments.get(run.id()).is_some_and(|deployment| deployment.has_failed());
        let run = &if found_bad { run.clone().with_id(Deployments::back(run.id())) } else { run.clone() };
        if self.deployments.get(run.id()).is_none() {
            let staging = self.staging(run)?;
            let sent = self.send_plan(prepared, staging.as_ref(), run).await;
            let command = match sent {
                Ok(command) => command,
                Err(error) => {
                    // Where the answer was lost, the node may be reading it.
                    if error.kind() != ErrorKind::OutcomeUnknown
                        && let Some(staging) = &staging
                        && let Err(left) = staging.clear().await
                    {
                        tracing::warn!(error = %left, "what lay in S3 is left for a sweep");
                    }
                    return Err(error);
                }
            };
            self.deployments.begin(run.id(), Sent::Own(command), prepared.instances.clone(), staging);
        }
        let mut applied = Applied::default();
        applied.objects = plan
            .changes
            .iter()
            .map(|change| AppliedObject {
                id: change.id.clone(),
                api_version: change.desired.api_version().to_owned(),
                action: change.action,
                generation: None,
                healthy: false,
            })
            .collect();
        Ok(applied)
    }

    async fn send_plan(&self, prepared: &Prepared, staging: Option<&Staging>, run: &Run) -> Result<String> {
        let bounds = self.bounds(&prepared.instances, run);
        let live = bounds.urls();
        let verb = match prepared.what {
            What::Package(_) => Verb::Deploy,
            What::Kept(_) => Verb::Rollback,
        };
        let mut request = self.request(verb, run)?.id(run.id().as_str())?;
        if let Some(staging) = staging {
            staging.open(self.app()).await?;
        }
        if let Some(staging) = staging.filter(|staging| staging.tells()) {
            let [progress, result, log] = staging.urls(live).await?;
            request = request
                .progress_url(progress.reveal())?
                .result_url(result.reveal())?
                .log_url(log.reveal())?;
        }
        match &prepared.what {
            // What is deleted is what later bundles had: going back is going back whole.
            What::Kept(number) => request = request.number(*number).prune(true),
            What::Package(package) => request = self.with_package(request, package, staging, live).await?,
        }
        let command = Command {
            document: &self.options.document,
            instances: &prepared.instances,
            fleet: self.options.instances.as_fleet(),
            comment: comment(self.app(), run.id().as_str(), verb.name()),
            lines: request.commands()?,
            start_within: bounds.start_within(),
            run_within: bounds.run_within(),
        };
        self.commands(run).send(&command).await
    }

    /// Inline where it fits and may be seen, else through the bucket.
    async fn with_package(
        &self,
        request: Request,
        package: &Package,
        staging: Option<&Staging>,
        live: Duration,
    ) -> Result<Request> {
        let inline = request.clone().package(node::Source::Inline {
            bytes: package.bytes().to_vec(),
            sha256: package.sha256().to_owned(),
        })?;
        let fits = !package.has_secrets() && inline.size()? <= node::MAX_REQUEST;
        let place = match staging {
            Some(staging) if !fits => staging,
            // One that is too large says so, and how else.
            _ => return Ok(inline),
        };
        place.put_package(package.bytes()).await?;
        let sha256 = package.sha256().to_owned();
        request.package(if self.options.instance_role {
            node::Source::S3 { uri: place.package_uri(), sha256 }
        } else {
            node::Source::Url { url: place.package_url(live).await?.reveal().to_owned(), sha256 }
        })
    }

    pub(super) fn bounds(&self, instances: &[String], run: &Run) -> Bounds {
        Bounds::new(run.rules(), instances.len(), self.options.instances.as_fleet())
    }

    /// What every request of this target says.
    pub(super) fn request(&self, verb: Verb, run: &Run) -> Result<Request> {
        let (rules, ways) = (run.rules(), &self.options.ways);
        let request = Request::new(verb, self.app())?
            .state_dir(&ways.state_dir)
            .kubectl(&ways.kubectl)
            .kubeconfig(&ways.kubeconfig)
            .validate(ways.validate)
            .request_timeout(ways.request_timeout)
            .field_manager(&ways.field_manager)
            .force_conflicts(ways.force_conflicts)
            .prune(ways.prune)
            .keep(ways.keep)
            .timeout(rules.timeout)
            .rollback_timeout(rules.rollback_timeout)
            .patience(rules.patience.clone())
            .on_failure(rules.on_failure);
        Ok(run.revision().into_iter().fold(request, Request::git_revision))
    }

    /// Sends a command about a deployment to the node that has it, and returns the command's id.
    pub(super) async fn send_about(&self, verb: Verb, instance: &str, run: &Run) -> Result<String> {
        let command = Command {
            document: &self.options.document,
            instances: &[instance.to_owned()],
            fleet: None,
            // Each is a command of its own: asking twice is harmless.
            comment: comment(self.app(), run.id().as_str(), &once(verb)),
            lines: self.request(verb, run)?.id(run.id().as_str())?.commands()?,
            start_within: START_WITHIN,
            run_within: self.bounds(&[], run).run_within(),
        };
        self.commands(run).send(&command).await
    }
}

/// What a command is found by that is one of its kind.
pub(super) fn once(verb: Verb) -> String {
    format!("{}-{:06x}", verb.name(), fastrand::u32(..0x0100_0000))
}
