//! A Kubernetes cluster inside a test: an API server in this process that a real [`kube::Client`] talks to.
//!
//! ```
//! use deploy_sim::SimCluster;
//! use k8s_openapi::api::core::v1::ConfigMap;
//! use kube::api::{Api, Patch, PatchParams};
//! use serde_json::json;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), kube::Error> {
//! let cluster = SimCluster::builder().start();
//! let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
//! let settings = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "b"}});
//! let made = maps.patch("settings", &PatchParams::apply("me"), &Patch::Apply(&settings)).await?;
//! assert!(made.metadata.uid.is_some());
//! # Ok(())
//! # }
//! ```
//!
#![doc = include_str!("not_implemented.md")]

mod access;
mod api;
mod cluster;
mod component;
mod controllers;
mod convert;
mod defaults;
mod definitions;
mod drive;
#[cfg(feature = "tls")]
mod endpoint;
mod faults;
mod fields;
mod follow;
#[cfg(feature = "listen")]
mod forward;
#[cfg(feature = "tls")]
mod host;
mod kinds;
mod kubelet;
#[cfg(feature = "listen")]
mod listen;
mod mortal;
mod node_affinity;
mod openapi;
#[cfg(feature = "listen")]
mod ports;
mod quota;
mod request;
mod scale;
mod scheduler;
mod schema;
mod selector;
mod server;
mod state;
mod status;
mod store;
mod table;
#[cfg(feature = "tls")]
mod tls;
mod user;
mod validate;
mod version;
mod watch;
mod yaml;

pub use cluster::{SimCluster, SimClusterBuilder};
#[cfg(feature = "tls")]
pub use endpoint::Endpoint;
pub use faults::Fault;
#[cfg(feature = "tls")]
pub use host::Host;
pub use kubelet::Image;
pub use mortal::{Moment, Mortal};
pub use user::User;
pub use version::KUBERNETES_VERSION;
