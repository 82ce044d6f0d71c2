//! Gathers what explains a failure: the new pods that are not well, the ends of their logs, warning Events.

use std::time::Duration;

use deploy_core::error::Result;
use deploy_core::evidence::{ContainerEvidence, EventLine, Evidence, PodEvidence};
use deploy_core::health::{Failure, KubeEvent, World};
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::run::Run;
use deploy_core::target::{Applied, Observation};
use serde_json::Value;

use super::Apply;
use super::feed::{look, places, versioned};

/// Pods told of for each object; their siblings fail alike.
const MAX_PODS: usize = 3;
/// How long one log may take: a node that is gone must not cost the rest of the evidence.
const LOG: Duration = Duration::from_secs(2);
/// Lines of each log.
const LINES: usize = 20;
/// Events told of in all.
const MAX_EVENTS: usize = 50;

impl Apply {
    pub(super) async fn gather(
        &self,
        applied: &Applied,
        observation: &Observation,
        run: &Run,
    ) -> Result<Evidence> {
        let ids = unwell(observation);
        let objects = applied.objects.iter().filter(|object| ids.contains(&&object.id));
        let places = places(&self.cluster, &versioned(objects)).await?;
        let (world, denied) = look(&self.cluster, &places, run).await;
        let mut evidence = Evidence::default();
        evidence.gaps = denied.iter().map(ToString::to_string).collect();
        for id in ids {
            let failure = failure_of(observation, id);
            let new_pods = world.pods_of(id);
            for pod in new_pods.iter().filter(|pod| !is_ready(pod)).take(MAX_PODS) {
                let mut told = self.pod_evidence(pod, &mut evidence.gaps).await;
                // An Event can tell the reason before the pod's status does.
                if let Some(failure) = failure.filter(|failure| failure.pod.as_deref() == Some(pod.name())) {
                    told.state = format!("{}: {failure}", told.state);
                }
                evidence.pods.push(told);
            }
            let room = MAX_EVENTS.saturating_sub(evidence.events.len());
            evidence.events.extend(telling_events(&world, id, failure).into_iter().take(room));
        }
        Ok(evidence)
    }

    async fn pod_evidence(&self, pod: &Object, gaps: &mut Vec<String>) -> PodEvidence {
        let namespace = pod.namespace().unwrap_or_default();
        let mut evidence = PodEvidence::new(namespace, pod.name(), pod_state(pod));
        for (spec, status) in [
            ("/spec/initContainers", "/status/initContainerStatuses"),
            ("/spec/containers", "/status/containerStatuses"),
        ] {
            for container in list(pod, spec) {
                let name = text(container, "/name");
                let status = list(pod, status).find(|status| text(status, "/name") == name);
                let mut one = container_evidence(name, text(container, "/image"), status);
                if status.is_some_and(has_log) {
                    one.log = self.tail(namespace, pod.name(), name, false, gaps).await;
                }
                if one.restarts > 0 {
                    one.previous_log = self.tail(namespace, pod.name(), name, true, gaps).await;
                }
                evidence.containers.push(one);
            }
        }
        evidence
    }

    async fn tail(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        previous: bool,
        gaps: &mut Vec<String>,
    ) -> Vec<String> {
        let log = tokio::select! {
            log = self.cluster.log(namespace, pod, container, previous, LINES) => log.map_err(|error| error.to_string()),
            () = self.cluster.clock().sleep(LOG) => {
                Err(format!("no log of container {container} of pod {namespace}/{pod} within {} s", LOG.as_secs()))
            }
        };
        log.unwrap_or_else(|gap| {
            gaps.push(gap);
            Vec::new()
        })
    }
}

/// The warnings about an object, those that explain the failure first. What happened to the pods of older revisions explains nothing.
fn telling_events(world: &World, id: &ObjectId, failure: Option<&Failure>) -> Vec<EventLine> {
    let new_pods: Vec<ObjectId> = world.pods_of(id).iter().map(|pod| pod.id()).collect();
    let is_old = |event: &KubeEvent| {
        event.about.kind == "Pod" && !new_pods.is_empty() && !new_pods.contains(&event.about)
    };
    let events = world.events_about(id);
    let usual: Vec<&str> =
        events.iter().filter(|event| is_old(event)).map(|event| event.reason.as_str()).collect();
    let mut telling: Vec<&KubeEvent> = events.iter().copied().filter(|event| !is_old(event)).collect();
    telling.sort_by_key(|event| {
        let decisive = failure
            .is_some_and(|failure| !failure.message.is_empty() && event.message.contains(&failure.message));
        (!decisive, usual.contains(&event.reason.as_str()))
    });
    let line = |event: &KubeEvent| EventLine {
        object: event.about.clone(),
        reason: event.reason.clone(),
        message: event.message.clone(),
        count: i64::from(event.count),
    };
    telling.into_iter().map(line).collect()
}

fn failure_of<'a>(observation: &'a Observation, id: &ObjectId) -> Option<&'a Failure> {
    observation.failures().into_iter().find(|failure| failure.object == *id)
}

/// The objects that an observation found unwell.
fn unwell(observation: &Observation) -> Vec<&ObjectId> {
    let mut ids: Vec<&ObjectId> = match observation {
        Observation::Failed { failures } => failures.iter().map(|failure| &failure.object).collect(),
        Observation::TimedOut { waiting } => waiting.iter().map(|waiting| &waiting.object).collect(),
        _ => Vec::new(),
    };
    ids.sort();
    ids.dedup();
    ids
}

fn container_evidence(name: &str, image: &str, status: Option<&Value>) -> ContainerEvidence {
    let Some(status) = status else { return ContainerEvidence::new(name, image, "not started") };
    let mut evidence = ContainerEvidence::new(name, image, container_state(status));
    evidence.ready = status.get("ready").and_then(Value::as_bool) == Some(true);
    evidence.restarts = status.get("restartCount").and_then(Value::as_i64).unwrap_or(0);
    evidence
}

fn container_state(status: &Value) -> String {
    if let Some(waiting) = status.pointer("/state/waiting") {
        let (reason, message) = (text(waiting, "/reason"), text(waiting, "/message"));
        return if message.is_empty() {
            format!("waiting: {reason}")
        } else {
            format!("waiting: {reason}: {message}")
        };
    }
    if let Some(ended) = status.pointer("/state/terminated") {
        let code = ended.get("exitCode").and_then(Value::as_i64).unwrap_or(0);
        return format!("terminated: exit code {code} ({})", text(ended, "/reason"));
    }
    if status.pointer("/state/running").is_some() { "running".to_owned() } else { "not started".to_owned() }
}

/// Whether the container has run: the present instance, or the last one while it waits to be started again.
fn has_log(status: &Value) -> bool {
    ["/state/running", "/state/terminated", "/lastState/terminated"]
        .iter()
        .any(|state| status.pointer(state).is_some())
}

fn pod_state(pod: &Object) -> String {
    let status = |key: &str| pod.get(&format!("/status/{key}")).and_then(Value::as_str).unwrap_or_default();
    let unscheduled =
        list(pod, "/status/conditions").find(|condition| text(condition, "/reason") == "Unschedulable");
    let detail = match unscheduled {
        Some(condition) => text(condition, "/message"),
        None => status("message"),
    };
    [status("phase"), status("reason"), detail]
        .into_iter()
        .filter(|part| !part.is_empty())
        .collect::<Vec<_>>()
        .join(": ")
}

fn is_ready(pod: &Object) -> bool {
    list(pod, "/status/conditions")
        .any(|condition| text(condition, "/type") == "Ready" && text(condition, "/status") == "True")
}

fn list<'a>(pod: &'a Object, pointer: &str) -> impl Iterator<Item = &'a Value> {
    pod.get(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter()
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
