//! Custom resources, by the conditions that controllers agree on (the rules of kstatus).

use super::judge::Case;
use super::read::{Condition, Read};
use super::{Assessment, Reason};

/// `Stalled` is failure, `Reconciling` and a `Ready` that is not true are not yet; without any of them it is healthy.
///
/// Where the controller writes `observedGeneration`, for the object or for a condition, it must have caught up.
pub(super) fn judge(case: &Case<'_>) -> Assessment {
    if case.object.has("/status/observedGeneration")
        && let Some(not_observed) = case.not_observed()
    {
        return not_observed;
    }
    let generation = case.object.int("/metadata/generation");
    let find = |kind: &str| Condition::find(case.object, kind);
    let is_stale = |condition: &Condition<'_>| {
        condition.observed_generation().is_some_and(|observed| generation.is_some_and(|now| observed < now))
    };
    if let Some(stalled) = find("Stalled").filter(|stalled| stalled.is_true() && !is_stale(stalled)) {
        return Assessment::failed(case.failure(Reason::Stalled, words(stalled)));
    }
    let waits = |condition: Condition<'_>, progress: &str| {
        Assessment::progressing(progress).suspecting(case.failure(Reason::NotReady, words(condition)))
    };
    if let Some(reconciling) = find("Reconciling").filter(|condition| condition.is_true()) {
        return waits(reconciling, "its controller is reconciling it");
    }
    match find("Ready") {
        None => Assessment::healthy("has no conditions to wait for"),
        Some(ready) if is_stale(&ready) => {
            Assessment::progressing("waiting for its controller to observe the change")
        }
        Some(ready) if ready.is_true() => Assessment::healthy("ready"),
        Some(ready) => waits(ready, "not ready yet"),
    }
}

fn words(condition: Condition<'_>) -> &str {
    if condition.message().is_empty() { condition.reason() } else { condition.message() }
}
