//! What can be asked of releases.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};

use super::values::ReuseArgs;
use crate::args::{ManifestArgs, RunArgs, UndoneArgs, WritingArgs};
use crate::duration;
use crate::help::{
    RELEASE_DIFF_EXAMPLES, RELEASE_ROLLBACK_EXAMPLES, RELEASE_TEST_EXAMPLES, RELEASE_UNINSTALL_EXAMPLES,
    RELEASE_UPGRADE_EXAMPLES, RELEASE_UPGRADE_USAGE,
};

#[derive(Args)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    pub(crate) command: ReleaseCommand,
}

#[derive(Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Install or upgrade a release and follow it until it is healthy, or roll it back
    #[command(after_help = RELEASE_UPGRADE_EXAMPLES, override_usage = RELEASE_UPGRADE_USAGE)]
    Upgrade(Box<UpgradeArgs>),
    /// Roll a recorded revision out again, as a new one, followed like any other change
    #[command(after_help = RELEASE_ROLLBACK_EXAMPLES)]
    Rollback(RollbackArgs),
    /// Run the hooks of a release for its end, and delete its objects and records
    #[command(after_help = RELEASE_UNINSTALL_EXAMPLES)]
    Uninstall(UninstallArgs),
    /// Run the tests of a release: its hooks for the event `test`
    #[command(after_help = RELEASE_TEST_EXAMPLES)]
    Test(TestArgs),
    /// Show what would have to change for the live objects to be as a revision records them
    #[command(after_help = RELEASE_DIFF_EXAMPLES)]
    Diff(DiffArgs),
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
    /// Whether it answers as `diff` does: differences are no failure.
    pub(crate) fn compares(&self) -> bool {
        matches!(self.command, ReleaseCommand::Diff(_))
    }

    /// The release, where something is done to it.
    pub(crate) fn worked_on(&self) -> Option<&str> {
        let release = match &self.command {
            ReleaseCommand::Upgrade(args) => &args.release,
            ReleaseCommand::Rollback(args) => &args.release,
            ReleaseCommand::Uninstall(args) => &args.release,
            ReleaseCommand::Test(args) => &args.release,
            _ => return None,
        };
        Some(&release.name)
    }
}

/// A release that something is done to.
#[derive(Args)]
pub(crate) struct WorkArgs {
    /// The release
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
    /// Take a pending revision that helm left for dead; with an AGE, as in 10m, once it is so old
    ///
    /// helm holds no lock that would tell whether it is still at work. Revisions of our own runs
    /// are known to be dead by their Lease.
    #[arg(
        long,
        value_name = "AGE",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "0s",
        value_parser = duration::parse_age,
        help_heading = "Rollout",
        verbatim_doc_comment
    )]
    pub(crate) take_over_helm: Option<Duration>,
}

#[derive(Args)]
pub(crate) struct UpgradeArgs {
    #[command(flatten)]
    pub(crate) release: WorkArgs,
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    #[command(flatten)]
    pub(crate) reuse: ReuseArgs,
    /// Create the namespace if it is not there; it stays when the release goes
    #[arg(long, help_heading = "Writing")]
    pub(crate) create_namespace: bool,
    /// Take over objects that exist and are nobody's, or another release's
    #[arg(long, help_heading = "Writing")]
    pub(crate) take_ownership: bool,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
    #[command(flatten)]
    pub(crate) recording: RecordingArgs,
    /// Label the record of the revision; labels of earlier ones go on
    #[arg(long = "label", value_name = "K=V", help_heading = "Record")]
    pub(crate) labels: Vec<Label>,
    /// The git revision, recorded with the chart and kept as an annotation on workloads
    #[arg(long, value_name = "SHA", help_heading = "Record")]
    pub(crate) git_revision: Option<String>,
    /// Leave a first install that failed as it is; what fails later is rolled back
    #[arg(long, help_heading = "Rollout", conflicts_with = "no_rollback")]
    pub(crate) keep_failed_install: bool,
    #[command(flatten)]
    pub(crate) undone: UndoneArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args)]
pub(crate) struct RollbackArgs {
    #[command(flatten)]
    pub(crate) release: WorkArgs,
    /// The revision to go back to [default: the newest good one before the present]
    ///
    /// helm's default is the one before the newest, be it good or failed.
    #[arg(value_name = "REVISION", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) revision: Option<u64>,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
    #[command(flatten)]
    pub(crate) recording: RecordingArgs,
    #[command(flatten)]
    pub(crate) undone: UndoneArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args)]
pub(crate) struct UninstallArgs {
    #[command(flatten)]
    pub(crate) release: WorkArgs,
    /// Keep the records, so that its history can be read and gone back to
    #[arg(long)]
    pub(crate) keep_history: bool,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args)]
pub(crate) struct TestArgs {
    #[command(flatten)]
    pub(crate) release: WorkArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

#[derive(Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) revision: RevisionArgs,
}

/// What is recorded of revisions.
#[derive(Args)]
#[command(next_help_heading = "Record")]
pub(crate) struct RecordingArgs {
    /// How many revisions are kept, 0 for all; the one that is deployed always is
    #[arg(long, value_name = "N", default_value_t = 10)]
    pub(crate) history_max: usize,
}

/// A label of the user's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) key: String,
    pub(crate) value: String,
}

impl FromStr for Label {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((key, value)) if !key.is_empty() => {
                Ok(Self { key: key.to_owned(), value: value.to_owned() })
            }
            _ => Err("a label is K=V".to_owned()),
        }
    }
}

#[derive(Args)]
pub(crate) struct ListArgs {
    /// Those of all namespaces
    #[arg(short = 'A', long, conflicts_with = "namespace")]
    pub(crate) all_namespaces: bool,
}

#[derive(Args)]
pub(crate) struct HistoryArgs {
    /// The release
    #[arg(value_name = "NAME")]
    pub(crate) name: String,
}

#[derive(Args)]
pub(crate) struct GetArgs {
    #[command(flatten)]
    pub(crate) revision: RevisionArgs,
    /// Which part of it
    #[arg(long, value_name = "PART", value_enum, default_value_t = Show::Manifest)]
    pub(crate) show: Show,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    #[command(flatten)]
    pub(crate) revision: RevisionArgs,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Cli, Command};
    use clap::Parser;
    use deploy_core::run::OnFailure;

    fn upgrade(options: &str) -> Box<UpgradeArgs> {
        let line = format!("xtask release upgrade api -f a {options}");
        match Cli::try_parse_from(line.split_whitespace()).unwrap().command {
            Command::Release(ReleaseArgs { command: ReleaseCommand::Upgrade(args) }) => args,
            _ => panic!("{line}"),
        }
    }

    #[test]
    fn helm_is_taken_for_dead_at_once_or_after_an_age() {
        let check = |options: &str, expect: Option<u64>| {
            let expect = expect.map(Duration::from_secs);
            assert_eq!(upgrade(options).release.take_over_helm, expect, "{options}");
        };
        check("", None);
        check("--take-over-helm", Some(0));
        check("--take-over-helm=10m", Some(600));
    }

    fn help(command: &str) -> String {
        let line = format!("xtask release {command} --help");
        let told = Cli::try_parse_from(line.split_whitespace()).err().unwrap().to_string();
        told.split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn help_says_where_helm_is_not_the_same() {
        let check = |command: &str, text: &str| assert!(help(command).contains(text), "{}", help(command));
        check("upgrade", "`lookup` finds nothing");
        check("upgrade", "an upgrade without values keeps those of the deployed revision");
        check("rollback", "helm goes to the one before the newest, which may have failed");
        check("uninstall", "the objects of hooks that their own policy");
        assert!(!help("").contains("Delete the hooks"));
    }

    #[test]
    fn values_are_of_a_chart() {
        let check = |line: &str, good: bool| {
            let line = format!("xtask release upgrade api {line}");
            assert_eq!(Cli::try_parse_from(line.split_whitespace()).is_ok(), good, "{line}");
        };
        check("--chart c --reset-values", true);
        check("--chart c --reuse-values --reset-values --set a=b", true);
        check("-f a --reset-values", false);
        check("-f a --reuse-values", false);
        check("-k a --reuse-values", false);
        check("-f a --set b=c", false);
        check("-k a --values b.yaml", false);
        check("-f a --set-string b=c", false);
        check("-f a --lint", false);
    }

    #[test]
    fn no_atomic_is_no_rollback() {
        let check = |options: &str, expect: OnFailure| {
            assert_eq!(upgrade(options).undone.on_failure(), expect, "{options}");
        };
        check("", OnFailure::RollBack);
        check("--no-atomic", OnFailure::Leave);
        check("--no-rollback", OnFailure::Leave);
    }

    #[test]
    fn labels() {
        let check = |text: &str, expect: Option<(&str, &str)>| {
            let label = text.parse::<Label>().ok();
            assert_eq!(
                label.as_ref().map(|label| (label.key.as_str(), label.value.as_str())),
                expect,
                "{text}"
            );
        };
        check("team=shop", Some(("team", "shop")));
        check("team=", Some(("team", "")));
        check("team=a=b", Some(("team", "a=b")));
        check("team", None);
        check("=shop", None);
    }

    #[test]
    fn what_is_only_read_is_not_worked_on() {
        let check = |line: &str, worked_on: Option<&str>, compares: bool| {
            let command = Cli::try_parse_from(line.split_whitespace()).unwrap().command;
            assert_eq!((command.name(), command.compares()), (worked_on, compares), "{line}");
        };
        check("xtask release upgrade api -f a", Some("api"), false);
        check("xtask release rollback api 2", Some("api"), false);
        check("xtask release uninstall api", Some("api"), false);
        check("xtask release test api", Some("api"), false);
        check("xtask release diff api", None, true);
        check("xtask release history api", None, false);
    }
}
