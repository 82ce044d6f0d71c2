//! The algebra of Kubernetes `managedFields`: who owns which fields of an object, and what follows from it.
//!
//! Pure functions on [`serde_json::Value`] objects, for any client of the API (`kube`'s `DynamicObject` serializes to one)
//! and for whoever imitates the API server. Nothing here does I/O, keeps state or reads a clock.
//!
//! | you want to | use |
//! | --- | --- |
//! | read, combine and write FieldsV1 | [`FieldSet`], [`FieldPath`], [`PathElement`] |
//! | see who owns what, take over, put back | [`ManagedFields`], [`Entry`] |
//! | get what a manager applied out of a live object | [`extract`], [`project`] |
//! | know what a manager would own after an apply | [`applied_fields`] |
//! | know whether an apply would change anything | [`compare`] |
//! | know how the built-in types merge | [`schema`] |
//! | do to an object what the API server does | [`server`] |
//!
//! ```
//! use k8s_fields::{FieldSet, ManagedFields, Operation, compare, extract};
//! use serde_json::json;
//!
//! // As the API server answers to a server-side apply by "deploy"; an autoscaler has written the replicas since.
//! let live = json!({
//!     "apiVersion": "apps/v1", "kind": "Deployment",
//!     "metadata": {
//!         "name": "web", "namespace": "shop", "uid": "4711", "resourceVersion": "12",
//!         "managedFields": [
//!             {
//!                 "manager": "deploy", "operation": "Apply", "apiVersion": "apps/v1", "fieldsType": "FieldsV1",
//!                 "fieldsV1": {"f:spec": {"f:selector": {}, "f:template": {
//!                     "f:metadata": {"f:labels": {"f:app": {}}},
//!                     "f:spec": {"f:containers": {r#"k:{"name":"web"}"#: {".": {}, "f:image": {}, "f:name": {}}}},
//!                 }}},
//!             },
//!             {
//!                 "manager": "autoscaler", "operation": "Update", "apiVersion": "apps/v1",
//!                 "subresource": "scale", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}},
//!             },
//!         ],
//!     },
//!     "spec": {
//!         "replicas": 3,
//!         "selector": {"matchLabels": {"app": "web"}},
//!         "template": {
//!             "metadata": {"labels": {"app": "web"}},
//!             "spec": {"restartPolicy": "Always", "containers": [{"name": "web", "image": "web:1", "resources": {}}]},
//!         },
//!     },
//! });
//!
//! // Who owns the replicas?
//! let managed = ManagedFields::of(&live)?;
//! let replicas = ".spec.replicas".parse()?;
//! let owners: Vec<_> = managed.entries.iter().filter(|e| e.fields.contains(&replicas)).map(|e| &e.manager).collect();
//! assert_eq!(owners, ["autoscaler"]);
//!
//! // What did we apply? Without the server's defaults, and without what others own.
//! let mut desired = extract(&live, "deploy")?.unwrap();
//! assert!(desired["spec"].get("replicas").is_none());
//!
//! // Applying it again would change nothing; with another image it would.
//! let ignored = FieldSet::new();
//! assert!(compare(&desired, &live, "deploy", &ignored).is_equal());
//! desired["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2".into();
//! assert_eq!(
//!     compare(&desired, &live, "deploy", &ignored).to_string(),
//!     r#".spec.template.spec.containers[name="web"].image: has another value"#,
//! );
//! # Ok::<(), k8s_fields::ParseError>(())
//! ```

mod applied;
mod compare;
mod error;
mod fields_v1;
mod json;
mod lists;
mod managed;
mod path;
mod project;
pub mod schema;
mod secret;
pub mod server;
mod set;
mod takeover;

pub use applied::applied_fields;
pub use compare::{Comparison, Difference, compare};
pub use error::{ParseError, ParseErrorKind};
pub use json::Json;
pub use managed::{Entry, ManagedFields, Operation};
pub use path::{FieldPath, PathElement};
pub use project::{extract, project, without};
pub use schema::Schema;
pub use secret::secret_string_data_to_data;
pub use set::FieldSet;
pub use takeover::MixedVersions;
