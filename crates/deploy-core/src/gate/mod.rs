//! Gates that decide by data alone: what the clock, git, the holds and people say.
//!
//! | gate | says no to |
//! | --- | --- |
//! | [`Approved`](approval::Approved) | what not enough people approved |
//! | [`TimeWindow`](window::TimeWindow) | deployments outside the hours, and while there is a freeze |
//! | [`NeverDowngrade`] | tags older than what they take the place of |
//! | [`AncestorOf`] | commits that are not on a branch |
//! | [`NotHeld`] | tags that are held back |
//! | [`from_fn`] | what a closure says no to |
//!
//! Each is a [`Gate`](crate::guard::Gate), usable alone. What cannot be decided is an error, which counts as no.
//!
//! ```
//! use deploy_core::gate::NeverDowngrade;
//! use deploy_core::guard::{Answer, Gate, Subject};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let gate = NeverDowngrade::new("scheme=semver".parse()?);
//! let mut subject = Subject::new("production");
//! subject.images = vec!["shop/api:v1.9.0".into()];
//! subject.before = vec![Some("shop/api:v1.10.0".into())];
//! let Answer::No { why } = gate.ask(&subject).await? else { panic!() };
//! assert_eq!(why, "shop/api:v1.9.0 is older than v1.10.0, which it would take the place of");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod ancestor;
pub mod approval;
mod downgrade;
mod from_fn;
mod holds;
mod subject;
mod tags;
#[cfg(test)]
mod tests;
pub mod window;

pub use ancestor::AncestorOf;
pub use downgrade::NeverDowngrade;
pub use from_fn::{FnGate, from_fn};
pub use holds::NotHeld;
