//! What was seen before the first write, kept until the run ends well, so that the next run can finish or undo it.
//!
//! ```
//! use deploy_core::{journal::{Intent, Journal, Phase}, memory::MemoryJournal, plan::Snapshot, run::Run};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let journal = MemoryJournal::new();
//! let run = Run::new().named("shop");
//! let intent = Intent::new(&run, "sha256:0".into(), Snapshot::default());
//! journal.save("shop", &intent).await?;
//! assert_eq!(journal.load("shop").await?.map(|found| found.phase), Some(Phase::Applying));
//! journal.clear("shop").await?;
//! assert!(journal.load("shop").await?.is_none());
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::error::{Error, ErrorKind, Result};
use crate::plan::Snapshot;
use crate::promotion::Record;
use crate::run::{DeploymentId, Run};

/// How far a journaled run had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Phase {
    /// Writing the new state, or waiting for it to be healthy.
    Applying,
    /// Bringing the old state back.
    RollingBack,
    /// It ended well and only its record is left: nothing is to be undone.
    Done,
}

/// What a run was about to do, and what stood there before it.
///
/// It holds the objects as they were, Secrets included: a journal keeps it where Secrets may be kept. `Debug` shows identities only.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Intent {
    /// The form of this record; a reader refuses one it does not know.
    pub format: u32,
    /// The runs that wrote under this intent: the first one, and those that took it up again.
    pub deployments: Vec<DeploymentId>,
    /// The digest of the bundle that was being applied.
    pub bundle: String,
    /// How far it had come.
    pub phase: Phase,
    /// When the first run started.
    pub started: Timestamp,
    /// What stood there before the first write.
    pub before: Snapshot,
    /// What was written down, where a promotion was at work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Record>,
}

impl Intent {
    /// The form written by this version.
    pub const FORMAT: u32 = 1;

    /// The intent of `run` to apply the bundle with digest `bundle` over `before`.
    pub fn new(run: &Run, bundle: String, before: Snapshot) -> Self {
        Self {
            format: Self::FORMAT,
            deployments: vec![run.id().clone()],
            bundle,
            phase: Phase::Applying,
            started: run.now(),
            before,
            promotion: None,
        }
    }

    /// Writes the record as JSON.
    ///
    /// # Errors
    /// [`Internal`](ErrorKind::Internal) if it cannot be written as JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self)
            .map_err(|error| Error::new(ErrorKind::Internal, "cannot write the journal").source(error))
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) if the bytes are not a record of a known form. The record is left where it is:
    /// it may be the only way back.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self> {
        let unreadable = |why: String| {
            Error::invalid(why).during("read the journal").help(
                "use the version of this tool that wrote it; delete the record only if the objects are known to be right",
            )
        };
        let intent: Self = serde_json::from_slice(bytes)
            .map_err(|error| unreadable("not a journal record".to_owned()).source(error))?;
        if intent.format != Self::FORMAT {
            return Err(unreadable(format!("form {} of the record is not known here", intent.format)));
        }
        Ok(intent)
    }
}

/// Where intents are kept, one for each name.
///
/// A journal is written only by the holder of the lock of the same name.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Journal: Send + Sync {
    /// The intent kept under `name`.
    ///
    /// # Errors
    /// An unreadable record is an error, never "none"; and what the adapter meets.
    async fn load(&self, name: &str) -> Result<Option<Intent>>;

    /// Keeps `intent` under `name` in place of any other. When it returns, the record is durable; if it fails or is dropped, either
    /// the old or the new record stands whole.
    ///
    /// # Errors
    /// What the adapter meets, a record too large among it.
    async fn save(&self, name: &str, intent: &Intent) -> Result<()>;

    /// Forgets `name`; none there is fine.
    ///
    /// # Errors
    /// What the adapter meets.
    async fn clear(&self, name: &str) -> Result<()>;
}
