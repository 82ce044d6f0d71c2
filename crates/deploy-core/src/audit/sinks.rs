//! Several sinks as one.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::{AuditRecord, AuditSink};
use crate::error::{Error, Result};

/// Records to several sinks at once.
///
/// Every sink is tried, whatever becomes of the others. A record counts as kept when all sinks that were added with [`AllSinks::and`] have it:
/// of several failures the first in their order is returned, and its message says how many failed. Who then records again has the record
/// twice in the sinks that had it, except in those that know a [repetition](AuditRecord::repeats). A sink that was added with
/// [`AllSinks::maybe`] may fail: that is logged as a warning, and is nothing else. Without any sink nothing is kept.
///
/// Dropping the future leaves the record in any of the sinks.
///
/// ```
/// use deploy_core::audit::{AllSinks, AuditRecord, AuditSink};
/// use deploy_core::{clock::Timestamp, memory::MemoryAudit};
/// use std::sync::Arc;
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let (kept, shown) = (MemoryAudit::default(), MemoryAudit::default());
/// let both = AllSinks::new().and(Arc::new(kept.clone())).maybe(Arc::new(shown.clone()));
/// both.record(&AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop")).await?;
/// assert_eq!((kept.records().len(), shown.records().len()), (1, 1));
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Default)]
pub struct AllSinks {
    needed: Vec<Arc<dyn AuditSink>>,
    others: Vec<Arc<dyn AuditSink>>,
}

impl AllSinks {
    /// No sink yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a sink that must have the record.
    #[must_use]
    pub fn and(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.needed.push(sink);
        self
    }

    /// Adds a sink that may fail.
    #[must_use]
    pub fn maybe(mut self, sink: Arc<dyn AuditSink>) -> Self {
        self.others.push(sink);
        self
    }
}

impl fmt::Debug for AllSinks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AllSinks")
            .field("needed", &self.needed.len())
            .field("others", &self.others.len())
            .finish()
    }
}

#[async_trait]
impl AuditSink for AllSinks {
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        let all = self.needed.iter().chain(&self.others);
        let mut results = join_all(all.map(|sink| sink.record(record))).await;
        for error in results.split_off(self.needed.len()).into_iter().filter_map(Result::err) {
            tracing::warn!(%error, action = record.action, subject = record.subject, "a sink did not keep the record");
        }
        let mut failures: Vec<Error> = results.into_iter().filter_map(Result::err).collect();
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.swap_remove(0)),
            several => {
                let first = failures.swap_remove(0);
                let message =
                    format!("{several} of {} sinks did not keep the record: {first}", self.needed.len());
                Err(Error::new(first.kind(), message).with_retry(first.retry()))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::error::ErrorKind;
    use crate::memory::MemoryAudit;

    struct Refuses(ErrorKind);

    #[async_trait]
    impl AuditSink for Refuses {
        async fn record(&self, _record: &AuditRecord) -> Result<()> {
            Err(Error::new(self.0, "no"))
        }
    }

    #[tokio::test]
    async fn all_are_tried_and_the_first_failure_counts() {
        let check = async |needed: &[ErrorKind], others: &[ErrorKind], expect: Option<(ErrorKind, &str)>| {
            let memory = MemoryAudit::default();
            let mut all = AllSinks::new();
            for kind in needed {
                all = all.and(Arc::new(Refuses(*kind)));
            }
            for kind in others {
                all = all.maybe(Arc::new(Refuses(*kind)));
            }
            let all = all.and(Arc::new(memory.clone()));
            let result = all.record(&AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop")).await;
            let said = result.err().map(|error| (error.kind(), error.to_string()));
            assert_eq!(said, expect.map(|(kind, text)| (kind, text.to_owned())));
            assert_eq!(memory.records().len(), 1, "those after a failure have it too");
        };
        let (later, never) = (ErrorKind::Unavailable, ErrorKind::Forbidden);
        check(&[], &[], None).await;
        check(&[], &[never], None).await;
        check(&[later], &[never], Some((later, "no"))).await;
        let both = Some((never, "2 of 3 sinks did not keep the record: no"));
        check(&[never, later], &[], both).await;
    }
}
