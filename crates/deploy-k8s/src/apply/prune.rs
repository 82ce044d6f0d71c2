//! Deletes what earlier runs applied and the bundle no longer has, by an ApplySet (KEP-3659).
//!
//! Members carry the label `applyset.kubernetes.io/part-of`. A parent, the Secret `deploy-set.NAME`, says which kinds and namespaces they
//! are of. It is written with all old and new ones before the first write and shrunk after the last deletion, so that nothing is lost
//! sight of, wherever a run stops. Deleted is only what bears the label by our own field manager's word, at the very end.

use std::collections::HashSet;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Object, ObjectId, stamp};
use deploy_core::plan::{Action, Change, Plan};
use deploy_core::run::Run;
use deploy_core::target::Observation;

use super::apply_set::{ApplySet, Places, check_tooling};
use super::deletion::in_order_of_deletion;
use super::member::{Fate, PART_OF, judge};
use super::plan::Wanted;
use super::{Apply, side_by_side};
use crate::api::{self, ApplyOptions, escape};

/// What pruning adds to a plan.
#[derive(Default)]
pub(super) struct Membership {
    /// In the order of deletion.
    pub(super) deletions: Vec<Change>,
    pub(super) notes: Vec<String>,
    has_parent: bool,
}

impl Membership {
    /// Which of the wanted objects is the set's parent.
    pub(super) fn parent_index(&self, wanted: &[Wanted]) -> Option<usize> {
        self.has_parent.then(|| wanted.len().saturating_sub(1))
    }
}

impl Apply {
    /// Makes the wanted objects members, adds their parent, and finds the members that are wanted no more.
    pub(super) async fn membership(&self, wanted: &mut Vec<Wanted>) -> Result<Membership> {
        let Some(set) = &self.prune else { return Ok(Membership::default()) };
        let id = set.id();
        if wanted.is_empty() {
            return Err(Error::invalid("no object is wanted: pruning would delete the whole set")
                .during("plan")
                .on(set.parent_id())
                .help("check where the manifests come from; to remove a deployment, delete its objects"));
        }
        for object in wanted.iter_mut() {
            if object.plain.label(PART_OF).is_some() {
                return Err(Error::invalid(format!("the label {PART_OF} is not the manifest's to set"))
                    .during("plan")
                    .on(object.plain.id())
                    .help("take it out: pruning sets it"));
            }
            object.plain = object.plain.clone().with_label(PART_OF, &id);
        }
        let ids: Vec<ObjectId> = wanted.iter().map(|object| object.plain.id()).collect();
        let recorded = match self.cluster.get(&set.place()?, &set.parent).await? {
            Some(parent) => {
                let parent = Object::new(parent)?;
                check_tooling(&parent)?;
                Places::recorded(&parent)?
            }
            None => Places::default(),
        };
        let mut membership = Membership { has_parent: true, ..Membership::default() };
        let known: HashSet<&ObjectId> = ids.iter().collect();
        for member in self.members(&recorded, &id, &mut membership.notes).await? {
            if known.contains(&member.id()) {
                continue;
            }
            match judge(&member, &self.manager, &id)? {
                Fate::Goes => membership.deletions.push(Change::delete(member)),
                Fate::Stays(why) => {
                    membership.notes.push(format!("{} is wanted no more and stays: {why}", member.id()));
                }
            }
        }
        in_order_of_deletion(&mut membership.deletions);
        let may = self.check_deletions(&membership.deletions, self.asks_each).await;
        may.map_err(|error| match error.kind() {
            ErrorKind::Forbidden => error.help("pruning needs the right to delete all kinds of the set"),
            _ => error,
        })?;
        let all = recorded.with(&Places::of(ids.iter()));
        let parent = all.check().and_then(|()| set.parent(&all)).map_err(|error| error.during("plan"))?;
        wanted.push(Wanted { place: set.place()?, plain: parent, unserved: false, redefined: false });
        Ok(membership)
    }

    /// All objects that carry the set's label, of the kinds and in the namespaces that its parent names.
    async fn members(&self, places: &Places, id: &str, notes: &mut Vec<String>) -> Result<Vec<Object>> {
        let mut lists = Vec::new();
        for kind in &places.kinds {
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            let Some(resource) = self.cluster.served(group, kind).await? else {
                notes.push(format!(
                    "the kind {kind} of the group \"{group}\" is not served any more: its objects are gone"
                ));
                continue;
            };
            if resource.namespaced {
                lists.extend(
                    places.namespaces.iter().map(|namespace| resource.clone().within(Some(namespace))),
                );
            } else {
                lists.push(resource.within(None));
            }
        }
        let selector = format!("&labelSelector={}", escape(&format!("{PART_OF}={id}")));
        let selector = selector.as_str();
        let lists = lists.into_iter().map(|place| async move {
            let mut items = Vec::new();
            self.cluster.list(&place, selector, |item| items.push(item)).await.map(|_| items)
        });
        let (mut members, mut seen) = (Vec::new(), HashSet::new());
        for items in side_by_side(lists).await {
            for item in
                items.map_err(|error| error.help("pruning needs the right to list all kinds of the set"))?
            {
                let member = Object::new(item)?;
                // A list that had to begin anew may bring an object twice.
                if seen.insert(member.id()) {
                    members.push(member);
                }
            }
        }
        Ok(members)
    }

    /// Deletes what the plan deletes, and shrinks the parent to what is left.
    pub(super) async fn delete_unwanted(&self, plan: &Plan, run: &Run) -> Result<Observation> {
        let Some(set) = &self.prune else { return Ok(Observation::Healthy) };
        let deletions: Vec<&Change> = plan.deletions().collect();
        let id = set.id();
        let fate = |live: &Object| judge(live, &self.manager, &id);
        let Some(gone) = self.delete_all(&deletions, &fate, run).await? else {
            return Ok(Observation::Cancelled);
        };
        let observed = self.follow(&gone, run).await?;
        if matches!(observed, Observation::Healthy) {
            self.shrink(set, plan, run).await?;
        }
        Ok(observed)
    }

    async fn shrink(&self, set: &ApplySet, plan: &Plan, run: &Run) -> Result<()> {
        let parent_id = set.parent_id();
        let members =
            plan.changes.iter().filter(|change| change.action != Action::Delete && change.id != parent_id);
        let wanted = Places::of(members.map(|change| &change.id));
        let Some(recorded) = plan.changes.iter().find(|change| change.id == parent_id) else { return Ok(()) };
        let recorded = Places::recorded(&recorded.desired)?;
        if recorded == wanted.within(&set.namespace) {
            return Ok(());
        }
        // A member that stays is one still: a later run may prune it.
        let staying = self.members(&recorded, &set.id(), &mut Vec::new()).await?;
        let left = wanted.with(&Places::of(staying.iter().map(Object::id).collect::<Vec<_>>().iter()));
        if recorded == left.within(&set.namespace) {
            return Ok(());
        }
        let left = stamp(set.parent(&left)?, run.id().as_str(), run.revision());
        let options = ApplyOptions { manager: &self.manager, force: true, dry_run: false };
        match self.cluster.apply(&set.place()?, left.value(), options).await? {
            api::Apply::Done(_) => Ok(()),
            api::Apply::FieldConflict { error, .. } => Err(error),
            api::Apply::ChangedMeanwhile => {
                Err(Error::new(ErrorKind::Stale, "changed meanwhile").on(parent_id))
            }
        }
    }
}
