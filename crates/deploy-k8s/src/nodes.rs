//! What nodes are: their platforms.

use std::collections::BTreeSet;

use deploy_core::error::{Error, ErrorKind, Result};
use serde_json::Value;

use crate::api::{Cluster, Resource};

impl Cluster {
    /// The platforms of the nodes, sorted, as in `linux/amd64`: what images must be there for. One list. Cancel safe.
    ///
    /// # Errors
    /// [`Forbidden`](ErrorKind::Forbidden) without the right to list nodes; what the API server refuses.
    pub async fn node_platforms(&self) -> Result<Vec<String>> {
        let nodes = Resource::built_in_kind("", "Node")
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the kind Node is not known"))?
            .within(None);
        let (platforms, _) = self.select(&nodes, "", |node| platform(&node)).await?;
        let platforms: BTreeSet<String> = platforms.into_iter().collect();
        Ok(platforms.into_iter().collect())
    }
}

/// As the kubelet reports it; `None` before it has.
fn platform(node: &Value) -> Option<String> {
    let info = |key: &str| {
        let text = node.pointer("/status/nodeInfo")?.get(key)?.as_str()?;
        (!text.is_empty()).then_some(text)
    };
    Some(format!("{}/{}", info("operatingSystem")?, info("architecture")?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_node_tells_its_platform() {
        let check = |info: Value, expect: Option<&str>| {
            assert_eq!(platform(&json!({"status": {"nodeInfo": info}})).as_deref(), expect);
        };
        check(json!({"operatingSystem": "linux", "architecture": "arm64"}), Some("linux/arm64"));
        check(json!({"operatingSystem": "", "architecture": ""}), None);
        check(json!(null), None);
    }
}
