//! A lock that is held while something is done.

use std::convert::Infallible;
use std::time::Duration;

use crate::error::{Error, ErrorKind, Result};
use crate::event::EventKind;
use crate::lock::{Lock, LockGuard};
use crate::run::{Cancel, Run};

/// A lock that takes longer than this to get has a holder who may be dead.
const HELD_AFTER: Duration = Duration::from_secs(1);

/// A lock that is held, and the run that stops when it is lost.
pub(crate) struct Held {
    guard: Box<dyn LockGuard>,
    pub(crate) lost: Cancel,
    pub(crate) run: Run,
}

impl Held {
    /// Takes the lock; `run` hears of it, and ends the waiting when it is cancelled.
    pub(crate) async fn take(lock: &dyn Lock, name: &str, holder: &str, run: &Run) -> Result<Self> {
        run.emit(EventKind::Locking { name: name.to_owned() });
        let held = async {
            run.clock().sleep(HELD_AFTER).await;
            run.emit(EventKind::LockHeld { name: name.to_owned() });
            std::future::pending::<Infallible>().await
        };
        let guard = tokio::select! {
            guard = lock.acquire(name, holder) => guard?,
            () = run.cancel().cancelled() => return Err(cancelled()),
            never = held => match never {},
        };
        let lost = guard.lost();
        let run = run.clone().cancelled_by(run.cancel().or(&lost));
        Ok(Self { guard, lost, run })
    }

    /// Does `work` while the lock is held. A lost one stops even the request under way: whoever holds it now decides what stands.
    pub(crate) async fn during<T>(&self, work: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            biased;
            result = work => result,
            () = self.lost.cancelled() => Err(lost_or_cancelled(&self.lost)),
        }
    }

    pub(crate) async fn release(self) {
        if !self.lost.is_cancelled()
            && let Err(error) = self.guard.release().await
        {
            self.run.emit(EventKind::Warning {
                message: format!("the lock was not released and ends by itself: {error}"),
            });
        }
    }
}

pub(crate) fn lost_or_cancelled(lost: &Cancel) -> Error {
    if lost.is_cancelled() {
        Error::new(
            ErrorKind::LockLost,
            "another run took the lock, or its heartbeat got through no more; this run stopped writing",
        )
        .help("the next run under this name finishes or undoes what was written")
    } else {
        cancelled()
    }
}

pub(crate) fn cancelled() -> Error {
    Error::new(ErrorKind::Cancelled, "cancelled before anything was written")
}
