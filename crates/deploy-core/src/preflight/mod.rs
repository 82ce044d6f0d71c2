//! Whether the nodes can run a bundle's images, found out before anything is written.
//!
//! Each image must exist, be there for the nodes' platforms, and be readable with the pull secrets that its pods name. What cannot be found
//! out counts as a no.
//!
//! ```
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_core::memory::MemoryRegistry;
//! use deploy_core::preflight::Preflight;
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let registry = MemoryRegistry::new();
//! registry.put(&"shop/api:v1".parse()?, "4f1c2d9");
//! let pod = b"{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: api, image: 'shop/api:v1'}]}}";
//! let bundle = Bundle::builder().objects(read("pod.yaml", pod)?).build()?;
//!
//! let preflight = Preflight::new(Arc::new(registry)).platform("linux/amd64");
//! assert!(preflight.check(&bundle).await?.is_good());
//!
//! let report = preflight.platform("linux/arm64").check(&bundle).await?;
//! let error = report.into_result().unwrap_err();
//! assert!(error.to_string().contains("shop/api:v1 of Pod a: it is there for linux/amd64, and not for linux/arm64"));
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```
//!
//! The driver does it for every kind of run where it is given one ([`Rollout::preflight`](crate::rollout::Rollout::preflight)).
//!
//! # What it does not see
//! Credentials that a node has by itself, and the pull secrets of service accounts that the bundle does not hold: give them to the function
//! of [`Preflight::as_node`]. A registry mirror that only nodes use.

mod ask;
mod pods;
mod report;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use futures_util::future::BoxFuture;
use futures_util::{FutureExt, StreamExt, stream};

use crate::error::{Error, ErrorKind, Result};
use crate::manifest::Bundle;
use crate::registry::{AT_ONCE, Registry};
use crate::secret::{SecretSource, SecretText};
use ask::look;
use pods::{SecretId, asks, in_bundle};
pub use report::{CheckedImage, Problem, ProblemKind, Report, UsedBy};

/// A pull secret that a pod names, and that there is.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PullSecret {
    /// Its namespace; empty where the bundle names none.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// What is under `.dockerconfigjson`: a Docker configuration as JSON.
    pub config: SecretText,
}

/// Makes the registry as a node sees it that pulls with these secrets.
pub type AsNode = dyn Fn(&[PullSecret]) -> Result<Arc<dyn Registry>> + Send + Sync;

/// Looks at the images of bundles. Clones share what they look through.
#[derive(Clone)]
#[must_use]
pub struct Preflight {
    registry: Arc<dyn Registry>,
    platforms: Vec<String>,
    as_node: Option<Arc<AsNode>>,
    secrets: Option<Arc<dyn SecretSource>>,
}

impl fmt::Debug for Preflight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "preflight through {} for {}", self.registry.describe(), self.platforms.join(", "))
    }
}

impl Preflight {
    /// Looks through this registry. Without more it asks only whether images exist, in one request each.
    pub fn new(registry: Arc<dyn Registry>) -> Self {
        Self { registry, platforms: Vec::new(), as_node: None, secrets: None }
    }

    /// Images must be there for this platform too, as in `linux/amd64`: that of a node. Pods that select nodes by `kubernetes.io/os` or
    /// `kubernetes.io/arch` need only what they select.
    pub fn platform(mut self, platform: impl Into<String>) -> Self {
        let platform = platform.into();
        if !self.platforms.contains(&platform) {
            self.platforms.push(platform);
        }
        self
    }

    /// Images must be readable through the registry that this function makes of the pull secrets a pod names.
    pub fn as_node(
        mut self,
        make: impl Fn(&[PullSecret]) -> Result<Arc<dyn Registry>> + Send + Sync + 'static,
    ) -> Self {
        self.as_node = Some(Arc::new(make));
        self
    }

    /// Where pull secrets are that the bundle does not hold: what is under `.dockerconfigjson`, by `NAMESPACE/NAME`.
    pub fn secrets(mut self, secrets: Arc<dyn SecretSource>) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Looks at each image of `bundle` once, 8 at a time; at one that several pods pull with different secrets once for each.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a pull secret of the bundle that holds no Docker configuration. What the source of secrets or
    /// the function of [`Preflight::as_node`] answers. What is wrong with an image is in the report.
    pub async fn check(&self, bundle: &Bundle) -> Result<Report> {
        let asks = asks(bundle, &self.platforms, self.as_node.is_some())?;
        // Collected and boxed: a closure that is kept across an await makes the whole run's future `Send` for one lifetime only.
        let wanted: BTreeSet<SecretId> = asks.iter().flat_map(|ask| ask.secrets.clone()).collect();
        let mut secrets: BTreeMap<SecretId, Option<SecretText>> = BTreeMap::new();
        for id in wanted {
            let secret = self.secret(bundle, &id).await?;
            secrets.insert(id, secret);
        }
        let mut nodes: BTreeMap<&[SecretId], Arc<dyn Registry>> = BTreeMap::new();
        for ask in &asks {
            if let (Some(make), false) = (&self.as_node, nodes.contains_key(ask.secrets.as_slice())) {
                let found = ask.secrets.iter().filter_map(|id| {
                    let config = secrets.get(id)?.clone()?;
                    Some(PullSecret { namespace: id.0.clone(), name: id.1.clone(), config })
                });
                nodes.insert(&ask.secrets, make(&found.collect::<Vec<_>>())?);
            }
        }
        let mut looks: Vec<BoxFuture<'_, CheckedImage>> = Vec::new();
        for ask in &asks {
            let missing = ask.secrets.iter().filter(|id| secrets.get(id).is_none_or(Option::is_none));
            let missing = missing.map(ToString::to_string).collect();
            let node = nodes.get(ask.secrets.as_slice()).map(|node| &**node);
            looks.push(look(ask, &*self.registry, node, missing).boxed());
        }
        let images = stream::iter(looks).buffered(AT_ONCE).collect().await;
        Ok(Report { images })
    }

    /// What a pull secret holds; `None` if there is none, which the kubelet passes over.
    async fn secret(&self, bundle: &Bundle, id: &SecretId) -> Result<Option<SecretText>> {
        if let Some(config) = in_bundle(bundle, id)? {
            return Ok(Some(config));
        }
        let Some(source) = &self.secrets else { return Ok(None) };
        match source.get(&id.to_string()).await {
            Ok(config) => Ok(Some(config)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.during("read the pull secret").on(id)),
        }
    }
}

impl Report {
    /// Nothing, where every image can run.
    ///
    /// # Errors
    /// What is wrong with which image, and the report as its [`source`](std::error::Error::source). Its kind is that of the first problem.
    pub fn into_result(self) -> Result<()> {
        let bad = self.images.iter().filter_map(|image| Some((image, image.problem.as_ref()?)));
        let bad: Vec<(&CheckedImage, &Problem)> = bad.collect();
        let Some((_, first)) = bad.first() else { return Ok(()) };
        let what: Vec<String> =
            bad.iter().map(|(image, problem)| format!("{image}: {}", problem.message)).collect();
        let images = if self.images.len() == 1 { "image" } else { "images" };
        let message =
            format!("{} of {} {images} cannot run: {}", bad.len(), self.images.len(), what.join("; "));
        let error = Error::new(first.kind.as_error(), message).during("preflight");
        let error = first.help.iter().fold(error, Error::help);
        Err(error.source(self))
    }
}
