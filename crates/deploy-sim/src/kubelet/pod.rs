//! One pod on the node: its sandbox, its containers in their order, its end.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::container::{Container, Scene};
use super::{config, status};
use crate::component::{Event, KUBELET};
use crate::controllers::object::{is_deleting, later, list, sooner, text};
use crate::state::State;

/// Measured on a real node: from a new pod to its sandbox, and from its end to its removal.
const SANDBOX: SignedDuration = SignedDuration::from_millis(400);
const REMOVAL: SignedDuration = SignedDuration::from_millis(900);
/// A mount is tried again after this, and after twice as long every time (`pkg/util/goroutinemap/exponentialbackoff`).
const FIRST_MOUNT_RETRY: SignedDuration = SignedDuration::from_millis(500);
const LONGEST_MOUNT_RETRY: SignedDuration = SignedDuration::from_secs(122);

#[derive(Debug)]
pub(super) struct Pod {
    pub(super) start_time: String,
    pub(super) address: Option<String>,
    pub(super) containers: Vec<Container>,
    sandbox_at: Timestamp,
    mount_retry: SignedDuration,
    is_stopping: bool,
    removal: Option<Timestamp>,
}

impl Pod {
    pub(super) fn new(state: &State, pod: &Value) -> Self {
        let inits = list(pod, "/spec/initContainers");
        let waits = if inits.is_empty() { "ContainerCreating" } else { "PodInitializing" };
        let of = |init: bool| move |spec: &Value| Container::new(spec, init, waits);
        Self {
            start_time: state.time(),
            address: None,
            containers: inits
                .iter()
                .map(of(true))
                .chain(list(pod, "/spec/containers").iter().map(of(false)))
                .collect(),
            sandbox_at: later(state.now, SANDBOX),
            mount_retry: FIRST_MOUNT_RETRY,
            is_stopping: false,
            removal: None,
        }
    }

    /// Whether the pod is told to stop and all its containers did.
    pub(super) fn has_ended(&self) -> bool {
        self.is_stopping && self.containers.iter().all(|container| container.ended().is_some())
    }

    pub(super) fn is_initialized(&self) -> bool {
        self.containers
            .iter()
            .filter(|container| container.init)
            .all(|container| container.ended() == Some(0))
    }

    /// Whether the pod can be removed now.
    pub(super) fn is_removable(&self, now: Timestamp) -> bool {
        self.removal.is_some_and(|removal| removal <= now)
    }

    pub(super) fn step(&mut self, state: &mut State, pod: &Value) -> Option<Timestamp> {
        let now = state.now;
        let stops = is_deleting(pod) && !self.is_stopping;
        self.is_stopping |= stops;
        if !self.is_stopping && self.address.is_none() {
            if self.sandbox_at > now {
                return Some(self.sandbox_at);
            }
            self.make_sandbox(state, pod);
            return Some(self.sandbox_at);
        }
        let mut next = None;
        let is_stopping = self.is_stopping;
        let address = self.address.clone().unwrap_or_default();
        // A container has its turn when all before it ended well; the main ones have theirs together.
        let mut is_next = true;
        for container in &mut self.containers {
            let field = if container.init { "/spec/initContainers" } else { "/spec/containers" };
            let Some(spec) = list(pod, field).iter().find(|spec| spec["name"] == container.name.as_str())
            else {
                continue;
            };
            let mut scene = Scene { state, pod, spec, address: &address };
            if stops {
                container.stop(&mut scene, status::grace(pod));
            } else if is_next && !is_stopping {
                container.start();
            }
            next = sooner(next, container.step(&mut scene));
            is_next &= !container.init || container.ended() == Some(0);
        }
        if self.has_ended() {
            let removal = *self.removal.get_or_insert(later(now, REMOVAL));
            next = sooner(next, Some(removal).filter(|removal| *removal > now));
        }
        next
    }

    fn make_sandbox(&mut self, state: &mut State, pod: &Value) {
        if let Some((volume, why)) = config::missing_volume(state, pod) {
            let message = format!("MountVolume.SetUp failed for volume \"{volume}\" : {why}");
            let node = text(pod, "/spec/nodeName");
            KUBELET.event(state, pod, &Event::warning("kubelet", "FailedMount", &message).on(node));
            self.sandbox_at = later(state.now, self.mount_retry);
            self.mount_retry = (self.mount_retry * 2).min(LONGEST_MOUNT_RETRY);
            return;
        }
        self.address = Some(state.node.next_address());
    }
}
