//! What can be asked of releases.

use clap::{Args, Subcommand, ValueEnum};

use crate::args::{ClusterArgs, OutputArgs};

#[derive(Args)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    pub(crate) command: ReleaseCommand,
}

#[derive(Subcommand)]
pub(crate) enum ReleaseCommand {
    /// List the releases of a namespace, each with its newest revision
    List(ListArgs),
    /// List the revisions of a release, newest first
    History(HistoryArgs),
    /// Show what a revision is made of; with --json all of it
    ///
    /// It may hold secrets, and is shown as it is.
    Get(GetArgs),
    /// Say how a release stands
    Status(StatusArgs),
}

impl ReleaseArgs {
    pub(crate) fn cluster(&self) -> &ClusterArgs {
        match &self.command {
            ReleaseCommand::List(args) => &args.cluster,
            ReleaseCommand::History(args) => &args.cluster,
            ReleaseCommand::Get(args) => &args.cluster,
            ReleaseCommand::Status(args) => &args.cluster,
        }
    }

    pub(crate) fn output(&self) -> &OutputArgs {
        match &self.command {
            ReleaseCommand::List(args) => &args.output,
            ReleaseCommand::History(args) => &args.output,
            ReleaseCommand::Get(args) => &args.output,
            ReleaseCommand::Status(args) => &args.output,
        }
    }
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Args)]
pub(crate) struct HistoryArgs {
    /// The release
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) revision: RevisionArgs,
    /// Which part of it
    #[arg(long, value_name = "PART", value_enum, default_value_t = Show::Manifest)]
    pub(crate) show: Show,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) revision: RevisionArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

/// A revision of a release.
#[derive(Args)]
pub(crate) struct RevisionArgs {
    /// The release
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// The revision [default: the newest]
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) revision: Option<u64>,
}

/// A part of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Show {
    /// What is applied
    Manifest,
    /// The values that were given
    Values,
    /// The values that were given over the chart's own
    AllValues,
    /// What the chart tells who installs it
    Notes,
    /// What runs before and after
    Hooks,
}
