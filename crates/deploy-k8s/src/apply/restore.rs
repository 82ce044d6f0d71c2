//! Brings back what a plan saw: values and managers as they were, created objects deleted.
//!
//! Re-applying what the manager owned before is not enough: fields that were forced, or that the manager did not own yet, would stay.
//! What is applied is the projection of the old object to all that the manager owned then or owns now; then `managedFields` are set
//! back. An object that refuses (a Service whose type changed) is replaced whole. An old field that another manager took in between
//! is left to it, and said.

use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::manifest::{DEPLOYMENT_ID, Object};
use deploy_core::plan::{Action, Snapshot, SnapshotEntry};
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::{AppliedObject, Left, Restored};
use k8s_fields::{Entry, FieldPath, FieldSet, ManagedFields, Operation, project, without};
use serde_json::Value;

use super::Apply;
use super::ownership::{Ownership, are_kin, managers};
use super::since::{as_new, changed_fields, difference, is_by, others_wrote, same};
use crate::api::{self, ApplyOptions, Place};

/// How often an object may change between our reading and writing it.
const MAX_RACES: usize = 10;

/// What was done to one object.
struct Done {
    action: Action,
    /// To be observed: what stands now, or what is still being deleted.
    live: Option<Value>,
    note: Option<String>,
}

impl Apply {
    pub(super) async fn restore(
        &self,
        before: &Snapshot,
        written_by: &[DeploymentId],
        run: &Run,
    ) -> Result<Restored> {
        let mut restored = Restored::default();
        // Backwards: what was written last leans on what was written first.
        for entry in before.entries.iter().rev() {
            if run.cancel().is_cancelled() {
                return Err(Error::new(ErrorKind::Cancelled, "stopped on the way back"));
            }
            match self.restore_one(entry, written_by).await {
                Ok(done) => {
                    run.emit(EventKind::Restored { object: entry.id.clone(), action: done.action });
                    restored.notes.extend(done.note);
                    if let Some(live) = done.live {
                        restored.applied.objects.push(self.to_observe(live, done.action, run)?);
                    }
                }
                Err(error) => {
                    run.emit(EventKind::Warning { message: format!("not brought back: {error}") });
                    restored.left.push(Left { object: entry.id.clone(), error });
                }
            }
        }
        Ok(restored)
    }

    fn to_observe(&self, live: Value, action: Action, run: &Run) -> Result<AppliedObject> {
        let mut object = self.applied(Object::new(live)?, action, run);
        object.healthy &= action != Action::Delete;
        Ok(object)
    }

    async fn restore_one(&self, entry: &SnapshotEntry, written_by: &[DeploymentId]) -> Result<Done> {
        let Some(place) = self.place_of(entry).await? else {
            // Its kind is not served any more: the definition came with the run and is gone, and all its objects with it.
            return Ok(Done { action: Action::Delete, live: None, note: None });
        };
        match &entry.before {
            None => self.remove(entry, &place, written_by).await,
            Some(before) => self
                .bring_back(before, &place, written_by)
                .await
                .map_err(|error| error.during("restore").on(&entry.id)),
        }
    }

    async fn place_of(&self, entry: &SnapshotEntry) -> Result<Option<Place>> {
        let (group, version) = entry.api_version.rsplit_once('/').unwrap_or(("", &entry.api_version));
        let resource = self.cluster.resource(group, version, &entry.id.kind).await?;
        Ok(resource.map(|resource| resource.within(entry.id.namespace.as_deref())))
    }

    /// Deletes what the run created: only what still bears its mark.
    async fn remove(
        &self,
        entry: &SnapshotEntry,
        place: &Place,
        written_by: &[DeploymentId],
    ) -> Result<Done> {
        let nothing = |note| Done { action: Action::Unchanged, live: None, note };
        let Some(live) = self.cluster.get(place, &entry.id.name).await? else { return Ok(nothing(None)) };
        if !self.wrote(&live, written_by)? {
            return Ok(nothing(Some(format!("{} was made by somebody else and stays", entry.id))));
        }
        if let Some(theirs) = self.others_inside(&live, place, written_by).await? {
            return Ok(nothing(Some(format!("{} holds {theirs} of somebody else and stays", entry.id))));
        }
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
        let finalizing = self.cluster.delete(place, &entry.id.name, uid).await?;
        Ok(Done { action: Action::Delete, live: finalizing, note: None })
    }

    async fn bring_back(&self, before: &Object, place: &Place, written_by: &[DeploymentId]) -> Result<Done> {
        let Some(live) = self.cluster.get(place, before.name()).await? else {
            let live = self.create_again(before, place).await?;
            return Ok(Done { action: Action::Create, live: Some(live), note: None });
        };
        if same(before.value(), &live) {
            return Ok(Done { action: Action::Unchanged, live: Some(live), note: None });
        }
        if before.uid() != live.pointer("/metadata/uid").and_then(Value::as_str)
            && self.wrote(&live, written_by)?
        {
            // The run deleted it and created it anew: it cannot be changed back either.
            self.clear(&live, before, place).await?;
            let live = self.create_again(before, place).await?;
            return Ok(Done { action: Action::Recreate, live: Some(live), note: None });
        }
        let ours = self.writer(&live)?;
        if self.stands(before, &live, &ours)? && !others_wrote(&ours, before.value(), &live)? {
            // Stopped between claiming fields and writing a value, or between bringing the values back and giving the fields back.
            let version = live.pointer("/metadata/resourceVersion").cloned();
            let live = self.restore_managers(before, live, place).await?;
            let unchanged = live.pointer("/metadata/resourceVersion") == version.as_ref();
            let action = if unchanged { Action::Unchanged } else { Action::Update };
            return Ok(Done { action, live: Some(live), note: None });
        }
        if !self.wrote(&live, written_by)? {
            // The run never wrote it, or another one did since.
            let note = Some(format!("{} was changed by somebody else and stays", before.id()));
            return Ok(Done { action: Action::Unchanged, live: Some(live), note });
        }
        let (live, kept) = if self.needs_replacing(before, &live, &ours, place).await? {
            (self.replace_back(before, live, &ours, place).await?, Vec::new())
        } else {
            self.apply_back(before, &live, &ours, place).await?
        };
        if !kept.is_empty() {
            let note = format!("{}: left as others set it meanwhile: {}", before.id(), kept.join(", "));
            return Ok(Done { action: Action::Update, live: Some(live), note: Some(note) });
        }
        let live = self.restore_managers(before, live, place).await?;
        let note = difference(before, &live)?;
        Ok(Done { action: Action::Update, live: Some(live), note })
    }

    /// Deletes `live` and waits until it is gone.
    async fn clear(&self, live: &Value, before: &Object, place: &Place) -> Result<()> {
        let uid = live.pointer("/metadata/uid").and_then(Value::as_str);
        let mut standing = self.cluster.delete(place, before.name(), uid).await?;
        while standing.is_some() {
            // The driver bounds the way back.
            self.cluster.clock().sleep(Duration::from_millis(100)).await;
            standing = self
                .cluster
                .get(place, before.name())
                .await?
                .filter(|found| found.pointer("/metadata/uid").and_then(Value::as_str) == uid);
        }
        Ok(())
    }

    /// Whether applying the old fields would be refused, or would not bring the old values back (a Service gets another address when its
    /// type changes to and fro). Not where somebody else wrote meanwhile: replacing would undo that, too.
    async fn needs_replacing(
        &self,
        before: &Object,
        live: &Value,
        ours: &str,
        place: &Place,
    ) -> Result<bool> {
        let old = project(before.value(), &self.fields_back(before, live, ours)?);
        let options = ApplyOptions { manager: ours, force: false, dry_run: true };
        match self.cluster.apply(place, &old, options).await {
            Ok(api::Apply::Done(predicted)) => {
                Ok(!changed_fields(before, predicted)?.is_empty()
                    && !others_wrote(ours, before.value(), live)?)
            }
            Ok(_) => Ok(false),
            Err(error) if error.kind() == ErrorKind::InvalidInput => Ok(true),
            Err(error) => Err(error),
        }
    }

    /// Which of the managers that write for us (`NAME`, and `NAME-rollout` for the rollout verbs) wrote it last: the mark is its own.
    fn writer(&self, live: &Value) -> Result<String> {
        let mark = FieldPath::fields(["metadata", "annotations", DEPLOYMENT_ID]);
        let entries = managers(live)?.entries.into_iter();
        let wrote = |entry: &Entry| {
            entry.operation == Operation::Apply
                && are_kin(&entry.manager, &self.manager)
                && entry.fields.contains(&mark)
        };
        let writer = entries.filter(wrote).map(|entry| entry.manager).next();
        Ok(writer.unwrap_or_else(|| self.manager.clone()))
    }

    /// Whether one of these runs wrote it last, by its mark; a release's bears the release's.
    fn wrote(&self, live: &Value, written_by: &[DeploymentId]) -> Result<bool> {
        match &self.owner {
            Some(owner) => Ok(owner.owns(&Object::new(live.clone())?)),
            None => Ok(is_by(live, written_by)),
        }
    }

    /// Whether all that is ours has its old values; what controllers note in the object (a Deployment's revision) does not count.
    fn stands(&self, before: &Object, live: &Value, ours: &str) -> Result<bool> {
        let fields = self.fields_back(before, live, ours)?;
        Ok(project(before.value(), &fields) == project(live, &fields))
    }

    /// Applies the old values of all that the manager owned or owns. Fields that others own by now are left out, and returned.
    async fn apply_back(
        &self,
        before: &Object,
        live: &Value,
        ours: &str,
        place: &Place,
    ) -> Result<(Value, Vec<String>)> {
        let fields = self.fields_back(before, live, ours)?;
        let mut old = project(before.value(), &fields);
        let mut kept = Vec::new();
        for _ in 0..MAX_RACES {
            let options = ApplyOptions { manager: ours, force: false, dry_run: false };
            match self.cluster.apply(place, &old, options).await? {
                api::Apply::Done(object) => return Ok((object, kept)),
                api::Apply::ChangedMeanwhile => {}
                api::Apply::FieldConflict { fields: theirs, error } => {
                    let found: FieldSet = theirs.iter().filter_map(|path| fields.find(path)).collect();
                    if found.is_empty() {
                        return Err(error);
                    }
                    old = without(&old, &found);
                    kept.extend(theirs);
                }
            }
        }
        Err(racing(before))
    }

    /// What the manager owned then or owns now, by Apply, of no subresource; also what it took over from others, some of which is gone.
    fn fields_back(&self, before: &Object, live: &Value, ours: &str) -> Result<FieldSet> {
        let ownership = Ownership { manager: ours.to_owned(), ..self.ownership() };
        let then = ownership.succession(&managers(before.value())?, before.api_version(), &FieldSet::new());
        let owned = |managed: &ManagedFields| {
            managed.find(ours, Operation::Apply, None).map(|entry| entry.fields.clone()).unwrap_or_default()
        };
        Ok(owned(&then.managers).union(&owned(&managers(live)?)))
    }

    /// Puts the whole old object in place of `live`: for what cannot be changed back field by field. Not over what others write meanwhile.
    async fn replace_back(
        &self,
        before: &Object,
        mut live: Value,
        ours: &str,
        place: &Place,
    ) -> Result<Value> {
        for _ in 0..MAX_RACES {
            let mut old = before.value().clone();
            for field in ["resourceVersion", "uid"] {
                old["metadata"][field] = live["metadata"][field].clone();
            }
            if let Some(live) = self.cluster.replace(place, &old, ours).await? {
                return Ok(live);
            }
            let Some(again) = self.cluster.get(place, before.name()).await? else {
                return Box::pin(self.create_again(before, place)).await;
            };
            if others_wrote(ours, &live, &again)? {
                break;
            }
            live = again;
        }
        Err(racing(before))
    }

    /// Creates an object anew as it was; its uid is new.
    async fn create_again(&self, before: &Object, place: &Place) -> Result<Value> {
        let created = match self.cluster.create(place, &as_new(before.value()), &self.manager).await {
            Ok(Some(live)) => live,
            // Somebody was faster: what stands is brought back like any other.
            Ok(None) => match self.cluster.get(place, before.name()).await? {
                Some(live) => self.replace_back(before, live, &self.manager, place).await?,
                None => return Err(racing(before)),
            },
            // The answer was lost.
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {
                self.cluster.get(place, before.name()).await?.ok_or(error)?
            }
            Err(error) => return Err(error),
        };
        self.restore_managers(before, created, place).await
    }

    /// Gives the fields back to the managers that had them.
    async fn restore_managers(&self, before: &Object, mut live: Value, place: &Place) -> Result<Value> {
        let old = managers(before.value())?;
        for _ in 0..MAX_RACES {
            let current = managers(&live)?;
            let restored = old.restored_over(&current);
            if restored == current || restored.entries.is_empty() {
                return Ok(live);
            }
            let version =
                live.pointer("/metadata/resourceVersion").and_then(Value::as_str).unwrap_or_default();
            if let Some(live) =
                self.cluster.merge(place, before.name(), &restored.to_merge_patch(version)).await?
            {
                return Ok(live);
            }
            self.cluster.clock().sleep(Duration::from_millis(20)).await;
            let Some(again) = self.cluster.get(place, before.name()).await? else {
                return Err(racing(before));
            };
            live = again;
        }
        Err(racing(before))
    }
}

fn racing(before: &Object) -> Error {
    Error::new(ErrorKind::Conflict, "others keep changing it")
        .during("restore")
        .on(before.id())
        .help("run again")
}
