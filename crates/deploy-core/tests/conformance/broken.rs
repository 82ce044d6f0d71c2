//! A suite names the clauses that do not hold.

use std::panic::AssertUnwindSafe;

use async_trait::async_trait;
use deploy_core::conformance::journal;
use deploy_core::error::Result;
use deploy_core::journal::{Intent, Journal};
use deploy_core::memory::MemoryJournal;
use futures_util::FutureExt;

/// Forgets nothing.
struct Keeps(MemoryJournal);

#[async_trait]
impl Journal for Keeps {
    async fn load(&self, name: &str) -> Result<Option<Intent>> {
        self.0.load(name).await
    }

    async fn save(&self, name: &str, intent: &Intent) -> Result<()> {
        self.0.save(name, intent).await
    }

    async fn clear(&self, _name: &str) -> Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn what_does_not_hold_is_named() {
    let suite = journal::run(|| async { Keeps(MemoryJournal::new()) });
    let panic = AssertUnwindSafe(suite).catch_unwind().await.unwrap_err();
    let message = panic.downcast_ref::<String>().unwrap();
    assert_eq!(
        message,
        "3 of 7 clauses do not hold: cleared_is_gone, names_are_separate, refuses_what_is_no_name"
    );
}
