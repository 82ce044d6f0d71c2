//! How registries are reached: as the command line and the environment say.

use std::ffi::OsString;
use std::sync::Arc;

use deploy_core::error::{Error, Result};
use deploy_core::preflight::PullSecret;
use deploy_core::registry::Registry;
use deploy_registry::OciRegistry;
use deploy_registry::credentials::{Credentials, DockerConfig, EnvironmentCredentials, FirstOf};

use super::args::RegistryArgs;
use super::read_file;
use crate::environment::Variables;

/// The most bytes of a file of certificates.
const MAX_PEM_BYTES: u64 = 1024 * 1024;

/// With the caller's own credentials.
pub(super) fn open(args: &RegistryArgs, variables: &Arc<Variables>) -> Result<OciRegistry> {
    Ways::read(args)?.build(credentials(args, variables)?)
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
}

impl Ways {
    fn read(args: &RegistryArgs) -> Result<Self> {
        let authorities =
            args.ca_files.iter().map(|file| read_file(file, MAX_PEM_BYTES)).collect::<Result<_>>()?;
        Ok(Self { plain_http: args.plain_http.clone(), authorities })
    }

    fn build(&self, credentials: impl Credentials + 'static) -> Result<OciRegistry> {
        let mut builder = OciRegistry::builder().credentials(credentials);
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
) -> Result<impl Fn(&[PullSecret]) -> Result<Arc<dyn Registry>> + Send + Sync + use<>> {
    let ways = Ways::read(args)?;
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
