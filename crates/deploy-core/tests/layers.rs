//! What layers do when calls fail, on paused time.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers too")]

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::audit::{AuditRecord, AuditSink, MockAuditSink};
use deploy_core::clock::{SystemClock, Timestamp};
use deploy_core::config::{
    ConfigCapabilities, ConfigStore, Edit, Entry, Expect, MockConfigStore, Note, PastEntry, Version,
};
use deploy_core::error::{self, Error, ErrorKind, Result};
use deploy_core::image::{Reference, Tag};
use deploy_core::journal::{Intent, Journal};
use deploy_core::layer::{Backoff, RateLimit, Retry, Timeout};
use deploy_core::lock::{Lock, MockLock};
use deploy_core::memory::{
    Faults, Faulty, MemoryConfigStore, MemoryJournal, MemoryLock, MemoryRegistry, MemorySecrets,
};
use deploy_core::plan::Snapshot;
use deploy_core::registry::Registry;
use deploy_core::run::Run;
use deploy_core::secret::{MockSecretSource, SecretSource, SecretText};
use futures_util::TryStreamExt;
use proptest::prelude::*;
use tokio::time::Instant;

fn clock() -> Arc<SystemClock> {
    Arc::new(SystemClock::new())
}

fn retry<T>(inner: Arc<T>) -> Retry<T> {
    let backoff = Backoff::default().attempts(4).first(Duration::from_secs(1));
    Retry::new(inner, clock(), backoff).chance(|| 1.0)
}

fn secrets(faults: &Faults) -> Arc<Faulty<MemorySecrets>> {
    Arc::new(Faulty::new(Arc::new(MemorySecrets::new([("a", "1")])), faults.clone()))
}

fn store(faults: &Faults) -> (MemoryConfigStore, Arc<Faulty<MemoryConfigStore>>) {
    let memory = MemoryConfigStore::new();
    (memory.clone(), Arc::new(Faulty::new(Arc::new(memory), faults.clone())))
}

async fn versions(store: &MemoryConfigStore) -> Vec<Option<String>> {
    store.history("a", 10).await.unwrap().into_iter().map(|past| past.value).collect()
}

#[tokio::test(start_paused = true)]
async fn a_read_is_tried_again_with_growing_waits() {
    let faults = Faults::new();
    // A failure before the effect takes one step.
    for step in 0..3 {
        faults.fail_at(step, ErrorKind::Unavailable);
    }
    let start = Instant::now();
    assert_eq!(retry(secrets(&faults)).get("a").await.unwrap().reveal(), "1");
    assert_eq!(start.elapsed(), Duration::from_secs(1 + 2 + 4));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_keeps_failing_is_exhausted() {
    let faults = Faults::new();
    for step in 0..4 {
        faults.fail_at(step, ErrorKind::Unavailable);
    }
    let error = retry(secrets(&faults)).get("a").await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::Unavailable, error::Retry::Exhausted));
    assert_eq!(faults.steps(), 4);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_pass_is_not_tried_again() {
    for kind in [ErrorKind::Forbidden, ErrorKind::NotFound, ErrorKind::OutcomeUnknown] {
        let faults = Faults::new();
        faults.fail_at(0, kind);
        assert_eq!(retry(secrets(&faults)).get("a").await.unwrap_err().kind(), kind);
        assert_eq!(faults.steps(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn the_far_sides_own_wait_is_kept() {
    let calls = AtomicUsize::new(0);
    let mut inner = MockSecretSource::new();
    inner.expect_get().times(2).returning(move |name| match calls.fetch_add(1, Ordering::Relaxed) {
        0 => {
            let after = Some(Duration::from_secs(20));
            Err(Error::new(ErrorKind::Unavailable, "too many requests")
                .with_retry(error::Retry::Later { after }))
        }
        _ => Ok(SecretText::new(name)),
    });
    let start = Instant::now();
    retry(Arc::new(inner)).get("a").await.unwrap();
    assert_eq!(start.elapsed(), Duration::from_secs(20));
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_looked_up_and_the_effect_not_doubled() {
    let faults = Faults::new();
    let (memory, store) = store(&faults);
    faults.fail_at(1, ErrorKind::OutcomeUnknown);
    let edit = Edit::put("a", "1").expecting(Expect::Absent);
    retry(store).set(&[edit], &Note::default()).await.unwrap();
    assert_eq!(versions(&memory).await, [Some("1".to_owned())]);
    assert_eq!(faults.steps(), 4, "set, then get, and no second set");
}

#[tokio::test(start_paused = true)]
async fn a_lost_request_is_sent_again() {
    let faults = Faults::new();
    let (memory, store) = store(&faults);
    faults.fail_at(0, ErrorKind::OutcomeUnknown);
    retry(store).set(&[Edit::put("a", "1")], &Note::default()).await.unwrap();
    assert_eq!(versions(&memory).await, [Some("1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_looked_up_stays_unknown() {
    let faults = Faults::new();
    let (_, store) = store(&faults);
    for (step, kind) in [(1, ErrorKind::OutcomeUnknown), (2, ErrorKind::Forbidden)] {
        faults.fail_at(step, kind);
    }
    let error = retry(store).set(&[Edit::put("a", "1")], &Note::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(faults.steps(), 3, "nothing was sent again");
}

#[tokio::test(start_paused = true)]
async fn a_lookup_that_fails_is_tried_again_before_anything_is_sent() {
    let faults = Faults::new();
    let (memory, store) = store(&faults);
    for (step, kind) in
        [(1, ErrorKind::OutcomeUnknown), (2, ErrorKind::Unavailable), (3, ErrorKind::Unavailable)]
    {
        faults.fail_at(step, kind);
    }
    retry(store).set(&[Edit::put("a", "1")], &Note::default()).await.unwrap();
    assert_eq!(versions(&memory).await, [Some("1".to_owned())]);
}

/// The lost request arrives after the lookup, so that the second one conflicts with the first.
#[tokio::test(start_paused = true)]
async fn a_conflict_with_our_own_late_request_is_a_success() {
    let (gets, mut inner) = (AtomicUsize::new(0), MockConfigStore::new());
    let mut sets = 0;
    inner.expect_set().times(2).returning(move |_, _| {
        sets += 1;
        let kind = if sets == 1 { ErrorKind::OutcomeUnknown } else { ErrorKind::Conflict };
        Err(Error::new(kind, "as asked"))
    });
    inner.expect_get().times(2).returning(move |_| {
        let version = Version::new("1");
        let late = Entry { value: "1".into(), version };
        Ok((gets.fetch_add(1, Ordering::Relaxed) > 0).then_some(late))
    });
    let edit = Edit::put("a", "1").expecting(Expect::Absent);
    retry(Arc::new(inner)).set(&[edit], &Note::default()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_conflict_is_not_tried_again() {
    let faults = Faults::new();
    let (memory, store) = store(&faults);
    memory.set(&[Edit::put("a", "1")], &Note::default()).await.unwrap();
    let edit = Edit::put("a", "1").expecting(Expect::Absent);
    let error = retry(store).set(&[edit], &Note::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict, "that the value stands is not ours");
    assert_eq!(faults.steps(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_line_that_cannot_be_looked_up_is_recorded_once_at_most() {
    let mut sink = MockAuditSink::new();
    sink.expect_record()
        .times(1)
        .returning(|_| Err(Error::new(ErrorKind::OutcomeUnknown, "connection reset")));
    let line = AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop");
    let error = retry(Arc::new(sink)).record(&line).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
}

#[tokio::test(start_paused = true)]
async fn a_journal_is_saved_and_cleared_through_lost_answers() {
    for step in 0..2 {
        let (faults, memory) = (Faults::new(), MemoryJournal::new());
        let journal = retry(Arc::new(Faulty::new(Arc::new(memory.clone()), faults.clone())));
        let intent = Intent::new(&Run::new(), "sha256:0".into(), Snapshot::default());
        faults.fail_at(step, ErrorKind::OutcomeUnknown);
        journal.save("shop", &intent).await.unwrap();
        assert!(memory.load("shop").await.unwrap().is_some());
        faults.reset();
        faults.fail_at(step, ErrorKind::OutcomeUnknown);
        journal.clear("shop").await.unwrap();
        assert!(memory.is_empty());
    }
}

#[tokio::test(start_paused = true)]
async fn a_listing_goes_on_where_it_broke_and_shows_nothing_twice() {
    let (faults, memory) = (Faults::new(), MemoryRegistry::new());
    let image: Reference = "registry.example/api:v1".parse().unwrap();
    for number in 1..=9 {
        let tag: Tag = format!("v{number}").parse().unwrap();
        memory.put(&Reference::tagged(image.repository().clone(), tag), "4f1c2d9");
    }
    let registry = retry(Arc::new(Faulty::new(Arc::new(memory), faults.clone())));
    for step in [0, 5, 14] {
        faults.fail_at(step, ErrorKind::Unavailable);
    }
    let tags: Vec<Tag> = registry.tags(image.repository()).try_collect().await.unwrap();
    let names: Vec<&str> = tags.iter().map(Tag::as_str).collect();
    assert_eq!(names, ["v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9"]);
}

#[tokio::test(start_paused = true)]
async fn a_read_times_out_and_a_write_is_unknown() {
    let faults = Faults::new();
    let (memory, store) = store(&faults);
    let limited = Timeout::new(store, clock(), Duration::from_secs(30));
    let start = Instant::now();

    faults.die_at(0);
    let error = limited.get("a").await.unwrap_err();
    assert_eq!((error.kind(), start.elapsed().as_secs()), (ErrorKind::Timeout, 30));
    assert_eq!(error.to_string(), "no answer within 30 s");

    faults.reset();
    faults.die_at(1);
    let error = limited.set(&[Edit::put("a", "1")], &Note::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(versions(&memory).await, [Some("1".to_owned())], "it had its effect, as it may");
}

#[tokio::test(start_paused = true)]
async fn a_listing_that_stops_times_out_once() {
    let (faults, memory) = (Faults::new(), MemoryRegistry::new());
    let image: Reference = "registry.example/api:v1".parse().unwrap();
    memory.put(&image, "4f1c2d9");
    faults.die_at(1);
    let registry =
        Timeout::new(Arc::new(Faulty::new(Arc::new(memory), faults)), clock(), Duration::from_secs(30));
    let mut tags = registry.tags(image.repository());
    assert_eq!(tags.try_next().await.unwrap().unwrap().as_str(), "v1");
    assert_eq!(tags.try_next().await.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(tags.try_next().await.unwrap().is_none(), "nothing follows an error");
}

#[tokio::test(start_paused = true)]
async fn retry_around_a_timeout_makes_one_change_of_a_silent_answer() {
    let faults = Faults::new();
    let (memory, store) = store(&faults);
    faults.die_at(1);
    let store = retry(Arc::new(Timeout::new(store, clock(), Duration::from_secs(30))));
    store.set(&[Edit::put("a", "1")], &Note::default()).await.unwrap();
    assert_eq!(versions(&memory).await, [Some("1".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn a_lock_whose_answer_was_lost_is_acquired_in_the_end() {
    let memory = MemoryLock::new();
    // What was taken without an answer has no heartbeat.
    drop(memory.acquire("shop", "runner-1").await.unwrap());
    let guard = retry(Arc::new(memory)).acquire("shop", "runner-1").await.unwrap();
    guard.release().await.unwrap();

    let mut locked = MockLock::new();
    locked.expect_acquire().times(1).returning(|name, _| Err(Error::locked(name, "runner-2", None)));
    let error = retry(Arc::new(locked)).acquire("shop", "runner-1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Locked, "it is for the caller to come again");
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_their_turn() {
    let secrets = RateLimit::new(secrets(&Faults::new()), clock(), 2, Duration::from_secs(1));
    let (start, mut starts) = (Instant::now(), Vec::new());
    for _ in 0..5 {
        secrets.get("a").await.unwrap();
        starts.push(start.elapsed().as_secs());
    }
    assert_eq!(starts, [0, 0, 1, 1, 2]);
}

/// What becomes of a call.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Answered,
    Refused,
    RequestLost,
    AnswerLost,
}

/// A store whose calls meet their fates in turn, and are answered after those.
struct Fated {
    memory: MemoryConfigStore,
    fates: Mutex<VecDeque<Fate>>,
}

impl Fated {
    async fn meet<R>(&self, call: impl Future<Output = Result<R>>) -> Result<R> {
        let fate = self.fates.lock().unwrap().pop_front().unwrap_or(Fate::Answered);
        match fate {
            Fate::Answered => call.await,
            Fate::Refused => Err(Error::new(ErrorKind::Unavailable, "busy")),
            Fate::RequestLost => Err(Error::new(ErrorKind::OutcomeUnknown, "connection reset")),
            Fate::AnswerLost => {
                call.await?;
                Err(Error::new(ErrorKind::OutcomeUnknown, "connection reset"))
            }
        }
    }
}

#[async_trait]
impl ConfigStore for Fated {
    fn describe(&self) -> String {
        self.memory.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.memory.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.meet(self.memory.get(key)).await
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        self.meet(self.memory.set(edits, note)).await
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.meet(self.memory.history(key, limit)).await
    }
}

proptest! {
    /// However requests and answers get lost, a set has its effect once, or not at all, or nobody can tell and the error says so.
    #[test]
    fn no_effect_is_doubled(fates in proptest::collection::vec(
        proptest::sample::select(vec![Fate::Answered, Fate::Refused, Fate::RequestLost, Fate::AnswerLost]), 0..8)
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let memory = MemoryConfigStore::new();
            let fated = Fated { memory: memory.clone(), fates: Mutex::new(fates.into()) };
            let edit = Edit::put("a", "1").expecting(Expect::Absent);
            let result = retry(Arc::new(fated)).set(&[edit], &Note::default()).await;
            let versions = versions(&memory).await;
            assert!(versions.len() <= 1, "{versions:?}");
            match result {
                Ok(()) => assert_eq!(versions.len(), 1),
                Err(error) if error.kind() == ErrorKind::OutcomeUnknown => {}
                Err(error) => assert!(versions.is_empty(), "{error}"),
            }
        });
    }
}
