//! What admission adds to a Pod, and what the server says of it at first.

use serde_json::{Value, json};

use super::pod::containers;
use super::quantity::Quantity;

const TOKEN_PATH: &str = "/var/run/secrets/kubernetes.io/serviceaccount";
/// The letters of generated names (`apimachinery/pkg/util/rand`).
const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// What a Pod is admitted with.
pub(super) fn admit(pod: &mut Value, before: Option<&Value>) {
    let suffix = suffix(pod);
    let Some(spec) = pod.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    match before {
        // What an update leaves out stays.
        Some(before) => {
            for field in ["priority", "preemptionPolicy"] {
                if let (None, Some(value)) = (spec.get(field), before["spec"].get(field)) {
                    spec[field] = value.clone();
                }
            }
        }
        None => {
            fill_service_account(spec, &suffix);
            fill_priority(spec);
            if spec.get("preemptionPolicy").is_none() {
                spec["preemptionPolicy"] = "PreemptLowerPriority".into();
            }
        }
    }
    fill_tolerations(spec);
}

/// The status of a Pod that was just created.
pub(super) fn status(pod: &Value) -> Value {
    json!({"phase": "Pending", "qosClass": qos_class(pod.get("spec").unwrap_or(&Value::Null))})
}

fn fill_service_account(spec: &mut Value, suffix: &str) {
    for field in ["serviceAccountName", "serviceAccount"] {
        if spec.get(field).is_none() {
            spec[field] = "default".into();
        }
    }
    if spec.get("automountServiceAccountToken") == Some(&Value::Bool(false)) {
        return;
    }
    let volume = format!("kube-api-access-{suffix}");
    let mut mounted = false;
    for list in ["initContainers", "containers"] {
        for container in containers(spec, list) {
            mounted |= mount_token(container, &volume);
        }
    }
    if mounted {
        push(
            spec,
            "volumes",
            json!({"name": volume, "projected": {"defaultMode": 420, "sources": [
                {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {"downwardAPI": {"items": [
                    {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}},
                ]}},
            ]}}),
        );
    }
}

/// Unless the container mounts something there itself.
fn mount_token(container: &mut Value, volume: &str) -> bool {
    let mounts = container.get("volumeMounts").and_then(Value::as_array);
    let at_path = |mount: &Value| mount.get("mountPath").is_some_and(|path| path == TOKEN_PATH);
    if mounts.is_some_and(|mounts| mounts.iter().any(at_path)) {
        return false;
    }
    push(container, "volumeMounts", json!({"name": volume, "readOnly": true, "mountPath": TOKEN_PATH}));
    true
}

fn push(object: &mut Value, list: &str, item: Value) {
    match object.get_mut(list) {
        Some(Value::Array(items)) => items.push(item),
        Some(_) => {}
        None => object[list] = Value::Array(vec![item]),
    }
}

/// Of a class that the cluster was not born with, the priority stays unknown.
fn fill_priority(spec: &mut Value) {
    let priority = match spec.get("priorityClassName").and_then(Value::as_str) {
        None => 0,
        Some("system-cluster-critical") => 2_000_000_000,
        Some("system-node-critical") => 2_000_001_000,
        Some(_) => return,
    };
    if spec.get("priority").is_none() {
        spec["priority"] = priority.into();
    }
}

fn fill_tolerations(spec: &mut Value) {
    for key in ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"] {
        let tolerations = spec.get("tolerations").and_then(Value::as_array);
        let tolerates = |toleration: &Value| {
            let is = |field: &str, value: &str| toleration.get(field).is_none_or(|found| found == value);
            is("key", key) && is("effect", "NoExecute")
        };
        if !tolerations.is_some_and(|tolerations| tolerations.iter().any(tolerates)) {
            let toleration =
                json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            push(spec, "tolerations", toleration);
        }
    }
}

fn qos_class(spec: &Value) -> &'static str {
    let lists = ["initContainers", "containers"].into_iter();
    let containers: Vec<&Value> = lists.filter_map(|list| spec.get(list)?.as_array()).flatten().collect();
    let amount = |container: &Value, of: &str, resource: &str| {
        let quantity = Quantity::of(container.get("resources")?.get(of)?.get(resource)?)?;
        (!quantity.is_zero()).then_some(quantity)
    };
    let guaranteed = |container: &&Value, resource: &str| {
        let limit = amount(container, "limits", resource);
        limit.is_some() && limit == amount(container, "requests", resource)
    };
    let says = |container: &&Value, resource: &str| {
        ["limits", "requests"].iter().any(|of| amount(container, of, resource).is_some())
    };
    let resources = ["cpu", "memory"];
    if !containers.iter().any(|container| resources.iter().any(|resource| says(container, resource))) {
        "BestEffort"
    } else if containers
        .iter()
        .all(|container| resources.iter().all(|resource| guaranteed(container, resource)))
    {
        "Guaranteed"
    } else {
        "Burstable"
    }
}

/// Five letters that stand for the Pod: random ones in a real cluster, here the same at every run.
fn suffix(pod: &Value) -> String {
    let text =
        |field: &str| pod.get("metadata").and_then(|metadata| metadata.get(field)).and_then(Value::as_str);
    let name = [text("namespace"), text("name")];
    // FNV-1a
    let bytes = name.iter().flatten().flat_map(|text| text.bytes());
    let mut hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut suffix = String::new();
    for _ in 0..5 {
        let letter = usize::try_from(hash % 27).ok().and_then(|index| LETTERS.get(index));
        suffix.push(letter.map_or('x', |letter| char::from(*letter)));
        hash /= 27;
    }
    suffix
}
