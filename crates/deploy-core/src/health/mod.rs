//! What is healthy, what is hopeless, and why (stage *observe*).
//!
//! [`World`] takes everything that watches deliver and remembers since when it is so; [`Judge`] decides. Both are
//! pure: the caller brings the time, and calls again when something new was seen or at [`Assessment::look_again`].
//!
//! ```
//! use deploy_core::clock::Timestamp;
//! use deploy_core::health::{Judge, Patience, Verdict, World};
//! use deploy_core::manifest::Object;
//! use serde_json::json;
//!
//! let now = Timestamp::UNIX_EPOCH;
//! let job = Object::new(json!({
//!     "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "migrate", "namespace": "shop"},
//!     "status": {"conditions": [{"type": "Failed", "status": "True", "reason": "BackoffLimitExceeded"}]},
//! }))?;
//! let mut world = World::new();
//! world.upsert(job.clone(), now);
//!
//! let judge = Judge::new(Patience::default());
//! let assessment = judge.judge(&job.id(), &world, now);
//! assert!(matches!(assessment.verdict, Verdict::Failed { .. }));
//! assert_eq!(assessment.progress, "Job shop/migrate failed (BackoffLimitExceeded)");
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod custom;
mod events;
mod failure;
mod judge;
mod patience;
mod pods;
mod read;
pub mod signs;
mod simple;
mod track;
mod verdict;
mod workload;
mod world;

pub use events::KubeEvent;
pub use failure::{Failure, Reason};
pub use judge::{HealthRule, Judge};
pub use patience::Patience;
pub use verdict::{Assessment, Verdict};
pub use world::World;
