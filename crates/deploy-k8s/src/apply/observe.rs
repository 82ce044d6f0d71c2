//! Follows what was applied, by watches, until all of it is healthy, some of it is hopeless, or time runs out.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::health::{Assessment, Judge, PodPhases, Verdict, World};
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::plan::Action;
use deploy_core::run::Run;
use deploy_core::target::{AppliedObject, Observation, Waiting};

use super::Apply;
use super::feed::{Feed, places, versioned};
use super::unstick::{Unstick, stuck_pods};

/// However late it is, one look is taken if it can be had within this.
const FIRST_LOOK: Duration = Duration::from_secs(5);

impl Apply {
    pub(super) async fn follow(&self, objects: &[AppliedObject], run: &Run) -> Result<Observation> {
        if run.cancel().is_cancelled() {
            return Ok(Observation::Cancelled);
        }
        let followed: Vec<&AppliedObject> = objects.iter().filter(|object| !object.healthy).collect();
        if followed.is_empty() {
            return Ok(Observation::Healthy);
        }
        let places = places(&self.cluster, &versioned(followed.iter().copied())).await?;
        let mut feed = Feed::open(&self.cluster, places);
        let mut view = View::new(followed, self.judge(&run.rules().patience));
        let mut unstick = Unstick::default();
        let (deadline, first_look) = (run.deadline(), run.now() + FIRST_LOOK);
        loop {
            if feed.is_complete() {
                for object in &view.followed {
                    if let Some(error) = feed.denied(&object.id) {
                        return Err(error.during("observe"));
                    }
                }
                for error in feed.take_denied() {
                    let message = format!("judged without what could not be watched: {error}");
                    run.emit(EventKind::Warning { message });
                }
                view.tell_of_pods(run);
                if let Some(observation) = view.judge(run)? {
                    return Ok(observation);
                }
                for pod in stuck_pods(&view.world, view.unhealthy()) {
                    unstick.delete(&self.cluster, &pod, run).await;
                }
            }
            let deadline = if feed.is_complete() { deadline } else { deadline.max(first_look) };
            let until = view.look_again.map_or(deadline, |moment| moment.min(deadline));
            tokio::select! {
                biased;
                () = run.cancel().cancelled() => return Ok(Observation::Cancelled),
                gone = feed.next(&mut view.world, run) => view.note_gone(&gone, run),
                () = run.clock().sleep_until(until) => {
                    if run.now() >= deadline {
                        return Ok(view.timed_out());
                    }
                }
            }
        }
    }
}

/// What is seen of the followed objects, and what was said of them last.
struct View<'a> {
    followed: Vec<&'a AppliedObject>,
    judge: Judge,
    world: World,
    pods: PodPhases,
    said: HashMap<ObjectId, Assessment>,
    /// Objects that went away by themselves after they had succeeded, as a Job with a time to live does.
    ended_well: HashSet<ObjectId>,
    look_again: Option<Timestamp>,
}

impl<'a> View<'a> {
    fn new(followed: Vec<&'a AppliedObject>, judge: Judge) -> Self {
        let mut world = World::new();
        for object in &followed {
            if let (Some(generation), true) = (object.generation, object.action != Action::Delete) {
                world.expect(object.id.clone(), generation);
            }
        }
        let (said, ended_well) = (HashMap::new(), HashSet::new());
        Self { followed, judge, world, pods: PodPhases::new(), said, ended_well, look_again: None }
    }

    /// For the timeline; nothing is decided by it.
    fn tell_of_pods(&mut self, run: &Run) {
        for object in &self.followed {
            self.pods.news(&object.id, &self.world).into_iter().for_each(|news| run.emit(news));
        }
    }

    /// Judges everything; `None` while it must go on.
    fn judge(&mut self, run: &Run) -> Result<Option<Observation>> {
        let now = run.now();
        let mut failures = Vec::new();
        let mut all_healthy = true;
        self.look_again = None;
        for object in self.followed.clone() {
            self.note_done(object, run);
            let there = self.world.get(&object.id).is_some();
            let assessment = match object.action {
                Action::Delete if there => Assessment::progressing("being deleted"),
                Action::Delete => Assessment::healthy("gone"),
                _ if self.ended_well.contains(&object.id) => Assessment::healthy("succeeded"),
                _ if !there => return Err(deleted(&object.id)),
                _ => self.judge.judge(&object.id, &self.world, now),
            };
            if let Some(moment) = assessment.look_again {
                self.look_again = Some(self.look_again.map_or(moment, |earlier| earlier.min(moment)));
            }
            failures.extend(assessment.failure().cloned());
            all_healthy &= assessment.is_healthy();
            tell(run, object, self.said.get(&object.id), &assessment);
            self.said.insert(object.id.clone(), assessment);
        }
        Ok(if !failures.is_empty() {
            Some(Observation::Failed { failures })
        } else if all_healthy {
            Some(Observation::Healthy)
        } else {
            None
        })
    }

    fn unhealthy(&self) -> impl Iterator<Item = &ObjectId> {
        self.said.iter().filter(|(_, said)| !said.is_healthy()).map(|(id, _)| id)
    }

    /// A Job that is being deleted may have succeeded before.
    fn note_done(&mut self, object: &AppliedObject, run: &Run) {
        let going = self
            .world
            .get(&object.id)
            .filter(|live| live.get("/metadata/deletionTimestamp").is_some())
            .cloned();
        if let (Some(live), true) = (going, object.action != Action::Delete) {
            self.note_gone(&[live], run);
        }
    }

    fn note_gone(&mut self, gone: &[Object], run: &Run) {
        for object in gone.iter().filter(|object| object.id().is("batch", "Job")) {
            let mut alone = World::new();
            let alive = object.clone().edit(|value| {
                value["metadata"]["deletionTimestamp"].take();
            });
            let Ok(alive) = alive else { continue };
            alone.upsert(alive, run.now());
            if self.judge.judge(&object.id(), &alone, run.now()).is_healthy() {
                self.ended_well.insert(object.id());
            }
        }
    }

    fn timed_out(&self) -> Observation {
        let unhealthy = self.followed.iter().filter_map(|object| {
            let said = self.said.get(&object.id);
            let progress =
                || said.map_or_else(|| "nothing was seen of it".to_owned(), |said| said.progress.clone());
            (!said.is_some_and(Assessment::is_healthy)).then(|| Waiting {
                object: object.id.clone(),
                progress: progress(),
                suspect: said.and_then(|said| said.suspect.clone()),
            })
        });
        Observation::TimedOut { waiting: unhealthy.collect() }
    }
}

/// Tells the observer what is new.
fn tell(run: &Run, object: &AppliedObject, before: Option<&Assessment>, now: &Assessment) {
    let (id, gone) = (object.id.clone(), object.action == Action::Delete);
    match &now.verdict {
        Verdict::Healthy if before.is_some_and(Assessment::is_healthy) => {}
        Verdict::Healthy if gone => run.emit(EventKind::Gone { object: id }),
        Verdict::Healthy => run.emit(EventKind::Healthy { object: id }),
        Verdict::Failed { failure } => run.emit(EventKind::Hopeless { failure: failure.clone() }),
        _ if before.is_some_and(|before| progress(before) == progress(now)) => {}
        _ => run.emit(EventKind::Progress { object: id, message: progress(now) }),
    }
}

/// How far it is, and what it most likely waits for.
fn progress(assessment: &Assessment) -> String {
    match &assessment.suspect {
        Some(suspect) => format!("{} ({suspect})", assessment.progress),
        None => assessment.progress.clone(),
    }
}

fn deleted(id: &ObjectId) -> Error {
    Error::new(ErrorKind::Stale, "somebody deleted it while it was rolled out").during("observe").on(id)
}
