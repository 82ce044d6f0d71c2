//! The nodes and what runs on them: images are pulled, containers start, are probed, crash and start again, all by the table of images.

mod config;
mod container;
mod image;
mod pod;
mod probe;
mod status;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::component::KUBELET;
use crate::controllers::object::{sooner, text, uid};
use crate::state::State;
use crate::version::KUBERNETES_VERSION;
pub use image::Image;
pub(crate) use image::Images;
use pod::Pod;

/// The first node, and where the cluster's other components are.
pub(crate) const NODE: &str = "node-1";

/// What the kubelets know of their nodes.
#[derive(Debug)]
pub(crate) struct Node {
    pub(crate) images: Images,
    /// How many nodes there are: `node-1` and so on.
    pub(crate) count: u8,
    is_registered: bool,
    /// By node, and image.
    pulled: BTreeSet<(String, String)>,
    /// By uid.
    pods: BTreeMap<String, Pod>,
    addresses: u16,
}

impl Default for Node {
    fn default() -> Self {
        Self {
            images: Images::default(),
            count: 1,
            is_registered: false,
            pulled: BTreeSet::new(),
            pods: BTreeMap::new(),
            addresses: 0,
        }
    }
}

/// Which of the nodes has this name, from 1 on.
fn number(node: &str) -> Option<u8> {
    node.strip_prefix("node-")?.parse().ok()
}

/// Where a node is.
fn address(node: &str) -> String {
    format!("192.0.2.{}", number(node).unwrap_or(1).saturating_add(1))
}

impl Node {
    /// Whether a node is one of the cluster's own, on which pods run.
    fn has(&self, node: &str) -> bool {
        number(node).is_some_and(|number| (1..=self.count).contains(&number))
    }

    /// What a container wrote, with the time of every line: since its last start, or before that. `None` if it never ran.
    pub(crate) fn logs(&self, pod: &str, container: &str, previous: bool) -> Option<&[(Timestamp, String)]> {
        let pod = self.pods.get(pod)?;
        let container = pod.containers.iter().find(|found| found.name == container)?;
        container.id.as_ref()?;
        match previous {
            true if container.restarts == 0 => None,
            true => Some(&container.previous_logs),
            false => Some(&container.logs),
        }
    }

    fn next_address(&mut self) -> String {
        self.addresses = self.addresses.wrapping_add(1);
        let [high, low] = self.addresses.to_be_bytes();
        format!("10.244.{high}.{low}")
    }
}

/// Lets every pod of the nodes do what is due.
pub(crate) fn sync(state: &mut State) -> Option<Timestamp> {
    let pods = state.objects("pods.", None);
    let here: Vec<_> = pods.into_iter().filter(|pod| state.node.has(text(pod, "/spec/nodeName"))).collect();
    let uids: BTreeSet<&str> = here.iter().map(|pod| uid(pod)).collect();
    state.node.pods.retain(|uid, _| uids.contains(uid.as_str()));
    let mut next = None;
    for pod in &here {
        let known = state.node.pods.remove(uid(pod));
        // What ended before the kubelet knew of it does not run again.
        if known.is_none() && ["Succeeded", "Failed"].contains(&text(pod, "/status/phase")) {
            continue;
        }
        let mut run = known.unwrap_or_else(|| Pod::new(state, pod));
        next = sooner(next, run.step(state, pod));
        let status = status::of(state, pod, &run);
        if pod.get("status") != Some(&status) {
            // A status that is refused is written at the next change.
            let _ = KUBELET.change(state, pod, Some("status"), |pod| pod["status"] = status);
        }
        if run.is_removable(state.now) {
            let _ = KUBELET.delete(state, pod);
        }
        state.node.pods.insert(uid(pod).to_owned(), run);
    }
    next
}

/// Makes the nodes known, once.
pub(crate) fn register(state: &mut State) {
    if std::mem::replace(&mut state.node.is_registered, true) {
        return;
    }
    for number in 1..=state.node.count {
        register_one(state, &format!("node-{number}"));
    }
}

fn register_one(state: &mut State, name: &str) {
    let labels = json!({
        "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64",
        "kubernetes.io/hostname": name, "kubernetes.io/os": "linux",
    });
    let node =
        json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}, "spec": {}});
    let Ok(node) = KUBELET.create(state, node) else { return };
    let time = state.time();
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": message,
            "lastHeartbeatTime": time, "lastTransitionTime": time,
        })
    };
    let resources = json!({"cpu": "8", "memory": "16Gi", "ephemeral-storage": "100Gi", "pods": "250"});
    let status: Value = json!({
        "addresses": [{"type": "InternalIP", "address": address(name)}, {"type": "Hostname", "address": name}],
        "capacity": resources, "allocatable": resources,
        "conditions": [
            condition("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            condition("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            condition("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            condition("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
        ],
        "nodeInfo": {"architecture": "amd64", "operatingSystem": "linux", "kubeletVersion": KUBERNETES_VERSION},
    });
    let _ = KUBELET.change(state, &node, Some("status"), |node| node["status"] = status);
}
