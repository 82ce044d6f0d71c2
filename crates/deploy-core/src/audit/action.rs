//! What records say was done. Other words are as good; of these the [figures](super::figures) know what they mean.
//!
//! ```
//! use deploy_core::audit::{AuditRecord, action};
//! use deploy_core::clock::Timestamp;
//!
//! let record = AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", action::PROMOTE, "shop").in_environment("production");
//! assert_eq!(record.action, "promote");
//! ```

/// A promotion ended well: what was wanted is written down, runs and was checked.
pub const PROMOTE: &str = "promote";

/// A promotion failed, and was taken back by itself.
pub const UNDO: &str = "undo";

/// A promotion failed, and was left as it is, or not all of it could be taken back yet.
pub const FAIL: &str = "fail";

/// A gate said no; nothing was changed.
pub const REFUSE: &str = "refuse";

/// What really runs was written down.
pub const SYNC: &str = "sync";

/// A hold was set: nothing new comes here until it is lifted.
pub const HOLD: &str = "hold";

/// A hold was lifted.
pub const LIFT: &str = "lift";

/// Somebody approved.
pub const APPROVE: &str = "approve";

/// A rollout outside any promotion ended well.
pub const DEPLOY: &str = "deploy";

/// What had ended well was taken back later, because it was not good.
pub const ROLLBACK: &str = "rollback";
