//! Kubernetes objects as data (stage *manifest*): what is wanted, before anything is asked of a cluster.

mod object;

pub use object::{Object, ObjectId, Origin};
