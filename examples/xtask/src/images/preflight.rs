//! Looking at a bundle's images before anything is written; writing their digests into it.

use std::error::Error as StdError;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use deploy_core::error::{Error, Result};
use deploy_core::guard::Gate;
use deploy_core::manifest::Bundle;
use deploy_core::preflight::{CheckedImage, Preflight, Report};
use deploy_core::registry::{Registry, resolve_all};
use deploy_k8s::PullSecrets;
use deploy_verify::cosign::{CosignKey, Demand, PublicKey};
use deploy_verify::scan::{GivenReports, ScanReport};

use super::args::RegistryArgs;
use super::{read_file, registry};
use crate::paint::{Paint, Tone};
use crate::session::Session;
use crate::table::table;

/// The most bytes of a public key's file.
const MAX_KEY_BYTES: u64 = 64 * 1024;

/// What is done with images before anything is written.
#[derive(Args)]
#[command(next_help_heading = "Images")]
pub(crate) struct ImageArgs {
    /// Look at the images first: they must exist, be there for the nodes' platforms, and be readable
    ///
    /// Readable is what the pull secrets that the pods name open, from the manifests or from the
    /// cluster. If any image is not, nothing is written.
    #[arg(long, verbatim_doc_comment)]
    pub(crate) preflight: bool,
    /// Write the digest of each image beside its tag, so that what is deployed is what was looked at
    #[arg(long)]
    pub(crate) pin: bool,
    /// Refuse images with vulnerabilities by this report of Trivy's (JSON); each image needs one
    #[arg(long = "scan-report", value_name = "FILE")]
    pub(crate) scan_reports: Vec<PathBuf>,
    /// Refuse images that are not signed by this key of cosign's; of several any one will do
    #[arg(long = "cosign-key", value_name = "PEM")]
    pub(crate) cosign_keys: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) registry: RegistryArgs,
}

/// What asks about images before anything is written.
#[derive(Default)]
pub(crate) struct Guards {
    pub(crate) preflight: Option<Preflight>,
    pub(crate) gates: Vec<Arc<dyn Gate>>,
}

impl ImageArgs {
    fn asks(&self) -> bool {
        self.preflight || self.pin || !self.scan_reports.is_empty() || !self.cosign_keys.is_empty()
    }
}

/// The bundle, with digests if that was asked for, and what asks about its images.
pub(crate) async fn guarded(bundle: Bundle, args: &ImageArgs, session: &Session) -> Result<(Bundle, Guards)> {
    if !args.asks() {
        return Ok((bundle, Guards::default()));
    }
    let registry: Arc<dyn Registry> =
        Arc::new(registry::open(&args.registry, &session.registry_variables, &session.progress)?);
    let gates = gates(args, &registry, session)?;
    let bundle = if args.pin { pinned(bundle, &*registry).await? } else { bundle };
    let preflight = if args.preflight { Some(preflight(args, registry, session).await?) } else { None };
    Ok((bundle, Guards { preflight, gates }))
}

async fn pinned(bundle: Bundle, registry: &dyn Registry) -> Result<Bundle> {
    let images = bundle.images().iter().map(|used| used.image.clone());
    let digests = resolve_all(registry, images).await.map_err(|error| error.during("pin"))?;
    bundle.pinned(&digests)
}

async fn preflight(args: &ImageArgs, registry: Arc<dyn Registry>, session: &Session) -> Result<Preflight> {
    session.ready();
    let platforms = session.cluster.node_platforms().await.map_err(|error| error.during("preflight"))?;
    let preflight = Preflight::new(registry)
        .secrets(Arc::new(PullSecrets::new(session.cluster.clone())))
        .as_node(registry::as_node(&args.registry, &session.progress)?);
    Ok(platforms.into_iter().fold(preflight, Preflight::platform))
}

fn gates(args: &ImageArgs, registry: &Arc<dyn Registry>, session: &Session) -> Result<Vec<Arc<dyn Gate>>> {
    let mut gates: Vec<Arc<dyn Gate>> = Vec::new();
    if !args.scan_reports.is_empty() {
        let reports = args.scan_reports.iter().fold(GivenReports::new(), GivenReports::file);
        let gate = ScanReport::new(reports, Arc::new(session.clock)).registry(registry.clone());
        gates.push(Arc::new(gate));
    }
    if !args.cosign_keys.is_empty() {
        let key =
            |file: &PathBuf| PublicKey::read(&file.display().to_string(), &read_file(file, MAX_KEY_BYTES)?);
        let keys = args.cosign_keys.iter().map(key).collect::<Result<Vec<_>>>()?;
        gates.push(Arc::new(CosignKey::demanding(registry.clone(), Demand::any_of(keys))));
    }
    Ok(gates)
}

/// The report that an error of a preflight has.
pub(crate) struct PreflightTable<'a>(&'a Report);

impl<'a> PreflightTable<'a> {
    pub(crate) fn of(error: &'a Error) -> Option<Self> {
        error.source()?.downcast_ref().map(Self)
    }

    pub(crate) fn report(&self) -> &'a Report {
        self.0
    }

    pub(crate) fn text(&self, paint: Paint) -> String {
        let head = ["IMAGE", "WORKLOAD", "DIGEST", "PLATFORMS", "READABLE", "PROBLEM"];
        table(head, self.0.images.iter().map(|image| (cells(image), tone(image))), paint)
    }
}

fn tone(image: &CheckedImage) -> Tone {
    if image.problem.is_some() { Tone::Bad } else { Tone::Plain }
}

fn cells(image: &CheckedImage) -> [String; 6] {
    let workloads: Vec<String> =
        image.used_by.iter().map(|used| format!("{} {}", used.object.kind, used.object.name)).collect();
    let readable = match image.readable {
        Some(true) => "yes",
        Some(false) => "no",
        None => "",
    };
    [
        image.image.to_string(),
        workloads.join(", "),
        image.digest.as_ref().and_then(|digest| digest.hex().get(..12)).unwrap_or_default().to_owned(),
        image.platforms.join(", "),
        readable.to_owned(),
        image.problem.as_ref().map(|problem| problem.message.clone()).unwrap_or_default(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure;
    use deploy_core::manifest::read;
    use deploy_core::memory::MemoryRegistry;

    fn bundle(images: [&str; 2]) -> Bundle {
        let pods = images.iter().enumerate().map(|(number, image)| {
            format!(
                "---\n{{apiVersion: v1, kind: Pod, metadata: {{name: p{number}}}, spec: {{containers: [{{name: c, image: '{image}'}}]}}}}\n"
            )
        });
        let objects = read("a.yaml", pods.collect::<String>().as_bytes()).unwrap();
        Bundle::builder().objects(objects).namespace("shop").build().unwrap()
    }

    #[tokio::test]
    async fn an_error_shows_every_image() {
        let registry = MemoryRegistry::new();
        let digest = registry.put(&"shop/api:v1".parse().unwrap(), "4f1c2d9");
        let bundle = bundle(["shop/api:v1", "shop/web:v1"]);
        let preflight = Preflight::new(Arc::new(registry)).platform("linux/amd64");
        let error = preflight.check(&bundle).await.unwrap().into_result().unwrap_err();
        let text = failure::render(&error, Paint(false));
        assert_eq!(
            text,
            format!(
                "error: preflight: 1 of 2 images cannot run: shop/web:v1 of Pod shop/p1: no such image\n\n\
                 IMAGE        WORKLOAD  DIGEST        PLATFORMS    READABLE  PROBLEM\n\
                 shop/api:v1  Pod p0    {}  linux/amd64\n\
                 shop/web:v1  Pod p1                                         no such image\n",
                &digest.hex()[..12]
            )
        );
        assert_eq!(failure::json(&error)["images"][1]["problem"]["kind"], "notFound");
    }

    #[tokio::test]
    async fn digests_are_written_beside_tags() {
        let registry = MemoryRegistry::new();
        let digest = registry.put(&"shop/api:v1".parse().unwrap(), "4f1c2d9");
        let pinned = super::pinned(bundle(["shop/api:v1", "shop/api:v1"]), &registry).await.unwrap();
        assert!(pinned.images().iter().all(|used| used.image.to_string() == format!("shop/api:v1@{digest}")));
        let error = super::pinned(bundle(["shop/api:v1", "shop/api:v2"]), &registry).await.unwrap_err();
        assert!(error.to_string().contains("image shop/api:v2: no such image"), "{error}");
    }
}
