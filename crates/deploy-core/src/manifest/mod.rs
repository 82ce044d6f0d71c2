//! Kubernetes objects as data (stage *manifest*): what is wanted, before anything is asked of a cluster.
//!
//! [`read`] takes named bytes, a [`Bundle`] resolves namespaces and images, [`order`] says what is written when.
//! A [`SecretBuilder`] makes Secrets, and [`Bundle::restarting_on_change`] restarts what uses them.
//!
//! ```
//! use deploy_core::manifest::{Bundle, read};
//!
//! let objects = read("shop.yaml", b"
//! apiVersion: v1
//! kind: Service
//! metadata: {name: api}
//! ---
//! apiVersion: v1
//! kind: ServiceAccount
//! metadata: {name: api}
//! ")?;
//! let bundle = Bundle::builder().objects(objects).namespace("shop").build()?;
//! let names: Vec<String> = bundle
//!     .stages()?
//!     .iter()
//!     .flat_map(|stage| &stage.objects)
//!     .map(|&index| bundle.objects()[index].id().to_string())
//!     .collect();
//! assert_eq!(names, ["ServiceAccount shop/api", "Service shop/api"]);
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod bundle;
mod data;
mod excerpt;
mod id;
mod images;
mod kinds;
mod object;
pub mod order;
mod places;
mod read;
mod redact;
mod restart;
mod secret;
mod size;
#[cfg(test)]
mod tests;
mod trace;
mod uses;
mod write;
mod yaml;

pub use bundle::{Bundle, BundleBuilder};
pub use data::check_data_key;
pub use excerpt::{Excerpt, excerpt};
pub use id::{ObjectId, Origin};
pub use images::{ContainerImage, ImageOverride, images};
pub(crate) use kinds::pod_spec_pointer;
pub use kinds::{Scope, scope};
pub use object::Object;
pub(crate) use object::at;
pub use read::{documents, read, read_lenient};
pub(crate) use redact::LAST_APPLIED;
pub use redact::{MASK, redact};
pub use secret::SecretBuilder;
pub use size::{MAX_DATA_BYTES, MAX_OBJECT_BYTES};
pub use trace::{CONFIG_DIGEST, DEPLOYMENT_ID, GIT_REVISION, stamp};
pub use write::to_yaml;
pub use yaml::{MAX_ALIAS_BYTES, MAX_BYTES, MAX_DEPTH, MAX_VALUES};
