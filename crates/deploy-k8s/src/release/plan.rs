//! What would change: of the objects, by the same engine as [`Apply`]'s, and of the records. Writes nothing.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use deploy_core::chart::Chart;
use deploy_core::error::{ErrorKind, Result};
use deploy_core::manifest::{Bundle, GIT_REVISION, Object, ObjectId};
use deploy_core::plan::{Change, Plan};
use deploy_core::run::Run;
use deploy_core::target::RolloutTarget;

use super::draft::{Content, Draft, Purpose};
use super::owner::Owner;
use super::record::Record;
use super::standing::{Standing, came_to_run};
use super::store::Entry;
use super::{Release, codec, hook, manifest};
use crate::api::{Place, Read, Resource};
use crate::apply::{Apply, Fate, in_order_of_deletion};

/// What is asked about an object that a revision records: of a large release the objects themselves would be most of the memory.
pub(super) struct Recorded {
    pub(super) place: Place,
    pub(super) name: String,
    /// Whether one of the revisions that record it was what ran. Else it may be somebody's that was only to be taken over.
    pub(super) came_to_run: bool,
}

impl Recorded {
    pub(super) fn id(&self) -> ObjectId {
        self.place.id(&self.name)
    }
}

impl Release {
    /// How the release stands, if it is free to be worked on.
    pub(super) async fn standing(&self, run: &Run) -> Result<Standing> {
        let standing = Standing::of(self.store.entries(Some(&self.name)).await?);
        if !self.dry_run {
            standing.check_free(run.now(), self.helm_dead_after)?;
        }
        Ok(standing)
    }

    pub(super) async fn plan_bundle(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        let standing = self.standing(run).await?;
        let given = bundle.objects().iter().chain(bundle.hooks()).cloned();
        let (objects, hooks) = hook::split(given.collect())?;
        let objects: Vec<Object> =
            objects.into_iter().map(|object| traced(object, bundle, run.revision())).collect();
        let purpose = if standing.is_absent() { Purpose::Install } else { Purpose::Upgrade };
        let chart = self.chart_of(run);
        let content = Content::new(manifest::write(&objects), hooks, &chart, run.revision());
        let digest = bundle.digest().as_str().to_owned();
        self.plan_content(purpose, content, objects, digest, standing, run).await
    }

    pub(super) async fn plan_back(&self, revision: Option<u64>, run: &Run) -> Result<Plan> {
        let standing = self.standing(run).await?;
        let target = match revision {
            Some(revision) => Some(standing.find(revision).ok_or_else(|| self.no_revision(revision))?),
            None => standing.last_good(),
        };
        let Some(target) = target else {
            if standing.is_unsettled() {
                return self.plan_removal(standing, run).await;
            }
            return Err(match standing.newest() {
                None => self.missing(),
                Some(_) => self
                    .error(ErrorKind::NotFound, "there is no good revision before the present one")
                    .help("name the revision to go back to"),
            });
        };
        let (record, to) = (target.record()?, target.revision);
        let objects = manifest::objects(&record, &record.manifest)?;
        let bundle = Bundle::builder().objects(objects.clone()).namespace(self.namespace()).build()?;
        let digest = bundle.digest().as_str().to_owned();
        self.plan_content(Purpose::Rollback { to }, Content::of(record), objects, digest, standing, run).await
    }

    async fn plan_content(
        &self,
        purpose: Purpose,
        content: Content,
        objects: Vec<Object>,
        digest: String,
        standing: Standing,
        run: &Run,
    ) -> Result<Plan> {
        let newest = standing.newest();
        let first = newest.and_then(|newest| newest.record().ok()?.info.first_deployed.timestamp());
        let revision = standing.next_revision();
        let names = (self.namespace(), self.name.as_str());
        let record = Record::pending(names, revision, purpose, content, first, run.now());
        // What no Secret can hold shows before anything is written.
        codec::check_room(&record)?;
        let mut labels = newest.map(Entry::users_labels).unwrap_or_default();
        labels.extend(self.labels.clone());
        let draft = Draft::new(purpose, Some(record), labels, self.owner(HashSet::new()), standing);
        let mut plan = self.plan_draft(draft, objects, run).await?;
        plan.bundle = digest;
        plan.revision = Some(revision);
        Ok(plan)
    }

    /// A first revision that failed leaves nothing but its record.
    async fn plan_removal(&self, standing: Standing, run: &Run) -> Result<Plan> {
        let owner = self.owner(HashSet::new());
        let draft = Draft::new(Purpose::Removal, None, self.labels.clone(), owner, standing);
        self.plan_draft(draft, Vec::new(), run).await
    }

    async fn plan_draft(&self, mut draft: Draft, objects: Vec<Object>, run: &Run) -> Result<Plan> {
        let mut notes = Vec::new();
        let recorded = self.recorded(draft.standing.standing(), &mut notes).await?;
        let ran = recorded.iter().filter(|one| one.came_to_run);
        draft.owner = self.owner(ran.map(Recorded::id).collect());
        self.check_hooks(&draft).await?;
        let crds = if draft.purpose.goes_back() { Vec::new() } else { self.missing_crds().await? };
        draft.owner.unmarked = crds.iter().map(Object::id).collect();
        let bundle = Bundle::builder().objects(crds).objects(objects).namespace(self.namespace()).build()?;
        let automatic = draft.deletes_first();
        let engine = self.engine(&draft.owner, automatic);
        let engine = if draft.purpose.goes_back() { engine.leniently() } else { engine };
        let mut plan = engine.plan(&bundle, run).await?;
        let wanted: HashSet<ObjectId> = plan.changes.iter().map(|change| change.id.clone()).collect();
        self.find_adopted(&mut draft, &plan).await?;
        let given_back: HashSet<ObjectId> =
            draft.given_back.entries.iter().map(|entry| entry.id.clone()).collect();
        notes.extend(
            given_back.iter().map(|id| format!("{id} was taken over, and is brought back as it was")),
        );
        let goes =
            |recorded: &Recorded| !wanted.contains(&recorded.id()) && !given_back.contains(&recorded.id());
        let unwanted = recorded.into_iter().filter(goes);
        let deletions = self.deletions(unwanted.collect(), &draft.owner, &mut notes).await?;
        if !automatic {
            let may = self.apply.check_deletions(&deletions, false).await;
            may.map_err(|error| {
                error.help("what a release wants no more is deleted: that takes the right to")
            })?;
        }
        plan.changes.extend(deletions);
        plan.notes.extend(notes);
        Ok(plan.keeping(draft))
    }

    async fn missing_crds(&self) -> Result<Vec<Object>> {
        let mut missing = Vec::new();
        for crd in &self.crds {
            let place = self.place_of(crd).await?;
            if self.cluster().get(&place, crd.name()).await?.is_none() {
                missing.push(crd.clone());
            }
        }
        Ok(missing)
    }

    /// The objects of these revisions, each once.
    pub(super) async fn recorded(&self, entries: &[Entry], notes: &mut Vec<String>) -> Result<Vec<Recorded>> {
        let (mut recorded, mut seen): (Vec<Recorded>, _) = (Vec::new(), HashMap::new());
        for entry in entries.iter().rev() {
            let (record, came_to_run) = (entry.record()?, came_to_run(entry));
            for object in manifest::objects(&record, &record.manifest)? {
                let Some(resource) = self.resource_of_recorded(&object).await? else {
                    notes.push(format!("{} is not looked for: its kind is not served any more", object.id()));
                    continue;
                };
                let namespace = object.namespace().unwrap_or(self.namespace()).to_owned();
                let place = resource.within(Some(&namespace));
                let one = Recorded { place, name: object.name().to_owned(), came_to_run };
                match seen.entry(one.id()).or_insert(recorded.len()) {
                    index if *index == recorded.len() => recorded.push(one),
                    index => {
                        if let Some(same) = recorded.get_mut(*index) {
                            same.came_to_run |= came_to_run;
                        }
                    }
                }
            }
        }
        Ok(recorded)
    }

    /// The resource of an object that was recorded once, in another version where its own is not served any more.
    async fn resource_of_recorded(&self, object: &Object) -> Result<Option<Resource>> {
        match self.cluster().resource_of(object).await {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                self.cluster().served(object.group(), object.kind()).await
            }
            found => found.map(Some),
        }
    }

    /// What goes of what is wanted no more, in the order of deletion.
    pub(super) async fn deletions(
        &self,
        unwanted: Vec<Recorded>,
        owner: &Owner,
        notes: &mut Vec<String>,
    ) -> Result<Vec<Change>> {
        let mut places: HashMap<Place, HashSet<&str>> = HashMap::new();
        for one in &unwanted {
            places.entry(one.place.clone()).or_default().insert(one.name.as_str());
        }
        let mut deletions = Vec::new();
        for (place, names) in &places {
            for (_, read) in self.cluster().read_many(place, names).await? {
                match read {
                    Read::Missing => {}
                    Read::Unreadable(error) => return Err(error),
                    Read::There(text) => {
                        let live = text.object(place)?;
                        match owner.judge(&live) {
                            Fate::Goes => deletions.push(Change::delete(live)),
                            Fate::Stays(why) => {
                                notes.push(format!("{} is wanted no more and stays: {why}", live.id()));
                            }
                        }
                    }
                }
            }
        }
        deletions.sort_by(|a, b| a.id.cmp(&b.id));
        in_order_of_deletion(&mut deletions);
        notes.sort_unstable();
        Ok(deletions)
    }

    /// The engine that writes the release's objects. A way back by itself must not fail at what others own by now.
    pub(super) fn engine(&self, owner: &Owner, automatic: bool) -> Apply {
        let engine = self.apply.clone().in_release(owner.clone());
        if automatic { engine.yielding() } else { engine }
    }

    pub(super) fn owner(&self, known: HashSet<ObjectId>) -> Owner {
        Owner {
            release: self.name.clone(),
            namespace: self.namespace().to_owned(),
            known: Arc::new(known),
            unmarked: HashSet::new(),
            adopts: self.takes_ownership,
        }
    }

    /// The chart that is recorded: one of the release's name where none is given, whose app version is the commit.
    fn chart_of(&self, run: &Run) -> Chart {
        self.chart.clone().unwrap_or_else(|| {
            let chart = Chart::new(&self.name, "0.0.0");
            match run.revision() {
                Some(revision) => chart.app_version(revision),
                None => chart,
            }
        })
    }
}

/// A workload says which commit it is of. Other objects do not: each commit would write all of them.
fn traced(object: Object, bundle: &Bundle, revision: Option<&str>) -> Object {
    match revision {
        Some(revision) if bundle.images().iter().any(|used| used.object == object.id()) => {
            object.with_annotation(GIT_REVISION, revision)
        }
        _ => object,
    }
}
