//! Which tags of a repository can go, and why each of the others stays.
//!
//! Pure: tags with their digests, what runs, what a way back needs and the time in; a plan out. It deletes nothing; whoever carries it
//! out deletes what it says can go, and nothing else.
//!
//! ```
//! use deploy_core::image::{Digest, Repository};
//! use deploy_core::inventory::RunningImage;
//! use deploy_core::manifest::ObjectId;
//! use deploy_core::tag::retention::{InUse, RetentionPolicy, plan};
//!
//! let policy: RetentionPolicy = "scheme=branch.timestamp.sha last=1 scheme=semver keep=all".parse()?;
//! let repository: Repository = "registry.example/shop/api".parse()?;
//! let api = ObjectId::new("apps", "Deployment", Some("shop"), "api");
//! let runs = RunningImage::new(api, "api", "registry.example/shop/api:main.20261119-120000.aaaaaaa");
//! let tags = [
//!     ("main.20261119-120000.aaaaaaa", "a"), // runs
//!     ("main.20261120-120000.bbbbbbb", "b"),
//!     ("main.20261121-080000.ccccccc", "c"), // the newest of main
//!     ("v1.0.0", "b"),
//!     ("main.20261118-120000.ddddddd", "d"),
//! ];
//! let tags = tags.map(|(tag, image)| (tag.parse().unwrap(), Digest::sha256(image.as_bytes())));
//! let plan = plan(&policy, &repository, tags, &InUse::new().running(&[runs])?, "2026-11-21T10:00:00Z".parse()?)?;
//! let going: Vec<_> = plan.going().map(|decision| decision.tag.as_str()).collect();
//! assert_eq!(going, ["main.20261118-120000.ddddddd"]);
//! assert_eq!(plan.decisions()[2].to_string(), "main.20261120-120000.bbbbbbb stays: v1.0.0 stays, and is the same image");
//! # Ok::<(), deploy_core::error::Error>(())
//! ```
//!
//! # What never goes
//! What runs, what a way back needs, a tag whose image another tag that stays has too, a tag that no scheme of the policy reads, one that
//! lacks the field that decides, and one whose time is in the future, which takes no other's place either. Who cannot tell the digest of
//! every tag, or what runs, has no plan.

mod fate;
mod in_use;
mod plan;
mod policy;
mod read;
mod text;

pub use fate::Fate;
pub use in_use::InUse;
pub use plan::{Decision, RetentionPlan, plan};
pub use policy::{RetentionPolicy, RetentionPolicyBuilder};
pub use read::digests;

/// The most tags of a branch that `last` keeps.
pub const MAX_LAST: usize = 1_000_000;

/// The longest time that `younger` keeps tags, in days: a hundred years.
pub const MAX_DAYS: u64 = 36_525;
