//! What can be asked of a node behind AWS.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgGroup, Args, Subcommand, ValueEnum};
use deploy_core::manifest::ImageOverride;
use deploy_k8s::Kind;
use deploy_ssm::instance::Share;
use deploy_ssm::node::Validate;

use super::help::{
    SSM_CANCEL_EXAMPLES, SSM_DEPLOY_EXAMPLES, SSM_DIAGNOSE_EXAMPLES, SSM_HEALTH_EXAMPLES,
    SSM_HISTORY_EXAMPLES, SSM_RESUME_EXAMPLES, SSM_ROLLBACK_EXAMPLES, SSM_STATUS_EXAMPLES,
    SSM_SWEEP_EXAMPLES,
};
use crate::args::{FileArgs, UndoneArgs};
use crate::duration;

#[derive(Args)]
pub(crate) struct SsmArgs {
    #[command(subcommand)]
    pub(super) command: SsmCommand,
}

#[derive(Subcommand)]
pub(super) enum SsmCommand {
    /// Hand manifests to the node, which applies them and keeps or undoes them by itself, and follow it
    #[command(after_help = SSM_DEPLOY_EXAMPLES)]
    Deploy(DeployArgs),
    /// Say what stands on the node, what runs there, and how far it is
    #[command(after_help = SSM_STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// Follow a deployment that somebody began, to its end
    #[command(after_help = SSM_RESUME_EXAMPLES)]
    Resume(ResumeArgs),
    /// Have the node stop a deployment and go back, and follow it
    #[command(after_help = SSM_CANCEL_EXAMPLES)]
    Cancel(ResumeArgs),
    /// Return to a bundle that the node keeps, followed like any other deployment
    #[command(after_help = SSM_ROLLBACK_EXAMPLES)]
    Rollback(RollbackArgs),
    /// List the node's deployments, and which bundles it keeps
    #[command(after_help = SSM_HISTORY_EXAMPLES)]
    History(AppArgs),
    /// Remove what deployments left behind whose callers died
    #[command(after_help = SSM_SWEEP_EXAMPLES)]
    Sweep(SweepArgs),
    /// Show how the node is: disks, memory, pods that are not ready, warnings
    #[command(after_help = SSM_DIAGNOSE_EXAMPLES)]
    Diagnose(NodeArgs),
    /// Say whether the node's API server is ready, and how long it took to say so
    #[command(after_help = SSM_HEALTH_EXAMPLES)]
    Health(NodeArgs),
}

#[derive(Args)]
#[command(group = ArgGroup::new("source").required(true))]
pub(super) struct DeployArgs {
    /// A manifest, or a directory of them; `-` is standard input
    #[arg(short, long = "filename", value_name = "PATH", num_args = 1.., group = "source")]
    pub(super) files: Vec<PathBuf>,
    /// Read the directories in a directory too
    #[arg(short = 'R', long, conflicts_with = "kustomization")]
    pub(super) recursive: bool,
    /// A kustomization, a directory with a kustomization.yaml, built by `kubectl` on this machine
    #[arg(short = 'k', long = "kustomize", value_name = "DIR", group = "source")]
    pub(super) kustomization: Option<PathBuf>,
    /// Put another image in place: NAME is a container, or an image without its tag
    #[arg(long = "image", value_name = "NAME=IMAGE")]
    pub(super) images: Vec<ImageOverride>,
    /// Leave this kind of another's without a namespace, as in ClusterIssuer.cert-manager.io
    ///
    /// Those whose definition is among the manifests need not be named.
    #[arg(long, value_name = "KIND")]
    pub(super) cluster_scoped: Vec<Kind>,
    /// Delete what the last good bundle had and the manifests no longer have, once all is healthy
    #[arg(long, help_heading = "Writing")]
    pub(super) prune: bool,
    #[command(flatten)]
    pub(super) app: AppArgs,
    #[command(flatten)]
    pub(super) ways: WayArgs,
}

#[derive(Args)]
pub(super) struct RollbackArgs {
    /// The bundle to return to [default: the newest good one before the present]
    #[arg(value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) number: Option<u64>,
    #[command(flatten)]
    pub(super) app: AppArgs,
    #[command(flatten)]
    pub(super) ways: WayArgs,
}

#[derive(Args)]
pub(super) struct ResumeArgs {
    /// The deployment's id, as it was told when it began
    #[arg(long, value_name = "ID")]
    pub(super) id: String,
    #[command(flatten)]
    pub(super) app: AppArgs,
    #[command(flatten)]
    pub(super) follow: FollowArgs,
}

#[derive(Args)]
pub(super) struct StatusArgs {
    /// The deployment to tell of [default: the newest]
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    #[command(flatten)]
    pub(super) app: AppArgs,
}

#[derive(Args)]
pub(super) struct SweepArgs {
    /// Leave what is younger: more than any deployment takes
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = duration::parse_age)]
    pub(super) older_than: Duration,
    /// Show what would go, and remove nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) app: AppArgs,
}

/// How a deployment goes that is begun here.
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(super) struct WayArgs {
    /// The git revision, kept in the node's history
    #[arg(long, value_name = "SHA")]
    pub(super) git_revision: Option<String>,
    /// Show what would be handed over, and write nothing
    #[arg(long)]
    pub(super) dry_run: bool,
    #[command(flatten)]
    pub(super) undone: UndoneArgs,
    /// Take this bucket's lock `locks/APP.lock` first
    ///
    /// A node does one deployment of an application at a time in any case: this keeps callers
    /// apart that deploy to several.
    #[arg(long, value_name = "BUCKET", verbatim_doc_comment)]
    pub(super) lock_bucket: Option<String>,
    #[command(flatten)]
    pub(super) follow: FollowArgs,
    #[command(flatten)]
    pub(super) writing: WritingArgs,
}

/// How the node writes.
#[derive(Args)]
#[command(next_help_heading = "Writing")]
pub(super) struct WritingArgs {
    /// Take over fields that another field manager owns
    #[arg(long)]
    pub(super) force_conflicts: bool,
    /// Who owns the fields that are written
    #[arg(long, value_name = "MANAGER", default_value = "deploy-ssm")]
    pub(super) field_manager: String,
    /// What becomes of fields that no schema knows
    #[arg(long, value_enum, default_value = "strict")]
    pub(super) validate: Validation,
    /// How many good bundles the node keeps to go back to
    #[arg(long, value_name = "N", default_value = "5", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(super) keep: u32,
}

/// kubectl's `--validate`.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum Validation {
    /// They are an error
    Strict,
    /// They are warned of, and dropped
    Warn,
    /// They are dropped
    Ignore,
}

impl From<Validation> for Validate {
    fn from(validation: Validation) -> Self {
        match validation {
            Validation::Strict => Self::Strict,
            Validation::Warn => Self::Warn,
            Validation::Ignore => Self::Ignore,
        }
    }
}

/// How a deployment is followed.
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(super) struct FollowArgs {
    /// How long it may take until all is healthy, as in 90s or 1m30s
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub(super) timeout: Duration,
    /// How long the way back may take
    #[arg(long, value_name = "DURATION", default_value = "2m", value_parser = duration::parse)]
    pub(super) rollback_timeout: Duration,
    /// Write the node's log of it into this file
    #[arg(long, value_name = "FILE")]
    pub(super) log: Option<PathBuf>,
    #[command(flatten)]
    pub(super) files: FileArgs,
}

/// An application on a node.
#[derive(Args)]
pub(super) struct AppArgs {
    /// The application: what the node keeps its bundles and its history under
    #[arg(long, value_name = "APP")]
    pub(super) app: String,
    #[command(flatten)]
    pub(super) through: ThroughArgs,
    #[command(flatten)]
    pub(super) node: NodeArgs,
}

/// What a deployment goes through.
#[derive(Args, Default)]
#[command(next_help_heading = "Storage")]
pub(super) struct ThroughArgs {
    /// Use this bucket: for what is large or holds Secrets, for progress while it goes on, for the whole log
    ///
    /// Give it a lifecycle rule that expires old objects. Without a bucket all goes through the
    /// command, which its history shows: 48 KB at most, and no Secrets.
    #[arg(long, value_name = "BUCKET", verbatim_doc_comment)]
    pub(super) bucket: Option<String>,
    /// Where in the bucket
    #[arg(long, value_name = "PREFIX", requires = "bucket", default_value = "")]
    pub(super) prefix: String,
    /// Make a bucket for the deployment, and delete it afterwards
    #[arg(long, conflicts_with = "bucket")]
    pub(super) temporary_bucket: bool,
    /// Have the node fetch with its instance's role and the AWS CLI [default: by a presigned address]
    #[arg(long)]
    pub(super) instance_role: bool,
}

/// Which node, and where on it things are.
#[derive(Args, Default)]
#[group(skip)]
#[command(next_help_heading = "Node", group = ArgGroup::new("node").required(true))]
pub(super) struct NodeArgs {
    /// The instance's id; several are a fleet
    #[arg(long = "instance", value_name = "ID", group = "node", conflicts_with_all = ["tags", "name"])]
    pub(super) instances: Vec<String>,
    /// A tag of it, without wildcards; of several all must be there
    #[arg(long = "tag", value_name = "K=V", group = "node", conflicts_with = "name")]
    pub(super) tags: Vec<String>,
    /// Its name in EC2, with * and ? as wildcards
    #[arg(long, value_name = "PATTERN", group = "node")]
    pub(super) name: Option<String>,
    /// Mean all nodes that are found, where more than one is an error otherwise
    #[arg(long)]
    pub(super) fleet: bool,
    /// How many of a fleet get it at a time: a number, or a part like 25% [default: 50]
    #[arg(long, value_name = "SHARE")]
    pub(super) max_concurrency: Option<Share>,
    /// With more failures than this no other node of the fleet gets it [default: 0]
    #[arg(long, value_name = "SHARE")]
    pub(super) max_errors: Option<Share>,
    /// Where the node keeps its state
    #[arg(long, value_name = "DIR", default_value = STATE_DIR)]
    pub(super) state_dir: String,
    /// The kubectl on the node, arguments and all [default: kubectl, or k3s kubectl]
    #[arg(long, value_name = "COMMAND")]
    pub(super) node_kubectl: Option<String>,
    /// The kubeconfig on the node [default: /etc/rancher/k3s/k3s.yaml if it is there]
    #[arg(long, value_name = "PATH")]
    pub(super) node_kubeconfig: Option<String>,
    /// A document to send in place of AWS-RunShellScript, with the same parameters
    #[arg(long, value_name = "NAME")]
    pub(super) document: Option<String>,
    #[command(flatten)]
    pub(super) aws: AwsArgs,
}

/// Where the node keeps its state, if nothing else is said.
pub(super) const STATE_DIR: &str = "/var/lib/deploy-ssm";

/// How AWS is reached; all else comes from where AWS's own tools look.
#[derive(Args, Default)]
#[command(next_help_heading = "AWS")]
pub(super) struct AwsArgs {
    /// The region [default: $AWS_REGION, or the profile's]
    #[arg(long, value_name = "REGION")]
    pub(super) region: Option<String>,
    /// The profile of ~/.aws [default: $AWS_PROFILE]
    #[arg(long, value_name = "PROFILE")]
    pub(super) profile: Option<String>,
}
