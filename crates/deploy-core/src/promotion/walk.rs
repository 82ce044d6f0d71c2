//! The way forward in one environment: gates ─► write config ─► deploy ─► checks ─► record.

use super::candidate::{Candidate, Wanted};
use super::promoted::{Promoted, Status, summary};
use super::record::Record;
use super::written::{Change, Present, says};
use super::{Environment, Images, Promotion, back};
use crate::audit::action;
use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::journal::{Intent, Phase};
use crate::outcome::Cause;
use crate::rollout::held::{Held, lost_or_cancelled};
use crate::run::{Cancel, OnFailure, Run};

/// One environment's walk, once its lock is held.
pub(super) struct Walk<'a> {
    pub(super) promotion: &'a Promotion,
    pub(super) environment: &'a Environment,
    pub(super) index: usize,
    pub(super) run: &'a Run,
    /// Cancelled when the lock is lost: then nothing more is written, backwards neither.
    pub(super) lost: &'a Cancel,
}

impl Promotion {
    /// Takes the environment's lock, if it has one, and walks.
    pub(super) async fn walk(&self, index: usize, wanted: Option<&Wanted>, run: &Run) -> Result<Promoted> {
        let environment = self.get(index)?;
        let started = run.now();
        let name = self.run_name(environment);
        let mut policy = run.rules().clone();
        policy.on_failure = environment.on_failure.unwrap_or(policy.on_failure);
        let run = run.clone().named(&name).policy(policy);
        let walk = async |run: &Run, lost: &Cancel| {
            let walk = Walk { promotion: self, environment, index, run, lost };
            match wanted {
                Some(wanted) => Box::pin(walk.promote(wanted)).await,
                None => Box::pin(walk.deploy_written()).await,
            }
        };
        let mut promoted = match environment.lock_kept() {
            Some(lock) => {
                let held = Held::take(lock, &journal_name(&name), &self.by, &run).await?;
                let promoted = held.during(walk(&held.run, &held.lost)).await;
                held.release().await;
                promoted?
            }
            None => walk(&run, &Cancel::new()).await?,
        };
        promoted.started = started;
        promoted.took = run.now().since(started);
        Ok(promoted)
    }
}

/// Under which name the promotion's lock and journal are kept: the rollout has its own under the run's name.
pub(super) fn journal_name(run: &str) -> String {
    format!("{run}.promotion")
}

impl Walk<'_> {
    async fn promote(&self, wanted: &Wanted) -> Result<Promoted> {
        let Self { promotion, environment, run, .. } = self;
        let Interrupted { intent: interrupted, stuck } = self.interrupted().await?;
        let present = self.present().await?;
        // What was half done does not count as running: it is gone on with, or what was there before is.
        let earlier = interrupted.as_ref().and_then(|intent| intent.promotion.clone());
        let running = earlier.as_ref().map_or(&present.images, |record| &record.from).clone();
        let candidate = promotion.choose(self.index, environment, wanted, &running, run.now()).await;
        let candidate = match (candidate, interrupted.clone()) {
            (Err(error), Some(intent)) if error.kind() == ErrorKind::NotFound => {
                match stuck {
                    Some(stuck) => return Err(stuck),
                    None => self.take_back(intent, "nothing may run there any more").await?,
                };
                return Err(error);
            }
            (candidate, _) => candidate?,
        };
        let mut promoted = self.promoted(running, &candidate);
        let from = &promoted.from;
        let new = environment
            .images()
            .any(|name| candidate.images.get(name).is_some_and(|image| !says(from.get(name), image)));
        if !new {
            if let Some(stuck) = stuck {
                return Err(stuck);
            }
            if let Some(intent) = interrupted {
                promoted.notes.push(self.take_back(intent, "it may not run any more").await?);
            }
            return Ok(promoted);
        }
        run.emit(EventKind::Promoting { environment: environment.name.clone(), changes: promoted.changes() });
        let asked = self.pass_gates(&promoted).await?;
        promoted.grounds = asked.grounds;
        if let Some(error) = asked.refused {
            return self.refuse(promoted, interrupted, error).await;
        }
        self.forward(promoted, candidate, present, interrupted).await
    }

    /// Writes, deploys, verifies, records.
    async fn forward(
        &self,
        mut promoted: Promoted,
        candidate: Candidate,
        present: Present,
        interrupted: Option<Intent>,
    ) -> Result<Promoted> {
        let first = interrupted.is_none();
        let intent = self.intent(&promoted, &present, interrupted)?;
        self.save(&intent).await?;
        if let Err(error) = self.write(&promoted, &present, changes_of(&intent)).await {
            if !first {
                return Err(error);
            }
            // What cannot be looked up now is by the next run: the journal stays.
            match self.present().await {
                Ok(now) if now.undo(changes_of(&intent)) == Default::default() => {
                    self.forget(&mut promoted).await;
                }
                _ => {}
            }
            return Err(error);
        }
        self.bring(&mut promoted, &candidate).await;
        let (action, status) = match promoted.cause() {
            None => (action::PROMOTE, Status::Promoted),
            Some(_) if self.lost.is_cancelled() => return Err(lost_or_cancelled(self.lost)),
            Some(_) if self.leaves(&promoted) => (action::FAIL, Status::Left),
            Some(_) => return self.undo(promoted, &candidate, intent).await,
        };
        promoted.status = status;
        self.record(&mut promoted, action, &candidate, &intent).await;
        Ok(promoted)
    }

    /// Whether what failed is left as it is, as asked.
    fn leaves(&self, promoted: &Promoted) -> bool {
        let failed = !matches!(promoted.cause(), Some(Cause::Cancelled));
        failed && self.run.rules().on_failure == OnFailure::Leave
    }

    /// Deploys what the store says, and writes nothing down.
    async fn deploy_written(&self) -> Result<Promoted> {
        let Self { promotion, environment, .. } = self;
        if environment.deployment.is_none() {
            return Err(Error::invalid(format!("{} deploys nothing", environment.name))
                .during("deploy")
                .help("give the environment a rollout"));
        }
        let interrupted = self.interrupted().await?.intent;
        let present = self.present().await?;
        let candidate = promotion.known(environment, &present.images).await?;
        let mut promoted = self.promoted(Images::new(), &candidate);
        let asked = self.pass_gates(&promoted).await?;
        promoted.grounds = asked.grounds;
        if let Some(error) = asked.refused {
            return self.refuse(promoted, None, error).await;
        }
        self.bring(&mut promoted, &candidate).await;
        let (action, status) = match promoted.cause() {
            None => (action::DEPLOY, Status::Deployed),
            Some(_) if self.lost.is_cancelled() => return Err(lost_or_cancelled(self.lost)),
            Some(_) if self.leaves(&promoted) => (action::FAIL, Status::Left),
            Some(_) => match back::status(promoted.outcome.as_ref()) {
                Status::Undone => (action::UNDO, Status::Undone),
                status => (action::FAIL, status),
            },
        };
        promoted.status = status;
        self.place(self.holds_of(&promoted), &mut promoted).await;
        let intent = interrupted.unwrap_or_else(|| self.fresh(&promoted));
        self.record(&mut promoted, action, &candidate, &intent).await;
        Ok(promoted)
    }

    pub(super) fn promoted(&self, from: Images, candidate: &Candidate) -> Promoted {
        Promoted {
            environment: self.environment.name.clone(),
            status: Status::Unchanged,
            deployment: self.run.id().clone(),
            from,
            to: candidate.images.clone(),
            git_revision: candidate.revision.clone(),
            grounds: Vec::new(),
            cause: None,
            outcome: None,
            holds: Vec::new(),
            notes: Vec::new(),
            started: self.run.now(),
            took: std::time::Duration::ZERO,
        }
    }

    /// What an interrupted promotion left, where it is to be gone on with; one that was being taken back is, first.
    async fn interrupted(&self) -> Result<Interrupted> {
        let Some((journal, name)) = self.journal() else { return Ok(Interrupted::default()) };
        let Some(intent) = journal.load(&name).await? else { return Ok(Interrupted::default()) };
        if intent.phase == Phase::Done || intent.promotion.is_none() {
            journal.clear(&name).await?;
            return Ok(Interrupted::default());
        }
        let undo = intent.phase == Phase::RollingBack;
        if let Some(interrupted) = intent.deployments.last().cloned() {
            self.run.emit(EventKind::Recovering { interrupted, undo });
        }
        if !undo {
            return Ok(Interrupted { intent: Some(intent), stuck: None });
        }
        match self.finish_undo(intent.clone()).await {
            Ok(()) => Ok(Interrupted::default()),
            Err(_) if self.lost.is_cancelled() => Err(lost_or_cancelled(self.lost)),
            // What comes next may mend what cannot be taken back.
            Err(error) => Ok(Interrupted { intent: Some(intent), stuck: Some(error) }),
        }
    }
}

/// What an earlier run left.
#[derive(Default)]
struct Interrupted {
    intent: Option<Intent>,
    /// Why it could not be taken back, where it should have been.
    stuck: Option<Error>,
}

/// The keys that an intent is about.
pub(super) fn changes_of(intent: &Intent) -> &[Change] {
    intent.promotion.as_ref().map_or(&[], |record| &record.changes)
}

/// The images of an intent that change, for a person.
pub(super) fn said_of(record: &Record) -> String {
    summary(&record.from, &record.to, None)
}
