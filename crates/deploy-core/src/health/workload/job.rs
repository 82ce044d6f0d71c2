//! Jobs: they run to their end, by their own rules (`backoffLimit`, `activeDeadlineSeconds`, `podFailurePolicy`).

use super::{creation, live_pods, unfinished};
use crate::health::judge::Case;
use crate::health::pods::Fleet;
use crate::health::read::{Condition, Read};
use crate::health::{Assessment, Failure, Reason};

pub(super) fn judge(case: &Case<'_>) -> Assessment {
    let condition = |kind: &str| Condition::find(case.object, kind).filter(|condition| condition.is_true());
    if condition("Complete").is_some() {
        return Assessment::healthy("complete");
    }
    // `FailureTarget` is the decision, `Failed` follows when the last pod is gone.
    if let Some(failed) = condition("Failed").or_else(|| condition("FailureTarget")) {
        return Assessment::failed(failure(case, failed));
    }
    if condition("SuccessCriteriaMet").is_some() {
        return Assessment::progressing("succeeded, its last pods are ending");
    }
    if case.object.flag("/spec/suspend") {
        return Assessment::healthy("suspended");
    }
    let pods = live_pods(case.world, case.object);
    let fleet = Fleet::new(case, &pods, false);
    let (active, succeeded, failed) = (
        case.object.count("/status/active"),
        case.object.count("/status/succeeded"),
        case.object.count("/status/failed"),
    );
    let wanted = case.object.int("/spec/completions").unwrap_or(1);
    let progress = format!("{succeeded} of {wanted} completions, {active} pods active, {failed} failed");
    unfinished(progress, &fleet, None, creation::by_event(case, 1), case)
}

/// The Job's own reason; with the pod that ended last, if one failed.
fn failure(case: &Case<'_>, condition: Condition<'_>) -> Failure {
    let word = if condition.reason().is_empty() { "Failed" } else { condition.reason() };
    let failure = case.failure(Reason::JobFailed { cause: word.to_owned() }, condition.message());
    let pods = case.object.uid().into_iter().flat_map(|uid| case.world.seen_owned_by(uid));
    let latest = pods
        .flat_map(|pod| {
            ["/status/initContainerStatuses", "/status/containerStatuses"].map(|list| (pod, list))
        })
        .flat_map(|(pod, list)| pod.object.items(list).map(move |status| (pod, list, status)))
        .filter(|(_, _, status)| status.int("/state/terminated/exitCode").is_some_and(|code| code != 0))
        .max_by_key(|(_, _, status)| status.time("/state/terminated/finishedAt"));
    let Some((pod, list, status)) = latest else { return failure };
    let init = list.contains("init");
    let failure = failure.on_pod(pod.object.name());
    match status.text("/name") {
        Some(name) => failure.in_container(name, init),
        None => failure,
    }
}
