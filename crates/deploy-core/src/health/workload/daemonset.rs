//! DaemonSets: one pod a node, replaced a few at a time.

use super::{creation, live_pods, scaled, unfinished};
use crate::health::judge::Case;
use crate::health::pods::Fleet;
use crate::health::read::Read;
use crate::health::world::Seen;
use crate::health::{Assessment, World};
use crate::manifest::Object;

const HASH: &str = "controller-revision-hash";
const GENERATION_LABEL: &str = "pod-template-generation";
const GENERATION: &str = "deprecated.daemonset.template.generation";

pub(super) fn judge(case: &Case<'_>) -> Assessment {
    if let Some(not_observed) = case.not_observed() {
        return not_observed;
    }
    let object = case.object;
    let pods = new_pods(case.world, object);
    let fleet = Fleet::new(case, &pods, true);
    let count = |field: &str| object.count(&format!("/status/{field}"));
    let (wanted, updated) = (count("desiredNumberScheduled"), count("updatedNumberScheduled"));
    let (ready, available) = (count("numberReady"), count("numberAvailable"));
    let on_delete = object.text("/spec/updateStrategy/type") == Some("OnDelete");
    let to_update = if on_delete { fleet.len().min(wanted) } else { wanted };
    let good = fleet.good();

    let progress = if !on_delete && updated < wanted {
        format!("{updated} of {wanted} pods are updated")
    } else if available < wanted || ready < wanted {
        format!("{} of {wanted} pods are available", available.min(ready))
    } else if good < to_update {
        format!("{good} of {to_update} updated pods have settled")
    } else if wanted == 0 {
        return Assessment::healthy("no node is to run it");
    } else if on_delete && updated < wanted {
        return Assessment::healthy(format!(
            "{available} of {wanted} pods are available, {updated} of them updated: OnDelete, the others are when \
             they are deleted"
        ));
    } else {
        return Assessment::healthy(format!("{wanted} of {wanted} pods are updated and available"));
    };
    // While old pods are left, as many as may be unavailable block the rest.
    let limit = scaled(object, "/spec/updateStrategy/rollingUpdate/maxUnavailable", wanted, 1);
    let surge = scaled(object, "/spec/updateStrategy/rollingUpdate/maxSurge", wanted, 0);
    let blocked_at = (updated < wanted).then(|| limit.max(surge));
    unfinished(progress, &fleet, blocked_at, creation::by_event(case, wanted), case)
}

/// The pods of the new revision, by the hash of the newest ControllerRevision where those are seen.
///
/// Else by the template's generation; but a rollback takes up pods of the old generation again, so that pods with the
/// same hash count too, and all of them where the controller says that all are updated.
pub(super) fn new_pods<'a>(world: &'a World, object: &Object) -> Vec<&'a Seen> {
    let observed = object.int("/status/observedGeneration") >= object.int("/metadata/generation");
    let mut pods = live_pods(world, object);
    if !observed {
        return Vec::new();
    }
    let revisions = object.uid().into_iter().flat_map(|uid| world.owned_by(uid));
    let newest = revisions
        .filter(|owned| owned.kind() == "ControllerRevision")
        .max_by_key(|revision| revision.int("/revision"));
    if let Some(hash) = newest.and_then(|revision| revision.label(HASH)) {
        pods.retain(|pod| pod.object.label(HASH) == Some(hash));
        return pods;
    }
    let updated = object.count("/status/updatedNumberScheduled");
    if i64::try_from(pods.len()).is_ok_and(|there| there == updated) {
        return pods;
    }
    let generation = object.annotation(GENERATION);
    let is_new = |pod: &Seen| generation.is_some() && pod.object.label(GENERATION_LABEL) == generation;
    let hash = pods.iter().find(|pod| is_new(pod)).and_then(|pod| pod.object.label(HASH));
    pods.retain(|pod| is_new(pod) || (hash.is_some() && pod.object.label(HASH) == hash));
    pods
}
