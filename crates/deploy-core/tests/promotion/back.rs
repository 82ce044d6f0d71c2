//! The way back.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::config::{ConfigStore, Edit, Note};
use deploy_core::error::{ErrorKind, Result};
use deploy_core::event::{Event, EventKind, Observer};
use deploy_core::guard::{Answer, Check, Subject};
use deploy_core::memory::{FixedCheck, MemoryConfigStore};
use deploy_core::promotion::Status;
use deploy_core::run::{Cancel, OnFailure, Run};

use crate::world::World;

#[tokio::test(start_paused = true)]
async fn what_fails_is_undone_with_its_record_and_held() {
    let world = World::new().await;
    world.push("v2.0.0-bad");
    let promoted = world.run().await;
    assert_eq!(promoted.len(), 1, "production is not reached");
    assert_eq!(promoted[0].status, Status::Undone);
    let said = promoted[0].to_string();
    assert!(said.starts_with("dev: undone api: v1.0.0 to v2.0.0-bad: Pod api: "), "{said}");
    assert!(said.contains("\nheld: registry.example/shop/api in dev: not v2.0.0-bad"), "{said}");
    assert_eq!(
        (world.dev.says().await.as_deref(), world.dev.runs().as_deref()),
        (Some("v1.0.0"), Some("v1.0.0"))
    );
    assert_eq!(world.dev.held().await, ["v2.0.0-bad"]);
    assert_eq!(world.recorded(), ["undo dev v2.0.0-bad"]);
    assert!(world.dev.journal.is_empty());
    let history = world.dev.store.history("api", 3).await.unwrap();
    let notes: Vec<&str> = history.iter().filter_map(|entry| entry.note.as_deref()).collect();
    assert_eq!(
        notes.iter().map(|note| note.lines().next().unwrap()).take(2).collect::<Vec<_>>(),
        ["Revert shop in dev: api: v1.0.0 to v2.0.0-bad", "Promote shop to dev: api: v1.0.0 to v2.0.0-bad"]
    );
    // What is held is not chosen again; what comes after it is.
    assert_eq!(world.run().await[0].status, Status::Unchanged);
    world.push("v2.0.1");
    let promoted = world.run().await;
    assert_eq!(promoted.iter().map(|each| each.status).collect::<Vec<_>>(), [Status::Promoted; 2]);
}

#[tokio::test(start_paused = true)]
async fn a_checks_no_undoes_both_and_holds() {
    let world = World::new().await;
    world.push("v2.0.0");
    let no = FixedCheck::new("GET /health", Answer::No { why: "503".into() });
    let promotion = world.over([world.dev.environment(&world.faults).check(Arc::new(no))]);
    let promoted = promotion.run(Run::new()).await.unwrap();
    assert_eq!(promoted[0].status, Status::Undone);
    assert_eq!(
        (world.dev.says().await.as_deref(), world.dev.runs().as_deref()),
        (Some("v1.0.0"), Some("v1.0.0"))
    );
    assert_eq!(world.dev.held().await, ["v2.0.0"]);
}

#[tokio::test(start_paused = true)]
async fn left_as_it_is_where_asked() {
    let world = World::new().await;
    world.push("v2.0.0-bad");
    let dev = world.dev.environment(&world.faults).on_failure(OnFailure::Leave);
    let promoted = world.over([dev]).run(Run::new()).await.unwrap();
    assert_eq!(promoted[0].status, Status::Left);
    assert_eq!(world.dev.says().await.as_deref(), Some("v2.0.0-bad"));
    assert_eq!(world.dev.runs().as_deref(), Some("v2.0.0-bad"));
    assert_eq!(world.recorded(), ["fail dev v2.0.0-bad"]);
}

/// Cancels once it is written down.
struct CancelAfterWriting(Cancel);

impl Observer for CancelAfterWriting {
    fn observe(&self, event: &Event) {
        if matches!(event.kind, EventKind::Written { .. }) {
            self.0.cancel();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn cancelled_means_undone_and_not_held() {
    let world = World::new().await;
    world.push("v2.0.0");
    let cancel = Cancel::new();
    let run = Run::new().cancelled_by(cancel.clone()).observer(Arc::new(CancelAfterWriting(cancel)));
    let promoted = world.promotion().run(run).await.unwrap();
    assert_eq!(promoted[0].status, Status::Undone, "{}", promoted[0]);
    assert_eq!(
        (world.dev.says().await.as_deref(), world.dev.runs().as_deref()),
        (Some("v1.0.0"), Some("v1.0.0"))
    );
    assert!(world.dev.held().await.is_empty());
    assert!(world.dev.journal.is_empty());
}

/// A person who writes something else while it is checked.
struct Repair(MemoryConfigStore);

#[async_trait]
impl Check for Repair {
    fn describe(&self) -> String {
        "GET /health".into()
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        self.0.set(&[Edit::put("api", "v1.5.0")], &Note::new("by hand")).await?;
        Ok(Answer::No { why: "503".into() })
    }
}

#[tokio::test(start_paused = true)]
async fn what_somebody_wrote_meanwhile_stays() {
    let world = World::new().await;
    world.push("v2.0.0");
    let repair = Repair(world.dev.store.clone());
    let promotion = world.over([world.dev.environment(&world.faults).check(Arc::new(repair))]);
    let promoted = promotion.run(Run::new()).await.unwrap();
    assert_eq!(world.dev.says().await.as_deref(), Some("v1.5.0"));
    assert_eq!(promoted[0].notes, ["somebody else has changed api since: that stays"]);
}

/// Each call fails once, before its effect and after it: both environments end as one of the two states, and the next run converges.
#[tokio::test(start_paused = true)]
async fn any_call_may_fail() {
    for kind in [ErrorKind::Unavailable, ErrorKind::OutcomeUnknown] {
        for tag in ["v2.0.0", "v2.0.0-bad"] {
            let mut tried = 0;
            for step in 0.. {
                let world = World::new().await;
                world.push(tag);
                world.faults.fail_at(step, kind);
                let ended = world.promotion().run(Run::new()).await;
                if world.faults.steps() <= step {
                    break;
                }
                tried += 1;
                world.faults.reset();
                let context = format!("{kind:?} at {step} with {tag}: {ended:?}");
                world
                    .promotion()
                    .run(Run::new())
                    .await
                    .unwrap_or_else(|error| panic!("{context}: then {error}"));
                crate::crash::converged(&world, &context).await;
            }
            assert!(tried > 40, "only {tried}");
        }
    }
}
