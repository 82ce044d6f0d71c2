//! Many objects of one place by their names: from a list where that is cheaper than to ask for each.
//!
//! What else lives in the place is not ours to bound: other people's Secrets of 1 MiB. So a list is read only as long as what it
//! brings along costs less than to ask for the names that are still missing. That is decided again after every item.
//!
//! A list says nothing by its order: etcd's keys are in the order of names, those of other stores (k3s with SQLite) need not be. So
//! only a list that was read to its end says that a name is missing. For the same reason no `fieldSelector` leaves
//! `helm.sh/release.v1` out of a list of Secrets: one of the names may be of that type.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use futures_util::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::Cluster;
use super::list::{Seen, object, unlisted};
use super::resource::Place;
use super::send::Failed;

/// Up to so many names are asked for one by one: together they cost less than the first page of a list.
const FEW: usize = 8;
/// What one request for one object costs, in bytes of a list that could be read meanwhile: 20 to 100 KiB on loopback, less where
/// the network is slow, more where it is far.
const REQUEST: usize = 32 << 10;
/// Requests prepared at once; how many are sent at once the cluster's own limit says.
const PREPARED: usize = 64;

/// What asking for an object came to.
#[derive(Debug)]
pub(crate) enum Read {
    /// As it stands.
    There(Text),
    /// There is none of that name.
    Missing,
    /// It may not be read: whether there is one is not known.
    Unreadable(Error),
}

/// An object as the API server wrote it: a tenth of what it takes up once it is read, and it may be one of thousands.
pub(crate) struct Text(Box<[u8]>);

impl Text {
    /// The object, which stands in `place`.
    ///
    /// # Errors
    /// What is no object with a name.
    pub(crate) fn object(&self, place: &Place) -> Result<Object> {
        Object::new(object(place, &self.0)?)
    }
}

/// No more than how long it is: it may be a Secret.
impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Text({} bytes)", self.0.len())
    }
}

/// What a list brought.
struct Picked {
    found: HashMap<String, Read>,
    /// Whether what was not found is not there.
    whole: bool,
}

impl Cluster {
    /// The objects of `place` called `names`: one entry for every name. Of other objects no more than one is held in memory.
    ///
    /// Objects of different names may be as they stood at different moments.
    ///
    /// # Errors
    /// Whatever keeps the API server from answering. A right that is missing is no error but [`Read::Unreadable`].
    pub(crate) async fn read_many(
        &self,
        place: &Place,
        names: &HashSet<&str>,
    ) -> Result<HashMap<String, Read>> {
        let Picked { mut found, whole } = if names.len() > FEW {
            self.pick(place, names).await?
        } else {
            Picked { found: HashMap::new(), whole: false }
        };
        let missing = names.iter().filter(|name| !found.contains_key(**name));
        let missing: Vec<String> = missing.map(|name| (*name).to_owned()).collect();
        if whole {
            found.extend(missing.into_iter().map(|name| (name, Read::Missing)));
        } else {
            // Collected first: a stream that maps borrowed names is no future that another thread may take.
            let reads: Vec<_> = missing.into_iter().map(|name| self.read_one(place, name)).collect();
            let reads: Vec<_> = stream::iter(reads).buffer_unordered(PREPARED).try_collect().await?;
            found.extend(reads);
        }
        Ok(found)
    }

    /// Those of `names` that a list brings cheaply.
    async fn pick(&self, place: &Place, names: &HashSet<&str>) -> Result<Picked> {
        let mut found = HashMap::with_capacity(names.len());
        let mut pages = self.pages(place, "");
        let mut total = Seen::default();
        let mut remaining = None;
        loop {
            let missing = names.len().saturating_sub(found.len());
            let enough = |page: &Seen| {
                let (missing, remaining) = (
                    missing.saturating_sub(page.kept),
                    remaining.map(|items: usize| items.saturating_sub(page.items)),
                );
                asking_is_cheaper(missing, total + *page, remaining)
            };
            let page = match pages.next(|item| wanted(names, item), enough).await {
                Ok(Some(page)) => page,
                Ok(None) => return Ok(Picked { found, whole: true }),
                // The kind is not served, or not any more.
                Err(Failed::Refused(refusal)) if refusal.code == 404 => {
                    return Ok(Picked { found, whole: true });
                }
                // No right to list, or a kind that has no lists.
                Err(Failed::Refused(refusal)) if refusal.code == 403 || refusal.code == 405 => {
                    return Ok(Picked { found, whole: false });
                }
                Err(failed) => return Err(unlisted(failed, place)),
            };
            found.extend(page.kept);
            total = total + page.seen;
            remaining = page.remaining;
            let missing = names.len().saturating_sub(found.len());
            if page.cut || page.more && (missing == 0 || asking_is_cheaper(missing, total, remaining)) {
                return Ok(Picked { found, whole: false });
            }
        }
    }

    async fn read_one(&self, place: &Place, name: String) -> Result<(String, Read)> {
        let read = match self.get(place, &name).await {
            Ok(Some(object)) => Read::There(Text(object.to_string().into_bytes().into())),
            Ok(None) => Read::Missing,
            Err(error) if error.kind() == ErrorKind::Forbidden => Read::Unreadable(error),
            Err(error) => return Err(error),
        };
        Ok((name, read))
    }
}

/// Whether asking for each of the `missing` names costs less than what a list would still bring along.
///
/// Where it is not known how much that is (`remaining`, in items) it is taken for as much as came so far, as when one rents until
/// the rent has come to the price: the whole never costs more than twice what the better choice would have.
pub(super) fn asking_is_cheaper(missing: usize, seen: Seen, remaining: Option<usize>) -> bool {
    let rest = match remaining {
        Some(items) => items.saturating_sub(missing).saturating_mul(seen.bytes / seen.items.max(1)),
        None => seen.bytes - seen.kept_bytes,
    };
    // One more: a connection that is broken off has to be made anew.
    rest > (missing + 1).saturating_mul(REQUEST)
}

/// An item of a list, if it is one of `names`.
fn wanted(names: &HashSet<&str>, item: &[u8]) -> Result<Option<(String, Read)>> {
    #[derive(Deserialize)]
    struct Named<'a> {
        #[serde(borrow)]
        metadata: Metadata<'a>,
    }
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow)]
        name: Cow<'a, str>,
    }
    // No source: it quotes what it could not read, which may be a Secret.
    let Named { metadata: Metadata { name } } = serde_json::from_slice(item).map_err(|_| {
        Error::new(ErrorKind::Internal, "an item of the API server's list is not an object with a name")
    })?;
    if !names.contains(&*name) {
        return Ok(None);
    }
    Ok(Some((name.into_owned(), Read::There(Text(item.into())))))
}
