//! Calls that fail, and runs that die in the middle of one.

use std::collections::BTreeMap;
use std::future::{Future, pending};
use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::locked;
use crate::error::{Error, ErrorKind, Result};

/// Where calls fail, or the run that makes them dies.
///
/// Each call has two steps, one before its effect and one after it, counted from 0 over everything that shares these faults (clones do):
/// a failure before it is a request that never arrived, one after it an answer that was lost. Dying means that the call never returns;
/// [`Faults::until_death`] then drops the run, as if its process had been killed.
///
/// ```
/// use deploy_core::journal::{Intent, Journal};
/// use deploy_core::memory::{Faults, Faulty, MemoryJournal};
/// use deploy_core::{plan::Snapshot, run::Run};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let faults = Faults::new();
/// let journal = Faulty::new(Arc::new(MemoryJournal::new()), faults.clone());
/// let intent = Intent::new(&Run::new(), "sha256:0".into(), Snapshot::default());
///
/// faults.die_at(1);
/// assert!(faults.until_death(journal.save("shop", &intent)).await.is_none());
/// faults.reset();
/// assert!(journal.load("shop").await?.is_some(), "it died after the effect");
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct Faults(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    script: Mutex<Script>,
    died: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Script {
    passed: usize,
    faults: BTreeMap<usize, Fault>,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    Die,
    Fail(ErrorKind),
}

impl Faults {
    /// No faults yet.
    pub fn new() -> Self {
        Self(Arc::new(Inner { script: Mutex::default(), died: watch::Sender::new(false) }))
    }

    /// Whoever comes to `step` dies there.
    pub fn die_at(&self, step: usize) {
        locked(&self.0.script).faults.insert(step, Fault::Die);
    }

    /// Whoever comes to `step` gets an error of `kind` there.
    pub fn fail_at(&self, step: usize, kind: ErrorKind) {
        locked(&self.0.script).faults.insert(step, Fault::Fail(kind));
    }

    /// Forgets all faults and counts from 0 again.
    pub fn reset(&self) {
        *locked(&self.0.script) = Script::default();
        self.0.died.send_replace(false);
    }

    /// How many steps were taken.
    pub fn steps(&self) -> usize {
        locked(&self.0.script).passed
    }

    /// What `run` comes to; `None` if it dies.
    pub async fn until_death<R>(&self, run: impl Future<Output = R>) -> Option<R> {
        let mut died = self.0.died.subscribe();
        tokio::select! {
            biased;
            result = run => Some(result),
            _ = died.wait_for(|died| *died) => None,
        }
    }

    /// Makes a call, with a step before its effect and a step after it.
    pub(super) async fn around<R>(&self, call: impl Future<Output = Result<R>>) -> Result<R> {
        self.step().await?;
        let answer = call.await?;
        self.step().await?;
        Ok(answer)
    }

    /// Takes a step.
    pub(super) async fn step(&self) -> Result<()> {
        let fault = {
            let mut script = locked(&self.0.script);
            let step = script.passed;
            script.passed += 1;
            script.faults.get(&step).copied()
        };
        match fault {
            None => Ok(()),
            Some(Fault::Fail(kind)) => Err(Error::new(kind, "a fault was asked for here")),
            Some(Fault::Die) => {
                self.0.died.send_replace(true);
                pending().await
            }
        }
    }
}

impl Default for Faults {
    fn default() -> Self {
        Self::new()
    }
}
