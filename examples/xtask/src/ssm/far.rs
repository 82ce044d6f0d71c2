//! AWS, and the node behind it, as the command line says.

use std::cell::OnceCell;

use deploy_core::error::{Error, Result};
use deploy_ssm::{Aws, Fleet, Instances, SsmK3s, SsmK3sBuilder};

use super::args::{
    AppArgs, DeployArgs, NodeArgs, ResumeArgs, RollbackArgs, STATE_DIR, SsmCommand, StatusArgs, SweepArgs,
    ThroughArgs, WayArgs,
};
use super::{SsmArgs, words};
use crate::args::ClusterArgs;
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
    let node = args.command.node();
    let mut aws = Aws::builder();
    if let Some(region) = &node.aws.region {
        aws = aws.region(region);
    }
    if let Some(profile) = &node.aws.profile {
        aws = aws.profile(profile);
    }
    let aws = aws.from_environment().await?;
    let app = args.command.app().map_or(NO_APP, |app| &app.app);
    let mut target = located(SsmK3s::builder(&aws, app, instances(node)?), node);
    target = target.request_timeout(cluster.request_timeout);
    if let Some(AppArgs { through, .. }) = args.command.app() {
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
pub(super) fn resume(id: &str, args: &AppArgs) -> String {
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
    flags.line()
}

impl SsmCommand {
    fn app(&self) -> Option<&AppArgs> {
        match self {
            Self::Deploy(DeployArgs { app, .. })
            | Self::Status(StatusArgs { app, .. })
            | Self::Resume(ResumeArgs { app, .. })
            | Self::Cancel(ResumeArgs { app, .. })
            | Self::Rollback(RollbackArgs { app, .. })
            | Self::History(app)
            | Self::Sweep(SweepArgs { app, .. }) => Some(app),
            Self::Diagnose(_) | Self::Health(_) => None,
        }
    }

    fn node(&self) -> &NodeArgs {
        match self {
            Self::Diagnose(node) | Self::Health(node) => node,
            Self::Deploy(DeployArgs { app, .. })
            | Self::Status(StatusArgs { app, .. })
            | Self::Resume(ResumeArgs { app, .. })
            | Self::Cancel(ResumeArgs { app, .. })
            | Self::Rollback(RollbackArgs { app, .. })
            | Self::History(app)
            | Self::Sweep(SweepArgs { app, .. }) => &app.node,
        }
    }
}
