//! Many objects of one place by their names.

use std::collections::{HashMap, HashSet};

use deploy_core::error::{Error, ErrorKind, Result};
use futures_util::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::Cluster;
use super::resource::Place;

/// Up to so many names are asked for one by one.
const FEW: usize = 8;
/// Requests prepared at once; how many are sent at once the cluster's own limit says.
const PREPARED: usize = 64;

/// What asking for an object came to.
#[derive(Debug)]
pub(crate) enum Read {
    /// As it stands.
    There(Value),
    /// There is none of that name.
    Missing,
    /// It may not be read: whether there is one is not known.
    Unreadable(Error),
}

impl Cluster {
    /// The objects of `place` called `names`: one entry for every name.
    ///
    /// # Errors
    /// Whatever keeps the API server from answering. A right that is missing is no error but [`Read::Unreadable`].
    pub(crate) async fn read_many(
        &self,
        place: &Place,
        names: &HashSet<&str>,
    ) -> Result<HashMap<String, Read>> {
        let mut found: HashMap<String, Read> = HashMap::with_capacity(names.len());
        if names.len() > FEW {
            let listed = self
                .list(place, "", |item| {
                    let name = item.pointer("/metadata/name").and_then(Value::as_str);
                    if let Some(name) = name.filter(|name| names.contains(name)).map(str::to_owned) {
                        found.insert(name, Read::There(item));
                    }
                })
                .await;
            match listed {
                Ok(_) => {
                    for name in names {
                        found.entry((*name).to_owned()).or_insert(Read::Missing);
                    }
                    return Ok(found);
                }
                Err(error) if error.kind() == ErrorKind::Forbidden => found.clear(),
                Err(error) => return Err(error),
            }
        }
        self.read_each(place, names.iter().copied()).await
    }

    async fn read_each(
        &self,
        place: &Place,
        names: impl Iterator<Item = &str>,
    ) -> Result<HashMap<String, Read>> {
        let reads = names.map(|name| self.read_one(place, name));
        stream::iter(reads).buffer_unordered(PREPARED).try_collect().await
    }

    async fn read_one(&self, place: &Place, name: &str) -> Result<(String, Read)> {
        let read = match self.get(place, name).await {
            Ok(Some(object)) => Read::There(object),
            Ok(None) => Read::Missing,
            Err(error) if error.kind() == ErrorKind::Forbidden => Read::Unreadable(error),
            Err(error) => return Err(error),
        };
        Ok((name.to_owned(), read))
    }
}
