//! A connection to a cluster: from a kubeconfig's path, context or bytes, or from inside a pod.
//!
//! ```
//! use deploy_k8s::Cluster;
//!
//! let kubeconfig = br#"{"apiVersion": "v1", "kind": "Config", "current-context": "ci",
//!     "contexts": [{"name": "ci", "context": {"cluster": "dev", "user": "ci"}}],
//!     "clusters": [{"name": "dev", "cluster": {"server": "https://127.0.0.1:6443"}}],
//!     "users": [{"name": "ci", "user": {"token": "t"}}]}"#;
//! # tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async {
//! let cluster = Cluster::builder().kubeconfig_bytes(kubeconfig.to_vec()).build().await?;
//! assert_eq!(cluster.describe(), "context ci (https://127.0.0.1:6443)");
//!
//! let error = Cluster::builder().kubeconfig_bytes(kubeconfig.to_vec()).context("prod").build().await.unwrap_err();
//! assert!(error.to_string().contains("no context \"prod\""), "{error}");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use std::path::PathBuf;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use kube::client::ConfigExt;
use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use tower::{BoxError, ServiceBuilder};

use crate::api::Cluster;

/// Kubeconfigs larger than this are refused.
const MAX_KUBECONFIG: usize = 4 << 20;

/// How to connect; made by [`Cluster::builder`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct ClusterBuilder {
    from: From,
    context: Option<String>,
    request_timeout: Option<Duration>,
    in_flight: Option<usize>,
}

#[derive(Clone, Default)]
enum From {
    /// `KUBECONFIG`, then `~/.kube/config`, as kubectl does.
    #[default]
    Default,
    Path(PathBuf),
    Bytes(Vec<u8>),
    InCluster,
}

// The bytes hold credentials.
impl std::fmt::Debug for From {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Default => f.write_str("Default"),
            Self::Path(path) => write!(f, "Path({})", path.display()),
            Self::Bytes(_) => f.write_str("Bytes(***)"),
            Self::InCluster => f.write_str("InCluster"),
        }
    }
}

impl ClusterBuilder {
    /// Reads the kubeconfig at `path`. Default: what `KUBECONFIG` names, then `~/.kube/config`.
    pub fn kubeconfig(mut self, path: impl Into<PathBuf>) -> Self {
        self.from = From::Path(path.into());
        self
    }

    /// Takes the kubeconfig itself; CI often keeps it in a variable.
    pub fn kubeconfig_bytes(mut self, bytes: Vec<u8>) -> Self {
        self.from = From::Bytes(bytes);
        self
    }

    /// Uses the service account of the pod that this runs in.
    pub fn in_cluster(mut self) -> Self {
        self.from = From::InCluster;
        self
    }

    /// Uses this context. Default: the kubeconfig's current one.
    pub fn context(mut self, context: impl Into<String>) -> Self {
        self.context = Some(context.into());
        self
    }

    /// How long one request may take. Default 30 s. Watches are not bounded by it.
    pub fn request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = Some(timeout);
        self
    }

    /// How many requests may be under way at once; at least 1. Default 16: more gain nothing from an API server of two cores.
    pub fn max_in_flight(mut self, requests: usize) -> Self {
        self.in_flight = Some(requests.max(1));
        self
    }

    /// Reads the configuration and makes the client. No request is sent yet.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a kubeconfig that cannot be read or is not one, and for a context that it does not have:
    /// the error lists those it has. Credentials are never part of an error.
    pub async fn build(self) -> Result<Cluster> {
        let options = KubeConfigOptions { context: self.context.clone(), ..KubeConfigOptions::default() };
        let (config, name) = match self.from {
            From::InCluster => {
                let config = kube::Config::incluster().map_err(|error| {
                    Error::invalid("not inside a cluster: no service account of a pod here").source(error)
                })?;
                (config, "the pod's own cluster".to_owned())
            }
            from => {
                let kubeconfig = from.read()?;
                let context = pick_context(&kubeconfig, self.context.as_deref())?;
                let config =
                    kube::Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| {
                        Error::invalid(format!(
                            "the kubeconfig's context \"{context}\" cannot be used: {error}"
                        ))
                    })?;
                (config, format!("context {context}"))
            }
        };
        let describe = format!("{name} ({})", address(&config.cluster_url.to_string()));
        let client = client(config)?;
        let mut cluster = Cluster::from_client(client).described(describe);
        if let Some(timeout) = self.request_timeout {
            cluster = cluster.with_request_timeout(timeout);
        }
        if let Some(requests) = self.in_flight {
            cluster = cluster.with_max_in_flight(requests);
        }
        Ok(cluster)
    }
}

fn client(mut config: kube::Config) -> Result<kube::Client> {
    // kube's own retries repeat every method, POST included; `api::retry` knows which may be repeated.
    config.default_retry = false;
    config.connect_timeout = Some(Duration::from_secs(5));
    // Watches are silent for long; requests are bounded one by one in `api::send`.
    config.read_timeout = None;
    let client = match config.proxy_url {
        None => direct(&config),
        Some(_) => kube::Client::try_from(config),
    };
    // An exec plugin's error quotes its arguments and its output.
    client.map_err(|error| match error {
        kube::Error::Auth(_) => {
            Error::new(ErrorKind::Unauthorized, "the context's credentials cannot be had")
                .help("run its credential plugin by hand to see why")
        }
        error => Error::invalid(format!("the cluster's address or credentials cannot be used: {error}")),
    })
}

/// As kube makes a client, but for one thing: its connections do not wait (Nagle's algorithm) until the server acknowledges the end of
/// the TLS handshake before they send the first request. Servers take 40 ms for that.
fn direct(config: &kube::Config) -> kube::Result<kube::Client> {
    let mut http = HttpConnector::new();
    http.enforce_http(false);
    http.set_nodelay(true);
    let mut connector = TimeoutConnector::new(config.rustls_https_connector_with_connector(http)?);
    connector.set_connect_timeout(config.connect_timeout);
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(hyper_util::client::legacy::Client::builder(TokioExecutor::new()).build(connector));
    Ok(kube::client::ClientBuilder::new(service, config.default_namespace.clone()).build())
}

impl From {
    fn read(self) -> Result<Kubeconfig> {
        match self {
            Self::Path(path) => {
                Kubeconfig::read_from(&path).map_err(|error| unreadable(&error).on(path.display()))
            }
            Self::Bytes(bytes) if bytes.len() > MAX_KUBECONFIG => {
                Err(Error::invalid(format!("a kubeconfig of {} bytes is refused", bytes.len())))
            }
            Self::Bytes(bytes) => {
                let text = String::from_utf8(bytes).map_err(|_| {
                    Error::invalid("the kubeconfig's bytes are not text")
                        .help("decode it first if it is kept as base64")
                })?;
                // The parser's message may quote the text, and the text holds credentials.
                Kubeconfig::from_yaml(&text)
                    .map_err(|_| Error::invalid("the kubeconfig's bytes are not a kubeconfig"))
            }
            Self::Default | Self::InCluster => match std::env::var_os("KUBECONFIG") {
                Some(list) if !list.is_empty() => merged(&list),
                _ => Kubeconfig::read().map_err(|error| unreadable(&error)),
            },
        }
    }
}

/// Never the parser's words: they quote the text around the error, and the text holds credentials.
fn unreadable(error: &KubeconfigError) -> Error {
    let why = match error {
        KubeconfigError::ReadConfig(error, _) => format!("the kubeconfig cannot be read: {error}"),
        KubeconfigError::FindPath => "there is no kubeconfig".to_owned(),
        KubeconfigError::KindMismatch | KubeconfigError::ApiVersionMismatch => {
            "the kubeconfigs do not fit together".to_owned()
        }
        _ => "the kubeconfig cannot be read: it is not a kubeconfig".to_owned(),
    };
    Error::invalid(why).help("name one with --kubeconfig or KUBECONFIG")
}

/// The files of a list, as kubectl merges them: what is not there is passed over.
fn merged(list: &std::ffi::OsStr) -> Result<Kubeconfig> {
    let mut all: Option<Kubeconfig> = None;
    for path in std::env::split_paths(list).filter(|path| path.exists()) {
        let unreadable =
            |error| Error::invalid(format!("cannot be read as a kubeconfig: {error}")).on(path.display());
        let one = Kubeconfig::read_from(&path).map_err(unreadable)?;
        all = Some(match all {
            Some(all) => all.merge(one).map_err(unreadable)?,
            None => one,
        });
    }
    all.ok_or_else(|| Error::invalid("no file that KUBECONFIG names is there").on(list.to_string_lossy()))
}

/// The address without a name and a password in it.
fn address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    match url.split_once("://") {
        Some((scheme, rest)) => {
            format!("{scheme}://{}", rest.rsplit_once('@').map_or(rest, |(_, host)| host))
        }
        None => url.to_owned(),
    }
}

fn pick_context(kubeconfig: &Kubeconfig, asked: Option<&str>) -> Result<String> {
    let known: Vec<&str> = kubeconfig.contexts.iter().map(|context| context.name.as_str()).collect();
    let Some(context) = asked.or(kubeconfig.current_context.as_deref()).filter(|context| !context.is_empty())
    else {
        return Err(Error::invalid("the kubeconfig has no current context")
            .help(format!("name one of: {}", known.join(", "))));
    };
    if known.contains(&context) {
        return Ok(context.to_owned());
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("the kubeconfig has no context \"{context}\"")).help(
        if known.is_empty() {
            "it has none at all".to_owned()
        } else {
            format!("it has: {}", known.join(", "))
        },
    ))
}
