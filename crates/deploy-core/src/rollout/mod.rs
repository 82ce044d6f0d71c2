//! The driver: walks the road from a bundle to an outcome, and back when it fails.
//!
//! plan ─► journal ─► apply ─► observe ─► verify ─► outcome, under a lock where the run has a name. Whatever it finds of an
//! interrupted run of that name is finished (the same bundle) or undone (another one) first.
//!
//! ```
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_core::memory::{MemoryJournal, MemoryLock, MemoryTarget};
//! use deploy_core::outcome::Status;
//! use deploy_core::{rollout::Rollout, run::Run};
//! use std::sync::Arc;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let bundle = Bundle::builder().objects(read("app.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}}")?).build()?;
//! let outcome = Rollout::new(Arc::new(MemoryTarget::new()))
//!     .lock(Arc::new(MemoryLock::new()))
//!     .journal(Arc::new(MemoryJournal::new()))
//!     .run(&bundle, Run::new().named("shop"))
//!     .await?;
//! assert_eq!(outcome.status, Status::Healthy);
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod attempt;
mod back;
pub(crate) mod held;
mod intent;
mod recover;
mod revision;
pub(crate) mod verify;

use std::sync::Arc;

use crate::error::{Error, ErrorKind, Result};
use crate::event::{EventKind, Recorder};
use crate::guard::{Answer, Check, Gate, Subject};
use crate::journal::{Intent, Journal};
use crate::lock::{Lock, check_name};
use crate::manifest::Bundle;
use crate::outcome::{Cause, Outcome, RollbackReport, Status};
use crate::plan::{Action, Plan};
use crate::preflight::Preflight;
use crate::run::{Cancel, OnFailure, Run};
use crate::source::Derive;
use crate::target::{Applied, AppliedObject, Drives, RolloutTarget};
use attempt::Attempt;
use held::{Held, cancelled, lost_or_cancelled};
use intent::intent;

/// What is to be rolled out.
#[derive(Clone, Copy)]
enum Desired<'a> {
    Bundle(&'a Bundle),
    /// Made once nobody else writes.
    Derived(&'a dyn Derive),
    /// What the target recorded; `None` is the newest good revision before the present.
    Revision(Option<u64>),
}

/// How to roll out: the target, and what lock, journal, gates and checks go with it.
#[derive(Clone)]
pub struct Rollout {
    target: Arc<dyn RolloutTarget>,
    lock: Option<Arc<dyn Lock>>,
    journal: Option<Arc<dyn Journal>>,
    gates: Vec<Arc<dyn Gate>>,
    preflight: Option<Preflight>,
    checks: Vec<Arc<dyn Check>>,
    environment: String,
    holder: String,
    dry_run: bool,
}

impl Rollout {
    /// Rolls out to `target`, without lock or journal: only forward convergence is promised then.
    pub fn new(target: Arc<dyn RolloutTarget>) -> Self {
        Self {
            target,
            lock: None,
            journal: None,
            gates: Vec::new(),
            preflight: None,
            checks: Vec::new(),
            environment: String::new(),
            holder: "unnamed".to_owned(),
            dry_run: false,
        }
    }

    /// Takes this lock by the run's name. A run without a name takes none.
    #[must_use]
    pub fn lock(mut self, lock: Arc<dyn Lock>) -> Self {
        self.lock = Some(lock);
        self
    }

    /// Journals what the plan saw by the run's name. A run without a name journals nothing.
    #[must_use]
    pub fn journal(mut self, journal: Arc<dyn Journal>) -> Self {
        self.journal = Some(journal);
        self
    }

    /// Asks this gate before anything else; all must say yes.
    #[must_use]
    pub fn gate(mut self, gate: Arc<dyn Gate>) -> Self {
        self.gates.push(gate);
        self
    }

    /// Looks at the images of what is rolled out, before gates are asked: a revision that is gone back to, too. It is done for a dry run as
    /// well, because it writes nothing.
    #[must_use]
    pub fn preflight(mut self, preflight: Preflight) -> Self {
        self.preflight = Some(preflight);
        self
    }

    /// Asks this check once all is healthy; a no rolls back.
    #[must_use]
    pub fn check(mut self, check: Arc<dyn Check>) -> Self {
        self.checks.push(check);
        self
    }

    /// Names the environment that gates and checks are asked about. Default: none.
    #[must_use]
    pub fn environment(mut self, environment: impl Into<String>) -> Self {
        self.environment = environment.into();
        self
    }

    /// Says who holds the lock, so that a person can find the run: host, process, pipeline. Default `unnamed`.
    #[must_use]
    pub fn holder(mut self, holder: impl Into<String>) -> Self {
        self.holder = holder.into();
        self
    }

    /// Plans only. Takes no lock and writes nothing.
    #[must_use]
    pub fn dry_run(mut self, dry_run: bool) -> Self {
        self.dry_run = dry_run;
        self
    }

    /// Walks the road.
    ///
    /// Cancelling the run stops it and brings the old state back within [`Policy::rollback_timeout`](crate::run::Policy). Dropping the
    /// future stops it where it is: under a name, the journal stays and the next run finishes or undoes it.
    ///
    /// # Errors
    /// Whatever kept it from starting to write: bad input, a gate's no, [`Locked`](ErrorKind::Locked), a plan that cannot be made.
    /// [`LockLost`](ErrorKind::LockLost) if another run took over; it also finishes or undoes this one.
    /// After the first write, failures are in the [`Outcome`].
    pub async fn run(&self, bundle: &Bundle, run: Run) -> Result<Outcome> {
        self.start(Desired::Bundle(bundle), run).await
    }

    /// Walks the road with a bundle that is made from live objects (as `set image` makes it), once nobody else writes. What an
    /// interrupted run of that name left is undone first, always: it is not what the bundle should be made from. Gates are asked when the
    /// bundle is made.
    ///
    /// # Errors
    /// As [`run`](Self::run), and what keeps the bundle from being made.
    pub async fn run_derived(&self, make: &dyn Derive, run: Run) -> Result<Outcome> {
        self.start(Desired::Derived(make), run).await
    }

    /// Rolls out a revision that the target recorded, as any other bundle: followed, checked, and gone back on when it fails. `None` is the
    /// newest good one before the present. Gates are asked once it is known what it holds.
    ///
    /// # Errors
    /// As [`run`](Self::run); [`Unsupported`](ErrorKind::Unsupported) if the target records no revisions.
    pub async fn run_revision(&self, revision: Option<u64>, run: Run) -> Result<Outcome> {
        self.start(Desired::Revision(revision), run).await
    }

    async fn start(&self, desired: Desired<'_>, run: Run) -> Result<Outcome> {
        let recorder = Arc::new(Recorder::default());
        let run = run.also_observed_by(recorder.clone());
        let started = run.now();
        if let Some(name) = run.name() {
            check_name(name)?;
        }
        if let Desired::Bundle(bundle) = desired {
            self.pass_gates(bundle, &run).await?;
        }
        let mut outcome = match (&self.lock, run.name()) {
            (Some(lock), Some(name)) if !self.dry_run => {
                self.run_locked(&**lock, name, desired, &run).await?
            }
            _ => self.walk(desired, &run, &Cancel::new()).await?,
        };
        outcome.name = run.name().map(str::to_owned);
        outcome.git_revision = run.revision().map(str::to_owned);
        outcome.started = started;
        outcome.took = run.now().since(started);
        outcome.timeline = recorder.events();
        Ok(outcome)
    }

    /// Undoes what an interrupted run of this name left, and does nothing else. A target that keeps its own way back does so with its next
    /// run.
    ///
    /// # Errors
    /// As [`run`](Self::run), before anything is written.
    pub async fn recover(&self, run: Run) -> Result<()> {
        let Some(name) = run.name() else { return Ok(()) };
        check_name(name)?;
        let undo = async |run: &Run, lost: &Cancel| {
            // Whatever is wanted, it is not what was interrupted.
            self.interrupted(Desired::Revision(None), run, lost).await.map(drop)
        };
        let Some(lock) = &self.lock else { return undo(&run, &Cancel::new()).await };
        let held = Held::take(&**lock, name, &self.holder, &run).await?;
        let result = held.during(undo(&held.run, &held.lost)).await;
        held.release().await;
        result
    }

    pub(crate) fn lock_kept(&self) -> Option<&dyn Lock> {
        self.lock.as_deref()
    }

    pub(crate) fn journal_kept(&self) -> Option<&dyn Journal> {
        self.journal.as_deref()
    }

    async fn pass_gates(&self, bundle: &Bundle, run: &Run) -> Result<()> {
        if let Some(preflight) = &self.preflight {
            tokio::select! {
                report = preflight.check(bundle) => report?.into_result()?,
                () = run.cancel().cancelled() => return Err(cancelled()),
            }
        }
        if self.dry_run {
            return Ok(());
        }
        let subject = self.subject(bundle, run);
        for gate in &self.gates {
            let answer = tokio::select! {
                answer = gate.ask(&subject) => answer,
                () = run.cancel().cancelled() => Err(cancelled()),
            };
            let error = match answer {
                Ok(Answer::Yes { .. }) => continue,
                Ok(Answer::No { why }) => Error::new(ErrorKind::Forbidden, why),
                Err(error) => error,
            };
            return Err(error.during("gate").on(gate.describe()));
        }
        Ok(())
    }

    fn subject(&self, bundle: &Bundle, run: &Run) -> Subject {
        Subject {
            environment: self.environment.clone(),
            name: run.name().map(str::to_owned),
            images: bundle.images().iter().map(|used| used.image.to_string()).collect(),
            before: Vec::new(),
            git_revision: run.revision().map(str::to_owned),
        }
    }

    async fn run_locked(
        &self,
        lock: &dyn Lock,
        name: &str,
        desired: Desired<'_>,
        run: &Run,
    ) -> Result<Outcome> {
        let held = Held::take(lock, name, &self.holder, run).await?;
        let result = held.during(Box::pin(self.walk(desired, &held.run, &held.lost))).await;
        held.release().await;
        result
    }

    /// The road itself, once nobody else is on it.
    async fn walk(&self, desired: Desired<'_>, run: &Run, lost: &Cancel) -> Result<Outcome> {
        let interrupted = self.interrupted(desired, run, lost).await?;
        let derived;
        let (bundle, plan) = match desired {
            Desired::Bundle(bundle) => (bundle, self.target.plan(bundle, run).await?),
            Desired::Derived(make) => {
                derived = make.derive().await?;
                self.pass_gates(&derived, run).await?;
                (&derived, self.target.plan(&derived, run).await?)
            }
            Desired::Revision(revision) => {
                let plan = self.target.plan_revision(revision, run).await?;
                derived = wanted(&plan)?;
                self.pass_gates(&derived, run).await?;
                (&derived, plan)
            }
        };
        run.emit(EventKind::Planned {
            create: plan.count(Action::Create),
            update: plan.count(Action::Update),
            unchanged: plan.count(Action::Unchanged),
            delete: plan.count(Action::Delete),
        });
        if self.dry_run {
            return Ok(self.outcome(&plan, Status::Planned).with_unified(&plan));
        }
        if run.cancel().is_cancelled() {
            return Err(lost_or_cancelled(lost));
        }
        let intent = intent(interrupted, &plan, run);
        if !intent.before.entries.is_empty() {
            self.save(&intent, run).await?;
        }
        self.target.begin(&plan, run).await?;
        let attempt = self.attempt(&plan, bundle, run).await;
        if lost.is_cancelled() {
            return Err(lost_or_cancelled(lost));
        }
        self.conclude(&plan, intent, attempt, run, lost).await
    }

    /// What follows from how the attempt came out.
    async fn conclude(
        &self,
        plan: &Plan,
        intent: Intent,
        attempt: Attempt,
        run: &Run,
        lost: &Cancel,
    ) -> Result<Outcome> {
        let Some(cause) = attempt.cause else {
            self.settle(intent, plan, run).await;
            return Ok(self.complete(plan, run).await);
        };
        if matches!(cause, Cause::Cancelled) {
            run.emit(EventKind::Cancelled);
        }
        let mut outcome = self.outcome(plan, Status::Failed);
        outcome.evidence = attempt.evidence;
        let ours = self.record_failure(plan, &cause, run).await;
        let capabilities = self.target.capabilities();
        let (remote, leave) =
            (capabilities.drives == Drives::Remote, run.rules().on_failure == OnFailure::Leave);
        let nothing_written = intent.before.entries.is_empty();
        // What the far side had found healthy, it has not undone.
        let by_revision = capabilities.goes_back_by_revision() || (remote && capabilities.revisions);
        let nothing_to_undo =
            if remote { !attempt.healthy || !by_revision } else { nothing_written && !by_revision };
        if let Some(report) = attempt.undone {
            outcome.status = back_or_not(&report);
            outcome.rollback = Some(report);
        } else if leave || !ours || nothing_to_undo {
            self.settle(intent, plan, run).await;
        } else {
            run.emit(EventKind::RollingBack { cause: cause.to_string() });
            let report = if by_revision {
                self.go_back_by_revision(run, lost).await?
            } else {
                self.go_back(intent, run, lost).await?
            };
            outcome.status = back_or_not(&report);
            outcome.rollback = Some(report);
        }
        outcome.cause = Some(cause);
        Ok(outcome)
    }

    /// The last step, after which nothing is undone any more: the journal says so already.
    async fn complete(&self, plan: &Plan, run: &Run) -> Outcome {
        let run = &run.clone().within(run.rules().timeout);
        let mut deleted = Applied::default();
        deleted.objects.extend(
            plan.deletions()
                .map(|change| AppliedObject::deleted(change.id.clone(), change.desired.api_version())),
        );
        let finished = self.target.finish(plan, run).await;
        let attempt = self.judged(&deleted, finished, run).await;
        let Some(cause) = attempt.cause else { return self.outcome(plan, Status::Healthy) };
        if matches!(cause, Cause::Cancelled) {
            run.emit(EventKind::Cancelled);
        }
        // After the evidence: what it stops can tell nothing more.
        self.record_failure(plan, &cause, run).await;
        let mut outcome = self.outcome(plan, Status::Incomplete);
        outcome.evidence = attempt.evidence;
        outcome.cause = Some(cause);
        outcome
    }

    fn outcome(&self, plan: &Plan, status: Status) -> Outcome {
        Outcome::of(plan, status, self.target.describe())
    }
}

fn back_or_not(report: &RollbackReport) -> Status {
    let back = report.left.is_empty() && report.unhealthy.is_none();
    if back { Status::RolledBack } else { Status::RollbackFailed }
}

/// What a plan wants to stand.
fn wanted(plan: &Plan) -> Result<Bundle> {
    let wanted = plan.changes.iter().filter(|change| change.action != Action::Delete);
    Bundle::builder().objects(wanted.map(|change| change.desired.clone())).build()
}

impl From<Error> for Cause {
    fn from(error: Error) -> Self {
        if error.kind() == ErrorKind::Cancelled { Self::Cancelled } else { Self::Error { error } }
    }
}
