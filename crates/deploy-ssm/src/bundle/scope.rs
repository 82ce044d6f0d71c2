//! Which kinds have no namespace, where the cluster cannot be asked.

use std::collections::BTreeSet;

use deploy_core::error::Result;
use deploy_core::manifest::{Bundle, Object, Scope};

/// Kinds that are not Kubernetes' own and stand once in the whole cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct ClusterScoped(BTreeSet<(String, String)>);

impl ClusterScoped {
    /// Adds a kind, as in `("cert-manager.io", "ClusterIssuer")`.
    pub(crate) fn add(&mut self, group: String, kind: String) {
        self.0.insert((group, kind));
    }

    /// Gives objects whose scope only the cluster knows the bundle's namespace, but for these kinds and for those whose definition in the
    /// bundle says `scope: Cluster`.
    pub(crate) fn settle(&self, bundle: Bundle) -> Result<Bundle> {
        let mut kinds = self.0.clone();
        kinds.extend(bundle.objects().iter().filter_map(cluster_definition));
        bundle.settle(|object| {
            let kind = (object.group().to_owned(), object.kind().to_owned());
            if kinds.contains(&kind) { Scope::Cluster } else { Scope::Namespaced }
        })
    }
}

fn cluster_definition(object: &Object) -> Option<(String, String)> {
    let text = |pointer: &str| object.get(pointer)?.as_str().map(str::to_owned);
    let defines = object.group() == "apiextensions.k8s.io" && object.kind() == "CustomResourceDefinition";
    (defines && text("/spec/scope")? == "Cluster")
        .then_some((text("/spec/group")?, text("/spec/names/kind")?))
}
