//! What can be asked about images.

use std::path::PathBuf;

use clap::{ArgGroup, Args, Subcommand};
use deploy_core::image::{Reference, Repository};

use crate::help::{INSPECT_EXAMPLES, PROMOTE_EXAMPLES, PUSH_EXAMPLES, RETENTION_EXAMPLES, TAGS_EXAMPLES};

/// What needs a registry, and no cluster unless it is asked what runs.
#[derive(Subcommand)]
pub(crate) enum ImageCommand {
    /// Choose the tag of a repository that is to run, and say why that one
    #[command(after_help = TAGS_EXAMPLES)]
    Tags(TagsArgs),
    /// Show what an image says of itself: digest, platforms, commit, labels
    #[command(after_help = INSPECT_EXAMPLES)]
    Inspect(InspectArgs),
    /// Copy an image to another repository or registry, byte for byte
    #[command(after_help = PROMOTE_EXAMPLES)]
    Promote(PromoteArgs),
    /// Push an image that lies in files (an OCI layout), without a Docker daemon
    #[command(after_help = PUSH_EXAMPLES)]
    Push(PushArgs),
    /// Say which tags of a repository can go, and why the others stay; delete them if asked to
    #[command(after_help = RETENTION_EXAMPLES)]
    Retention(RetentionArgs),
}

impl ImageCommand {
    pub(crate) fn registry(&self) -> &RegistryArgs {
        match self {
            Self::Tags(args) => &args.registry,
            Self::Inspect(args) => &args.registry,
            Self::Promote(args) => &args.registry,
            Self::Push(args) => &args.registry,
            Self::Retention(args) => &args.registry,
        }
    }
}

#[derive(Args)]
pub(crate) struct TagsArgs {
    /// The repository, as in registry.example/shop/api
    #[arg(value_name = "REPO")]
    pub(crate) repository: Repository,
    /// Which tags may run, and which of them is the newest, as in 'scheme=branch.timestamp.sha branch=main'
    ///
    /// A mistake in it is pointed at; the words are in the documentation of deploy_core::tag::TagPolicy.
    // Read by the command: clap would show the mistake without the place.
    #[arg(long, value_name = "POLICY", verbatim_doc_comment)]
    pub(crate) policy: String,
    /// Say of the ROWS tags that came nearest why they are in or out [default: 20]
    #[arg(
        long,
        value_name = "ROWS",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "20",
        value_parser = clap::value_parser!(u32).range(1..=100_000)
    )]
    pub(crate) explain: Option<u32>,
    /// Choose nothing older than what runs of it in this namespace; it may be given more than once
    #[arg(long, value_name = "NS")]
    pub(crate) running: Vec<String>,
    /// Honour the holds in this file, a JSON list as deploy_core::tag::Holds writes it
    #[arg(long, value_name = "FILE", requires = "environment")]
    pub(crate) holds: Option<PathBuf>,
    /// The environment whose holds count, as in production
    #[arg(long, value_name = "ENV", requires = "holds")]
    pub(crate) environment: Option<String>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Args)]
pub(crate) struct InspectArgs {
    /// The image, as in registry.example/shop/api:v1
    #[arg(value_name = "IMAGE")]
    pub(crate) image: Reference,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Args)]
pub(crate) struct PromoteArgs {
    /// The image to copy
    #[arg(value_name = "FROM")]
    pub(crate) from: Reference,
    /// What it is to be called there
    #[arg(value_name = "TO")]
    pub(crate) to: Reference,
    /// Copy what refers to it too: signatures, reports
    #[arg(long)]
    pub(crate) referrers: bool,
    /// Refuse to move a tag that stands for another image
    #[arg(long)]
    pub(crate) no_overwrite: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Args)]
pub(crate) struct PushArgs {
    /// The layout: a folder, or a .tar as `docker buildx build --output type=oci` writes it
    #[arg(value_name = "LAYOUT")]
    pub(crate) layout: PathBuf,
    /// What the image is to be called
    #[arg(value_name = "IMAGE")]
    pub(crate) image: Reference,
    /// The image of the layout, by its name in there, if it holds several
    #[arg(long, value_name = "NAME")]
    pub(crate) select: Option<String>,
    /// Refuse to move a tag that stands for another image
    #[arg(long)]
    pub(crate) no_overwrite: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

#[derive(Args)]
#[command(group = ArgGroup::new("use").required(true).multiple(true))]
pub(crate) struct RetentionArgs {
    /// The repository, as in registry.example/shop/api
    #[arg(value_name = "REPO")]
    pub(crate) repository: Repository,
    /// What is kept, as in 'scheme=branch.timestamp.sha last=10 younger=30d scheme=semver keep=all'
    ///
    /// What no scheme reads is kept. A mistake in it is pointed at; the words are in the
    /// documentation of deploy_core::tag::retention::RetentionPolicy.
    #[arg(long, value_name = "POLICY", verbatim_doc_comment)]
    pub(crate) policy: String,
    /// Keep what runs in this namespace, and what a way back there needs; it may be given more than once
    #[arg(long, value_name = "NS", group = "use")]
    pub(crate) running: Vec<String>,
    /// Say that no image of it runs anywhere: nothing is kept for being in use
    #[arg(long, group = "use", conflicts_with = "running")]
    pub(crate) runs_nowhere: bool,
    /// Show what can go, and delete nothing (the default)
    #[arg(long, conflicts_with = "delete")]
    pub(crate) plan: bool,
    /// Delete what can go
    #[arg(long)]
    pub(crate) delete: bool,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// How registries are reached.
#[derive(Args)]
#[command(next_help_heading = "Registry")]
pub(crate) struct RegistryArgs {
    /// Speak plain HTTP to this registry; one on this machine is spoken to so anyway
    #[arg(long, value_name = "HOST")]
    pub(crate) plain_http: Vec<String>,
    /// Trust the certificate authorities in this file, too
    #[arg(long = "ca-file", value_name = "PEM")]
    pub(crate) ca_files: Vec<PathBuf>,
    /// Docker's configuration file with the credentials [default: $DOCKER_CONFIG, or ~/.docker/config.json]
    ///
    /// $REGISTRY_USER and $REGISTRY_PASSWORD count before it, for the registry that $REGISTRY_HOST names.
    #[arg(long, value_name = "FILE", verbatim_doc_comment)]
    pub(crate) docker_config: Option<PathBuf>,
}
