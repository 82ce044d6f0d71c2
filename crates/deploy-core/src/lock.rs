//! Mutual exclusion of runs with the same name.
//!
//! A lock has a heartbeat. A holder is dead when a watcher has seen no heartbeat for the lock's duration on the watcher's own clock;
//! two machines' clocks are never compared.
//!
//! ```
//! use deploy_core::{lock::Lock, memory::MemoryLock};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let lock = MemoryLock::new();
//! let guard = lock.acquire("shop", "runner-1").await?;
//! let refused = lock.acquire("shop", "runner-2").await.err().expect("held");
//! assert_eq!(refused.holder(), Some("runner-1"));
//! guard.release().await?;
//! lock.acquire("shop", "runner-2").await?.release().await?;
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

use std::fmt;

use async_trait::async_trait;

use crate::error::Result;
use crate::run::Cancel;

/// Where locks are kept.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Lock: Send + Sync {
    /// Takes the lock called `name` for `holder`, a text a person can find the run by (host, process, pipeline).
    ///
    /// Waits only as long as it takes to see whether the present holder lives; a dead one is taken over.
    /// Cancel safe: a dropped call leaves at most a lock without a heartbeat, which the next taker outlives.
    ///
    /// # Errors
    /// [`Locked`](crate::error::ErrorKind::Locked) with the holder if it lives;
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for a name that cannot be one; what the adapter meets.
    async fn acquire(&self, name: &str, holder: &str) -> Result<Box<dyn LockGuard>>;
}

/// A lock that is held; its heartbeat goes on until it is released or dropped.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait LockGuard: Send + Sync + fmt::Debug {
    /// Is cancelled when the lock is lost: another holder took it, or no heartbeat got through in time.
    fn lost(&self) -> Cancel;

    /// Gives the lock back, so that the next taker need not wait. Dropping a guard only stops its heartbeat.
    ///
    /// # Errors
    /// What the adapter meets; the lock then ends by itself.
    async fn release(self: Box<Self>) -> Result<()>;
}

/// Checks a run's name: what every lock and journal accepts.
///
/// 1 to 53 characters, as Helm's release names: a DNS subdomain of lowercase letters, digits, `-` and `.`, with a letter or digit at both
/// ends and around each dot.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) that says what is wrong.
pub fn check_name(name: &str) -> Result<()> {
    let alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_label = |label: &str| {
        label.chars().all(|c| alphanumeric(c) || c == '-')
            && label.starts_with(alphanumeric)
            && label.ends_with(alphanumeric)
    };
    if name.len() <= 53 && name.split('.').all(is_label) {
        return Ok(());
    }
    Err(crate::error::Error::invalid(format!("\"{}\" cannot name a run", name.escape_default()))
        .help("use 1 to 53 lowercase letters, digits, '-' and '.', with a letter or digit at both ends"))
}

#[cfg(test)]
mod tests {
    #[test]
    fn names() {
        for good in ["shop", "a", "shop-2", "a.b-c", &"x".repeat(53)] {
            assert!(super::check_name(good).is_ok(), "{good}");
        }
        for bad in ["", "-shop", "shop-", "Shop", "a..b", ".a", "a.", "a.-b", "a/b", &"x".repeat(54)] {
            assert!(super::check_name(bad).is_err(), "{bad}");
        }
    }
}
