//! What is recorded at each step. Every write is conditional on what was read; that a revision's number can be taken only once is what
//! excludes Helm, so that comes first.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::event::EventKind;
use deploy_core::plan::Plan;
use deploy_core::run::Run;

use super::Release;
use super::draft::{Draft, Purpose, interrupted, shortened};
use super::hook::HookEvent;
use super::record::{Record, ReleaseStatus, Time};
use super::standing::Standing;
use super::store::{Entry, Writer};

impl Release {
    /// Takes the revision's number.
    pub(super) async fn record_pending(&self, plan: &Plan, draft: &Draft, run: &Run) -> Result<()> {
        let Some(record) = &draft.record else { return Ok(()) };
        let by = Writer { run: &plan.deployment, adopts: draft.is_adopting() };
        let created = self.store.create(record, &draft.labels, by, run.now()).await;
        let created = created.map_err(|error| match error.kind() {
            ErrorKind::NotFound => {
                error.help(format!("the namespace \"{}\" must exist: create it first", self.namespace()))
            }
            _ => error,
        })?;
        if created {
            let Err(error) = self.journal_adopted(plan, draft, run).await else { return Ok(()) };
            // Nothing is written yet, and nobody would call the revision failed.
            if let Some(own) = self.store.entry(&self.name, record.version).await? {
                self.fail_record(&own, &draft.purpose.failed(&self.name, &error.to_string()), run).await?;
            }
            return Err(error);
        }
        let taken = self.store.entry(&self.name, record.version).await?;
        Err(match taken.filter(|taken| taken.status.is_pending()) {
            Some(taken) => {
                let since = taken.created().map(|since| since.to_string());
                Error::locked(&self.name, taken.run.as_deref().unwrap_or("helm"), since.as_deref())
            }
            None => self
                .error(ErrorKind::Stale, format!("somebody else recorded revision {}", record.version))
                .help("run again"),
        }
        .during("record the revision"))
    }

    /// The revision is what runs. What stood before stays deployed beside it until it is cleaned up after.
    pub(super) async fn record_deployed(&self, plan: &Plan, draft: &Draft, run: &Run) -> Result<()> {
        let Some(own) = self.own(plan, draft).await? else { return Ok(()) };
        let description = draft.purpose.complete();
        self.store
            .update(&own, run.now(), |record| {
                let changes = record.info.status != ReleaseStatus::Deployed;
                record.info.status = ReleaseStatus::Deployed;
                record.info.description.clone_from(&description);
                Ok(changes)
            })
            .await
    }

    /// Nothing stands of what stood before: its revisions are superseded, and the oldest are forgotten.
    pub(super) async fn record_superseded(&self, draft: &Draft, run: &Run) -> Result<()> {
        for entry in draft.standing.entries() {
            self.supersede(entry, run).await?;
        }
        let Some(record) = &draft.record else { return Ok(()) };
        for entry in draft.standing.forgotten(self.history_max, record.version) {
            match entry.record() {
                Ok(_) => self.store.delete(entry).await?,
                Err(error) => run.emit(stays(&error)),
            }
        }
        Ok(())
    }

    /// What was deployed, or was to go when that was interrupted, is superseded.
    pub(super) async fn supersede(&self, entry: &Entry, run: &Run) -> Result<()> {
        let ended =
            |status: &ReleaseStatus| matches!(status, ReleaseStatus::Deployed | ReleaseStatus::Uninstalling);
        if !ended(&entry.status) {
            return Ok(());
        }
        self.store
            .update(entry, run.now(), |record| {
                let changes = ended(&record.info.status);
                record.info.status = ReleaseStatus::Superseded;
                record.info.deleted = Time::default();
                Ok(changes)
            })
            .await
    }

    /// The revision failed: its hooks are stopped first.
    ///
    /// # Errors
    /// [`Stale`](ErrorKind::Stale) if somebody recorded another revision since.
    pub(super) async fn record_failed(&self, plan: &Plan, draft: &Draft, why: &str, run: &Run) -> Result<()> {
        let Some((own, next)) = self.own_and_next(plan, draft).await? else { return Ok(()) };
        let stopped = match &draft.record {
            Some(record) => {
                self.stop_hooks(record, &events(draft.purpose), Some(plan.deployment.as_str())).await
            }
            None => Ok(()),
        };
        // Whatever became of its hooks, the revision must not stay pending.
        self.fail_record(&own, &draft.purpose.failed(&self.name, why), run).await?;
        stopped?;
        next.map_or(Ok(()), |next| Err(self.overtaken(&next)))
    }

    /// What runs that died left is nobody's work any more.
    pub(super) async fn record_interrupted(&self, draft: &Draft, run: &Run) -> Result<()> {
        for entry in draft.standing.uninstalling() {
            // By whom is not recorded.
            self.stop_hooks_of(entry, &[HookEvent::PreDelete, HookEvent::PostDelete], None, run).await;
        }
        self.record_dead(&draft.standing, run).await
    }

    /// Revisions of runs that died at them will not come to run.
    pub(super) async fn record_dead(&self, standing: &Standing, run: &Run) -> Result<()> {
        for entry in standing.dead() {
            if let Err(error) = entry.record() {
                run.emit(stays(&error));
                continue;
            }
            let by = entry.run.as_deref();
            if by.is_some() {
                let all = [
                    HookEvent::PreInstall,
                    HookEvent::PostInstall,
                    HookEvent::PreUpgrade,
                    HookEvent::PostUpgrade,
                    HookEvent::PreRollback,
                    HookEvent::PostRollback,
                ];
                self.stop_hooks_of(entry, &all, by, run).await;
            }
            let by = by.unwrap_or("helm");
            let description = interrupted(by, run.id().as_str());
            self.fail_record(entry, &description, run).await?;
        }
        Ok(())
    }

    /// Stops what a run that died left running. What cannot be stopped is told, and keeps nothing else from going on.
    async fn stop_hooks_of(&self, entry: &Entry, events: &[HookEvent], started_by: Option<&str>, run: &Run) {
        let stopped = async { self.stop_hooks(&entry.record()?, events, started_by).await };
        if let Err(error) = stopped.await {
            run.emit(EventKind::Warning {
                message: format!("hooks of an interrupted run may still run: {error}"),
            });
        }
    }

    async fn fail_record(&self, entry: &Entry, description: &str, run: &Run) -> Result<()> {
        let description = shortened(description);
        self.store
            .update(entry, run.now(), |record: &mut Record| {
                let changes = record.info.status.is_pending();
                if changes {
                    record.info.status = ReleaseStatus::Failed;
                    record.info.description.clone_from(&description);
                }
                Ok(changes)
            })
            .await
    }

    /// The plan's own revision, as it is recorded now; nothing where it records none.
    async fn own(&self, plan: &Plan, draft: &Draft) -> Result<Option<Entry>> {
        match self.own_and_next(plan, draft).await? {
            Some((_, Some(next))) => Err(self.overtaken(&next)),
            own => Ok(own.map(|(own, _)| own)),
        }
    }

    fn overtaken(&self, next: &Entry) -> Error {
        let why =
            format!("somebody else recorded revision {} meanwhile, which is {}", next.revision, next.status);
        self.error(ErrorKind::Stale, why).help("look at its history, and run again")
    }

    /// The same, and the revision that somebody recorded after it.
    async fn own_and_next(&self, plan: &Plan, draft: &Draft) -> Result<Option<(Entry, Option<Entry>)>> {
        let Some(record) = &draft.record else { return Ok(None) };
        let stale =
            |why: String| self.error(ErrorKind::Stale, why).help("look at its history, and run again");
        let mut found = self.store.entry_and_next(&self.name, record.version).await?.into_iter();
        let Some(own) = found.next().filter(|own| own.revision == record.version) else {
            return Err(stale(format!("the record of revision {} is gone", record.version)));
        };
        if !own.is_by(&plan.deployment) {
            return Err(stale(format!("somebody else wrote the record of revision {}", record.version)));
        }
        Ok(Some((own, found.next())))
    }
}

/// A record that cannot be read is no one's to delete or to write.
fn stays(error: &Error) -> EventKind {
    EventKind::Warning { message: format!("left as it is: {error}") }
}

fn events(purpose: Purpose) -> Vec<HookEvent> {
    purpose.before().into_iter().chain(purpose.after()).collect()
}
