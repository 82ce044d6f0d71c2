//! AWS, and the node behind it, as the command line says.

use std::cell::OnceCell;

use deploy_core::error::{Error, Result};
use deploy_ssm::{Aws, Fleet, Instances, SsmK3s, SsmK3sBuilder};

use super::args::{
    AppArgs, DeployArgs, FollowArgs, NodeArgs, ResumeArgs, RollbackArgs, STATE_DIR, SsmCommand, StatusArgs,
    SweepArgs, ThroughArgs, WayArgs,
};
use super::{SsmArgs, words};
use crate::args::ClusterArgs;
use crate::duration;
use crate::environment::Environment;

/// What an application is called where only the node is asked for.
const NO_APP: &str = "xtask";

/// A node that is reached through AWS.
pub(crate) struct Far {
    pub(super) aws: Aws,
    pub(super) target: SsmK3s,
    pub(super) namespace: String,
    pub(super) holder: String,
    /// The command that follows what was begun here.
    pub(super) resume: OnceCell<String>,
}

/// Nobody is asked before the command needs it.
pub(crate) async fn open(args: &SsmArgs, cluster: &ClusterArgs, environment: &Environment) -> Result<Far> {
    if cluster.context.is_some() || cluster.kubeconfig.is_some() || cluster.in_cluster {
        return Err(Error::invalid(
            "the node alone talks to its cluster: no kubeconfig of this machine counts",
        )
        .help("--node-kubeconfig names the node's"));
    }
    let (asked_app, node) = args.command.asked();
    let mut aws = Aws::builder();
    if let Some(region) = &node.aws.region {
        aws = aws.region(region);
    }
    if let Some(profile) = &node.aws.profile {
        aws = aws.profile(profile);
    }
    let aws = aws.from_environment().await?;
    let app = asked_app.map_or(NO_APP, |app| &app.app);
    let mut target = located(SsmK3s::builder(&aws, app, instances(node)?), node);
    target = target.request_timeout(cluster.request_timeout);
    if let Some(AppArgs { through, .. }) = asked_app {
        target = stored(target, through);
    }
    target = match &args.command {
        SsmCommand::Deploy(args) => {
            let target = written(target, &args.ways).prune(args.prune);
            args.cluster_scoped
                .iter()
                .fold(target, |target, kind| target.cluster_scoped(kind.group(), kind.kind()))
        }
        SsmCommand::Rollback(args) => written(target, &args.ways),
        _ => target,
    };
    Ok(Far {
        target: target.build()?,
        aws,
        namespace: cluster.namespace.clone().unwrap_or_else(|| "default".to_owned()),
        holder: environment.holder.clone(),
        resume: OnceCell::new(),
    })
}

impl Far {
    /// How many requests were sent to AWS.
    pub(crate) fn requests(&self) -> u64 {
        self.aws.calls().total()
    }

    /// What is told at the second Ctrl-C.
    pub(crate) fn left(&self) -> String {
        match self.resume.get() {
            Some(resume) => format!("left at once; what the node has begun it ends by itself: {resume}"),
            None => "left at once".to_owned(),
        }
    }
}

fn instances(node: &NodeArgs) -> Result<Instances> {
    let instances = match (&node.name, node.tags.as_slice()) {
        (Some(pattern), _) => Instances::named(pattern)?,
        (None, []) => Instances::ids(&node.instances)?,
        (None, [first, rest @ ..]) => {
            let (key, value) = tag(first)?;
            rest.iter().try_fold(Instances::tag(key, value)?, |instances, next| {
                let (key, value) = tag(next)?;
                instances.and_tag(key, value)
            })?
        }
    };
    let several = node.fleet || node.instances.len() > 1;
    if !several && (node.max_concurrency.is_some() || node.max_errors.is_some()) {
        return Err(Error::invalid("one node is no fleet").help("--fleet means all nodes that are found"));
    }
    if !several {
        return Ok(instances);
    }
    let mut fleet = Fleet::default();
    if let Some(share) = node.max_concurrency {
        fleet = fleet.max_concurrency(share)?;
    }
    if let Some(share) = node.max_errors {
        fleet = fleet.max_errors(share);
    }
    Ok(instances.fleet(fleet))
}

fn tag(text: &str) -> Result<(&str, &str)> {
    text.split_once('=')
        .ok_or_else(|| Error::invalid(format!("a tag is K=V, not \"{}\"", text.escape_default())))
}

fn located(mut target: SsmK3sBuilder, node: &NodeArgs) -> SsmK3sBuilder {
    target = target.state_dir(&node.state_dir);
    if let Some(kubectl) = &node.node_kubectl {
        target = target.kubectl(kubectl);
    }
    if let Some(kubeconfig) = &node.node_kubeconfig {
        target = target.kubeconfig(kubeconfig);
    }
    if let Some(document) = &node.document {
        target = target.document(document);
    }
    target
}

fn stored(mut target: SsmK3sBuilder, through: &ThroughArgs) -> SsmK3sBuilder {
    if let Some(bucket) = &through.bucket {
        target = target.bucket(bucket, &through.prefix);
    }
    if through.temporary_bucket {
        target = target.temporary_bucket();
    }
    target.instance_role(through.instance_role)
}

fn written(target: SsmK3sBuilder, ways: &WayArgs) -> SsmK3sBuilder {
    let writing = &ways.writing;
    target
        .force_conflicts(writing.force_conflicts)
        .field_manager(&writing.field_manager)
        .validate(writing.validate.into())
        .keep(writing.keep)
}

/// The command that follows deployment `id`, to be copied into a shell.
pub(super) fn resume(id: &str, args: &AppArgs, follow: &FollowArgs) -> String {
    let mut flags = words::Flags::new("cargo xtask ssm resume");
    flags.add("--id", id);
    flags.add("--app", &args.app);
    let AppArgs { through, node, .. } = args;
    for instance in &node.instances {
        flags.add("--instance", instance);
    }
    for tag in &node.tags {
        flags.add("--tag", tag);
    }
    flags.add_some("--name", node.name.as_deref());
    flags.add_if("--fleet", node.fleet);
    flags.add_some("--bucket", through.bucket.as_deref());
    flags.add_some("--prefix", Some(through.prefix.as_str()).filter(|prefix| !prefix.is_empty()));
    flags.add_if("--temporary-bucket", through.temporary_bucket);
    flags.add_some("--state-dir", Some(node.state_dir.as_str()).filter(|folder| *folder != STATE_DIR));
    flags.add_some("--document", node.document.as_deref());
    flags.add_some("--region", node.aws.region.as_deref());
    flags.add_some("--profile", node.aws.profile.as_deref());
    // How long the node may take it knows; who follows it has to know, too.
    flags.add("--timeout", &duration::text(follow.timeout));
    flags.add("--rollback-timeout", &duration::text(follow.rollback_timeout));
    flags.line()
}

impl SsmCommand {
    /// Which application is meant, if one is, and which node.
    fn asked(&self) -> (Option<&AppArgs>, &NodeArgs) {
        match self {
            Self::Diagnose(node) | Self::Health(node) => (None, node),
            Self::Deploy(DeployArgs { app, .. })
            | Self::Status(StatusArgs { app, .. })
            | Self::Resume(ResumeArgs { app, .. })
            | Self::Cancel(ResumeArgs { app, .. })
            | Self::Rollback(RollbackArgs { app, .. })
            | Self::History(app)
            | Self::Sweep(SweepArgs { app, .. }) => (Some(app), &app.node),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::args::{Cli, Command};

    fn read(line: &str) -> SsmCommand {
        match Cli::try_parse_from(line.split_whitespace()).map(|cli| cli.command) {
            Ok(Command::Ssm(args)) => args.command,
            Ok(_) => panic!("{line} is no command of ssm"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    #[test]
    fn who_resumes_waits_as_long() {
        let check = |flags: &str, expect: &str| {
            let deploy = format!("xtask ssm deploy -f a --app shop --instance i-01234567 {flags}");
            let SsmCommand::Deploy(args) = read(&deploy) else { panic!("{deploy}") };
            let line = resume("20261122-101500-4f1c2d", &args.app, &args.ways.follow);
            assert!(line.ends_with(expect), "{line}");
            let SsmCommand::Resume(resumed) = read(line.strip_prefix("cargo ").unwrap()) else {
                panic!("{line}")
            };
            let bounds = |follow: &FollowArgs| (follow.timeout, follow.rollback_timeout);
            assert_eq!(bounds(&resumed.follow), bounds(&args.ways.follow), "{line}");
        };
        check("", " --timeout 300s --rollback-timeout 120s");
        check("--timeout 30m --rollback-timeout 1500ms", " --timeout 1800s --rollback-timeout 1500ms");
    }
}
