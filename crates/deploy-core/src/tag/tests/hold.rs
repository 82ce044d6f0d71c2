use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::time;
use crate::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use crate::error::{Error, ErrorKind, Result};
use crate::health::{Failure, Reason};
use crate::image::Repository;
use crate::manifest::{Object, ObjectId};
use crate::memory::MemoryConfigStore;
use crate::outcome::{Cause, Outcome, Status};
use crate::plan::{Change, Depth, Plan};
use crate::run::DeploymentId;
use crate::tag::{Context, Extent, Hold, Holds, TagPolicy, select};
use crate::target::Waiting;

fn image(name: &str) -> Repository {
    name.parse().unwrap()
}

fn hold(tag: &str) -> Hold {
    let hold = Hold::not_past(image("shop/api"), "production", tag.parse().unwrap());
    hold.by("ann").at(time("2026-11-21T08:00:00Z")).because("1.2 loses orders")
}

#[tokio::test]
async fn held_until_lifted() {
    let store = Arc::new(MemoryConfigStore::new());
    let holds = Holds::new(store.clone(), "production/holds");
    assert!(holds.all().await.unwrap().is_empty());
    holds.place(hold("v1.1.0")).await.unwrap();
    holds.place(Hold::not_this(image("shop/web"), "production", "v3".parse().unwrap())).await.unwrap();
    holds.place(hold("v1.1.0").by("bob")).await.unwrap();
    let of_api = holds.of(&image("shop/api"), "production").await.unwrap();
    assert_eq!(of_api, [hold("v1.1.0").by("bob")], "the same hold again takes the place of the first");
    assert!(holds.of(&image("shop/api"), "staging").await.unwrap().is_empty());
    let lifted = holds.lift(&image("shop/api"), "production", "1.3 is out").await.unwrap();
    assert_eq!(lifted.len(), 1);
    assert_eq!(holds.all().await.unwrap().len(), 1, "others' holds stay");
    assert!(holds.lift(&image("shop/api"), "production", "again").await.unwrap().is_empty());
    let history = store.history("production/holds", 10).await.unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(history[0].note.as_deref(), Some("lift the holds on shop/api in production: 1.3 is out"));
    assert_eq!(
        history[3].note.as_deref(),
        Some("hold shop/api in production: not past v1.1.0 (ann at 2026-11-21T08:00:00Z: 1.2 loses orders)")
    );
}

#[tokio::test]
async fn what_is_stored_reads_as_this() {
    let store = Arc::new(MemoryConfigStore::new());
    Holds::new(store.clone(), "holds").place(hold("v1.1.0")).await.unwrap();
    let stored = store.get("holds").await.unwrap().unwrap().value;
    let expected = r#"[{"image":"shop/api","environment":"production","tag":"v1.1.0","extent":"notPast","by":"ann","at":"2026-11-21T08:00:00Z","why":"1.2 loses orders"}]"#;
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn what_is_no_list_of_holds_is_an_error() {
    let store = Arc::new(MemoryConfigStore::new());
    let holds = Holds::new(store.clone(), "holds");
    let long = format!("[{}]", " ".repeat(2_000_000));
    let many = format!("[{}]", vec![serde_json::to_string(&hold("v1")).unwrap(); 2001].join(","));
    for text in ["", "null", "{}", "[{}]", &long, &many] {
        store.set(&[Edit::put("holds", text)], &Note::default()).await.unwrap();
        let error = holds.of(&image("shop/api"), "production").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("read holds key \"holds\": "), "{error}");
        assert!(holds.place(hold("v1.1.0")).await.is_err(), "and is not written over");
    }
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "holds");
    let error = holds.place(hold("v1").because("x".repeat(2_000_000))).await.unwrap_err();
    assert!(error.to_string().contains("give a shorter reason"), "{error}");
    assert!(holds.all().await.unwrap().is_empty());
}

/// Somebody else places a hold between each reading and writing.
struct Raced(MemoryConfigStore);

#[async_trait]
impl ConfigStore for Raced {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.0.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let entry = self.0.get(key).await?;
        let stands = entry.as_ref().map_or(0, |entry| entry.value.len());
        let other = serde_json::to_string(&[hold(&format!("v{stands}"))]).unwrap();
        self.0.set(&[Edit::put(key, other)], &Note::default()).await?;
        Ok(entry)
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        self.0.set(edits, note).await
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.0.history(key, limit).await
    }
}

#[tokio::test]
async fn of_two_at_once_one_is_told() {
    let raced = Arc::new(Raced(MemoryConfigStore::new()));
    let holds = Holds::new(raced.clone(), "holds");
    for _ in 0..2 {
        let error = holds.place(hold("v1.1.0")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("somebody else changed the holds meanwhile"), "{error}");
    }
    let error = holds.lift(&image("shop/api"), "production", "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}

/// What a rollout of these images of `api` and `web` says in the end.
fn rollout(
    status: Status,
    cause: impl Into<Option<Cause>>,
    before: Option<[&str; 2]>,
    after: [&str; 2],
) -> Outcome {
    let workload = |name: &str, image: &str| {
        let pod = json!({"spec": {"initContainers": [{"name": "wait", "image": "busybox@sha256:00"}], "containers": [{"name": "a", "image": image}]}});
        let spec = json!({"replicas": 2, "template": pod});
        Object::new(json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"}, "spec": spec})).unwrap()
    };
    let change = |name: &str, place: usize| {
        let wanted = workload(name, after[place]);
        match before {
            Some(before) => Change::update(wanted.clone(), workload(name, before[place]), wanted),
            None => Change::create(wanted.clone(), wanted),
        }
    };
    let changes = vec![change("api", 0), change("web", 1)];
    let id = DeploymentId::from("20261121-075325-7f3a9c".to_owned());
    let plan = Plan::new(id, "sha256:0".into(), Depth::Fields, changes, Vec::new());
    let mut outcome = Outcome::of(&plan, status, "cluster dev".into());
    outcome.started = time("2026-11-21T07:53:25Z");
    outcome.took = Duration::from_secs(5);
    outcome.cause = cause.into();
    outcome
}

fn id(name: &str) -> ObjectId {
    ObjectId::new("apps", "Deployment", Some("shop"), name)
}

fn exits(name: &str) -> Cause {
    let failure = Failure::new(Reason::ContainerExit { code: 1, times: 2 }, id(name), "no database");
    Cause::Failed { failures: vec![failure] }
}

#[test]
fn a_failed_rollout_holds_what_failed() {
    let v1 = Some(["shop/api:v1", "shop/web:v1"]);
    let check = |outcome: &Outcome, expect: &[&str]| {
        let holds = Hold::after(outcome, "production");
        let held: Vec<String> = holds.iter().map(|hold| format!("{}:{}", hold.image, hold.tag)).collect();
        assert_eq!(held, expect);
        assert!(holds.iter().all(|hold| hold.extent == Extent::NotThis));
    };
    let v2 = ["shop/api:v2", "shop/web:v2"];
    check(&rollout(Status::RolledBack, exits("api"), v1, v2), &["shop/api:v2"]);
    check(&rollout(Status::RollbackFailed, exits("web"), None, v2), &["shop/web:v2"]);
    check(&rollout(Status::Failed, exits("api"), v1, v2), &["shop/api:v2"]);
    let waiting = |name: &str| {
        let waiting = Waiting { object: id(name), progress: "0 of 2 are available".into(), suspect: None };
        Cause::TimedOut { waiting: vec![waiting] }
    };
    check(&rollout(Status::RolledBack, waiting("web"), v1, v2), &["shop/web:v2"]);
    // What failed brought no other image: another one of the run may be why.
    check(&rollout(Status::RolledBack, exits("db"), v1, v2), &["shop/api:v2", "shop/web:v2"]);
    check(&rollout(Status::RolledBack, exits("api"), v1, ["shop/api:v1", "shop/web:v2"]), &["shop/web:v2"]);
    // No tag, no hold.
    let digest = format!("shop/api@sha256:{}", "0".repeat(64));
    check(&rollout(Status::RolledBack, exits("api"), v1, [&digest, "shop/web:v1"]), &[]);
    // Nothing is known of the images.
    check(&rollout(Status::RolledBack, Cause::Cancelled, v1, v2), &[]);
    let error = Cause::Error { error: Error::invalid("quota exceeded") };
    check(&rollout(Status::RolledBack, error, v1, v2), &[]);
    check(&rollout(Status::Healthy, None, v1, v2), &[]);
    check(&rollout(Status::Incomplete, exits("api"), v1, v2), &[]);
}

#[test]
fn a_hold_after_a_rollout_says_which_and_why() {
    let outcome = rollout(Status::RolledBack, exits("api"), None, ["shop/api:v2.0.0", "shop/web:v2.0.0"]);
    let holds = Hold::after(&outcome, "production");
    assert_eq!(
        holds[0].to_string(),
        "shop/api in production: not v2.0.0 (run 20261121-075325-7f3a9c at 2026-11-21T07:53:30Z: Deployment shop/api: Deployment shop/api exits with code 1 (2 times): no database)"
    );
    let policy: TagPolicy = "scheme=semver".parse().unwrap();
    let context = Context::at(time("2026-11-21T08:00:00Z")).holds(holds);
    assert_eq!(select(&policy, &["v1.0.0", "v2.0.0"], &context).unwrap().chosen().unwrap(), &"v1.0.0");
    assert_eq!(
        select(&policy, &["v1.0.0", "v2.0.0", "v3.0.0"], &context).unwrap().chosen().unwrap(),
        &"v3.0.0"
    );
}
