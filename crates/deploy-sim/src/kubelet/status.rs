//! What a node says of a pod.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::address;
use super::container::Container;
use super::pod::Pod;
use crate::controllers::object::{condition, generation, int, list, text};
use crate::defaults::quantity::Quantity;
use crate::state::State;

/// The whole status, in the form of a real kubelet's.
pub(super) fn of(state: &State, pod: &Value, run: &Pod) -> Value {
    let phase = phase(pod, run);
    let mut status = Map::new();
    if let Some(class) = pod.pointer("/status/qosClass") {
        status.insert("qosClass".into(), class.clone());
    }
    status.insert("observedGeneration".into(), generation(pod).into());
    status.insert("phase".into(), phase.into());
    status.insert("conditions".into(), conditions(state, pod, run, phase));
    let host = address(text(pod, "/spec/nodeName"));
    status.insert("hostIPs".into(), json!([{"ip": host}]));
    status.insert("hostIP".into(), host.into());
    if let Some(address) = &run.address {
        status.insert("podIP".into(), address.clone().into());
        status.insert("podIPs".into(), json!([{"ip": address}]));
    }
    status.insert("startTime".into(), run.start_time.clone().into());
    let mut resources = json!({});
    for of in ["limits", "requests"] {
        let all = resources_of(pod, of);
        if !all.is_empty() {
            if of == "requests" {
                status.insert("allocatedResources".into(), all.clone().into());
            }
            resources[of] = all.into();
        }
    }
    status.insert("resources".into(), resources);
    for (field, specs, init) in [
        ("initContainerStatuses", "/spec/initContainers", true),
        ("containerStatuses", "/spec/containers", false),
    ] {
        let specs = list(pod, specs);
        let of_one = |container: &Container| {
            let spec = specs.iter().find(|spec| spec["name"] == container.name.as_str())?;
            Some(container_status(container, spec))
        };
        let statuses: Vec<Value> =
            run.containers.iter().filter(|container| container.init == init).filter_map(of_one).collect();
        if !statuses.is_empty() {
            status.insert(field.into(), statuses.into());
        }
    }
    status.into()
}

/// What a pod asks for or may use: its containers together, or the greediest of its init containers.
fn resources_of(pod: &Value, of: &str) -> Map<String, Value> {
    let amounts = |container: &Value| -> Vec<(String, Quantity)> {
        let all = container["resources"][of].as_object().into_iter().flatten();
        all.filter_map(|(name, amount)| Some((name.clone(), Quantity::of(amount)?))).collect()
    };
    let mut all: BTreeMap<String, Quantity> = BTreeMap::new();
    for (name, amount) in list(pod, "/spec/containers").iter().flat_map(amounts) {
        all.entry(name).and_modify(|sum| *sum = sum.plus(amount)).or_insert(amount);
    }
    for (name, amount) in list(pod, "/spec/initContainers").iter().flat_map(amounts) {
        all.entry(name)
            .and_modify(|most| *most = if amount > *most { amount } else { *most })
            .or_insert(amount);
    }
    all.into_iter().map(|(name, amount)| (name, amount.canonical().into())).collect()
}

/// By its containers (`pkg/kubelet`, `getPhase`); a pod that is told to stop ends in one of the two last phases.
pub(super) fn phase(pod: &Value, run: &Pod) -> &'static str {
    if run.has_ended() {
        let all_well = run.containers.iter().all(|container| container.ended() == Some(0));
        return if all_well { "Succeeded" } else { "Failed" };
    }
    if !run.is_initialized() {
        return "Pending";
    }
    let mains = || run.containers.iter().filter(|container| !container.init);
    let never_ran = |container: &Container| {
        container.shown.get("waiting").is_some() && container.last.get("terminated").is_none()
    };
    if mains().any(never_ran) {
        return "Pending";
    }
    if text(pod, "/spec/restartPolicy") == "Always" || mains().any(|container| container.ended().is_none()) {
        return "Running";
    }
    if mains().all(|container| container.ended() == Some(0)) { "Succeeded" } else { "Failed" }
}

fn conditions(state: &State, pod: &Value, run: &Pod, phase: &str) -> Value {
    let names = |containers: Vec<&Container>| {
        let names: Vec<&str> = containers.iter().map(|container| container.name.as_str()).collect();
        names.join(" ")
    };
    let unready: Vec<&Container> = run.containers.iter().filter(|one| !one.init && !one.ready).collect();
    let incomplete: Vec<&Container> =
        run.containers.iter().filter(|one| one.init && one.ended() != Some(0)).collect();
    let ready = match phase {
        "Succeeded" => ("False", Some("PodCompleted"), None),
        "Failed" => ("False", Some("PodFailed"), None),
        _ if unready.is_empty() => ("True", None, None),
        _ => {
            let message = format!("containers with unready status: [{}]", names(unready));
            ("False", Some("ContainersNotReady"), Some(message))
        }
    };
    let initialized = match phase {
        "Succeeded" => ("True", Some("PodCompleted"), None),
        _ if incomplete.is_empty() || run.is_initialized() => ("True", None, None),
        _ => {
            let message = format!("containers with incomplete status: [{}]", names(incomplete));
            ("False", Some("ContainersNotInitialized"), Some(message))
        }
    };
    let has_sandbox = run.address.is_some() && !run.has_ended();
    let sandbox = (if has_sandbox { "True" } else { "False" }, None, None);
    let all = [
        ("PodReadyToStartContainers", sandbox),
        ("Initialized", initialized),
        ("Ready", ready.clone()),
        ("ContainersReady", ready),
        ("PodScheduled", ("True", None, None)),
    ];
    let condition = |(kind, (status, reason, message)): (&str, (&str, Option<&str>, Option<String>))| {
        let before = condition(pod, kind).filter(|before| before["status"] == status);
        let since = before.map_or_else(|| state.time().into(), |before| before["lastTransitionTime"].clone());
        let mut condition = json!({
            "type": kind, "status": status, "lastProbeTime": null, "lastTransitionTime": since,
            "observedGeneration": generation(pod),
        });
        for (field, value) in [("reason", reason.map(str::to_owned)), ("message", message)] {
            if let Some(value) = value {
                condition[field] = value.into();
            }
        }
        condition
    };
    all.into_iter().map(condition).collect()
}

fn container_status(container: &Container, spec: &Value) -> Value {
    let image = text(spec, "/image");
    let mut status = json!({
        "name": container.name, "image": image, "imageID": "", "state": container.shown, "lastState": container.last,
        "ready": container.ready, "started": container.started, "restartCount": container.restarts,
    });
    if let Some(id) = &container.id {
        status["containerID"] = id.clone().into();
        status["imageID"] = image_id(image).into();
        status["resources"] = spec.get("resources").cloned().unwrap_or_else(|| json!({}));
        if let Some(requests) = spec.pointer("/resources/requests") {
            status["allocatedResources"] = requests.clone();
        }
    }
    let mounts: Vec<Value> = list(spec, "/volumeMounts")
        .iter()
        .map(|mount| {
            let mut told = json!({"name": mount["name"], "mountPath": mount["mountPath"]});
            if mount["readOnly"] == true {
                told["readOnly"] = true.into();
                told["recursiveReadOnly"] = "Disabled".into();
            }
            told
        })
        .collect();
    if !mounts.is_empty() {
        status["volumeMounts"] = mounts.into();
    }
    status
}

/// The digest of an image: its own, or one that is made from its name.
fn image_id(image: &str) -> String {
    if image.contains('@') {
        return image.to_owned();
    }
    let last = image.rsplit('/').next().unwrap_or(image);
    let tag = last.split_once(':').map_or(0, |(_, tag)| tag.len() + 1);
    let repository = image.get(..image.len() - tag).unwrap_or(image);
    let [a, b, c, d] = [0, 1, 2, 3].map(|part| fnv(image, part));
    format!("{repository}@sha256:{a:016x}{b:016x}{c:016x}{d:016x}")
}

fn fnv(text: &str, seed: u64) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325 ^ seed, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// Seconds that a pod that is to go has from now.
pub(super) fn grace(pod: &Value) -> i64 {
    int(pod, "/metadata/deletionGracePeriodSeconds").unwrap_or(30)
}
