//! A pod's row: what its containers do, in one word.

use jiff::Timestamp;
use serde_json::Value;

use super::human::{NONE, age, duration, or};
use crate::controllers::object::{at, condition, int, is_deleting, is_true, list, text, time};

/// What the containers' statuses come to.
struct Seen {
    reason: String,
    ready: usize,
    restarts: i64,
    last_restart: Option<Timestamp>,
}

impl Seen {
    fn restarted(&mut self, status: &Value) {
        self.restarts += int(status, "/restartCount").unwrap_or(0);
        self.last_restart = self.last_restart.max(time(status, "/lastState/terminated/finishedAt"));
    }
}

pub(super) fn cells(pod: &Value, now: Timestamp) -> Vec<Value> {
    let sidecars: Vec<&Value> = list(pod, "/spec/initContainers")
        .iter()
        .filter(|container| container["restartPolicy"] == "Always")
        .map(|container| &container["name"])
        .collect();
    let phase = text(pod, "/status/phase");
    let mut reason = or(pod, "/status/reason", phase).to_owned();
    if condition(pod, "PodScheduled").is_some_and(|scheduled| scheduled["reason"] == "SchedulingGated") {
        "SchedulingGated".clone_into(&mut reason);
    }
    let mut seen = Seen { reason, ready: 0, restarts: 0, last_restart: None };
    let initializing = initializing(pod, &sidecars, &mut seen);
    if !initializing || is_true(pod, "Initialized") {
        running(pod, &sidecars, &mut seen);
    }
    let is_over = matches!(phase, "Succeeded" | "Failed");
    if is_deleting(pod) && text(pod, "/status/reason") == "NodeLost" {
        "Unknown".clone_into(&mut seen.reason);
    } else if is_deleting(pod) && !is_over {
        "Terminating".clone_into(&mut seen.reason);
    }
    let restarts = match seen.last_restart {
        Some(last) if seen.restarts != 0 => format!("{} ({} ago)", seen.restarts, duration(last, now)),
        _ => seen.restarts.to_string(),
    };
    let gates = list(pod, "/spec/readinessGates");
    let open = gates.iter().filter(|gate| is_true(pod, text(gate, "/conditionType"))).count();
    let gates = if gates.is_empty() { NONE.to_owned() } else { format!("{open}/{}", gates.len()) };
    let all = list(pod, "/spec/containers").len() + sidecars.len();
    vec![
        format!("{}/{all}", seen.ready).into(),
        seen.reason.into(),
        restarts.into(),
        age(pod, now),
        or(pod, "/status/podIPs/0/ip", NONE).into(),
        or(pod, "/spec/nodeName", NONE).into(),
        or(pod, "/status/nominatedNodeName", NONE).into(),
        gates.into(),
    ]
}

/// Whether an init container is not done yet, and how far they are.
fn initializing(pod: &Value, sidecars: &[&Value], seen: &mut Seen) -> bool {
    let all = list(pod, "/spec/initContainers").len();
    for (index, status) in list(pod, "/status/initContainerStatuses").iter().enumerate() {
        seen.restarted(status);
        let ended = at(status, "/state/terminated");
        let waiting = text(status, "/state/waiting/reason");
        if ended.is_some_and(|ended| ended["exitCode"] == 0) {
            continue;
        }
        if sidecars.contains(&&status["name"]) && status["started"] == true {
            seen.ready += usize::from(status["ready"] == true);
            continue;
        }
        seen.reason = match ended {
            Some(ended) => format!("Init:{}", end(ended)),
            None if !waiting.is_empty() && waiting != "PodInitializing" => format!("Init:{waiting}"),
            None => format!("Init:{index}/{all}"),
        };
        return true;
    }
    false
}

fn running(pod: &Value, sidecars: &[&Value], seen: &mut Seen) {
    (seen.restarts, seen.last_restart) = (0, None);
    for status in list(pod, "/status/initContainerStatuses") {
        if sidecars.contains(&&status["name"]) {
            seen.restarted(status);
        }
    }
    let (mut is_running, mut error) = (false, None);
    for status in list(pod, "/status/containerStatuses").iter().rev() {
        seen.restarted(status);
        let waiting = text(status, "/state/waiting/reason");
        if !waiting.is_empty() {
            waiting.clone_into(&mut seen.reason);
        } else if let Some(ended) = at(status, "/state/terminated") {
            seen.reason = end(ended);
            if ended["exitCode"] != 0 {
                error = Some(seen.reason.clone());
            }
        } else if status["ready"] == true && at(status, "/state/running").is_some() {
            is_running = true;
            seen.ready += 1;
        }
    }
    if seen.reason == "Completed" {
        match error {
            _ if is_running && is_true(pod, "Ready") => "Running".clone_into(&mut seen.reason),
            Some(error) => seen.reason = error,
            None if is_running => "NotReady".clone_into(&mut seen.reason),
            None => {}
        }
    }
}

/// Why a container ended.
fn end(ended: &Value) -> String {
    match (text(ended, "/reason"), int(ended, "/signal")) {
        ("", Some(signal)) if signal != 0 => format!("Signal:{signal}"),
        ("", _) => format!("ExitCode:{}", int(ended, "/exitCode").unwrap_or(0)),
        (reason, _) => reason.to_owned(),
    }
}
