//! Pods that the API server refuses: a quota, admission, a missing service account.

use crate::clock::Timestamp;
use crate::health::judge::Case;
use crate::health::read::{Condition, Read};
use crate::health::signs;
use crate::health::world::Seen;
use crate::health::{Failure, Patience, Reason};
use crate::manifest::Object;

/// Why pods are not created.
pub(super) struct Refusal {
    pub(super) failure: Failure,
    /// From when on it is hopeless; `None` while old pods go, which may make room.
    pub(super) hopeless_at: Option<Timestamp>,
}

/// What a ReplicaSet says of itself (condition `ReplicaFailure`); a ReplicationController does the same.
pub(super) fn by_condition(case: &Case<'_>, set: &Seen) -> Option<Refusal> {
    let condition = Condition::find(&set.object, "ReplicaFailure")
        .filter(|condition| condition.is_true() && condition.reason() == "FailedCreate")?;
    let since = set.condition_since("ReplicaFailure")?;
    Some(refusal(case, condition.message(), since))
}

/// What the Events of other workloads say (`FailedCreate`), while fewer than `wanted` pods are there.
///
/// Events stay for an hour: one from before the newest pod (by the cluster's clock, as both are) is history.
pub(super) fn by_event(case: &Case<'_>, wanted: i64) -> Option<Refusal> {
    let uid = case.object.uid()?;
    let pods = || case.world.seen_owned_by(uid).filter(|seen| seen.object.kind() == "Pod");
    if i64::try_from(pods().count()).is_ok_and(|there| there >= wanted) {
        return None;
    }
    let newest = pods().filter_map(|pod| pod.object.time("/metadata/creationTimestamp")).max();
    let event = case
        .world
        .events_of(case.object)
        .iter()
        .filter(|event| event.reason == "FailedCreate")
        .filter(|event| event.last_happened.is_none_or(|last| newest.is_none_or(|newest| last >= newest)))
        .max_by_key(|event| event.last_seen)?;
    let since = event.first_seen.max(case.seen.generation_since);
    Some(refusal(case, &event.message, since))
}

fn refusal(case: &Case<'_>, words: &str, since: Timestamp) -> Refusal {
    let (reason, patience) = classify(words, case.patience);
    let uids = case.object.uid().into_iter().chain(sets(case).filter_map(|set| set.object.uid()));
    // A pod that went since may have made room.
    let since = uids.filter_map(|uid| case.world.owned_changed(uid)).chain([since]).max().unwrap_or(since);
    let makes_room = reason == Reason::Quota && old_pods_go(case);
    Refusal { failure: case.failure(reason, words), hopeless_at: (!makes_room).then_some(since + patience) }
}

/// A definite refusal, or one that may pass: an unreachable webhook, an API server in trouble.
fn classify(words: &str, patience: &Patience) -> (Reason, std::time::Duration) {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| words.contains(phrase));
    if says(signs::QUOTA) {
        (Reason::Quota, patience.quota)
    } else if let Some(missing) = signs::missing(words) {
        let reason =
            Reason::MissingReference { kind: missing.kind.into(), name: missing.name, key: missing.key };
        (reason, patience.missing_reference)
    } else if says(signs::DEFINITE) {
        (Reason::Forbidden, patience.admission)
    } else {
        (Reason::Forbidden, patience.webhook)
    }
}

fn sets<'a>(case: &'a Case<'_>) -> impl Iterator<Item = &'a Seen> {
    let owned = case.object.uid().into_iter().flat_map(|uid| case.world.seen_owned_by(uid));
    owned.filter(|seen| seen.object.kind() == "ReplicaSet")
}

fn old_pods_go(case: &Case<'_>) -> bool {
    let owners: Vec<&Object> = sets(case).map(|set| &set.object).chain([case.object]).collect();
    let mut owned = owners.into_iter().filter_map(Object::uid).flat_map(|uid| case.world.seen_owned_by(uid));
    owned.any(|seen| seen.object.kind() == "Pod" && seen.object.has("/metadata/deletionTimestamp"))
}
