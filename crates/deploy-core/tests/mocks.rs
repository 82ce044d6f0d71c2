//! Every trait has a mock, and each mock can be told what to answer.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers too")]

use std::sync::Arc;
use std::time::Duration;

use deploy_core::ancestry::{Ancestry, MockAncestry};
use deploy_core::audit::{AuditRecord, AuditSink, MockAuditSink};
use deploy_core::clock::{MockClock, Timestamp};
use deploy_core::config::{ConfigCapabilities, ConfigStore, MockConfigStore};
use deploy_core::connect::{Connect, MockConnect, MockTunnel};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::MockObserver;
use deploy_core::evidence::Evidence;
use deploy_core::guard::{Answer, MockCheck, MockGate};
use deploy_core::image::{Digest, Reference, Tag};
use deploy_core::inventory::{Inventory, MockInventory, RunningImage};
use deploy_core::journal::{Intent, MockJournal, Phase};
use deploy_core::lock::{MockLock, MockLockGuard};
use deploy_core::manifest::{Bundle, ObjectId, read};
use deploy_core::memory::MemoryTarget;
use deploy_core::outcome::Status;
use deploy_core::plan::{Change, Depth, Plan, PlannedStage};
use deploy_core::registry::{MockRegistry, Registry};
use deploy_core::rollout::Rollout;
use deploy_core::run::{Cancel, Run};
use deploy_core::secret::{MockSecretSource, SecretSource, SecretText};
use deploy_core::source::{MockSource, Source};
use deploy_core::target::{Applied, MockRolloutTarget, Observation, TargetCapabilities};
use futures_util::{StreamExt, TryStreamExt, stream};
use mockall::predicate::eq;

const APP: &[u8] = b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}";

fn bundle() -> Bundle {
    Bundle::builder().objects(read("app.yaml", APP).unwrap()).build().unwrap()
}

/// Lock and journal are asked in the order that keeps a run safe, and the observer hears of it.
#[tokio::test]
async fn a_run_over_mocks() {
    let mut order = mockall::Sequence::new();
    let (mut gate, mut lock, mut journal, mut check) =
        (MockGate::new(), MockLock::new(), MockJournal::new(), MockCheck::new());
    let yes = || Ok(Answer::Yes { grounds: "said so".into() });
    gate.expect_ask().once().in_sequence(&mut order).returning(move |_| yes());
    lock.expect_acquire().once().in_sequence(&mut order).returning(|name, holder| {
        assert_eq!((name, holder), ("shop", "runner-1"));
        let mut guard = MockLockGuard::new();
        guard.expect_lost().returning(Cancel::new);
        guard.expect_release().once().returning(|| Ok(()));
        Ok(Box::new(guard))
    });
    journal.expect_load().once().in_sequence(&mut order).returning(|_| Ok(None));
    let saves = |phase| move |_: &str, intent: &Intent| intent.phase == phase;
    journal
        .expect_save()
        .withf(saves(Phase::Applying))
        .once()
        .in_sequence(&mut order)
        .returning(|_, _| Ok(()));
    check.expect_check().once().in_sequence(&mut order).returning(move |_| yes());
    journal.expect_clear().once().in_sequence(&mut order).returning(|_| Ok(()));
    let mut observer = MockObserver::new();
    observer.expect_observe().times(4..).return_const(());

    let outcome = Rollout::new(Arc::new(MemoryTarget::new()))
        .gate(Arc::new(gate))
        .lock(Arc::new(lock))
        .journal(Arc::new(journal))
        .check(Arc::new(check))
        .holder("runner-1")
        .run(&bundle(), Run::new().named("shop").observer(Arc::new(observer)))
        .await
        .unwrap();
    assert_eq!(outcome.status, Status::Healthy);
}

#[tokio::test]
async fn a_clock() {
    let mut clock = MockClock::new();
    clock.expect_now().return_const(Timestamp::UNIX_EPOCH);
    clock.expect_sleep().with(eq(Duration::from_secs(1))).once().returning(|_| ());
    let run = Run::on_clock(Arc::new(clock));
    assert_eq!(run.now(), Timestamp::UNIX_EPOCH);
    run.clock().sleep(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_target() {
    let mut target = MockRolloutTarget::new();
    target.expect_describe().return_const("a mock");
    target.expect_capabilities().returning(|| TargetCapabilities::caller_driven(Depth::Fields));
    target.expect_plan().once().returning(|bundle, run| {
        Ok(Plan::new(run.id().clone(), bundle.digest().to_string(), Depth::Fields, Vec::new(), Vec::new()))
    });
    let rollout = Rollout::new(Arc::new(target)).dry_run(true);
    assert_eq!(rollout.run(&bundle(), Run::new()).await.unwrap().status, Status::Planned);
}

/// What cannot be completed stays as it is: nothing healthy is undone for it, and the journal says so before. It is told why, and what would
/// still run for it is stopped, once its evidence is gathered.
#[tokio::test]
async fn what_cannot_be_completed() {
    let check = async |finish: fn() -> Result<Observation>, status: Status, is_unwell: bool| {
        let mut order = mockall::Sequence::new();
        let (mut target, mut journal) = (MockRolloutTarget::new(), MockJournal::new());
        target.expect_describe().return_const("a mock");
        target.expect_capabilities().returning(|| TargetCapabilities::caller_driven(Depth::Fields));
        target.expect_plan().returning(|bundle, run| {
            let app = bundle.objects()[0].clone();
            let changes = vec![Change::create(app.clone(), app.clone()), Change::delete(app)];
            let stage = PlannedStage { changes: vec![0], gates: vec![] };
            Ok(Plan::new(run.id().clone(), "sha256:0".into(), Depth::Fields, changes, vec![stage]))
        });
        target.expect_apply().returning(|_, _| Ok(Applied::default()));
        target.expect_observe().returning(|_, _| Ok(Observation::Healthy));
        journal.expect_load().returning(|_| Ok(None));
        let saves = |phase| move |_: &str, intent: &Intent| intent.phase == phase;
        journal
            .expect_save()
            .withf(saves(Phase::Applying))
            .once()
            .in_sequence(&mut order)
            .returning(|_, _| Ok(()));
        target.expect_begin().once().in_sequence(&mut order).returning(|_, _| Ok(()));
        journal.expect_clear().once().in_sequence(&mut order).returning(|_| Ok(()));
        target.expect_finish().once().in_sequence(&mut order).returning(move |plan, _| {
            assert_eq!(plan.deletions().count(), 1);
            finish()
        });
        target.expect_diagnose().times(usize::from(is_unwell)).in_sequence(&mut order).returning(
            |applied, _, _| {
                assert_eq!(applied.objects.len(), 1, "what was to be deleted");
                let mut evidence = Evidence::default();
                evidence.gaps.push("told".to_owned());
                Ok(evidence)
            },
        );
        let fails = usize::from(status != Status::Healthy);
        target.expect_fail().times(fails).in_sequence(&mut order).returning(|_, _, _| Ok(()));
        let rollout = Rollout::new(Arc::new(target)).journal(Arc::new(journal));
        let outcome = rollout.run(&bundle(), Run::new().named("shop")).await.unwrap();
        assert_eq!((outcome.status, outcome.cause.is_some()), (status, status != Status::Healthy));
        assert_eq!(!outcome.evidence.is_empty(), is_unwell);
    };
    check(|| Ok(Observation::Healthy), Status::Healthy, false).await;
    check(|| Ok(Observation::Cancelled), Status::Incomplete, false).await;
    check(|| Ok(Observation::TimedOut { waiting: Vec::new() }), Status::Incomplete, true).await;
    check(|| Err(Error::new(ErrorKind::Forbidden, "no")), Status::Incomplete, false).await;
}

#[tokio::test]
async fn a_registry() {
    let mut registry = MockRegistry::new();
    let digest = Digest::sha256(b"x");
    let answer = digest.clone();
    registry.expect_resolve().returning(move |_| Ok(answer.clone()));
    registry.expect_tags().returning(|_| stream::iter([Ok(Tag::latest())]).boxed());
    let image: Reference = "registry.example/api:v1".parse().unwrap();
    assert_eq!(registry.resolve(&image).await.unwrap(), digest);
    let tags: Vec<Tag> = registry.tags(image.repository()).try_collect().await.unwrap();
    assert_eq!(tags, [Tag::latest()]);
}

#[tokio::test]
async fn stores_and_sources() {
    let mut store = MockConfigStore::new();
    store.expect_capabilities().returning(ConfigCapabilities::full);
    store.expect_get().returning(|_| Ok(None));
    assert!(store.capabilities().history && store.get("api/tag").await.unwrap().is_none());

    let mut source = MockSource::new();
    source.expect_load().returning(|| read("app.yaml", APP));
    assert_eq!(source.load().await.unwrap()[0].name(), "app");

    let mut secrets = MockSecretSource::new();
    secrets.expect_get().returning(|name| Ok(SecretText::new(name)));
    assert_eq!(secrets.get("a").await.unwrap().reveal(), "a");

    let mut audit = MockAuditSink::new();
    audit.expect_record().returning(|_| Err(Error::new(ErrorKind::Unavailable, "disk full")));
    assert!(audit.record(&AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop")).await.is_err());
}

#[tokio::test]
async fn what_adapters_need_of_each_others_worlds() {
    let mut ancestry = MockAncestry::new();
    ancestry.expect_is_ancestor().returning(|ancestor, descendant| Ok(ancestor < descendant));
    assert!(ancestry.is_ancestor("a", "b").await.unwrap());
    ancestry.expect_order().returning(|_, commits| Ok(commits.iter().map(|_| None).collect()));
    assert_eq!(ancestry.order("b", &["a".into()]).await.unwrap(), [None]);

    let service = ObjectId::new("", "Service", Some("shop"), "api");
    let mut connect = MockConnect::new();
    connect.expect_connect().returning(|_, port| {
        let mut tunnel = MockTunnel::new();
        tunnel.expect_address().return_const(([127, 0, 0, 1], port + 8000));
        Ok(Box::new(tunnel))
    });
    assert_eq!(connect.connect(&service, 80).await.unwrap().address().port(), 8080);

    let mut inventory = MockInventory::new();
    inventory
        .expect_running()
        .returning(move |_| Ok(vec![RunningImage::new(service.clone(), "api", "api:v1")]));
    assert_eq!(inventory.running("shop").await.unwrap().len(), 1);
}
