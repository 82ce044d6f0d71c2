//! Docker's config file, and what keeps credentials the same way.

mod config;
mod helper;

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use tokio::io::AsyncReadExt;

use self::config::Config;
use self::helper::Helper;
use super::{Credential, Credentials, host};

/// Config files larger than this are refused, in bytes.
const MAX_CONFIG: u64 = 1024 * 1024;

/// How long a credential helper may take, unless told otherwise.
const HELPER_TIMEOUT: Duration = Duration::from_secs(10);

/// What Docker's config file says: entries of `auths`, and credential helpers (`credHelpers`, `credsStore`).
///
/// The file is read each time it is asked, so that a password that is replaced there counts. A file that does not exist holds no
/// credentials. A helper's answer goes before an entry, as Docker has it; where the helper has none, the entry is taken.
///
/// A key is for a whole registry. Keys for a part of one (`quay.io/shop`, podman's) are passed over: no such part is asked for here.
///
/// Helpers are run by this module, because the crate `docker_credential` waits for them without an end and blocks a thread meanwhile.
#[derive(Clone)]
#[must_use]
pub struct DockerConfig {
    from: From,
    helper_timeout: Duration,
    helper_folder: Option<PathBuf>,
}

#[derive(Clone)]
enum From {
    Path(PathBuf),
    /// A pull secret: its name, and what it says.
    Secret(String, Config),
}

impl DockerConfig {
    /// The file at `path`.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::new(From::Path(path.into()))
    }

    /// The file that Docker would read: `config.json` in the folder `DOCKER_CONFIG`, else in `.docker` of the home. `None` where no variable
    /// names a folder. `read` gets a variable: a program hands in `std::env::var_os`.
    pub fn of_environment(read: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let folder = folder_of(&read, "DOCKER_CONFIG").or_else(|| {
            Some(folder_of(&read, "HOME").or_else(|| folder_of(&read, "USERPROFILE"))?.join(".docker"))
        });
        Some(Self::at(folder?.join("config.json")))
    }

    /// The file that podman, buildah and skopeo would read: `REGISTRY_AUTH_FILE`, else `containers/auth.json` in `XDG_RUNTIME_DIR`.
    pub fn of_podman(read: impl Fn(&str) -> Option<OsString>) -> Option<Self> {
        let file = folder_of(&read, "REGISTRY_AUTH_FILE");
        Some(Self::at(match file {
            Some(file) => file,
            None => folder_of(&read, "XDG_RUNTIME_DIR")?.join("containers").join("auth.json"),
        }))
    }

    /// A pull secret: the `.dockerconfigjson` of a Secret of the type `kubernetes.io/dockerconfigjson`. `name` is for errors.
    ///
    /// It is read as the kubelet reads it: a key may have wildcards (`*.registry.example`), and no helper is run.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if it is not that, or larger than 1 MiB. What it holds is never part of an error.
    pub fn parse(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let name = name.into();
        let config =
            check_size(bytes).and_then(|()| Config::parse(bytes)).map_err(|error| error.on(&name))?;
        Ok(Self::new(From::Secret(name, config.without_helpers())))
    }

    /// A pull secret of the old form: the `.dockercfg` of a Secret of the type `kubernetes.io/dockercfg`.
    ///
    /// # Errors
    /// As for [`DockerConfig::parse`].
    pub fn parse_dockercfg(name: impl Into<String>, bytes: &[u8]) -> Result<Self> {
        let name = name.into();
        let config =
            check_size(bytes).and_then(|()| Config::parse_entries(bytes)).map_err(|error| error.on(&name))?;
        Ok(Self::new(From::Secret(name, config)))
    }

    /// How long a credential helper may take before it is killed. Default 10 s.
    pub fn helper_timeout(mut self, timeout: Duration) -> Self {
        self.helper_timeout = timeout;
        self
    }

    /// Takes credential helpers from this folder alone. Default: they are looked up in `PATH`.
    pub fn helpers_in(mut self, folder: impl Into<PathBuf>) -> Self {
        self.helper_folder = Some(folder.into());
        self
    }

    fn new(from: From) -> Self {
        Self { from, helper_timeout: HELPER_TIMEOUT, helper_folder: None }
    }

    async fn find_in_file(&self, path: &Path, host: &str) -> Result<Option<Credential>> {
        let Some(bytes) = read(path).await? else { return Ok(None) };
        let config = Config::parse(&bytes)?;
        if let Some(name) = config.helper(host) {
            let helper = Helper::new(name, self.helper_folder.as_deref(), self.helper_timeout)?;
            if let Some(found) = helper.get(host::server(host)).await? {
                return Ok(Some(found));
            }
        }
        config.entry(host)
    }
}

#[async_trait]
impl Credentials for DockerConfig {
    fn describe(&self) -> String {
        match &self.from {
            From::Path(path) => path.display().to_string(),
            From::Secret(name, _) => name.clone(),
        }
    }

    /// Dropped, it kills the helper that runs.
    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        let host = host::canonical(host);
        match &self.from {
            From::Path(path) => self.find_in_file(path, &host).await,
            From::Secret(_, config) => config.entry_for_pulls(&host),
        }
        .map_err(|error| error.on(self.describe()))
    }
}

impl std::fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "DockerConfig({:?})", self.describe())
    }
}

fn folder_of(read: &impl Fn(&str) -> Option<OsString>, name: &str) -> Option<PathBuf> {
    read(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

async fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    // Looked at first: opening a pipe would wait for whoever writes to it.
    match tokio::fs::metadata(path).await {
        Ok(found) if !found.is_file() => return Err(Error::invalid("it is not a file")),
        Ok(_) => {}
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    }
    let mut bytes = Vec::new();
    let file = tokio::fs::File::open(path).await.map_err(unreadable)?;
    file.take(MAX_CONFIG + 1).read_to_end(&mut bytes).await.map_err(unreadable)?;
    check_size(&bytes)?;
    Ok(Some(bytes))
}

fn check_size(bytes: &[u8]) -> Result<()> {
    if bytes.len() as u64 > MAX_CONFIG {
        return Err(Error::invalid("it is larger than 1 MiB"));
    }
    Ok(())
}

fn unreadable(error: io::Error) -> Error {
    let kind = match error.kind() {
        io::ErrorKind::PermissionDenied => ErrorKind::Forbidden,
        _ => ErrorKind::InvalidInput,
    };
    Error::new(kind, format!("it cannot be read: {}", error.kind())).source(error)
}

#[cfg(test)]
mod tests;
