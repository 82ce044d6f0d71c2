//! One pod: does it count, and what is wrong with it.

mod container;
mod fleet;

use self::container::{Container, missing_reference};
pub(super) use self::fleet::Fleet;
use super::judge::Case;
use super::read::{Condition, Read};
use super::track::MAX_CONTAINERS;
use super::world::Seen;
use super::{Failure, KubeEvent, Reason, signs};
use crate::clock::Timestamp;
use crate::manifest::{Object, ObjectId};

/// Something wrong.
#[derive(Clone, Debug)]
pub(super) struct Finding {
    pub(super) failure: Failure,
    /// From when on it is hopeless; `None` if it may pass at any time and is only a suspect.
    pub(super) hopeless_at: Option<Timestamp>,
    /// Whether it lies in the pod's template, so that every pod must meet it.
    pub(super) shared: bool,
}

impl Finding {
    pub(super) fn is_hopeless(&self, now: Timestamp) -> bool {
        self.hopeless_at.is_some_and(|at| at <= now)
    }
}

/// What is known of one pod.
pub(super) struct PodReport<'a> {
    /// It ended for good; its controller makes another.
    pub(super) is_over: bool,
    /// From when on it counts as healthy, if it goes on as it does.
    pub(super) good_at: Option<Timestamp>,
    /// The most pressing thing that is wrong with it.
    pub(super) finding: Option<Finding>,
    /// Its containers that were ever seen to run or to end.
    pub(super) started: Vec<&'a str>,
}

/// A pod to be examined.
#[derive(Clone, Copy)]
pub(super) struct PodCase<'a> {
    pub(super) case: &'a Case<'a>,
    pub(super) seen: &'a Seen,
    pub(super) events: &'a [KubeEvent],
    /// Whether its containers are meant to run for as long as it does.
    pub(super) must_run: bool,
    /// Whether the ends of its containers are for us to judge; a Job counts them itself.
    pub(super) judge_exits: bool,
}

impl<'a> PodCase<'a> {
    pub(super) fn new(case: &'a Case<'a>, seen: &'a Seen, judge_exits: bool) -> Self {
        let must_run = matches!(seen.object.text("/spec/restartPolicy"), None | Some("Always"));
        Self { case, seen, events: case.world.events_of(&seen.object), must_run, judge_exits }
    }
}

pub(super) fn examine(pod: PodCase<'_>) -> PodReport<'_> {
    let object = &pod.seen.object;
    let is_over = matches!(object.text("/status/phase"), Some("Failed" | "Succeeded"));
    let mut started = Vec::new();
    let mut findings = Vec::new();
    // From when on all of them are good.
    let mut good_at = Some(pod.seen.first);
    for (init, specs, statuses) in [
        (true, "/spec/initContainers", "/status/initContainerStatuses"),
        (false, "/spec/containers", "/status/containerStatuses"),
    ] {
        for spec in object.items(specs).take(MAX_CONTAINERS) {
            let Some(name) = spec.text("/name") else { continue };
            let status = object.items(statuses).find(|status| status.text("/name") == Some(name));
            let track = pod.seen.pod.container(name);
            let report = Container { pod, name, spec, status, track, init }.report();
            good_at = good_at.zip(report.good_at).map(|(all, one)| all.max(one));
            started.extend(report.started);
            findings.extend(report.findings);
        }
    }
    let ready = Condition::find(object, "Ready");
    if is_over {
        findings = over(&pod, findings).into_iter().collect();
    } else {
        findings.extend(scheduling(&pod));
        if started.is_empty() {
            findings.extend(volumes(&pod));
        }
        if good_at.is_some()
            && let Some(gate) = ready.filter(|ready| ready.is_false())
        {
            findings.push(finding(&pod, Reason::NotReady, gate.message(), None));
        }
    }
    if is_over || !ready.is_some_and(Condition::is_true) {
        good_at = None;
    }
    // `None` last: what may pass is less pressing than what has a date.
    let finding =
        findings.into_iter().min_by_key(|finding| (finding.hopeless_at.is_none(), finding.hopeless_at));
    PodReport { is_over, good_at, finding, started }
}

/// Why it ended for good: its own reason (`Evicted`), or the end of one of its containers.
fn over(pod: &PodCase<'_>, containers: Vec<Finding>) -> Option<Finding> {
    let object = &pod.seen.object;
    let phase = object.text("/status/phase").unwrap_or_default();
    if phase == "Succeeded" && !pod.must_run {
        return None;
    }
    let exited = containers.into_iter().find(|finding| {
        matches!(
            finding.failure.reason,
            Reason::ContainerExit { .. } | Reason::OutOfMemory { .. } | Reason::ContainerStart
        )
    });
    match (object.text("/status/reason"), exited) {
        (None, Some(exited)) => Some(exited),
        (cause, _) => {
            let cause = cause.unwrap_or(phase).to_owned();
            let words = object.text("/status/message").unwrap_or_default();
            Some(finding(pod, Reason::PodFailed { cause }, words, None))
        }
    }
}

fn scheduling(pod: &PodCase<'_>) -> Option<Finding> {
    let condition =
        Condition::find(&pod.seen.object, "PodScheduled").filter(|condition| condition.is_false())?;
    let words = condition.message();
    if condition.reason() != "Unschedulable" {
        return Some(finding(pod, Reason::NotReady, words, None));
    }
    let reason = match pending_claim(pod, words) {
        Some(claim) => Reason::VolumePending { claim },
        None => Reason::Unschedulable,
    };
    let since = pod.seen.condition_since("PodScheduled")?;
    // A node is on its way, by the word of the cluster autoscaler or of Karpenter.
    let grows = pod.events.iter().any(|event| signs::SCALES_UP.contains(&event.reason.as_str()));
    let hopeless_at = (!grows).then(|| since + pod.case.patience.unschedulable);
    Some(finding(pod, reason, words, hopeless_at))
}

/// The claim that the scheduler's message is about: the one it names, else the first that was seen not to be bound,
/// else the only one.
fn pending_claim(pod: &PodCase<'_>, words: &str) -> Option<String> {
    if !words.to_ascii_lowercase().contains("persistentvolumeclaim") {
        return None;
    }
    let object = &pod.seen.object;
    let volumes = object.items("/spec/volumes");
    let claims: Vec<&str> =
        volumes.filter_map(|volume| volume.text("/persistentVolumeClaim/claimName")).collect();
    let is_unbound = |claim: &str| {
        let id = ObjectId::new("", "PersistentVolumeClaim", object.namespace(), claim);
        pod.case.world.get(&id).is_some_and(|claim| claim.text("/status/phase") != Some("Bound"))
    };
    let named = claims.iter().find(|claim| words.contains(&format!("\"{claim}\"")));
    let claim = named.or_else(|| claims.iter().find(|claim| is_unbound(claim)));
    claim.or_else(|| claims.first().filter(|_| claims.len() == 1)).map(|claim| (*claim).to_owned())
}

/// What keeps a pod from its first container: a volume that needs something missing is hopeless after a while;
/// what else the Events say (attaching, mounting, the network) may pass.
fn volumes(pod: &PodCase<'_>) -> Option<Finding> {
    let last = |wanted: &dyn Fn(&KubeEvent) -> bool| {
        pod.events.iter().filter(|event| wanted(event)).max_by_key(|event| event.last_seen)
    };
    let trouble = last(&|event| signs::VOLUME_TROUBLE.contains(&event.reason.as_str()))?;
    let after = last(&|event| signs::VOLUMES_DONE.contains(&event.reason.as_str()));
    if after.is_some_and(|after| after.last_seen > trouble.last_seen) {
        return None;
    }
    let missing = pod.events.iter().filter(|event| event.reason == "FailedMount").find_map(|event| {
        let reason = signs::missing(&event.message)
            .map(missing_reference)
            .or_else(|| missing_key(&pod.seen.object, &event.message))?;
        Some((reason, event))
    });
    let Some((reason, event)) = missing else {
        return Some(finding(pod, Reason::NotReady, &trouble.message, None));
    };
    let hopeless_at = event.first_seen + pod.case.patience.missing_reference;
    Some(Finding { shared: true, ..finding(pod, reason, &event.message, Some(hopeless_at)) })
}

/// `MountVolume.SetUp failed for volume "cfg" : references non-existent secret key: url`: the volume leads to the name.
fn missing_key(object: &Object, words: &str) -> Option<Reason> {
    let key = signs::missing_key(words)?;
    let volume = words.split_once(signs::VOLUME_NAMED)?.1.split('"').next()?;
    let source = object.items("/spec/volumes").find(|source| source.text("/name") == Some(volume))?;
    let (kind, name) = None
        .or_else(|| source.text("/configMap/name").map(|name| ("ConfigMap", name)))
        .or_else(|| source.text("/secret/secretName").map(|name| ("Secret", name)))?;
    Some(Reason::MissingReference { kind: kind.into(), name: name.into(), key: Some(key.into()) })
}

fn finding(pod: &PodCase<'_>, reason: Reason, words: &str, hopeless_at: Option<Timestamp>) -> Finding {
    let failure = Failure::new(reason, pod.case.id.clone(), words);
    // A Pod that is judged itself need not be named twice.
    let failure = if pod.case.id.kind == "Pod" { failure } else { failure.on_pod(pod.seen.object.name()) };
    Finding { failure, hopeless_at, shared: false }
}

/// Whether the pod is not being deleted.
pub(super) fn is_live_pod(object: &Object) -> bool {
    object.kind() == "Pod" && object.group().is_empty() && !object.has("/metadata/deletionTimestamp")
}
