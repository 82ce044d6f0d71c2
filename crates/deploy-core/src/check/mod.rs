//! Checks put together: several in order or at once ([`AllOf`]), again and again within a time ([`Within`]), a closure ([`from_fn`]).
//!
//! What they look at is in `deploy-verify`: HTTP, TCP, commands, metrics.
//!
//! ```
//! use std::sync::Arc;
//! use std::time::Duration;
//! use deploy_core::check::{AllOf, Within};
//! use deploy_core::clock::SystemClock;
//! use deploy_core::guard::{Answer, Check, Subject};
//! use deploy_core::memory::FixedCheck;
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let home = FixedCheck::new("home page", Answer::Yes { grounds: "it answered 200".into() });
//! let cart = FixedCheck::new("cart", Answer::No { why: "it answered 503, expected 200".into() });
//! let both = AllOf::at_once([Arc::new(home) as Arc<dyn Check>, Arc::new(cart)]);
//! let within = Within::new(Arc::new(both), Duration::from_secs(30), Arc::new(SystemClock::new()));
//! let Answer::No { why } = within.check(&Subject::new("production")).await? else { panic!() };
//! assert_eq!(why, "after 16 tries in 30 s: cart: it answered 503, expected 200");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```

mod all_of;
mod from_fn;
#[cfg(test)]
mod tests;
mod within;

pub use all_of::AllOf;
pub use from_fn::{FnCheck, from_fn};
pub use within::Within;
