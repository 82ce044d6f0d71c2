//! How registries are reached: as the command line and the environment say.

use std::ffi::OsString;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::error::{Error, Result};
use deploy_core::preflight::PullSecret;
use deploy_core::registry::Registry;
use deploy_registry::credentials::{Credentials, DockerConfig, EnvironmentCredentials, FirstOf};
use deploy_registry::{OciRegistry, Waiting};

use super::args::RegistryArgs;
use super::read_file;
use crate::environment::Variables;
use crate::paint::Tone;
use crate::progress::Progress;

/// How long a registry that cannot answer is waited for: somebody sits before it, and can ask again.
const PATIENCE: Duration = Duration::from_secs(15);

/// The most bytes of a file of certificates.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// With the caller's own credentials.
pub(super) fn open(
    args: &RegistryArgs,
    variables: &Arc<Variables>,
    progress: &Arc<Progress>,
) -> Result<OciRegistry> {
    Ways::read(args, progress)?.build(credentials(args, variables)?)
}

/// Of the variables, then of Docker's configuration.
fn credentials(args: &RegistryArgs, variables: &Arc<Variables>) -> Result<FirstOf> {
    let mut found = FirstOf::new();
    let (user, password) = ("REGISTRY_USER", "REGISTRY_PASSWORD");
    match variables.get("REGISTRY_HOST").map(OsString::into_string) {
        Some(Ok(host)) if !host.is_empty() => {
            let read = variables.clone();
            found =
                found.then(EnvironmentCredentials::new(&host, user, password, move |name| read.get(name)));
        }
        Some(Err(_)) => return Err(Error::invalid("it is not UTF-8").on("REGISTRY_HOST")),
        _ => {}
    }
    let config = match &args.docker_config {
        Some(file) => Some(DockerConfig::at(file)),
        None => DockerConfig::of_environment(|name| variables.get(name)),
    };
    Ok(match config {
        Some(config) => found.then(config),
        None => found,
    })
}

/// How registries are reached, whoever asks.
#[derive(Clone)]
struct Ways {
    plain_http: Vec<String>,
    authorities: Vec<Vec<u8>>,
    progress: Arc<Progress>,
}

impl Ways {
    fn read(args: &RegistryArgs, progress: &Arc<Progress>) -> Result<Self> {
        let authorities =
            args.ca_files.iter().map(|file| read_file(file, MAX_PEM_BYTES)).collect::<Result<_>>()?;
        Ok(Self { plain_http: args.plain_http.clone(), authorities, progress: progress.clone() })
    }

    fn build(&self, credentials: impl Credentials + 'static) -> Result<OciRegistry> {
        let progress = self.progress.clone();
        let mut builder = OciRegistry::builder()
            .credentials(credentials)
            .patience(PATIENCE)
            .on_wait(move |waiting| progress.tell(Tone::Warn, &told(waiting)));
        for host in &self.plain_http {
            builder = builder.plain_http(host);
        }
        for authority in &self.authorities {
            builder = builder.certificate_authority(authority.clone());
        }
        builder.build()
    }
}

/// With the credentials that pods name, and no others: as a node has it.
pub(super) fn as_node(
    args: &RegistryArgs,
    progress: &Arc<Progress>,
) -> Result<impl Fn(&[PullSecret]) -> Result<Arc<dyn Registry>> + Send + Sync + use<>> {
    let ways = Ways::read(args, progress)?;
    Ok(move |secrets: &[PullSecret]| {
        let mut found = FirstOf::new();
        for PullSecret { namespace, name, config, .. } in secrets {
            let name = format!("pull secret {namespace}/{name}");
            found = found.then(DockerConfig::parse(name, config.reveal().as_bytes())?);
        }
        let registry: Arc<dyn Registry> = Arc::new(ways.build(found)?);
        Ok(registry)
    })
}

/// As in `127.0.0.1:5000 refuses connections: asking again in 0.4 s`.
fn told(waiting: &Waiting<'_>) -> String {
    format!("{}: asking again in {:.1} s", waiting.why.message(), waiting.wait.as_secs_f64())
}
