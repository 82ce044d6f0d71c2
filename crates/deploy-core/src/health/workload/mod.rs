//! Workloads: what has pods.

mod creation;
mod daemonset;
mod deployment;
mod job;
mod pod;
mod replicaset;
mod statefulset;

use super::judge::Case;
use super::pods::{Fleet, is_live_pod};
use super::read::Read;
use super::world::Seen;
use super::{Assessment, Failure, World};
use crate::manifest::{Object, ObjectId};

/// Judges the built-in kinds that have pods.
pub(super) fn judge(case: &Case<'_>) -> Option<Assessment> {
    Some(match (case.id.group.as_str(), case.id.kind.as_str()) {
        ("apps", "Deployment") => deployment::judge(case),
        ("apps", "StatefulSet") => statefulset::judge(case),
        ("apps", "DaemonSet") => daemonset::judge(case),
        ("apps", "ReplicaSet") | ("", "ReplicationController") => replicaset::judge(case),
        ("batch", "Job") => job::judge(case),
        ("", "Pod") => pod::judge(case),
        _ => return None,
    })
}

/// The pods of the workload's new revision, without those being deleted.
pub(super) fn new_pods<'a>(world: &'a World, id: &ObjectId) -> Vec<&'a Seen> {
    let Some(seen) = world.seen(id) else { return Vec::new() };
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment") => deployment::new_pods(world, &seen.object),
        ("apps", "StatefulSet") => statefulset::new_pods(world, &seen.object),
        ("apps", "DaemonSet") => daemonset::new_pods(world, &seen.object),
        ("", "Pod") => vec![seen],
        _ => live_pods(world, &seen.object),
    }
}

/// The pods that `owner` owns, without those being deleted.
fn live_pods<'a>(world: &'a World, owner: &Object) -> Vec<&'a Seen> {
    let pods = owner.uid().into_iter().flat_map(|uid| world.seen_owned_by(uid));
    pods.filter(|seen| is_live_pod(&seen.object)).collect()
}

/// `spec.replicas`, whose default is 1.
fn replicas(object: &Object) -> i64 {
    object.int("/spec/replicas").unwrap_or(1).max(0)
}

/// An `IntOrString` of `total`, percentages rounded up as `rollingUpdate.maxUnavailable` of a DaemonSet is.
fn scaled(object: &Object, pointer: &str, total: i64, default: i64) -> i64 {
    match object.at(pointer) {
        Some(value) => value.as_i64().unwrap_or_else(|| {
            let percent = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
            percent.map_or(default, |percent| {
                percent.clamp(0, 100).saturating_mul(total).saturating_add(99) / 100
            })
        }),
        None => default,
    }
}

/// Not complete: failed if the pods are hopeless, or if there may be none; else progressing with what it waits for.
fn unfinished(
    progress: String,
    fleet: &Fleet<'_>,
    blocked_at: Option<i64>,
    refused: Option<creation::Refusal>,
    case: &Case<'_>,
) -> Assessment {
    let refused_at = refused.as_ref().and_then(|refused| refused.hopeless_at);
    let hopeless = fleet.hopeless(blocked_at);
    let refusal = refused.map(|refused| refused.failure);
    let failure =
        hopeless.or_else(|| refusal.clone().filter(|_| refused_at.is_some_and(|at| at <= case.now)));
    let assessment = match failure {
        Some(failure) => Assessment::failed(failure),
        None => Assessment::progressing(progress).suspecting(refusal.or_else(|| fleet.suspect())),
    };
    let moments = fleet.look_again().into_iter().chain(refused_at.filter(|at| *at > case.now));
    moments.fold(assessment, Assessment::look_again_at)
}

/// The suspect's words where it is known, else the cluster's.
fn explained(words: &str, suspect: Option<&Failure>) -> String {
    suspect.map_or_else(|| words.to_owned(), ToString::to_string)
}
