//! Helm's releases, read from its own records.
//!
//! One Secret a revision, `sh.helm.release.v1.NAME.vN`, in the release's namespace: [`record`] says what is in it, [`codec`] how.
//! Nothing here needs `helm` itself.
//!
//! ```no_run
//! use deploy_k8s::{Cluster, Release};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let cluster = Cluster::builder().build().await?;
//! for release in Release::list(&cluster, None).await? {
//!     println!("{}/{} is {} at revision {}", release.namespace, release.name, release.status, release.revision);
//! }
//! let shop = Release::new(cluster, "shop", "api")?;
//! for revision in shop.history().await? {
//!     println!("{} {}: {}", revision.revision, revision.status, revision.images.join(", "));
//! }
//! println!("{}", shop.get(None).await?.manifest);
//! # Ok(())
//! # }
//! ```

mod codec;
mod content;
mod name;
mod record;
mod revision;
mod store;

use deploy_core::error::{Error, ErrorKind, Result};

pub use content::ReleaseContent;
pub use record::ReleaseStatus;
pub use revision::ReleaseRevision;

use crate::api::Cluster;
use store::{Entry, Store};

/// A release: a name in a namespace, and the revisions recorded of it.
#[derive(Clone, Debug)]
pub struct Release {
    store: Store,
    name: String,
}

impl Release {
    /// The release called `name` in `namespace`, whether there is one or not. Nothing is asked of the cluster.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that Helm does not take: it has at most 53 characters, those of a DNS
    /// subdomain.
    pub fn new(cluster: Cluster, namespace: impl Into<String>, name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        name::check(&name)?;
        Ok(Self { store: Store::new(cluster, Some(namespace.into())), name })
    }

    /// The newest revision of each release in `namespace`, or in all, by namespace and name. One request for each page of records; needs
    /// the verb list on secrets.
    ///
    /// # Errors
    /// What the API server refuses. A record that cannot be read is told of in its place.
    pub async fn list(cluster: &Cluster, namespace: Option<&str>) -> Result<Vec<ReleaseRevision>> {
        let store = Store::new(cluster.clone(), namespace.map(str::to_owned));
        let mut newest: Vec<Entry> = Vec::new();
        for entry in store.entries(None).await? {
            match newest.last_mut().filter(|last| last.is_of_release(&entry)) {
                Some(last) => *last = entry,
                None => newest.push(entry),
            }
        }
        Ok(newest.iter().map(ReleaseRevision::of).collect())
    }

    /// The revisions that are recorded, newest first. One request for each page of records; needs the verb list on secrets.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there are none; what the API server refuses. A record that cannot be read is told of in its place.
    pub async fn history(&self) -> Result<Vec<ReleaseRevision>> {
        let entries = self.entries().await?;
        Ok(entries.iter().rev().map(ReleaseRevision::of).collect())
    }

    /// What a revision is made of; the newest where none is named.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if it is not recorded; [`InvalidInput`](ErrorKind::InvalidInput) if its record cannot be read.
    pub async fn get(&self, revision: Option<u64>) -> Result<ReleaseContent> {
        let entry = match revision {
            Some(revision) => self.store.entry(&self.name, revision).await?,
            None => self.entries().await?.pop(),
        };
        let entry = entry.ok_or_else(|| match revision {
            Some(revision) => self
                .error(ErrorKind::NotFound, format!("revision {revision} is not recorded"))
                .help("its history lists those that are: old ones are forgotten"),
            None => self.missing(),
        })?;
        ReleaseContent::of(&entry)
    }

    /// The records, oldest first; at least one.
    async fn entries(&self) -> Result<Vec<Entry>> {
        let entries = self.store.entries(Some(&self.name)).await?;
        if entries.is_empty() { Err(self.missing()) } else { Ok(entries) }
    }

    fn missing(&self) -> Error {
        self.error(ErrorKind::NotFound, "there is no such release")
            .help("name its namespace, or list those of all namespaces")
    }

    fn error(&self, kind: ErrorKind, why: impl Into<String>) -> Error {
        let namespace = self.store.namespace().unwrap_or_default();
        Error::new(kind, why).on(format!("release {namespace}/{}", self.name))
    }
}
