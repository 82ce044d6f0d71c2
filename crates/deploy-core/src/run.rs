//! What belongs to one run of a deployment: its id, its policy, its clock, its observer, and the way to stop it.
//!
//! ```
//! use deploy_core::run::{Cancel, Policy, Run};
//! use std::time::Duration;
//!
//! let run = Run::new().named("shop").git_revision("4f1c2d9").policy(Policy::default().timeout(Duration::from_secs(60)));
//! let stop: Cancel = run.cancel().clone();
//! stop.cancel();
//! assert!(run.cancel().is_cancelled());
//! ```

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::select_all;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use crate::clock::{Clock, SystemClock, Timestamp};
use crate::error::{Error, ErrorKind, Result};
use crate::event::{Event, EventKind, Observer, Silent};
use crate::health::Patience;

/// Names one run of a deployment, as in `20261121-095312-7f3a9c`: sortable by time, unique by chance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct DeploymentId(String);

impl DeploymentId {
    /// A new id for a run that starts at `now`.
    pub fn new(now: Timestamp) -> Self {
        let time: String = now.to_string().chars().take(19).filter(char::is_ascii_digit).collect();
        let (day, time) = time.split_at_checked(8).unwrap_or((&time, ""));
        Self(format!("{day}-{time}-{:06x}", fastrand::u32(..0x0100_0000)))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for DeploymentId {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Display for DeploymentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What to do when a rollout fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum OnFailure {
    /// Bring back what the plan saw (the default).
    #[default]
    RollBack,
    /// Leave everything as it is, for a person to look at.
    Leave,
}

/// How long to wait, how patient to be, and what to do on failure.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Policy {
    /// How long the rollout may take from its first write until it is healthy. Default 5 min.
    pub timeout: Duration,
    /// How long the way back may take. Default 2 min.
    pub rollback_timeout: Duration,
    /// When a bad sign is hopeless.
    pub patience: Patience,
    /// What to do when the rollout fails.
    pub on_failure: OnFailure,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(300),
            rollback_timeout: Duration::from_secs(120),
            patience: Patience::default(),
            on_failure: OnFailure::default(),
        }
    }
}

impl Policy {
    /// Sets [`Policy::timeout`].
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets [`Policy::rollback_timeout`].
    #[must_use]
    pub fn rollback_timeout(mut self, timeout: Duration) -> Self {
        self.rollback_timeout = timeout;
        self
    }

    /// Sets [`Policy::patience`].
    #[must_use]
    pub fn patience(mut self, patience: Patience) -> Self {
        self.patience = patience;
        self
    }

    /// Sets [`Policy::on_failure`].
    #[must_use]
    pub fn on_failure(mut self, on_failure: OnFailure) -> Self {
        self.on_failure = on_failure;
        self
    }
}

/// One run: handed to every step of a [`RolloutTarget`](crate::target::RolloutTarget).
#[derive(Clone)]
pub struct Run {
    id: DeploymentId,
    name: Option<String>,
    git_revision: Option<String>,
    policy: Policy,
    deadline: Option<Timestamp>,
    clock: Arc<dyn Clock>,
    observer: Arc<dyn Observer>,
    cancel: Cancel,
}

impl Run {
    /// A run on the machine's clock, with the default policy, that nobody watches.
    pub fn new() -> Self {
        Self::on_clock(Arc::new(SystemClock::new()))
    }

    /// A run on `clock`.
    pub fn on_clock(clock: Arc<dyn Clock>) -> Self {
        Self {
            id: DeploymentId::new(clock.now()),
            name: None,
            git_revision: None,
            policy: Policy::default(),
            deadline: None,
            clock,
            observer: Arc::new(Silent),
            cancel: Cancel::new(),
        }
    }

    /// Takes the id of a run that was begun before, perhaps by another process, to go on with it.
    #[must_use]
    pub fn with_id(mut self, id: DeploymentId) -> Self {
        self.id = id;
        self
    }

    /// Names the run: the application, which lock and journal hang on.
    #[must_use]
    pub fn named(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the git revision that the written objects are annotated with.
    #[must_use]
    pub fn git_revision(mut self, revision: impl Into<String>) -> Self {
        self.git_revision = Some(revision.into());
        self
    }

    /// Sets the policy.
    #[must_use]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// The same run, of which what is left may take `timeout` from now on: hooks, writes and waiting all end at one moment.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.deadline = Some(self.now() + timeout);
        self.policy.timeout = timeout;
        self
    }

    /// Sets who is told of the events.
    #[must_use]
    pub fn observer(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = observer;
        self
    }

    /// The same run, with `observer` told too.
    pub(crate) fn also_observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.observer = Arc::new(Both(self.observer, observer));
        self
    }

    /// Sets what stops the run.
    #[must_use]
    pub fn cancelled_by(mut self, cancel: Cancel) -> Self {
        self.cancel = cancel;
        self
    }

    /// The run's id.
    pub fn id(&self) -> &DeploymentId {
        &self.id
    }

    /// The run's name.
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The git revision deployed.
    pub fn revision(&self) -> Option<&str> {
        self.git_revision.as_deref()
    }

    /// How long, how patient, and what on failure.
    pub fn rules(&self) -> &Policy {
        &self.policy
    }

    /// The clock.
    pub fn clock(&self) -> &dyn Clock {
        &*self.clock
    }

    /// The time now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// When a step is to be done: at the moment that [`within`](Self::within) set, else the policy's timeout from now.
    pub fn deadline(&self) -> Timestamp {
        self.deadline.unwrap_or_else(|| self.now() + self.policy.timeout)
    }

    /// What stops the run.
    pub fn cancel(&self) -> &Cancel {
        &self.cancel
    }

    /// Does `work`, which may take until the deadline.
    pub(crate) async fn bounded<T>(&self, what: &str, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = work => result,
            () = self.clock().sleep_until(self.deadline()) => {
                Err(Error::new(ErrorKind::Timeout, "no answer in time").during(what))
            }
        }
    }

    /// Tells the observer.
    pub fn emit(&self, kind: EventKind) {
        self.observer.observe(&Event { at: self.now(), kind });
    }
}

struct Both(Arc<dyn Observer>, Arc<dyn Observer>);

impl Observer for Both {
    fn observe(&self, event: &Event) {
        self.0.observe(event);
        self.1.observe(event);
    }
}

impl Default for Run {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

/// A request to stop, seen by all clones. Stopping is cooperative: a step finishes the request it has sent, then returns.
#[derive(Clone, Debug)]
pub struct Cancel {
    own: Arc<watch::Sender<bool>>,
    others: Vec<Arc<watch::Sender<bool>>>,
}

impl Cancel {
    /// Not cancelled yet.
    pub fn new() -> Self {
        Self { own: Arc::new(watch::Sender::new(false)), others: Vec::new() }
    }

    /// One that is cancelled as soon as this one, the other one, or itself is; cancelling it reaches neither of them.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self { others: self.all().chain(other.all()).cloned().collect(), ..Self::new() }
    }

    /// Asks to stop; again is harmless.
    pub fn cancel(&self) {
        self.own.send_replace(true);
    }

    /// Whether somebody asked to stop.
    pub fn is_cancelled(&self) -> bool {
        self.all().any(|each| *each.borrow())
    }

    /// Returns when somebody asks to stop. Cancel safe.
    pub async fn cancelled(&self) {
        let one = |each: &Arc<watch::Sender<bool>>| {
            let mut receiver = each.subscribe();
            // The sender lives as long as `self`, so waiting cannot fail.
            async move { drop(receiver.wait_for(|cancelled| *cancelled).await) }.boxed()
        };
        select_all(self.all().map(one)).await;
    }

    fn all(&self) -> impl Iterator<Item = &Arc<watch::Sender<bool>>> {
        std::iter::once(&self.own).chain(&self.others)
    }
}

impl Default for Cancel {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time() {
        let id = DeploymentId::new("2026-11-21T09:53:12.5Z".parse().unwrap());
        assert!(id.as_str().starts_with("20261121-095312-"), "{id}");
        assert_eq!(id.as_str().len(), "20261121-095312-7f3a9c".len());
    }

    #[tokio::test]
    async fn cancelling_wakes_all_clones() {
        let cancel = Cancel::new();
        let waiting = tokio::spawn({
            let cancel = cancel.clone();
            async move { cancel.cancelled().await }
        });
        cancel.cancel();
        waiting.await.unwrap();
        cancel.cancelled().await;
    }

    #[tokio::test]
    async fn either_is_enough_and_neither_is_reached() {
        let (left, right) = (Cancel::new(), Cancel::new());
        let both = left.or(&right);
        let three = both.or(&Cancel::new());
        assert!(!three.is_cancelled());
        both.cancel();
        three.cancelled().await;
        assert!(!left.is_cancelled() && !right.is_cancelled());
        let again = left.or(&right);
        assert!(!again.is_cancelled());
        right.cancel();
        assert!(again.is_cancelled());
        again.cancelled().await;
    }
}
