//! Deletes what earlier runs applied and the bundle no longer has, by an ApplySet (KEP-3659).
//!
//! Members carry the label `applyset.kubernetes.io/part-of`. A parent, the Secret `deploy-set.NAME`, says which kinds and namespaces they
//! are of. It is written with all old and new ones before the first write and shrunk after the last deletion, so that nothing is lost
//! sight of, wherever a run stops. Deleted is only what bears the label by our own field manager's word, at the very end.

use std::collections::{BTreeSet, HashSet};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::lock::check_name;
use deploy_core::manifest::order::Phase;
use deploy_core::manifest::{Object, ObjectId, stamp};
use deploy_core::plan::{Action, Change, Plan};
use deploy_core::run::Run;
use deploy_core::target::{AppliedObject, Observation};
use k8s_fields::{FieldPath, Operation};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::ownership::managers;
use super::plan::Wanted;
use super::{Apply, side_by_side};
use crate::api::{self, ApplyOptions, Place, Resource, escape};

const ID: &str = "applyset.kubernetes.io/id";
const PART_OF: &str = "applyset.kubernetes.io/part-of";
const TOOLING: &str = "applyset.kubernetes.io/tooling";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";
const TOOL: &str = "deploy-core";
/// Kinds or namespaces of one set past this are refused: each is a request.
const MAX_MEMBER_PLACES: usize = 2000;
/// What holds data, or other people's objects.
const KEPT: [&str; 4] =
    ["PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition", "Namespace"];
/// Annotations by which others too say that an object is not to be deleted, and their values.
const PROTECTED: [(&str, &str); 3] = [
    ("deploy-core/prune", "false"),
    ("helm.sh/resource-policy", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
];

/// A set of objects that are deployed, and pruned, together.
///
/// ```
/// use deploy_k8s::ApplySet;
///
/// let set = ApplySet::new("shop", "shop")?;
/// assert!(set.id().starts_with("applyset-") && set.id().ends_with("-v1"));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApplySet {
    parent: String,
    namespace: String,
}

impl ApplySet {
    /// The set `name`, whose parent is the Secret `deploy-set.NAME` in `namespace`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a name that is not fit for one of a run.
    pub fn new(name: &str, namespace: impl Into<String>) -> Result<Self> {
        check_name(name)?;
        Ok(Self { parent: format!("deploy-set.{name}"), namespace: namespace.into() })
    }

    /// The value of the members' label, as KEP-3659 derives it.
    pub fn id(&self) -> String {
        let hash = Sha256::digest(format!("{}.{}.Secret.", self.parent, self.namespace));
        format!("applyset-{}-v1", URL_SAFE_NO_PAD.encode(hash))
    }

    fn parent_id(&self) -> ObjectId {
        ObjectId::new("", "Secret", Some(&self.namespace), &self.parent)
    }

    fn place(&self) -> Result<Place> {
        let secrets = Resource::built_in_kind("", "Secret")
            .ok_or_else(|| Error::new(ErrorKind::Internal, "secrets are not among the built-in kinds"))?;
        Ok(secrets.within(Some(&self.namespace)))
    }

    /// The parent of members of these places.
    fn parent(&self, places: &Places) -> Result<Object> {
        Object::new(json!({
            "apiVersion": "v1", "kind": "Secret",
            "metadata": {
                "name": self.parent, "namespace": self.namespace,
                "labels": {ID: self.id()},
                "annotations": {
                    TOOLING: format!("{TOOL}/{}", env!("CARGO_PKG_VERSION")),
                    KINDS: places.kinds(),
                    NAMESPACES: places.namespaces(&self.namespace),
                },
            },
        }))
    }
}

/// Where members are: kinds as `Kind.group`, and namespaces.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Places {
    kinds: BTreeSet<String>,
    namespaces: BTreeSet<String>,
}

impl Places {
    fn of<'a>(ids: impl Iterator<Item = &'a ObjectId>) -> Self {
        let mut places = Self::default();
        for id in ids {
            places.kinds.insert(match id.group.as_str() {
                "" => id.kind.clone(),
                group => format!("{}.{group}", id.kind),
            });
            places.namespaces.extend(id.namespace.clone());
        }
        places
    }

    /// What a parent says; the parent's own namespace included.
    fn recorded(parent: &Object) -> Result<Self> {
        let list = |key: &str| -> BTreeSet<String> {
            let text = parent.annotation(key).unwrap_or_default();
            text.split(',').map(str::trim).filter(|item| !item.is_empty()).map(str::to_owned).collect()
        };
        let mut places = Self { kinds: list(KINDS), namespaces: list(NAMESPACES) };
        places.namespaces.extend(parent.namespace().map(str::to_owned));
        if places.kinds.len().saturating_mul(places.namespaces.len()) > MAX_MEMBER_PLACES {
            return Err(Error::invalid("its parent names too many kinds and namespaces").on(parent.id()));
        }
        Ok(places)
    }

    /// With the parent's own namespace, as they are recorded.
    fn within(&self, own: &str) -> Self {
        let own = Self { kinds: BTreeSet::new(), namespaces: BTreeSet::from([own.to_owned()]) };
        self.with(&own)
    }

    fn with(&self, other: &Self) -> Self {
        Self {
            kinds: self.kinds.union(&other.kinds).cloned().collect(),
            namespaces: self.namespaces.union(&other.namespaces).cloned().collect(),
        }
    }

    fn kinds(&self) -> String {
        self.kinds.iter().cloned().collect::<Vec<_>>().join(",")
    }

    fn namespaces(&self, own: &str) -> String {
        self.namespaces.iter().filter(|namespace| *namespace != own).cloned().collect::<Vec<_>>().join(",")
    }
}

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
    pub(super) async fn membership(&self, wanted: &mut Vec<Wanted>, run: &Run) -> Result<Membership> {
        let Some(set) = &self.prune else { return Ok(Membership::default()) };
        let id = set.id();
        for object in wanted.iter_mut() {
            if object.plain.label(PART_OF).is_some() {
                return Err(Error::invalid(format!("the label {PART_OF} is not the manifest's to set"))
                    .during("plan")
                    .on(object.plain.id())
                    .help("take it out: pruning sets it"));
            }
            object.plain = object.plain.clone().with_label(PART_OF, &id);
            object.desired = object.desired.clone().with_label(PART_OF, &id);
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
        // What was written last leans on what was written first.
        membership.deletions.sort_by_key(|change| std::cmp::Reverse(Phase::of(&change.desired)));
        let parent = set.parent(&recorded.with(&Places::of(ids.iter())))?;
        wanted.push(Wanted {
            place: set.place()?,
            desired: stamp(parent.clone(), run.id().as_str(), run.revision()),
            plain: parent,
            unserved: false,
            redefined: false,
        });
        Ok(membership)
    }

    /// All objects that carry the set's label, of the kinds and in the namespaces that its parent names.
    async fn members(&self, places: &Places, id: &str, notes: &mut Vec<String>) -> Result<Vec<Object>> {
        let mut lists = Vec::new();
        for kind in &places.kinds {
            let (kind, group) = kind.split_once('.').unwrap_or((kind, ""));
            let Some(resource) = self.cluster.served(group, kind).await? else {
                notes.push(format!("the kind {kind} of the group \"{group}\" is not served any more: its objects are not pruned"));
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
        let mut members = Vec::new();
        for items in side_by_side(lists).await {
            for item in
                items.map_err(|error| error.help("pruning needs the right to list all kinds of the set"))?
            {
                members.push(Object::new(item)?);
            }
        }
        Ok(members)
    }

    /// Deletes what the plan deletes, and shrinks the parent to what is left.
    pub(super) async fn delete_unwanted(
        &self,
        plan: &Plan,
        deadline: Timestamp,
        run: &Run,
    ) -> Result<Observation> {
        let Some(set) = &self.prune else { return Ok(Observation::Healthy) };
        let mut gone = Vec::new();
        for change in plan.deletions() {
            if run.cancel().is_cancelled() {
                return Ok(Observation::Cancelled);
            }
            gone.extend(self.delete_member(change, &set.id(), run).await?);
        }
        let observed = self.follow(&gone, deadline, run).await?;
        if matches!(observed, Observation::Healthy) {
            self.shrink(set, plan, run).await?;
        }
        Ok(observed)
    }

    /// Deletes an object that still is what the plan saw fit to go.
    async fn delete_member(&self, change: &Change, set: &str, run: &Run) -> Result<Option<AppliedObject>> {
        let resource = self.cluster.resource_of(&change.desired).await?;
        let place = resource.within(change.id.namespace.as_deref());
        let Some(live) = self.cluster.get(&place, &change.id.name).await?.map(Object::new).transpose()?
        else {
            return Ok(None);
        };
        if live.uid() != change.desired.uid() || live.label(PART_OF) != Some(set) {
            let message = format!("{} is somebody else's by now and stays", change.id);
            run.emit(EventKind::Warning { message });
            return Ok(None);
        }
        if let Fate::Stays(why) = judge(&live, &self.manager, set)? {
            run.emit(EventKind::Warning { message: format!("{} stays: {why}", change.id) });
            return Ok(None);
        }
        self.cluster.delete(&place, &change.id.name, live.uid()).await?;
        run.emit(EventKind::Applied { object: change.id.clone(), action: Action::Delete });
        Ok(Some(AppliedObject {
            id: change.id.clone(),
            api_version: change.desired.api_version().to_owned(),
            action: Action::Delete,
            generation: None,
            healthy: false,
        }))
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

/// What becomes of a member that is wanted no more.
#[derive(Debug, PartialEq, Eq)]
enum Fate {
    Goes,
    Stays(String),
}

/// Never what others own, what is protected, or what holds data.
fn judge(member: &Object, manager: &str, set: &str) -> Result<Fate> {
    let stays = |why: String| Ok(Fate::Stays(why));
    if let Some((key, value)) = PROTECTED.iter().find(|(key, value)| member.annotation(key) == Some(value)) {
        return stays(format!("it is annotated {key}: {value}"));
    }
    if member
        .get("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| !owners.is_empty())
    {
        return stays("it belongs to another object".to_owned());
    }
    let entries = managers(member.value())?;
    let label = FieldPath::fields(["metadata", "labels", PART_OF]);
    let ours = entries.find(manager, Operation::Apply, None);
    if member.label(PART_OF) != Some(set) || !ours.is_some_and(|entry| entry.fields.contains(&label)) {
        return stays(format!("the field manager \"{manager}\" did not make it a member"));
    }
    let others = entries.entries.iter().find(|entry| {
        entry.operation == Operation::Apply && entry.subresource.is_none() && entry.manager != manager
    });
    if let Some(other) = others {
        return stays(format!("the field manager \"{}\" applies it too", other.manager));
    }
    if KEPT.contains(&member.kind()) {
        return stays(format!("a {} holds what cannot be made again; delete it by hand", member.kind()));
    }
    Ok(Fate::Goes)
}

/// The objects as they are sent when nothing is pruned: a member stays one, or it would be lost sight of.
pub(super) fn keep_membership(object: Object, live: &Object, manager: &str) -> Result<Object> {
    let Some(set) = live.label(PART_OF).filter(|_| object.label(PART_OF).is_none()) else {
        return Ok(object);
    };
    let label = FieldPath::fields(["metadata", "labels", PART_OF]);
    let entries = managers(live.value())?;
    let ours =
        entries.find(manager, Operation::Apply, None).is_some_and(|entry| entry.fields.contains(&label));
    Ok(if ours { object.with_label(PART_OF, set) } else { object })
}

/// A member of another set is not taken away from it.
pub(super) fn check_membership(object: &Object, live: &Object) -> Result<()> {
    match (object.label(PART_OF), live.label(PART_OF)) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Error::new(
            ErrorKind::Conflict,
            format!("belongs to another set, \"{theirs}\", which would prune it"),
        )
        .during("plan")
        .on(live.id())
        .help(format!("find its parent with: kubectl get secrets -A -l {ID}={theirs}"))),
        _ => Ok(()),
    }
}

fn check_tooling(parent: &Object) -> Result<()> {
    let tooling = parent.annotation(TOOLING).unwrap_or_default();
    if tooling.split('/').next() == Some(TOOL) {
        return Ok(());
    }
    Err(Error::new(ErrorKind::Conflict, format!("the set's parent is of another tool: \"{tooling}\""))
        .during("plan")
        .on(parent.id())
        .help("prune with that tool, or give this deployment another name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_is_the_keps() {
        // unpadded base64url(sha256("deploy-set.shop.shop.Secret.")), by coreutils
        let id = ApplySet::new("shop", "shop").unwrap().id();
        assert_eq!(id, "applyset-30gsCZ4nqPrZYQnppdaAE6mFWUL0YFRU1McGMpsprlA-v1");
        assert!(id.len() <= 63);
    }

    fn member(change: impl FnOnce(&mut Value)) -> Object {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {PART_OF: "set"},
            "managedFields": [{"manager": "us", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": {format!("f:{PART_OF}"): {}}}}}]}});
        change(&mut object);
        Object::new(object).unwrap()
    }

    #[test]
    fn never_what_others_own() {
        let stays = |change: fn(&mut Value)| judge(&member(change), "us", "set").unwrap() != Fate::Goes;
        assert!(!stays(|_| ()));
        assert!(stays(|object| object["metadata"]["annotations"] = json!({"deploy-core/prune": "false"})));
        assert!(stays(
            |object| object["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"})
        ));
        assert!(stays(|object| object["metadata"]["ownerReferences"] = json!([{"uid": "x"}])));
        assert!(stays(|object| object["metadata"]["managedFields"][0]["manager"] = "them".into()));
        assert!(stays(|object| object["metadata"]["managedFields"][0]["operation"] = "Update".into()));
        assert!(stays(|object| {
            let mut other = object["metadata"]["managedFields"][0].clone();
            other["manager"] = "them".into();
            object["metadata"]["managedFields"].as_array_mut().unwrap().push(other);
        }));
        assert!(stays(|object| object["kind"] = "PersistentVolumeClaim".into()));
        assert!(judge(&member(|_| ()), "us", "other").unwrap() != Fate::Goes);
    }

    #[test]
    fn a_parent_says_where_members_are() {
        let set = ApplySet::new("shop", "shop").unwrap();
        let ids = [
            ObjectId::new("apps", "Deployment", Some("shop"), "api"),
            ObjectId::new("", "ConfigMap", Some("more"), "a"),
            ObjectId::new("", "Namespace", None, "more"),
        ];
        let places = Places::of(ids.iter());
        let parent = set.parent(&places).unwrap();
        assert_eq!(parent.annotation(KINDS), Some("ConfigMap,Deployment.apps,Namespace"));
        assert_eq!(parent.annotation(NAMESPACES), Some("more"));
        assert_eq!(Places::recorded(&parent).unwrap(), places);
        assert!(check_tooling(&parent).is_ok());
        assert!(check_tooling(&parent.with_annotation(TOOLING, "kubectl/v1.35")).is_err());
    }
}
