//! Helm-style releases: revisions that are recorded as Helm records them, and that Helm reads.
//!
//! One Secret a revision, `sh.helm.release.v1.NAME.vN`, in the release's namespace: [`record`] says what is in it, [`codec`] how.
//! Nothing here needs `helm` itself.

mod adopted;
mod calls;
mod codec;
mod content;
mod draft;
mod hook;
mod hooks;
mod manifest;
mod name;
mod owner;
mod plan;
mod record;
mod records;
mod revision;
mod said;
mod standing;
mod store;
mod target;
mod test;
mod uninstall;

use std::collections::BTreeMap;
use std::time::Duration;

use deploy_core::chart::Chart;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use deploy_core::run::Run;

pub use content::ReleaseContent;
pub(crate) use owner::{HELM, Owner, release_of};
pub use record::ReleaseStatus;
pub use revision::ReleaseRevision;
pub(crate) use revision::{deployed_revisions, recorded_images};

use crate::api::Cluster;
use crate::apply::Apply;
use said::Reader;
use store::{Entry, RESERVED, Store};

/// How many revisions are kept, unless it is said otherwise: Helm's own number.
const HISTORY_MAX: usize = 10;

/// A release: a name in a namespace, and the revisions recorded of it.
///
/// ```no_run
/// use deploy_core::manifest::{Bundle, read};
/// use deploy_core::run::Run;
/// use deploy_k8s::{Cluster, Release};
///
/// # async fn example() -> deploy_core::error::Result<()> {
/// let cluster = Cluster::builder().build().await?;
/// let shop = Release::new(cluster.clone(), "shop", "api")?;
/// let bundle = Bundle::builder().objects(read("app.yaml", b"...")?).namespace("shop").build()?;
/// let outcome = shop.upgrade(&bundle, Run::new()).await?;
/// println!("revision {:?}: {outcome}", outcome.revision);
/// for revision in shop.revisions().await? {
///     println!("{} {}: {}", revision.revision, revision.status, revision.images.join(", "));
/// }
/// println!("{}", shop.get(None).await?.manifest);
/// for release in Release::list(&cluster, None).await? {
///     println!("{}/{} is {} at revision {}", release.namespace, release.name, release.status, release.revision);
/// }
/// # Ok(())
/// # }
/// ```
///
/// # How a revision comes about
/// Its number is taken first, by a record that is `pending-install`, `pending-upgrade` or `pending-rollback`: Helm can take it no more.
/// Then hooks and objects, as [`Apply`](crate::Apply) writes them, by the field manager `helm`. Once all is well and verified it is `deployed`; what
/// only older revisions had is deleted; and these are `superseded`. A revision that fails says why in its description, and the newest
/// good one is rolled out again, as a revision of its own.
///
/// A run that dies leaves a pending revision. Whoever holds the release's lock next takes it for failed, and cleans up after it.
///
/// # Beside Helm
/// Helm 3 and 4 work on the same releases as this does, in any order. What to know of it:
/// - Helm 4's `rollback` fails while an object stands that the newest revision does not want and the one it goes back to does: `original
///   object ConfigMap with the name "extra" not found`. So it is once a run died before it deleted what it wants no more, or failed and was
///   left as it is ([`OnFailure::Leave`](deploy_core::run::OnFailure::Leave)). Go on with this then: [`roll_back`](Self::roll_back) or
///   [`upgrade`](Self::upgrade) cleans up, and Helm works again. Helm 3 takes the object as it stands.
/// - What is recorded is read as Helm reads it: of a key or an object that stands twice, the last one wins. A bundle is read strictly.
/// - Client-side apply, which is Helm 3's, drops fields that a kind does not have, and takes a list with two items of one key; server-side
///   apply refuses both. On the way back to such a revision they are left out, but for the last of the items, and the outcome notes
///   each. In a bundle they are errors.
/// - A revision that failed is `superseded` once Helm has gone on from it. Its description still tells, and it is no way back.
///
/// # Rights
/// All that it takes, in its namespace; the live tests run with exactly this:
/// ```yaml
#[doc = include_str!("role.yaml")]
/// ```
#[derive(Clone, Debug)]
pub struct Release {
    store: Store,
    name: String,
    apply: Apply,
    chart: Option<Chart>,
    crds: Vec<Object>,
    labels: BTreeMap<String, String>,
    history_max: usize,
    takes_ownership: bool,
    helm_dead_after: Option<Duration>,
    holder: String,
    dry_run: bool,
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
        Ok(Self {
            store: Store::new(cluster.clone(), Some(namespace.into())),
            name,
            apply: Apply::new(cluster),
            chart: None,
            crds: Vec::new(),
            labels: BTreeMap::new(),
            history_max: HISTORY_MAX,
            takes_ownership: false,
            helm_dead_after: None,
            holder: "unnamed".to_owned(),
            dry_run: false,
        })
    }

    /// Applies as this does: its rules for conflicts, for what is created anew, for health. The field manager is Helm's whatever it says.
    #[must_use]
    pub fn applied_by(mut self, apply: Apply) -> Self {
        self.apply = apply;
        self
    }

    /// Records this of the chart that the objects were made from. Default: a chart of the release's name, whose app version is the
    /// run's git revision.
    #[must_use]
    pub fn chart(mut self, chart: Chart) -> Self {
        self.chart = Some(chart);
        self
    }

    /// Creates these definitions, a chart's `crds/`, where they are missing. They are no part of a revision: what is there is not changed,
    /// and nothing deletes them.
    #[must_use]
    pub fn crds(mut self, crds: impl IntoIterator<Item = Object>) -> Self {
        self.crds.extend(crds);
        self
    }

    /// Labels the Secrets of the revisions. What earlier revisions were labelled with goes on.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a label that is Helm's: `name`, `owner`, `status`, `version`, `createdAt`, `modifiedAt`.
    pub fn label(mut self, key: impl Into<String>, value: impl Into<String>) -> Result<Self> {
        let key = key.into();
        if RESERVED.contains(&key.as_str()) {
            return Err(Error::invalid(format!("the label {key} is Helm's own")).help("use another name"));
        }
        self.labels.insert(key, value.into());
        Ok(self)
    }

    /// Keeps so many revisions, 0 for all. Default: 10. The one that is deployed stays, and so do those whose objects are not cleaned
    /// up after yet.
    #[must_use]
    pub fn history_max(mut self, revisions: usize) -> Self {
        self.history_max = revisions;
        self
    }

    /// Takes objects over that exist and are nobody's, or another release's; from `kubectl apply` and [`Apply`] with all they set.
    /// Default: they are refused.
    #[must_use]
    pub fn take_ownership(mut self, take: bool) -> Self {
        self.takes_ownership = take;
        self
    }

    /// Takes a pending revision that Helm left for dead once it is so old; zero means at once. Helm holds no lock that would tell.
    /// Default: never, and a run meets [`Locked`](ErrorKind::Locked). Ours are told dead by their Lease.
    #[must_use]
    pub fn helm_is_dead_after(mut self, age: Duration) -> Self {
        self.helm_dead_after = Some(age);
        self
    }

    /// Says who holds the release's lock, so that a person can find the run: host, process, pipeline. Default `unnamed`.
    #[must_use]
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = holder.into();
        self
    }

    /// Plans only: what would be done is in the outcome. Takes no lock and writes nothing.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// The run under the name that the release's lock hangs on.
    #[must_use]
    pub fn named(&self, run: Run) -> Run {
        run.named(&self.name)
    }

    /// The release's namespace.
    pub fn namespace(&self) -> &str {
        self.store.namespace().unwrap_or_default()
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    fn cluster(&self) -> &Cluster {
        self.apply.cluster()
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
        let mut reader = Reader::default();
        Ok(newest.iter().map(|entry| ReleaseRevision::of(entry, &mut reader)).collect())
    }

    /// The revisions that are recorded, newest first. One request for each page of records; needs the verb list on secrets.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there are none; what the API server refuses. A record that cannot be read is told of in its place.
    pub async fn revisions(&self) -> Result<Vec<ReleaseRevision>> {
        let entries = self.entries().await?;
        let mut reader = Reader::default();
        Ok(entries.iter().rev().map(|entry| ReleaseRevision::of(entry, &mut reader)).collect())
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
            Some(revision) => self.no_revision(revision),
            None => self.missing(),
        })?;
        ReleaseContent::of(&entry)
    }

    /// The records, oldest first; at least one.
    async fn entries(&self) -> Result<Vec<Entry>> {
        let entries = self.store.entries(Some(&self.name)).await?;
        if entries.is_empty() { Err(self.missing()) } else { Ok(entries) }
    }

    fn no_revision(&self, revision: u64) -> Error {
        self.error(ErrorKind::NotFound, format!("revision {revision} is not recorded"))
            .help("its history lists those that are: old ones are forgotten")
    }

    fn missing(&self) -> Error {
        self.error(ErrorKind::NotFound, "there is no such release")
            .help("name its namespace, or list those of all namespaces")
    }

    fn error(&self, kind: ErrorKind, why: impl Into<String>) -> Error {
        Error::new(kind, why).on(format!("release {}/{}", self.namespace(), self.name))
    }
}

/// What the fuzz target `record` runs.
#[cfg(fuzzing)]
#[doc(hidden)]
#[expect(clippy::expect_used, reason = "a fuzz target fails by panicking")]
pub fn fuzz_record(text: &[u8]) {
    let Ok(record) = codec::decode(text) else { return };
    if let Ok(written) = codec::encode(&record) {
        assert_eq!(codec::decode(written.as_bytes()).expect("we wrote it"), record);
    }
    let _ = manifest::objects(&record, &record.manifest);
    let _ = hook::at(&record, hook::HookEvent::Test);
}
