//! A record of who did what, in memory.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::locked;
use crate::audit::{AuditRecord, AuditSink};
use crate::error::Result;

/// A record in memory. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct MemoryAudit(Arc<Mutex<Vec<AuditRecord>>>);

impl MemoryAudit {
    /// Forgets all records.
    pub fn clear(&self) {
        locked(&self.0).clear();
    }

    /// The lines so far, oldest first.
    pub fn records(&self) -> Vec<AuditRecord> {
        locked(&self.0).clone()
    }
}

#[async_trait]
impl AuditSink for MemoryAudit {
    async fn record(&self, record: &AuditRecord) -> Result<()> {
        locked(&self.0).push(record.clone());
        Ok(())
    }
}
