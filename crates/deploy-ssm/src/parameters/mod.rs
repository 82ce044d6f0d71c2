//! [`ParameterStore`]: configuration and secrets in AWS's Parameter Store.
//!
//! ```no_run
//! use deploy_core::config::{ConfigStore, Edit, Expect, Note};
//! use deploy_ssm::{Aws, ParameterStore};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let aws = Aws::builder().from_environment().await?;
//! let store = ParameterStore::new(&aws, "/shop/prod")?;
//! // The parameter /shop/prod/api/tag.
//! let seen = ConfigStore::get(&store, "api/tag").await?.expect("somebody set it");
//! let edit = Edit::put("api/tag", "v2").expecting(Expect::Version(seen.version));
//! store.set(&[edit], &Note::new("release 2")).await
//! # }
//! ```

mod edits;
mod log;
mod mark;
mod names;
mod read;
mod store;
mod write;

pub use store::ParameterStore;
