//! One run's hold on a lock: taken, kept by heartbeats, given back.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::{Clock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::lock::LockGuard;
use deploy_core::run::Cancel;
use tokio::task::JoinHandle;

use super::record::{LARGEST, Record};
use crate::aws::{Bucket, Condition, Etag, Got, Put};

/// How many heartbeats fall into a lock's time.
const BEATS: u32 = 5;
/// How often a taker looks in a lock's time.
const LOOKS: u32 = 15;

/// A hold, or the wish for one.
#[derive(Clone)]
pub(super) struct Hold {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    pub(super) holder: String,
    pub(super) token: String,
    pub(super) lasts: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// The object as it was written last.
#[derive(Clone)]
pub(super) struct Written {
    etag: Etag,
    record: Record,
}

/// The object of another run, and since when it has not changed.
struct Watched {
    etag: Etag,
    record: Record,
    since: Timestamp,
}

impl Hold {
    pub(super) async fn take(&self, name: &str) -> Result<Written> {
        let mut watched: Option<Watched> = None;
        loop {
            let got = self.bucket.get(&self.key, LARGEST, watched.as_ref().map(|seen| &seen.etag)).await?;
            let now = self.clock.now();
            let condition = match (got, watched.take()) {
                (Got::Absent, _) => Condition::Absent,
                (Got::NotModified, Some(seen)) if now.since(seen.since) < seen.record.lasts() => {
                    self.clock.sleep(seen.record.lasts() / LOOKS).await;
                    watched = Some(seen);
                    continue;
                }
                (Got::NotModified, Some(seen)) => Condition::Is(seen.etag),
                (Got::NotModified, None) => continue,
                (Got::Object { bytes, etag }, before) => {
                    let record = Record::read(&bytes).map_err(|error| self.about(error))?;
                    match &record.holder {
                        None => Condition::Is(etag),
                        Some(_) if record.token == self.token => return Ok(Written { etag, record }),
                        // Changed while it was watched: its holder lives.
                        Some(holder) if before.is_some() => {
                            return Err(Error::locked(name, holder, Some(&record.since)));
                        }
                        Some(_) => {
                            self.clock.sleep(record.lasts() / LOOKS).await;
                            watched = Some(Watched { etag, record, since: now });
                            continue;
                        }
                    }
                }
            };
            let record = self.record(0, seconds(now));
            match self.write(record, condition).await {
                // Somebody was faster; or nobody knows, and it is read again.
                Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::OutcomeUnknown) => {}
                result => return result,
            }
        }
    }

    fn record(&self, beat: u64, since: String) -> Record {
        Record::new(Some(self.holder.clone()), &self.token, beat, self.lasts, since)
    }

    async fn write(&self, record: Record, condition: Condition) -> Result<Written> {
        let how = Put::new().content_type("application/json").only_if(condition);
        let etag = self.bucket.put(&self.key, record.write()?, &how).await?;
        Ok(Written { etag, record })
    }

    /// Ours, as it is now.
    async fn find(&self) -> Result<Option<Written>> {
        let Got::Object { bytes, etag } = self.bucket.get(&self.key, LARGEST, None).await? else {
            return Ok(None);
        };
        let record = Record::read(&bytes).ok().filter(|record| record.token == self.token);
        Ok(record.filter(|record| record.holder.is_some()).map(|record| Written { etag, record }))
    }

    /// Writes heartbeats until none gets through: then the lock is lost.
    async fn keep(self, written: Arc<Mutex<Written>>, lost: Cancel) {
        let mut renewed = self.clock.now();
        loop {
            self.clock.sleep(self.lasts / BEATS).await;
            let (now, give_up) = (self.clock.now(), renewed + self.lasts * 2 / 3);
            let held = tokio::select! {
                held = self.beat(&written) => held,
                () = self.clock.sleep_until(give_up) => break,
            };
            match held {
                // When it was sent is what counts, not when the answer came.
                Ok(Some(next)) => {
                    *written.lock().unwrap_or_else(PoisonError::into_inner) = next;
                    renewed = now;
                }
                Ok(None) => break,
                Err(error) => tracing::debug!(%error, "a heartbeat did not get through"),
            }
            if self.clock.now() >= give_up {
                break;
            }
        }
        lost.cancel();
    }

    /// `None` where the lock is another's.
    async fn beat(&self, last: &Mutex<Written>) -> Result<Option<Written>> {
        let Written { etag, record } = last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let next = self.record(record.beat + 1, record.since);
        match self.write(next.clone(), Condition::Is(etag)).await {
            Ok(written) => Ok(Some(written)),
            // Changed by somebody; or by ourselves, and the answer was lost: then that is written over.
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::OutcomeUnknown) => {
                let Some(found) = self.find().await? else { return Ok(None) };
                let beat = self.record(found.record.beat + 1, found.record.since);
                self.write(beat, Condition::Is(found.etag)).await.map(Some)
            }
            Err(error) => Err(error),
        }
    }

    async fn give_back(&self, last: Written) -> Result<()> {
        let free = |written: &Written| {
            Record::new(None, &self.token, written.record.beat, self.lasts, written.record.since.clone())
        };
        match self.write(free(&last), Condition::Is(last.etag.clone())).await {
            Err(error) if matches!(error.kind(), ErrorKind::Conflict | ErrorKind::OutcomeUnknown) => {}
            result => return result.map(drop),
        }
        // Of another holder's nothing is touched.
        let Some(found) = self.find().await? else { return Ok(()) };
        match self.write(free(&found), Condition::Is(found.etag.clone())).await {
            Err(error) if error.kind() == ErrorKind::Conflict => Ok(()),
            result => result.map(drop),
        }
    }

    fn about(&self, error: Error) -> Error {
        error.on(format!("s3://{}/{}", self.bucket.name(), self.key))
    }
}

/// A lock that is held.
pub(super) struct Held {
    hold: Hold,
    /// As it was written last.
    written: Arc<Mutex<Written>>,
    lost: Cancel,
    heartbeat: JoinHandle<()>,
}

impl Held {
    pub(super) fn start(hold: Hold, written: Written) -> Self {
        let (lost, written) = (Cancel::new(), Arc::new(Mutex::new(written)));
        let heartbeat = tokio::spawn(hold.clone().keep(Arc::clone(&written), lost.clone()));
        Self { hold, written, lost, heartbeat }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

impl fmt::Debug for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Held({} by {})", self.hold.key, self.hold.holder)
    }
}

#[async_trait]
impl LockGuard for Held {
    fn lost(&self) -> Cancel {
        self.lost.clone()
    }

    async fn release(self: Box<Self>) -> Result<()> {
        self.heartbeat.abort();
        let last = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        self.hold.give_back(last).await
    }
}

/// A moment as a person reads it.
fn seconds(at: Timestamp) -> String {
    let text = at.to_string();
    text.split_once('.').map_or_else(|| text.clone(), |(seconds, _)| format!("{seconds}Z"))
}
