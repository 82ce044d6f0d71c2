//! StatefulSets: updated in order, from the last pod down to the partition.

use super::{creation, live_pods, replicas, scaled, unfinished};
use crate::health::judge::Case;
use crate::health::pods::Fleet;
use crate::health::read::Read;
use crate::health::world::Seen;
use crate::health::{Assessment, World};
use crate::manifest::Object;

const HASH: &str = "controller-revision-hash";

pub(super) fn judge(case: &Case<'_>) -> Assessment {
    if let Some(not_observed) = case.not_observed() {
        return not_observed;
    }
    let object = case.object;
    let pods = new_pods(case.world, object);
    let fleet = Fleet::new(case, &pods, true);
    let wanted = replicas(object);
    let count = |field: &str| object.count(&format!("/status/{field}"));
    let (all, ready, updated) = (count("replicas"), count("readyReplicas"), count("updatedReplicas"));
    let on_delete = object.text("/spec/updateStrategy/type") == Some("OnDelete");
    let partition = object.count("/spec/updateStrategy/rollingUpdate/partition");
    // How many pods must be of the new revision; with OnDelete those that happen to be.
    let to_update = if on_delete { fleet.len().min(wanted) } else { (wanted - partition).max(0) };
    let waits_for_minimum = object.count("/spec/minReadySeconds") > 0 && count("availableReplicas") < wanted;
    let done_below = on_delete
        || partition > 0
        || object.at("/status/currentRevision") == object.at("/status/updateRevision");
    let good = fleet.good();

    let progress = if all > wanted {
        format!("{} replicas too many are still there", all - wanted)
    } else if !on_delete && updated < to_update {
        format!("{updated} of {to_update} replicas are updated")
    } else if ready < wanted {
        format!("{ready} of {wanted} replicas are ready")
    } else if waits_for_minimum {
        format!("{} of {wanted} replicas are available", count("availableReplicas"))
    } else if good < to_update {
        format!("{good} of {to_update} updated replicas have settled")
    } else if !done_below {
        "waiting for its controller to finish the update".to_owned()
    } else if on_delete && updated < wanted {
        return Assessment::healthy(format!(
            "{ready} of {wanted} replicas are ready, {updated} of them updated: OnDelete, the others are when they \
             are deleted"
        ));
    } else if partition > 0 {
        return Assessment::healthy(format!("{updated} replicas are updated, those below {partition} stay"));
    } else {
        return Assessment::healthy(format!("{wanted} of {wanted} replicas are updated and ready"));
    };
    let in_order = object.text("/spec/podManagementPolicy") != Some("Parallel");
    let blocked_at =
        in_order.then(|| scaled(object, "/spec/updateStrategy/rollingUpdate/maxUnavailable", wanted, 1));
    unfinished(progress, &fleet, blocked_at, creation::by_event(case, wanted), case)
}

/// The pods of `status.updateRevision`, once that is of the present generation.
pub(super) fn new_pods<'a>(world: &'a World, object: &Object) -> Vec<&'a Seen> {
    let observed = object.int("/status/observedGeneration") >= object.int("/metadata/generation");
    let Some(revision) = object.text("/status/updateRevision").filter(|_| observed) else {
        return Vec::new();
    };
    let mut pods = live_pods(world, object);
    pods.retain(|pod| pod.object.label(HASH) == Some(revision));
    pods
}
