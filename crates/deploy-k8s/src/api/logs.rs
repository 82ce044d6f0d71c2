//! The last lines of a container's log.

use deploy_core::error::Result;

use super::Cluster;
use super::resource::{Resource, escape};
use super::send::Failed;
use super::verbs::read;

/// A log's tail is cut at this many bytes; the server cuts it.
const MAX_BYTES: usize = 64 << 10;

impl Cluster {
    /// The last `lines` lines of a container's log, of its previous instance if `previous`. Empty if there is none.
    pub(crate) async fn log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        lines: usize,
    ) -> Result<Vec<String>> {
        let Some(pods) = Resource::built_in_kind("", "Pod") else { return Ok(Vec::new()) };
        let place = pods.within(Some(namespace));
        let path = format!(
            "{}/log?container={}&previous={previous}&tailLines={lines}&limitBytes={MAX_BYTES}",
            place.object(pod),
            escape(container),
        );
        let call = read("read the log of", path, format!("container {container} of pod {namespace}/{pod}"));
        match self.call(&call).await {
            // The kubelet's own words, where the log of that instance is gone already.
            Ok(body) if body.starts_with(b"unable to retrieve container logs for ") => Ok(Vec::new()),
            Ok(body) => Ok(String::from_utf8_lossy(&body).lines().map(str::to_owned).collect()),
            // No such instance, or the container has not started.
            Err(Failed::Refused(refusal)) if refusal.code == 400 || refusal.code == 404 => Ok(Vec::new()),
            Err(failed) => Err(failed.into_error(call.verb, &call.object)),
        }
    }
}
