//! The rules, kind by kind.

#![allow(clippy::needless_pass_by_value, reason = "`json!` makes values")]

mod controllers;
mod deployments;
mod kinds;
mod pods;
mod rules;
mod world;

use std::time::Duration;

use serde_json::{Value, json};

use super::{Assessment, Judge, Patience, Verdict, World};
use crate::clock::Timestamp;
use crate::manifest::{Object, ObjectId};

/// A world that grows, and a judge that is asked about one object in it.
struct Story {
    world: World,
    judge: Judge,
    start: Timestamp,
    now: Timestamp,
    id: ObjectId,
}

impl Story {
    /// Of `object`, which is seen first, an hour after every timestamp in these tests.
    fn of(object: Value) -> Self {
        let start: Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let id = self::object(object.clone()).id();
        let mut story =
            Self { world: World::new(), judge: Judge::new(Patience::default()), start, now: start, id };
        story.see(object);
        story
    }

    fn see(&mut self, value: Value) -> &mut Self {
        self.world.upsert(object(value), self.now);
        self
    }

    fn gone(&mut self, value: Value) -> &mut Self {
        self.world.remove(&object(value), self.now);
        self
    }

    /// Lets time pass.
    fn wait(&mut self, seconds: f64) -> &mut Self {
        self.now = self.now + Duration::from_secs_f64(seconds);
        self
    }

    fn said(&self) -> Assessment {
        let said = self.judge.judge(&self.id, &self.world, self.now);
        assert!(said.look_again.is_none_or(|again| again > self.now), "{said:?}");
        said
    }

    #[track_caller]
    fn is(&mut self, expect: &str) -> &mut Self {
        assert_eq!(state(&self.said()), expect, "{:#?}", self.said());
        self
    }

    /// Becomes `expect` after `seconds` though nothing new is seen, not before, and the judge said when.
    #[track_caller]
    fn becomes(&mut self, expect: &str, seconds: f64) -> &mut Self {
        let until = self.now + Duration::from_secs_f64(seconds);
        while self.now < until {
            let said = self.said();
            assert_ne!(state(&said), expect, "too early by {:?}", until.since(self.now));
            let again = said.look_again.unwrap_or_else(|| panic!("nothing to wait for: {said:#?}"));
            self.now = again.min(until);
        }
        self.is(expect)
    }

    /// Stays as it is for an hour in which nothing new is seen.
    #[track_caller]
    fn stays(&mut self, expect: &str) -> &mut Self {
        for _ in 0..720 {
            self.is(expect).wait(5.0);
        }
        self
    }

    #[track_caller]
    fn because(&mut self, sentence: &str) -> &mut Self {
        let said = self.said();
        let failure = said.failure().or(said.suspect.as_ref()).map(ToString::to_string);
        assert_eq!(failure.as_deref(), Some(sentence));
        self
    }

    #[track_caller]
    fn progress(&mut self, progress: &str) -> &mut Self {
        assert_eq!(self.said().progress, progress);
        self
    }
}

fn state(said: &Assessment) -> String {
    match &said.verdict {
        Verdict::Progressing => "progressing".into(),
        Verdict::Healthy => "healthy".into(),
        Verdict::Unknown { .. } => "unknown".into(),
        Verdict::Failed { failure } => failure.reason.name().into(),
    }
}

fn object(value: Value) -> Object {
    Object::new(value).unwrap()
}

/// `value` with `changes` (JSON pointer, new value) made, parents created.
fn with(mut value: Value, changes: &[(&str, Value)]) -> Value {
    for (pointer, new) in changes {
        let mut place = &mut value;
        for key in pointer.split('/').skip(1) {
            let key = key.replace("~1", "/");
            place = match place {
                Value::Array(items) => &mut items[key.parse::<usize>().unwrap()],
                map => &mut map[key],
            };
        }
        *place = new.clone();
    }
    value
}

fn owned_by(mut value: Value, kind: &str, uid: &str) -> Value {
    value["metadata"]["ownerReferences"] = json!([{"kind": kind, "uid": uid, "controller": true}]);
    value
}

/// A pod named `name`, its uid the name, owned by `owner`, with one container `app` in `status`.
fn pod(name: &str, owner: &str, status: Value) -> Value {
    let ready = status["ready"].as_bool().unwrap_or(false);
    let mut status = status;
    status["name"] = json!("app");
    let condition = if ready { "True" } else { "False" };
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {}},
        "spec": {"containers": [{"name": "app", "image": "shop/app:v2"}]},
        "status": {
            "phase": if status["state"]["waiting"].is_object() { "Pending" } else { "Running" },
            "conditions": [{"type": "Ready", "status": condition}],
            "containerStatuses": [status],
        },
    });
    owned_by(pod, "ReplicaSet", owner)
}

fn running() -> Value {
    json!({"ready": true, "restartCount": 0, "containerID": "c0", "state": {"running": {"startedAt": "2026-01-01T00:59:59Z"}}})
}

fn waiting(reason: &str, message: &str) -> Value {
    json!({"ready": false, "restartCount": 0, "state": {"waiting": {"reason": reason, "message": message}}})
}

/// Restarted `restarts` times, and ended again.
fn ended(restarts: u32, code: i32, reason: &str) -> Value {
    json!({
        "ready": false, "restartCount": restarts, "containerID": format!("c{restarts}"),
        "state": {"terminated": {"exitCode": code, "reason": reason, "finishedAt": "2026-01-01T00:59:59Z"}},
    })
}

/// Runs again after `restarts` ends.
fn restarted(restarts: u32) -> Value {
    json!({
        "ready": true, "restartCount": restarts, "containerID": format!("c{restarts}"),
        "state": {"running": {"startedAt": "2026-01-01T00:59:59Z"}},
        "lastState": {"terminated": {"exitCode": 1, "reason": "Error"}},
    })
}

/// An Event about the object of `uid`.
fn event(kind: &str, uid: &str, reason: &str, message: &str, count: u32) -> Value {
    let container = matches!(reason, "Failed" | "Pulling" | "Pulled" | "Created" | "Unhealthy");
    json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{uid}.{reason}.{}", message.len()), "namespace": "shop"},
        "type": if matches!(reason, "Pulling" | "Pulled" | "Created") { "Normal" } else { "Warning" },
        "reason": reason, "message": message, "count": count,
        "involvedObject": {
            "kind": kind, "namespace": "shop", "name": uid, "uid": uid,
            "fieldPath": if container { json!("spec.containers{app}") } else { Value::Null },
        },
    })
}

fn template(image: &str) -> Value {
    json!({"metadata": {"labels": {"app": "app"}}, "spec": {"containers": [{"name": "app", "image": image}]}})
}

fn replica_set(uid: &str, image: &str) -> Value {
    let mut template = template(image);
    template["metadata"]["labels"]["pod-template-hash"] = json!(uid);
    let set = json!({
        "apiVersion": "apps/v1", "kind": "ReplicaSet",
        "metadata": {"name": uid, "namespace": "shop", "uid": uid, "generation": 1},
        "spec": {"template": template},
    });
    owned_by(set, "Deployment", "app")
}

fn probed(value: Value) -> Value {
    with(value, &[("/spec/containers/0/readinessProbe", json!({}))])
}

fn not_found() -> Value {
    waiting("ErrImagePull", "shop/app:v2: not found")
}

fn crashed() -> Value {
    ended(1, 1, "Error")
}
