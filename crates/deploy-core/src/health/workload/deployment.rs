//! Deployments: complete by the rule of `kubectl rollout status`, and with pods that stay.

use serde_json::Value;

use super::{creation, explained, live_pods, replicas, unfinished};
use crate::health::judge::Case;
use crate::health::pods::Fleet;
use crate::health::read::{Condition, Read};
use crate::health::world::Seen;
use crate::health::{Assessment, Failure, Reason, World};
use crate::manifest::Object;

const HASH: &str = "pod-template-hash";
const REVISION: &str = "deployment.kubernetes.io/revision";

pub(super) fn judge(case: &Case<'_>) -> Assessment {
    if let Some(not_observed) = case.not_observed() {
        return not_observed;
    }
    let set = new_replica_set(case.world, case.object);
    let pods = new_pods(case.world, case.object);
    let fleet = Fleet::new(case, &pods, true);
    let wanted = replicas(case.object);
    let count = |field: &str| case.object.count(&format!("/status/{field}"));
    let (updated, available, all) = (count("updatedReplicas"), count("availableReplicas"), count("replicas"));
    let good = fleet.good();

    let progress = if updated < wanted {
        format!("{updated} of {wanted} replicas are updated")
    } else if all > updated {
        match all - updated {
            1 => "1 old replica is still there".to_owned(),
            more => format!("{more} old replicas are still there"),
        }
    } else if available < updated {
        format!("{available} of {updated} updated replicas are available")
    } else if good < wanted {
        format!("{good} of {wanted} updated replicas have settled")
    } else {
        return Assessment::healthy(format!("{wanted} of {wanted} replicas are updated and available"));
    };
    if case.object.flag("/spec/paused") {
        // As `kubectl rollout status` has it: it waits until somebody resumes the rollout.
        let paused =
            case.failure(Reason::NotReady, "spec.paused is set, so its new template is not rolled out");
        let paused = Assessment::progressing(format!("paused; {progress}")).suspecting(paused);
        // Its pods settle all the same.
        return fleet.look_again().into_iter().fold(paused, Assessment::look_again_at);
    }
    let refused = set.and_then(|set| creation::by_condition(case, set));
    let assessment = unfinished(progress, &fleet, None, refused, case);
    match deadline(case, set, &fleet) {
        Some(failure) if assessment.failure().is_none() => {
            Assessment { look_again: assessment.look_again, ..Assessment::failed(failure) }
        }
        _ => assessment,
    }
}

/// `ProgressDeadlineExceeded`, if it is about this rollout.
///
/// The condition of an earlier rollout stays until the new one makes progress; it names the ReplicaSet that it is
/// about, and was there before the change.
fn deadline(case: &Case<'_>, set: Option<&Seen>, fleet: &Fleet<'_>) -> Option<Failure> {
    let condition = Condition::find(case.object, "Progressing")
        .filter(|condition| condition.is_false() && condition.reason() == "ProgressDeadlineExceeded")?;
    let since = case.seen.condition_since("Progressing")?;
    let words = condition.message();
    let names_another = words.contains("ReplicaSet \"")
        && !set.is_some_and(|set| words.contains(&format!("ReplicaSet \"{}\"", set.object.name())));
    if since < case.seen.generation_since || names_another {
        return None;
    }
    let suspect = fleet.suspect();
    let failure = case.failure(Reason::ProgressDeadline, &explained(words, suspect.as_ref()));
    Some(match suspect {
        Some(Failure { pod, container, init_container, .. }) => {
            Failure { pod, container, init_container, ..failure }
        }
        None => failure,
    })
}

/// The pods of the new ReplicaSet, without those being deleted.
pub(super) fn new_pods<'a>(world: &'a World, deployment: &Object) -> Vec<&'a Seen> {
    new_replica_set(world, deployment).map_or_else(Vec::new, |set| live_pods(world, &set.object))
}

/// The Deployment's own ReplicaSet whose template is the Deployment's but for the hash: the oldest of them, as the
/// controller chooses. Or, where the templates are written differently, the one with the revision that the
/// controller noted on the Deployment.
fn new_replica_set<'a>(world: &'a World, deployment: &Object) -> Option<&'a Seen> {
    let sets = || {
        let owned = deployment.uid().into_iter().flat_map(|uid| world.seen_owned_by(uid));
        owned.filter(|seen| {
            seen.object.kind() == "ReplicaSet" && !seen.object.has("/metadata/deletionTimestamp")
        })
    };
    let same_template = sets()
        .filter(|set| same_template(&set.object, deployment))
        .min_by_key(|set| set.object.text("/metadata/creationTimestamp").map(str::to_owned));
    same_template.or_else(|| {
        let revision = deployment.annotation(REVISION)?;
        let observed = deployment.int("/status/observedGeneration") >= deployment.int("/metadata/generation");
        // Where replicas and template change together, the controller scales the old set first, observes that, and notes nothing new;
        // but it counts that set's replicas as updated no more.
        let counted = |set: &Object| {
            deployment.count("/status/updatedReplicas") > 0 || set.count("/status/replicas") == 0
        };
        sets()
            .find(|set| observed && set.object.annotation(REVISION) == Some(revision) && counted(&set.object))
    })
}

fn same_template(set: &Object, deployment: &Object) -> bool {
    let metadata = |object: &Object| {
        let mut metadata = object.at("/spec/template/metadata").cloned().unwrap_or(Value::Null);
        if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
            labels.remove(HASH);
        }
        metadata
    };
    set.at("/spec/template/spec") == deployment.at("/spec/template/spec")
        && metadata(set) == metadata(deployment)
}
