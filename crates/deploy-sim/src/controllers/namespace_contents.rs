//! What every namespace has from its beginning: the service account of its pods, and the certificate by which they know the API server
//! (`pkg/controller/serviceaccount`, `pkg/controller/certificates/rootcacertpublisher`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::object::{is_deleting, name};
use crate::component::CONTROLLER_MANAGER;
use crate::state::State;
use crate::store::Key;

const ROOT: &str = "kube-root-ca.crt";
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";
/// Nobody has its key.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----
MIIBkzCCATmgAwIBAgIUMii7uXIECiWmwU4410ObgGGVAU4wCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTZW1iZWRkZWQtY2x1c3Rlci1jYTAgFw0yNjExMjExOTMwMTZa
GA8yMTI2MTAyODE5MzAxNlowHjEcMBoGA1UEAwwTZW1iZWRkZWQtY2x1c3Rlci1j
YTBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABBlr7L/QFqJH/LLAC6YSvWXjMDke
UWR0kk75oTt/jKv1USCoCPtVGu5QfTRjUvNxk6IjUqykLLRCUBdolIMO6L+jUzBR
MB0GA1UdDgQWBBTd230XP8CZZnXsawXKn1gH+7PP1TAfBgNVHSMEGDAWgBTd230X
P8CZZnXsawXKn1gH+7PP1TAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0gA
MEUCIE0wR2T0oC74N6rUdRhElDEYXPTNI3uOwSdG0Yf04n5oAiEAyhb+foXr4vm/
SE5pMvXRrYXIL1ye0WGcGMRq3AT5R6M=
-----END CERTIFICATE-----
";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    for namespace in state.objects("namespaces.", None) {
        if !is_deleting(&namespace) {
            fill(state, name(&namespace));
        }
    }
    None
}

fn fill(state: &mut State, namespace: &str) {
    let key = |resource: &str, name: &str| Key {
        resource: resource.into(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
    };
    if state.store.get(&key("serviceaccounts.", "default")).is_none() {
        let metadata = json!({"name": "default", "namespace": namespace});
        // What is refused is tried at the next change.
        let _ = CONTROLLER_MANAGER
            .create(state, json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}));
    }
    let data = json!({"ca.crt": CERTIFICATE});
    match state.store.get(&key("configmaps.", ROOT)).cloned() {
        None => drop(CONTROLLER_MANAGER.create(state, root(namespace, &data))),
        Some(known) if known["data"] != data => {
            drop(CONTROLLER_MANAGER.change(state, &known, None, |known| known["data"] = data));
        }
        Some(_) => {}
    }
}

fn root(namespace: &str, data: &Value) -> Value {
    json!({
        "apiVersion": "v1", "kind": "ConfigMap",
        "metadata": {
            "name": ROOT, "namespace": namespace, "annotations": {"kubernetes.io/description": DESCRIPTION},
        },
        "data": data,
    })
}
