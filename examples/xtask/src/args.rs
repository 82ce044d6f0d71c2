//! The command line.

use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, Args, Parser, Subcommand};
use deploy_core::manifest::ImageOverride;
use deploy_core::run::OnFailure;
use deploy_k8s::{FIELD_MANAGER, Kind, KindName};

use crate::duration;
use crate::help::{
    APPLY_EXAMPLES, DIFF_EXAMPLES, EXIT_CODES, HISTORY_EXAMPLES, PAUSE_EXAMPLES, RELEASE_EXAMPLES,
    RESTART_EXAMPLES, RESUME_EXAMPLES, RUNNING_EXAMPLES, SET_IMAGE_EXAMPLES, STATUS_EXAMPLES, UNDO_EXAMPLES,
};
use crate::images::{ImageArgs, ImageCommand};
use crate::release::ReleaseArgs;
use crate::report_file::ReportFile;
use crate::source::SourceArgs;

/// Deploys to Kubernetes: follows the rollout, says why it fails, brings the old state back.
#[derive(Parser)]
#[command(name = "xtask", bin_name = "cargo xtask", after_help = EXIT_CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) cluster: ClusterArgs,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Apply manifests and follow them until they are healthy, or bring the old state back
    #[command(after_help = APPLY_EXAMPLES)]
    Apply(Box<ApplyArgs>),
    /// Set images of a live workload, followed and rolled back like any other change
    #[command(after_help = SET_IMAGE_EXAMPLES)]
    SetImage(SetImageArgs),
    /// Show what apply would change, as a unified diff, and write nothing
    #[command(after_help = DIFF_EXAMPLES)]
    Diff(DiffArgs),
    /// Say how a workload is
    #[command(after_help = STATUS_EXAMPLES)]
    Status(StatusArgs),
    /// List the revisions of a workload that Kubernetes keeps
    #[command(after_help = HISTORY_EXAMPLES)]
    History(HistoryArgs),
    /// Return to an earlier revision of a workload, followed like any other change
    #[command(after_help = UNDO_EXAMPLES)]
    Undo(UndoArgs),
    /// Replace all pods of a workload by new ones, followed like any other change
    #[command(after_help = RESTART_EXAMPLES)]
    Restart(VerbArgs),
    /// Stop a Deployment from rolling out, and wait for no rollout that it stops half-way
    #[command(after_help = PAUSE_EXAMPLES)]
    Pause(VerbArgs),
    /// Let a paused Deployment roll out again, followed like any other change
    #[command(after_help = RESUME_EXAMPLES)]
    Resume(VerbArgs),
    /// Say which image, digest and commit runs where, since when and by which revision
    #[command(after_help = RUNNING_EXAMPLES)]
    Running,
    #[command(flatten)]
    Images(ImageCommand),
    /// Deploy to a K3s node that nobody can reach: through AWS SSM, and S3 where there is more to carry
    #[cfg(feature = "ssm")]
    #[command(after_help = crate::ssm::help::SSM_EXAMPLES)]
    Ssm(Box<crate::ssm::SsmArgs>),
    /// Release as helm does, and read what it released: upgrade, roll back, test, uninstall, list
    #[command(after_help = RELEASE_EXAMPLES)]
    Release(ReleaseArgs),
}

impl Command {
    /// Whether it answers as `diff` does: differences are no failure.
    pub(crate) fn compares(&self) -> bool {
        match self {
            Self::Diff(_) => true,
            Self::Release(args) => args.compares(),
            _ => false,
        }
    }

    /// The run's name, if it has one.
    pub(crate) fn name(&self) -> Option<&str> {
        match self {
            Self::Apply(args) => args.rollout.name.as_deref(),
            Self::SetImage(args) => args.rollout.name.as_deref(),
            Self::Undo(args) => args.verb.rollout.name.as_deref(),
            Self::Restart(args) | Self::Pause(args) | Self::Resume(args) => args.rollout.name.as_deref(),
            Self::Release(args) => args.worked_on(),
            // What was handed over goes on by itself, and is told so.
            #[cfg(feature = "ssm")]
            Self::Ssm(_) => None,
            Self::Diff(_) | Self::Status(_) | Self::History(_) | Self::Running | Self::Images(_) => None,
        }
    }
}

#[derive(Args)]
pub(crate) struct ApplyArgs {
    #[command(flatten)]
    pub(crate) changes: ChangesArgs,
    #[command(flatten)]
    pub(crate) images: ImageArgs,
    #[command(flatten)]
    pub(crate) rollout: RolloutArgs,
}

#[derive(Args)]
pub(crate) struct DiffArgs {
    #[command(flatten)]
    pub(crate) changes: ChangesArgs,
    /// The name under which it is applied: --prune needs it
    #[arg(long, value_name = "APP")]
    pub(crate) name: Option<String>,
    /// Who owns the fields that would be written
    #[arg(long, value_name = "MANAGER", default_value = FIELD_MANAGER)]
    pub(crate) field_manager: String,
}

/// What is applied, and how.
#[derive(Args)]
pub(crate) struct ChangesArgs {
    #[command(flatten)]
    pub(crate) manifests: ManifestArgs,
    /// Delete what earlier runs of this --name applied with --prune and the manifests no longer have
    ///
    /// It is deleted last, once all else is healthy. Never deleted: what others own or apply too,
    /// volumes and their claims, custom resource definitions, namespaces, and what is annotated
    /// `deploy-core/prune: "false"` or `helm.sh/resource-policy: keep`.
    #[arg(long, requires = "name", help_heading = "Writing", verbatim_doc_comment)]
    pub(crate) prune: bool,
    #[command(flatten)]
    pub(crate) writing: WritingArgs,
}

/// What is wanted.
#[derive(Args)]
pub(crate) struct ManifestArgs {
    #[command(flatten)]
    pub(crate) source: SourceArgs,
    /// Put another image in place: NAME is a container, or an image without its tag
    #[arg(long = "image", value_name = "NAME=IMAGE")]
    pub(crate) images: Vec<ImageOverride>,
}

/// How it is written over what stands.
#[derive(Args)]
#[command(next_help_heading = "Writing")]
pub(crate) struct WritingArgs {
    /// Take over fields that another field manager owns
    #[arg(long)]
    pub(crate) force_conflicts: bool,
    /// Leave this field to another field manager that owns it, as in spec.replicas
    ///
    /// The replicas of what a HorizontalPodAutoscaler scales are left to it in any case.
    #[arg(long = "yield", value_name = "FIELD")]
    pub(crate) yields: Vec<String>,
    /// Take objects over from this field manager: what it set and the manifests no longer have goes
    ///
    /// `kubectl` stands for `kubectl apply`. Name `helm` for objects that helm shall deploy no more.
    ///
    /// Naming one replaces the default: `--take-over kubectl --take-over helm` names both.
    #[arg(long, value_name = "MANAGER", default_value = "kubectl")]
    pub(crate) take_over: Vec<String>,
    /// Delete objects of this kind and create them anew where a field cannot be changed, as in job
    ///
    /// KIND[.GROUP] as for kubectl; a kind that is not Kubernetes' own exactly, as in
    /// Widget.example.com. Refused for volumes and their claims, custom resource definitions,
    /// namespaces: what they hold would be lost.
    #[arg(long, value_name = "KIND", verbatim_doc_comment)]
    pub(crate) recreate: Vec<Kind>,
}

#[derive(Args)]
pub(crate) struct HistoryArgs {
    /// The workload, as in deployment/api
    #[arg(value_name = "KIND/NAME")]
    pub(crate) workload: KindName,
}

#[derive(Args)]
pub(crate) struct UndoArgs {
    /// The revision to return to [default: the one before the present]
    #[arg(long, value_name = "N")]
    pub(crate) to_revision: Option<u64>,
    #[command(flatten)]
    pub(crate) verb: VerbArgs,
}

#[derive(Args)]
pub(crate) struct VerbArgs {
    /// The workload, as in deployment/api
    #[arg(value_name = "KIND/NAME")]
    pub(crate) workload: KindName,
    #[command(flatten)]
    pub(crate) rollout: RolloutArgs,
}

#[derive(Args)]
pub(crate) struct SetImageArgs {
    /// The workload, as in deployment/api
    #[arg(value_name = "KIND/NAME")]
    pub(crate) workload: KindName,
    /// The image that a container is to run; `*` stands for every container
    #[arg(value_name = "CONTAINER=IMAGE", required = true)]
    pub(crate) images: Vec<ImageOverride>,
    #[command(flatten)]
    pub(crate) rollout: RolloutArgs,
}

#[derive(Args)]
pub(crate) struct StatusArgs {
    /// The workload, as in deployment/api
    #[arg(value_name = "KIND/NAME")]
    pub(crate) workload: KindName,
    /// Follow it until it is well or hopeless; with --watch=false look once
    #[arg(
        long,
        value_name = "BOOL",
        default_value_t = true,
        default_missing_value = "true",
        action = ArgAction::Set,
        num_args = 0..=1,
        require_equals = true
    )]
    pub(crate) watch: bool,
    /// How long to follow it, as in 90s or 5m
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
}

/// What every rollout of objects knows.
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(crate) struct RolloutArgs {
    /// Name the application: one run at a time, and a run that was killed is finished or undone by the next
    ///
    /// The lock (a Lease) and the journal (a Secret) are kept in the namespace of --namespace
    /// while the run goes on; in the namespace `default` if the manifests hold that Namespace
    /// themselves, because it may come and go with them.
    ///
    /// Without a name, two runs at once disturb each other, and a run that was killed leaves
    /// what it wrote.
    #[arg(long, value_name = "APP", verbatim_doc_comment)]
    pub(crate) name: Option<String>,
    /// Who owns the fields that are written
    #[arg(long, value_name = "MANAGER", default_value = FIELD_MANAGER)]
    pub(crate) field_manager: String,
    /// The git revision, kept as an annotation on what is written
    #[arg(long, value_name = "SHA")]
    pub(crate) git_revision: Option<String>,
    #[command(flatten)]
    pub(crate) undone: UndoneArgs,
    #[command(flatten)]
    pub(crate) run: RunArgs,
}

/// What a run knows whose failure is undone.
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(crate) struct UndoneArgs {
    /// Leave a failed rollout as it is, to be looked at
    #[arg(long, visible_alias = "no-atomic")]
    pub(crate) no_rollback: bool,
}

/// What every run knows.
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(crate) struct RunArgs {
    /// Show what would change, with its diff, and write nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// How long it may take until all is healthy, as in 90s or 1m30s
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = duration::parse)]
    pub(crate) timeout: Duration,
    #[command(flatten)]
    pub(crate) files: FileArgs,
}

/// The files that tell of a run.
#[derive(Args)]
#[command(next_help_heading = "Rollout")]
pub(crate) struct FileArgs {
    /// Write the evidence of a failure (states, logs, Events) into this directory
    #[arg(long, value_name = "DIR")]
    pub(crate) evidence: Option<PathBuf>,
    /// Write how it ended into this file: .json, .md, or .html with the timeline as a picture
    ///
    /// It may be given more than once. On GitHub the Markdown is added to the job's summary in
    /// any case ($GITHUB_STEP_SUMMARY).
    #[arg(long = "report", value_name = "FILE", verbatim_doc_comment)]
    pub(crate) reports: Vec<ReportFile>,
}

impl UndoneArgs {
    pub(crate) fn on_failure(&self) -> OnFailure {
        if self.no_rollback { OnFailure::Leave } else { OnFailure::RollBack }
    }
}

/// How every command answers.
#[derive(Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Print the result as JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    /// Print requests sent and time taken to standard error
    #[arg(long, global = true)]
    pub(crate) stats: bool,
}

/// Which cluster every command talks to.
#[derive(Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// The namespace of what names none [default: the context's]
    #[arg(short, long, global = true, value_name = "NS")]
    pub(crate) namespace: Option<String>,
    /// The kubeconfig's context [default: its current one]
    #[arg(long, global = true, conflicts_with = "in_cluster")]
    pub(crate) context: Option<String>,
    /// The kubeconfig [default: what $KUBECONFIG names, or ~/.kube/config]
    ///
    /// Before both comes $KUBECONFIG_BASE64: the kubeconfig itself in base64, as CI keeps it.
    #[arg(long, global = true, value_name = "PATH", conflicts_with = "in_cluster")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// Use the service account of the pod this runs in
    #[arg(long, global = true)]
    pub(crate) in_cluster: bool,
    /// How long one request to the API server may take
    #[arg(long, global = true, value_name = "DURATION", default_value = "60s", value_parser = duration::parse)]
    pub(crate) request_timeout: Duration,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::help::{INSPECT_EXAMPLES, PROMOTE_EXAMPLES, PUSH_EXAMPLES, RETENTION_EXAMPLES, TAGS_EXAMPLES};
    use crate::help::{
        RELEASE_DIFF_EXAMPLES, RELEASE_ROLLBACK_EXAMPLES, RELEASE_TEST_EXAMPLES, RELEASE_UNINSTALL_EXAMPLES,
        RELEASE_UPGRADE_EXAMPLES,
    };
    use clap::CommandFactory;

    #[test]
    fn is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn reads_the_command_lines_of_its_examples() {
        let examples = [
            APPLY_EXAMPLES,
            DIFF_EXAMPLES,
            HISTORY_EXAMPLES,
            UNDO_EXAMPLES,
            RESTART_EXAMPLES,
            PAUSE_EXAMPLES,
            RESUME_EXAMPLES,
            SET_IMAGE_EXAMPLES,
            STATUS_EXAMPLES,
            RELEASE_EXAMPLES,
            RELEASE_UPGRADE_EXAMPLES,
            RELEASE_ROLLBACK_EXAMPLES,
            RELEASE_UNINSTALL_EXAMPLES,
            RELEASE_TEST_EXAMPLES,
            RELEASE_DIFF_EXAMPLES,
            TAGS_EXAMPLES,
            INSPECT_EXAMPLES,
            PROMOTE_EXAMPLES,
            PUSH_EXAMPLES,
            RETENTION_EXAMPLES,
        ];
        let lines = examples
            .iter()
            .flat_map(|text| text.lines())
            .filter_map(|line| line.split_once("cargo ").map(|(_, rest)| rest));
        let mut count = 0;
        for line in lines {
            Cli::try_parse_from(words(line)).map_or_else(|error| panic!("{line}: {error}"), |_| count += 1);
        }
        assert_eq!(count, 62);
    }

    /// As a shell splits it; what stands between quotes is one word.
    fn words(line: &str) -> Vec<&str> {
        let line = line.split(" | ").next().unwrap();
        let parts = line.split('\'').enumerate();
        parts
            .flat_map(|(number, part)| match number % 2 {
                0 => part.split_whitespace().collect(),
                _ => vec![part],
            })
            .collect()
    }

    #[test]
    fn what_every_command_knows_stands_anywhere() {
        let check = |line: &str| {
            let Cli { output, cluster, .. } = Cli::try_parse_from(line.split_whitespace()).unwrap();
            assert_eq!((output.json, cluster.namespace.as_deref()), (true, Some("shop")), "{line}");
        };
        check("xtask --json -n shop release list");
        check("xtask release --json list -n shop");
        check("xtask release list --json -n shop");
        check("xtask apply -f a --json -n shop");
    }

    #[test]
    fn refuses_bad_command_lines() {
        let check = |line: &str, expect: &str| {
            let error =
                Cli::try_parse_from(line.split_whitespace()).err().unwrap_or_else(|| panic!("{line} passed"));
            assert_eq!(error.exit_code(), 2, "{line}");
            assert!(error.to_string().contains(expect), "{line}: {error}");
        };
        check("xtask apply -n shop", "<--filename <PATH>...|--chart <DIR>|--kustomize <DIR>>");
        check("xtask apply -f a -k b", "cannot be used with");
        check("xtask diff --chart a -k b --name x", "cannot be used with");
        check("xtask diff --chart a --values b", "--name <APP>");
        check("xtask apply -f a --values b", "--chart <DIR>");
        check("xtask apply -k a --set b=c", "--chart <DIR>");
        check("xtask apply -k a -R", "cannot be used with");
        check("xtask apply -f a --image api", "not NAME=IMAGE");
        check("xtask apply -f a --prune", "--name <APP>");
        check("xtask apply -f a --recreate widget", "\"widget\" is not known");
        check("xtask apply -f a --recreate jobs.foo.example.com", "exactly as Kind.group");
        check("xtask undo deploy/api --to-revision x", "invalid digit");
        check("xtask apply -f a --timeout 5", "a unit is missing");
        check("xtask apply -f a --contxt b", "--context");
        check("xtask apply -f a --in-cluster --context b", "cannot be used with");
        check("xtask set-image deploy/api", "CONTAINER=IMAGE");
        check("xtask set-image api api=x", "is not KIND/NAME");
        check("xtask status widget/api", "\"widget\" is not known");
        check("xtask release get api 0", "0 is not in 1..");
        check(
            "xtask release get api --show all",
            "[possible values: manifest, values, all-values, notes, hooks]",
        );
        check("xtask release list -A -n shop", "cannot be used with");
        check("xtask release upgrade api", "<--filename <PATH>...|--chart <DIR>|--kustomize <DIR>>");
        check("xtask release upgrade -f a", "<NAME>");
        check("xtask release upgrade api -f a --prune", "--prune");
        check("xtask release upgrade api -f a --label shop", "a label is K=V");
        check("xtask release upgrade api -f a --take-over-helm=soon", "there is no such unit");
        check("xtask release upgrade api -f a --no-atomic --keep-failed-install", "cannot be used with");
        check("xtask release rollback api 0", "0 is not in 1..");
        check("xtask release uninstall api --no-atomic", "--no-atomic");
        check("xtask tags shop/api", "--policy <POLICY>");
        check("xtask tags a/Shop --policy x", "must be lowercase");
        check("xtask tags a --policy x --explain=0", "0 is not in 1..=100000");
        check("xtask tags a --policy x --holds f", "--environment <ENV>");
        check("xtask retention a --policy x", "<--running <NS>|--runs-nowhere>");
        check("xtask retention a --policy x --running b --runs-nowhere", "cannot be used with");
        check("xtask retention a --policy x --running b --plan --delete", "cannot be used with");
        check("xtask promote a", "<TO>");
    }
}
