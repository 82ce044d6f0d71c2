//! What a chart's templates may ask of a cluster: its version, and all that it serves.

use std::collections::BTreeSet;

use deploy_core::error::{Error, ErrorKind, Result};
use futures_util::future::try_join3;
use serde_json::Value;

use super::Cluster;
use super::send::Call;
use super::verbs::read;

/// All groups, versions and kinds in one answer (KEP-3352): since Kubernetes 1.27, `v2` since 1.30.
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,\
                          application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";

/// What Helm calls the capabilities of a cluster.
///
/// ```no_run
/// # async fn example() -> deploy_core::error::Result<()> {
/// let found = deploy_k8s::Cluster::builder().build().await?.capabilities().await?;
/// println!("Kubernetes {}", found.kube_version);
/// assert!(found.api_versions.contains("apps/v1") && found.api_versions.contains("apps/v1/Deployment"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// The version of Kubernetes, as in `v1.36.2` (`.Capabilities.KubeVersion.Version`).
    pub kube_version: String,
    /// Groups with their versions, as in `apps/v1`, and each kind of them, as in `apps/v1/Deployment` (`.Capabilities.APIVersions`).
    pub api_versions: BTreeSet<String>,
}

impl Cluster {
    /// Asks for the cluster's version and all that it serves: three requests at once, which every user may send unless the role
    /// `system:discovery` was taken away. Nothing is remembered of the answers.
    ///
    /// An API whose own server does not answer now counts as served. Helm leaves it out: a chart that asks for it would render without the
    /// objects that need it, and an upgrade delete them.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a Kubernetes before 1.27; what the API server refuses.
    pub async fn capabilities(&self) -> Result<Capabilities> {
        let (version, core, groups) = try_join3(
            self.discovered("/version", "the version of Kubernetes"),
            self.discovered("/api", "the core API"),
            self.discovered("/apis", "the groups of APIs"),
        )
        .await?;
        let kube_version = version
            .get("gitVersion")
            .and_then(Value::as_str)
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the API server does not tell its version"))?;
        let mut api_versions = served(&core)?;
        api_versions.append(&mut served(&groups)?);
        Ok(Capabilities { kube_version: kube_version.to_owned(), api_versions })
    }

    async fn discovered(&self, path: &str, object: &str) -> Result<Value> {
        let call = Call { accept: AGGREGATED, ..read("discover", path.to_owned(), object.to_owned()) };
        self.call_json(&call).await.map_err(|failed| failed.into_error(call.verb, &call.object))
    }
}

/// What an `APIGroupDiscoveryList` names. Kinds of subresources (`apps/v1/Scale`) count, as they do for Helm.
fn served(list: &Value) -> Result<BTreeSet<String>> {
    if list.get("kind").and_then(Value::as_str) != Some("APIGroupDiscoveryList") {
        return Err(Error::invalid("the API server does not tell all that it serves in one answer")
            .help("a chart needs Kubernetes 1.27 or later"));
    }
    let mut found = BTreeSet::new();
    for group in all(list, "items") {
        let name = group.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
        for version in all(group, "versions") {
            let Some(label) = version.get("version").and_then(Value::as_str) else { continue };
            let version_of_group = if name.is_empty() { label.to_owned() } else { format!("{name}/{label}") };
            let resources = all(version, "resources");
            let kinds = resources.flat_map(|each| std::iter::once(each).chain(all(each, "subresources")));
            let kinds = kinds.filter_map(|each| each.pointer("/responseKind/kind")?.as_str());
            found.extend(
                kinds.filter(|kind| !kind.is_empty()).map(|kind| format!("{version_of_group}/{kind}")),
            );
            found.insert(version_of_group);
        }
    }
    Ok(found)
}

fn all<'a>(value: &'a Value, field: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn groups_versions_and_kinds() {
        let check = |items: Value, expect: &[&str]| {
            let list = json!({"kind": "APIGroupDiscoveryList", "items": items});
            assert_eq!(served(&list).unwrap().iter().collect::<Vec<_>>(), expect);
        };
        let kind = |kind: &str| json!({"responseKind": {"kind": kind}});
        check(json!([]), &[]);
        check(
            json!([{"versions": [{"version": "v1", "resources": [kind("Pod"), kind("Pod")]}]}]),
            &["v1", "v1/Pod"],
        );
        let deployments = json!({"responseKind": {"kind": "Deployment"}, "subresources": [kind("Scale")]});
        check(
            json!([{"metadata": {"name": "apps"}, "versions": [{"version": "v1", "resources": [deployments]}]}]),
            &["apps/v1", "apps/v1/Deployment", "apps/v1/Scale"],
        );
        // Its own server does not answer now.
        check(
            json!([{"metadata": {"name": "metrics.k8s.io"}, "versions": [{"version": "v1beta1", "freshness": "Stale"}]}]),
            &["metrics.k8s.io/v1beta1"],
        );
        check(json!([7, {"versions": [{}, {"version": "v1", "resources": [{}, kind("")]}]}]), &["v1"]);
        check(json!({}), &[]);
    }

    #[test]
    fn an_old_server_is_told_apart() {
        let told = served(&json!({"kind": "APIGroupList", "groups": []})).unwrap_err().to_string();
        assert!(told.contains("Kubernetes 1.27 or later"), "{told}");
    }
}
