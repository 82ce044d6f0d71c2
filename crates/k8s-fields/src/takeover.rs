//! New `managedFields` from old ones: taking over from other managers, and putting back what was.

use crate::{Entry, FieldSet, ManagedFields, Operation};

/// Entries that cannot become one, because their fields are to be read at different versions of the API. Apply once at
/// `ours` first (by force where it conflicts): the API server then rewrites the entry. The same input never succeeds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the fields of {manager:?} are at {theirs} and those of the other entries at {ours}: they cannot be merged"
)]
#[non_exhaustive]
pub struct MixedVersions {
    /// The manager whose entry differs.
    pub manager: String,
    /// Its version.
    pub theirs: String,
    /// The version of the entries before it.
    pub ours: String,
}

impl ManagedFields {
    /// The entries when `manager` takes over: its own (by Apply and by Update) and those that `absorb` picks become one
    /// entry (`manager`, Apply) with all their fields. Entries of subresources stay as they are.
    ///
    /// With the entries of `kubectl apply` picked, a server-side apply after it removes what the manifest no longer has,
    /// conflicts with nobody and rolls nothing out.
    ///
    /// ```
    /// use k8s_fields::{Entry, ManagedFields};
    /// # use k8s_fields::{FieldSet, Operation};
    /// # let fields = FieldSet::from_json(r#"{"f:data":{"f:key":{}}}"#)?;
    /// # let entries = vec![Entry::new("kubectl-client-side-apply", Operation::Update, "v1", fields)];
    /// # let managed = ManagedFields { entries };
    /// let ours = managed.taken_over_by("deploy", Entry::is_client_side_apply)?;
    /// if ours != managed {
    ///     let patch = ours.to_merge_patch("4711");
    ///     assert_eq!(patch["metadata"]["managedFields"][0]["manager"], "deploy");
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// Two of those entries are at different versions of the API.
    pub fn taken_over_by(
        &self,
        manager: &str,
        absorb: impl Fn(&Entry) -> bool,
    ) -> Result<Self, MixedVersions> {
        let taken =
            |entry: &Entry| entry.subresource.is_none() && (entry.manager == manager || absorb(entry));
        let mut merged: Option<Entry> = None;
        let mut entries = Vec::new();
        for entry in &self.entries {
            if !taken(entry) {
                entries.push(entry.clone());
                continue;
            }
            let ours = merged.get_or_insert_with(|| {
                // Where it stands says nothing: the API server sorts the entries.
                Entry::new(manager, Operation::Apply, entry.api_version.as_str(), FieldSet::new())
            });
            if ours.api_version != entry.api_version {
                let (manager, theirs) = (entry.manager.clone(), entry.api_version.clone());
                return Err(MixedVersions { manager, theirs, ours: ours.api_version.clone() });
            }
            ours.fields = ours.fields.union(&entry.fields);
            // RFC 3339 in UTC: the later one is the greater text.
            ours.time = ours.time.take().max(entry.time.clone());
        }
        let Some(merged) = merged else { return Ok(self.clone()) };
        let place = self.entries.iter().position(taken).unwrap_or(0);
        entries.insert(place.min(entries.len()), merged);
        Ok(Self { entries })
    }

    /// The entries that a rolled-back object gets: those of the snapshot, except that the entries of subresources are
    /// the current ones (status and scale went on while we deployed, and are not ours to take back).
    #[must_use]
    pub fn restored_over(&self, current: &Self) -> Self {
        let of = |managed: &Self, subresource: bool| {
            let entries = managed.entries.iter().cloned();
            entries.filter(move |entry| entry.subresource.is_some() == subresource).collect::<Vec<_>>()
        };
        Self { entries: [of(self, false), of(current, true)].concat() }
    }
}
