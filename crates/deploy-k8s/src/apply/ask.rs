//! What would become of one object, by the API server's own word.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use deploy_core::plan::{Change, Yielded, diff};
use k8s_fields::{Entry, FieldPath, FieldSet, Operation, applied_fields, compare};
use serde_json::Value;

use super::conflict::{self, Conflicts, FieldConflict};
use super::foretell::Predicted;
use super::member::{check_membership, keep_membership};
use super::ownership::{Claim, leaving_out, managers};
use super::plan::{Planning, Wanted};
use super::{Apply, immutable, marks};
use crate::api::Read;

/// How often fields may be found to be yielded before the object is given up on.
const MAX_ROUNDS: usize = 4;

impl Apply {
    pub(super) async fn ask(
        &self,
        wanted: &Wanted,
        read: Option<&Read>,
        planning: &Planning<'_>,
    ) -> Result<(Change, Vec<String>)> {
        let desired = || planning.as_sent(planning.whole(&wanted.plain));
        match read {
            None | Some(Read::Missing) if self.part => {
                Err(Error::new(ErrorKind::NotFound, "does not exist").during("plan").on(wanted.plain.id()))
            }
            _ if wanted.unserved => {
                let desired = desired();
                Ok((Change::create(desired.clone(), desired).simulated(), Vec::new()))
            }
            None | Some(Read::Missing) => {
                self.ask_create(wanted, desired(), planning).await.map(|change| (change, Vec::new()))
            }
            // Whose it is could not be told.
            Some(Read::Unreadable(error)) if self.owner.is_some() => {
                let why = format!("whose it is cannot be told: {error}");
                Err(Error::new(ErrorKind::Forbidden, why).during("plan").on(wanted.plain.id()))
            }
            Some(Read::Unreadable(error)) => self.ask_unseen(wanted, desired(), error).await,
            Some(Read::There(text)) => self.ask_update(wanted, text.object(&wanted.place)?, planning).await,
        }
    }

    async fn ask_create(&self, wanted: &Wanted, desired: Object, planning: &Planning<'_>) -> Result<Change> {
        let force = self.conflicts == Conflicts::Force;
        match self.dry_run(&wanted.place, &desired, force).await {
            Ok(Predicted::Object(predicted)) => Ok(Change::create(desired, predicted).forced(force)),
            // What its definition does not allow yet it may allow once the bundle's own is applied.
            Err(error) if wanted.redefined && error.kind() == ErrorKind::InvalidInput => {
                Ok(Change::create(desired.clone(), desired).simulated())
            }
            Err(error)
                if error.kind() == ErrorKind::NotFound && error.message().starts_with("namespaces ") =>
            {
                match &wanted.place.namespace {
                    Some(namespace) if planning.coming.namespaces.contains(namespace) => {
                        Ok(Change::create(desired.clone(), desired).simulated())
                    }
                    Some(namespace) => Err(Error::new(
                        ErrorKind::NotFound,
                        format!("the namespace \"{namespace}\" does not exist"),
                    )
                    .during("plan")
                    .on(desired.id())
                    .help("create it first, or put a Namespace into the same bundle")),
                    None => Err(error),
                }
            }
            Ok(Predicted::Conflict { error, .. }) | Err(error) => Err(error),
        }
    }

    /// An object that may be written and not read: whether it is as wanted is not known, so it is written.
    async fn ask_unseen(
        &self,
        wanted: &Wanted,
        desired: Object,
        why: &Error,
    ) -> Result<(Change, Vec<String>)> {
        let force = self.conflicts == Conflicts::Force;
        match self.dry_run(&wanted.place, &desired, force).await? {
            // A dry run of a creation has no version yet.
            Predicted::Object(predicted) if predicted.resource_version().is_none_or(str::is_empty) => {
                Ok((Change::create(desired, predicted).forced(force), Vec::new()))
            }
            Predicted::Object(predicted) => {
                let note =
                    format!("{} is written whatever it is, and cannot be brought back: {why}", desired.id());
                Ok((Change::unseen(desired, predicted).forced(force), vec![note]))
            }
            Predicted::Conflict { error, .. } => Err(error),
        }
    }

    async fn ask_update(
        &self,
        wanted: &Wanted,
        live: Object,
        planning: &Planning<'_>,
    ) -> Result<(Change, Vec<String>)> {
        if live.get("/metadata/deletionTimestamp").is_some() {
            return Err(being_deleted(live.value()).during("plan").on(live.id()));
        }
        if self.part && applied_fields(wanted.plain.value()).is_empty() {
            return Ok((Change::unchanged(wanted.plain.clone(), live), Vec::new()));
        }
        if let Some(owner) = &self.owner {
            owner.check(&live)?;
        }
        check_membership(&wanted.plain, &live)?;
        let whole = keep_membership(planning.whole(&wanted.plain), &live, &self.manager)?;
        let mut yielded = self.autoscaled(&whole, &live, planning)?;
        let (mut force, mut taken) = (false, false);
        for _ in 0..MAX_ROUNDS {
            let left = paths(&yielded);
            let out: FieldSet = left.iter().collect();
            let plain = leaving_out(whole.clone(), &out)?;
            let claim = self.ownership().claim(plain.value(), live.value(), &left)?;
            let notes = || said(&live, &claim, &yielded);
            if claim.managers.is_none()
                && compare(plain.value(), live.value(), &self.manager, &self.traces()).is_equal()
            {
                let notes = notes();
                return Ok((Change::unchanged(wanted.plain.clone(), live).yielding(yielded), notes));
            }
            let desired = planning.as_sent(plain.clone());
            match self.dry_run(&wanted.place, &desired, force).await {
                Ok(Predicted::Object(predicted)) => {
                    let predicted =
                        match self.without_leftovers(&wanted.place, predicted, &live, &claim).await {
                            Ok(predicted) => predicted,
                            Err(error) => return self.instead(error, wanted, &whole, live, planning).await,
                        };
                    refuse_paused(&plain, &live, &predicted)?;
                    let same = claim.managers.is_none()
                        && diff(Some(&live), Some(&predicted)).is_empty()
                        && self.owns_the_same(&live, &predicted);
                    let notes = notes();
                    let change = if same {
                        Change::unchanged(wanted.plain.clone(), live)
                    } else {
                        Change::update(desired, live, predicted).forced(taken)
                    };
                    return Ok((change.yielding(yielded), notes));
                }
                Ok(Predicted::Conflict { fields, error }) => {
                    let managed = managers(live.value())?;
                    if force || conflict::is_nobodys(&managed, &self.manager, &fields) {
                        return Err(error);
                    }
                    // Once the managers are rewritten, there is no conflict with those that are taken over from.
                    let after = claim.managers.as_ref().unwrap_or(&managed);
                    let decided = self.decide(&live, &conflict::owners(after, &self.manager, &fields))?;
                    force = decided.yielded.is_empty();
                    taken |= decided.taken;
                    yielded.extend(decided.yielded);
                }
                Err(error) if wanted.redefined && error.kind() == ErrorKind::InvalidInput => {
                    let guess = self.guess(&desired, &live)?;
                    return Ok((Change::update(desired, live, guess).simulated(), Vec::new()));
                }
                Err(error) => return self.instead(error, wanted, &whole, live, planning).await,
            }
        }
        Err(Error::new(ErrorKind::Conflict, "others own more of it each time it is asked about")
            .during("plan")
            .on(live.id()))
    }

    /// What is done about an object that cannot be changed.
    async fn instead(
        &self,
        error: Error,
        wanted: &Wanted,
        whole: &Object,
        live: Object,
        planning: &Planning<'_>,
    ) -> Result<(Change, Vec<String>)> {
        if !immutable::speaks(&error) {
            return Err(error);
        }
        let id = live.id();
        if !self.recreates(&id) {
            return Err(immutable::explain(error, &id));
        }
        let mut notes =
            vec![format!("{id} cannot be changed and is deleted and created anew: {}", error.message())];
        // A new object has no owners to yield to; but an autoscaler's count is taken along.
        let mut desired = planning.as_sent(whole.clone());
        let autoscaled = self.autoscaled(whole, &live, planning)?;
        if let (Some(to), Some(replicas)) =
            (autoscaled.first().map(|yielded| &yielded.to), live.get("/spec/replicas"))
        {
            desired = desired.edit(|value| value["spec"]["replicas"] = replicas.clone())?;
            notes.push(format!("{id}: .spec.replicas stays {replicas}, as {to} has it"));
        }
        let predicted = self.foretell_anew(&wanted.place, &desired).await?;
        Ok((Change::recreate(desired, live, predicted), notes))
    }

    /// What is done about each conflict.
    fn decide(&self, live: &Object, found: &[FieldConflict]) -> Result<Decided> {
        let id = live.id();
        let mut failed = Vec::new();
        let mut decided = Decided::default();
        for each in found {
            let Ok(field) = each.field.parse::<FieldPath>() else {
                failed.push(each.clone());
                continue;
            };
            let policy = conflict::decide(&self.rules_of_conflict, &id, &field, self.conflicts);
            match if marks().contains(&field) { Conflicts::Force } else { policy } {
                Conflicts::Fail => failed.push(each.clone()),
                Conflicts::Force => decided.taken = true,
                Conflicts::Yield => decided
                    .yielded
                    .push(Yielded::new(&each.field, format!("field manager \"{}\"", each.manager))),
            }
        }
        decided.yielded.dedup_by(|a, b| a.field == b.field);
        if failed.is_empty() { Ok(decided) } else { Err(conflict::error(&id, failed)) }
    }

    /// The replicas of a workload that an autoscaler scales are its own.
    fn autoscaled(&self, plain: &Object, live: &Object, planning: &Planning<'_>) -> Result<Vec<Yielded>> {
        let Some(autoscaler) = planning.autoscaled.of(&live.id()) else { return Ok(Vec::new()) };
        let replicas = FieldPath::fields(["spec", "replicas"]);
        if conflict::names(&self.rules_of_conflict, &live.id(), &replicas)
            .is_some_and(|then| then != Conflicts::Yield)
        {
            return Ok(Vec::new());
        }
        let ownership = self.ownership();
        let ours = |entry: &Entry| ownership.takes(entry) && entry.fields.contains(&replicas);
        let concerned =
            plain.get("/spec/replicas").is_some() || managers(live.value())?.entries.iter().any(ours);
        let to = autoscaler.to_string();
        Ok(if concerned { vec![Yielded::new(replicas.to_string(), to)] } else { Vec::new() })
    }

    /// Whether the write would leave ownership as it is; our own traces do not count.
    fn owns_the_same(&self, live: &Object, predicted: &Object) -> bool {
        let ours = |object: &Object| {
            let managed = managers(object.value()).ok()?;
            let entry = managed.find(&self.manager, Operation::Apply, None)?;
            Some((entry.api_version.clone(), entry.fields.without_subtrees(&self.traces())))
        };
        ours(live).is_some_and(|live| Some(live) == ours(predicted))
    }
}

/// What is done about an object's conflicts.
#[derive(Default)]
struct Decided {
    yielded: Vec<Yielded>,
    /// Whether fields are taken from managers that keep others.
    taken: bool,
}

/// The fields that are left to others, as paths.
pub(super) fn paths(yielded: &[Yielded]) -> Vec<FieldPath> {
    yielded.iter().filter_map(|each| each.field.parse().ok()).collect()
}

/// A paused Deployment takes a new template and rolls nothing out, which nobody means who does not pause it by the same manifest.
fn refuse_paused(plain: &Object, live: &Object, predicted: &Object) -> Result<()> {
    let paused = |object: &Object| object.get("/spec/paused").and_then(Value::as_bool).unwrap_or(false);
    let template = |object: &Object| object.get("/spec/template").cloned();
    if live.id().is("apps", "Deployment")
        && paused(predicted)
        && !paused(plain)
        && template(live) != template(predicted)
    {
        return Err(Error::invalid("is paused: the new pod template would not be rolled out")
            .during("plan")
            .on(live.id())
            .help("resume it first, or set spec.paused in the manifest"));
    }
    Ok(())
}

/// An object that is on its way out takes no changes; whoever put a finalizer on it says when it is gone.
pub(super) fn being_deleted(live: &Value) -> Error {
    let list = |pointer: &str| live.pointer(pointer).and_then(Value::as_array).cloned().unwrap_or_default();
    let finalizers = [list("/metadata/finalizers"), list("/spec/finalizers")].concat();
    let names: Vec<&str> = finalizers.iter().filter_map(Value::as_str).collect();
    let error = Error::new(ErrorKind::Conflict, "is being deleted");
    if names.is_empty() {
        return error.help("wait until it is gone, then run again");
    }
    error.help(format!("it is held by {}: wait until it is gone, then run again", names.join(" and ")))
}

fn said(live: &Object, claim: &Claim, yielded: &[Yielded]) -> Vec<String> {
    let id = live.id();
    let mut notes = Vec::new();
    if !claim.from.is_empty() {
        notes.push(format!("{id} is taken over from {}", claim.from.join(" and ")));
    }
    if let Some(manager) = &claim.mixed {
        notes.push(format!("{id}: \"{manager}\" wrote it at another version of the API: what the manifest no longer has stays"));
    }
    for Yielded { field, to, .. } in yielded {
        let pointer = field.replace('.', "/");
        let now = live.get(&pointer).filter(|value| value.is_number()).map(Value::to_string);
        let now = now.map(|now| format!(" ({now} now)")).unwrap_or_default();
        notes.push(format!("{id}: {field} is left to {to}{now}"));
    }
    notes
}
