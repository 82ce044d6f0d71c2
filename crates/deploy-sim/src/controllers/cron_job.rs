//! CronJobs: a Job at every moment of a schedule (`pkg/controller/cronjob`).
//!
//! Of time zones only UTC is known.

mod schedule;

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::object::{
    after, annotate, condition, controlled_by, controller, int, is_deleting, later, list, name, namespace,
    text, time, uid,
};
use super::{each, job, pods, write_status};
use crate::component::{CONTROLLER_MANAGER, Event};
use crate::state::State;
use schedule::Schedule;

const SOURCE: &str = "cronjob-controller";
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// The controller comes a little after the moment.
const DELAY: SignedDuration = SignedDuration::from_millis(100);
const MANY: i64 = 100;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    each(state, "cronjobs.batch", |state, cron_job| sync_one(state, &cron_job))
}

/// A CronJob, its Jobs as they were found, and its status as it will be.
struct Cron {
    object: Arc<Value>,
    jobs: Vec<Arc<Value>>,
    active: Vec<Value>,
    status: Map<String, Value>,
}

fn sync_one(state: &mut State, object: &Arc<Value>) -> Option<Timestamp> {
    let jobs = state.objects("jobs.batch", Some(namespace(object)));
    let is_own = |job: &Arc<Value>| controller(job).is_some_and(|owner| owner["uid"] == uid(object));
    let mut cron = Cron {
        object: Arc::clone(object),
        jobs: jobs.into_iter().filter(is_own).collect(),
        active: list(object, "/status/active").to_vec(),
        status: object.get("status").and_then(Value::as_object).cloned().unwrap_or_default(),
    };
    cron.forget_oldest(state);
    cron.look_at_jobs(state);
    let next = cron.start(state);
    let Cron { active, mut status, .. } = cron;
    if active.is_empty() {
        status.remove("active");
    } else {
        status.insert("active".into(), active.into());
    }
    write_status(state, object, Value::Object(status));
    next
}

impl Cron {
    fn tell(&self, state: &mut State, reason: &str, message: &str) {
        CONTROLLER_MANAGER.event(state, &self.object, &Event::normal(SOURCE, reason, message));
    }

    fn warn(&self, state: &mut State, reason: &str, message: &str) {
        CONTROLLER_MANAGER.event(state, &self.object, &Event::warning(SOURCE, reason, message));
    }

    fn is_active(&self, job: &Value) -> bool {
        self.active.iter().any(|active| active["uid"] == job["metadata"]["uid"])
    }

    fn delete(&mut self, state: &mut State, job: &Value) {
        match CONTROLLER_MANAGER.delete(state, job) {
            Ok(()) => {
                self.active.retain(|active| active["uid"] != job["metadata"]["uid"]);
                self.tell(state, "SuccessfulDelete", &format!("Deleted job {}", name(job)));
            }
            Err(status) => self.warn(state, "FailedDelete", &format!("Deleted job: {}", status.message)),
        }
    }

    /// Deletes the oldest Jobs that ended, beyond the limits.
    fn forget_oldest(&mut self, state: &mut State) {
        for (kind, limit) in
            [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")]
        {
            let limit =
                int(&self.object, &format!("/spec/{limit}")).and_then(|limit| usize::try_from(limit).ok());
            let Some(limit) = limit else { continue };
            let ended =
                |job: &&Arc<Value>| job::finished(job).is_some_and(|condition| condition["type"] == kind);
            let mut jobs: Vec<_> =
                self.jobs.iter().filter(ended).filter(|job| !is_deleting(job)).cloned().collect();
            jobs.sort_by_key(|job| (time(job, "/status/startTime"), name(job).to_owned()));
            let surplus = jobs.len().saturating_sub(limit);
            for job in jobs.into_iter().take(surplus) {
                self.delete(state, &job);
                self.jobs.retain(|other| uid(other) != uid(&job));
            }
        }
    }

    /// Notes which Jobs ended, and which are gone.
    fn look_at_jobs(&mut self, state: &mut State) {
        for job in self.jobs.clone() {
            let ended = job::finished(&job);
            if let Some(ended) = ended.filter(|_| self.is_active(&job)) {
                self.active.retain(|active| active["uid"] != job["metadata"]["uid"]);
                let message =
                    format!("Saw completed job: {}, condition: {}", name(&job), text(ended, "/type"));
                self.tell(state, "SawCompletedJob", &message);
            } else if ended.is_none() && !self.is_active(&job) {
                let message =
                    format!("Saw a job that the controller did not create or forgot: {}", name(&job));
                self.warn(state, "UnexpectedJob", &message);
            }
            let succeeded = condition(&job, "Complete").and(job.pointer("/status/completionTime"));
            let known = self.status.get("lastSuccessfulTime").and_then(Value::as_str);
            if let Some(Value::String(at)) = succeeded
                && known.is_none_or(|known| known < at.as_str())
            {
                self.status.insert("lastSuccessfulTime".into(), at.clone().into());
            }
        }
        let is_gone = |active: &&Value| self.jobs.iter().all(|job| job["metadata"]["uid"] != active["uid"]);
        let gone: Vec<Value> = self.active.iter().filter(is_gone).cloned().collect();
        for active in gone {
            self.active.retain(|other| *other != active);
            self.tell(state, "MissingJob", &format!("Active job went missing: {}", text(&active, "/name")));
        }
    }

    /// Starts the Job that is due; when the next one is.
    fn start(&mut self, state: &mut State) -> Option<Timestamp> {
        if is_deleting(&self.object) {
            return None;
        }
        let zone = text(&self.object, "/spec/timeZone");
        if !["", "UTC", "Etc/UTC", "GMT", "Etc/GMT"].contains(&zone) {
            let message = format!("invalid timeZone: \"{zone}\": unknown time zone {zone}");
            self.warn(state, "UnknownTimeZone", &message);
            return None;
        }
        if self.object["spec"]["suspend"] == true {
            return None;
        }
        let schedule = text(&self.object, "/spec/schedule");
        let Some(parsed) = Schedule::parse(schedule) else {
            let message = format!("unparseable schedule: \"{schedule}\"");
            self.warn(state, "UnparseableSchedule", &message);
            return None;
        };
        let waits = state.retries.waits(&self.object, state.now);
        if waits.is_some() {
            return waits;
        }
        let (due, missed) = self.due(&parsed, state.now, int(&self.object, "/spec/startingDeadlineSeconds"));
        if missed > MANY && due.is_some() {
            let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
            self.warn(state, "TooManyMissedTimes", message);
        }
        if let Some(due) = due {
            self.start_at(state, due);
        }
        let waits = state.retries.waits(&self.object, state.now);
        let latest = self.due(&parsed, state.now, None).0.unwrap_or_else(|| self.since());
        waits.or_else(|| parsed.next(latest).map(|next| later(next, DELAY)))
    }

    /// The last moment that was considered.
    fn since(&self) -> Timestamp {
        let last =
            self.status.get("lastScheduleTime").and_then(Value::as_str).and_then(|text| text.parse().ok());
        last.or_else(|| time(&self.object, "/metadata/creationTimestamp")).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// The latest moment of the schedule that passed and was not considered, and how many there were. `deadline` are the seconds that
    /// one may be late.
    fn due(&self, schedule: &Schedule, now: Timestamp, deadline: Option<i64>) -> (Option<Timestamp>, i64) {
        let since = deadline.map_or_else(|| self.since(), |seconds| self.since().max(after(now, -seconds)));
        let Some(first) = schedule.next(since).filter(|first| *first <= now) else { return (None, 0) };
        let Some(second) = schedule.next(first).filter(|second| *second <= now) else {
            return (Some(first), 1);
        };
        // Not one by one: there may be very many.
        let every = (second.as_second() - first.as_second()).max(1);
        let missed = (now.as_second() - first.as_second()) / every + 1;
        let mut latest = None;
        let mut from = after(first, (missed - 2).max(0).saturating_mul(every));
        while let Some(next) = schedule.next(from).filter(|next| *next <= now) {
            (latest, from) = (Some(next), next);
        }
        (latest, missed)
    }

    fn start_at(&mut self, state: &mut State, at: Timestamp) {
        let named = format!("{}-{}", name(&self.object), at.as_second() / 60);
        let is_known = self.active.iter().any(|active| active["name"] == named.as_str());
        if is_known || self.status.get("lastScheduleTime").and_then(Value::as_str) == Some(&at.to_string()) {
            return;
        }
        match text(&self.object, "/spec/concurrencyPolicy") {
            "Forbid" if !self.active.is_empty() => {
                let message =
                    "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.tell(state, "JobAlreadyActive", message);
                return;
            }
            "Replace" => {
                let active: Vec<_> = self.jobs.iter().filter(|job| self.is_active(job)).cloned().collect();
                for job in &active {
                    self.delete(state, job);
                }
            }
            _ => {}
        }
        match CONTROLLER_MANAGER.create(state, self.job(&named, at)) {
            Ok(job) => {
                state.retries.forget(&self.object);
                self.tell(state, "SuccessfulCreate", &format!("Created job {named}"));
                self.active.push(json!({
                    "apiVersion": "batch/v1", "kind": "Job", "name": named, "namespace": namespace(&job), "uid": uid(&job),
                    "resourceVersion": job["metadata"]["resourceVersion"],
                }));
                self.status.insert("lastScheduleTime".into(), at.to_string().into());
            }
            Err(status) if status.reason == "AlreadyExists" => {}
            Err(status) => {
                if !pods::of_namespace_that_goes(&status) {
                    self.warn(state, "FailedCreate", &format!("Error creating job: {}", status.message));
                }
                state.retries.refused(&self.object, state.now);
            }
        }
    }

    fn job(&self, named: &str, at: Timestamp) -> Value {
        let template = &self.object["spec"]["jobTemplate"];
        let mut job = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {
                "name": named, "namespace": namespace(&self.object), "ownerReferences": [controlled_by(&self.object)],
            },
            "spec": template["spec"],
        });
        for field in ["labels", "annotations"] {
            if let Some(value) = template.pointer("/metadata").and_then(|metadata| metadata.get(field)) {
                job["metadata"][field] = value.clone();
            }
        }
        annotate(&mut job, SCHEDULED, &at.to_string());
        job
    }
}
