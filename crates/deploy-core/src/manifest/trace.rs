//! Which deployment wrote an object.

use super::Object;

/// The annotation that names the deployment that wrote an object last.
pub const DEPLOYMENT_ID: &str = "deploy-core/deployment-id";

/// The annotation that names the git revision that an object was written from.
pub const GIT_REVISION: &str = "deploy-core/git-revision";

/// The annotation of a pod template that changes with the Secrets and ConfigMaps that its pods use:
/// [`Bundle::restarting_on_change`](super::Bundle::restarting_on_change).
pub const CONFIG_DIGEST: &str = "deploy-core/config-digest";

/// The object with the annotations that trace it back to its deployment.
///
/// They stand on the object's own metadata and never on a pod template, where every deployment would restart the
/// pods. Stamp only what is written anyway, and leave both keys out of diffs.
///
/// ```
/// use deploy_core::manifest::{DEPLOYMENT_ID, read, stamp};
///
/// let object = read("x", b"{apiVersion: v1, kind: Service, metadata: {name: api}}")?.remove(0);
/// assert_eq!(stamp(object, "d-17", Some("5f2c1e9")).annotation(DEPLOYMENT_ID), Some("d-17"));
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[must_use]
pub fn stamp(object: Object, deployment_id: &str, git_revision: Option<&str>) -> Object {
    let object = object.with_annotation(DEPLOYMENT_ID, deployment_id);
    match git_revision {
        Some(revision) => object.with_annotation(GIT_REVISION, revision),
        None => object,
    }
}
