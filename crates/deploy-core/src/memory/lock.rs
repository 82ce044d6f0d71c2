//! Locks in memory, with a heartbeat like those that others watch over a network.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use tokio::task::AbortHandle;

use super::locked;
use crate::clock::{Clock, SystemClock};
use crate::error::{Error, Result};
use crate::lock::{Lock, LockGuard, check_name};
use crate::run::Cancel;

/// How many heartbeats fall into a lock's duration.
const BEATS: u32 = 5;

/// Locks in memory. Clones share them, as processes do that lock the same thing.
#[derive(Clone)]
pub struct MemoryLock {
    state: Arc<Mutex<State>>,
    clock: Arc<dyn Clock>,
    duration: Duration,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Record>,
    takings: u64,
}

/// What a watcher sees of a held lock.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Record {
    holder: String,
    /// Which taking of any lock this is: a holder that finds another number has lost it.
    taking: u64,
    beats: u64,
}

impl State {
    fn give(&mut self, name: &str, holder: &str) -> u64 {
        self.takings += 1;
        let record = Record { holder: holder.to_owned(), taking: self.takings, beats: 0 };
        self.records.insert(name.to_owned(), record);
        self.takings
    }
}

impl MemoryLock {
    /// No locks are held; they last 1 s without a heartbeat.
    pub fn new() -> Self {
        Self::lasting(Duration::from_secs(1), Arc::new(SystemClock::new()))
    }

    /// No locks are held; they last `duration` without a heartbeat, on `clock`.
    pub fn lasting(duration: Duration, clock: Arc<dyn Clock>) -> Self {
        Self { state: Arc::default(), clock, duration }
    }

    /// Gives the lock called `name` to `thief`, whoever holds it, as somebody does who writes to the store by hand.
    pub fn steal(&self, name: &str, thief: &str) {
        locked(&self.state).give(name, thief);
    }

    fn see(&self, name: &str) -> Option<Record> {
        locked(&self.state).records.get(name).cloned()
    }

    /// Takes the lock if it is still as it was `seen`: free, or at the same heartbeat.
    fn take(&self, name: &str, holder: &str, seen: Option<&Record>) -> Option<Guard> {
        let mut state = locked(&self.state);
        if state.records.get(name) != seen {
            return None;
        }
        let taking = state.give(name, holder);
        let (lock, name, lost) = (self.clone(), name.to_owned(), Cancel::new());
        let heartbeat = tokio::spawn(beat(lock.clone(), name.clone(), taking, lost.clone())).abort_handle();
        Some(Guard { lock, name, taking, lost, heartbeat })
    }
}

impl Default for MemoryLock {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryLock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(locked(&self.state).records.iter().map(|(name, record)| (name, &record.holder)))
            .finish()
    }
}

#[async_trait]
impl Lock for MemoryLock {
    /// Needs a tokio runtime, for the heartbeat.
    async fn acquire(&self, name: &str, holder: &str) -> Result<Box<dyn LockGuard>> {
        check_name(name)?;
        let mut seen = self.see(name);
        let mut since = self.clock.now();
        loop {
            let dead = self.clock.now().since(since) >= self.duration;
            if (seen.is_none() || dead)
                && let Some(guard) = self.take(name, holder, seen.as_ref())
            {
                return Ok(Box::new(guard));
            }
            let now = self.see(name);
            match (&seen, &now) {
                (Some(before), Some(after))
                    if before.taking == after.taking && before.beats != after.beats =>
                {
                    return Err(Error::locked(name, &after.holder, None));
                }
                (before, after) if before != after => (seen, since) = (now, self.clock.now()),
                _ => self.clock.sleep(self.duration / BEATS).await,
            }
        }
    }
}

/// The heartbeat of a holder, until it finds that the lock is another's.
async fn beat(lock: MemoryLock, name: String, taking: u64, lost: Cancel) {
    loop {
        lock.clock.sleep(lock.duration / BEATS).await;
        match locked(&lock.state).records.get_mut(&name) {
            Some(record) if record.taking == taking => record.beats += 1,
            _ => return lost.cancel(),
        }
    }
}

struct Guard {
    lock: MemoryLock,
    name: String,
    taking: u64,
    lost: Cancel,
    heartbeat: AbortHandle,
}

#[async_trait]
impl LockGuard for Guard {
    fn lost(&self) -> Cancel {
        self.lost.clone()
    }

    async fn release(self: Box<Self>) -> Result<()> {
        let mut state = locked(&self.lock.state);
        if state.records.get(&self.name).is_some_and(|record| record.taking == self.taking) {
            state.records.remove(&self.name);
        }
        Ok(())
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

impl fmt::Debug for Guard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard").field("name", &self.name).finish_non_exhaustive()
    }
}
