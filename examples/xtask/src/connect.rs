//! Which cluster, and which namespace in it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, Result};
use deploy_k8s::Cluster;

use crate::args::ClusterArgs;
use crate::environment::Environment;

/// Connects as `--kubeconfig`, `--in-cluster`, `KUBECONFIG_BASE64`, `KUBECONFIG` or `~/.kube/config` say, in this order.
pub(crate) async fn connect(args: &ClusterArgs, environment: &Environment) -> Result<Cluster> {
    let mut builder = Cluster::builder().request_timeout(args.request_timeout);
    if let Some(path) = &args.kubeconfig {
        builder = builder.kubeconfig(path);
    } else if args.in_cluster {
        builder = builder.in_cluster();
    } else if let Some(text) = &environment.kubeconfig_base64 {
        builder = builder.kubeconfig_bytes(decode(text)?);
    }
    if let Some(context) = &args.context {
        builder = builder.context(context);
    }
    builder.build().await
}

/// The namespace asked for, or the context's.
pub(crate) fn namespace(args: &ClusterArgs, cluster: &Cluster) -> String {
    args.namespace.clone().unwrap_or_else(|| cluster.default_namespace().to_owned())
}

/// Base64 as `base64` writes it, its line breaks included. The error does not quote it: it holds credentials.
fn decode(text: &str) -> Result<Vec<u8>> {
    let text: String = text.split_ascii_whitespace().collect();
    STANDARD.decode(text).map_err(|_| {
        Error::invalid("KUBECONFIG_BASE64 is not base64").help("make it with: base64 < kubeconfig")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_what_base64_writes() {
        assert_eq!(decode("YXBp\nVmVy\n").unwrap(), b"apiVer");
        let error = decode("secret!").unwrap_err();
        assert!(!error.to_string().contains("secret"), "{error}");
    }
}
