//! Which pods are behind an object: a few requests, and the decisions of [`endpoints`](super::endpoints).

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::ObjectId;
use serde_json::Value;

use super::endpoints::{Candidate, Endpoint, Target, choose, label_selector, revision, service_target};
use crate::api::{Cluster, Place, Resource, escape};
use crate::inventory::controller;

/// The kinds whose pods are their own.
const WORKLOADS: [(&str, &str); 6] = [
    ("apps", "Deployment"),
    ("apps", "StatefulSet"),
    ("apps", "DaemonSet"),
    ("apps", "ReplicaSet"),
    ("", "ReplicationController"),
    ("batch", "Job"),
];

/// The ready pods behind `port` of `object`, the best first; never none.
pub(super) async fn endpoints(
    cluster: &Cluster,
    namespace: &str,
    object: &ObjectId,
    port: u16,
) -> Result<Vec<Endpoint>> {
    let found = async {
        match (object.group.as_str(), object.kind.as_str()) {
            ("", "Pod") => {
                let pod = live(cluster, namespace, object).await?;
                choose(Candidate::of(&pod, None).into_iter().collect(), &Target::Number(port), false)
            }
            ("", "Service") => {
                let service = live(cluster, namespace, object).await?;
                let target = service_target(&service, port)?;
                let selector = label_selector(&service["spec"]["selector"]);
                let Some(selector) = selector.filter(|_| service["spec"]["type"] != "ExternalName") else {
                    return Err(Error::new(ErrorKind::Unsupported, "it selects no pods")
                        .help("name a Service with a selector, a workload or a Pod"));
                };
                let pods = pods(cluster, namespace, &selector, |pod| Candidate::of(pod, None)).await?;
                choose(pods, &target, service["spec"]["publishNotReadyAddresses"] == true)
            }
            kind if WORKLOADS.contains(&kind) => workload(cluster, namespace, object, port).await,
            _ => Err(Error::new(ErrorKind::Unsupported, "no port can be forwarded to this kind").help(
                "name a Pod, a Service, a Deployment, a StatefulSet, a DaemonSet, a ReplicaSet or a Job",
            )),
        }
    };
    found.await.map_err(|error| error.on(object))
}

async fn workload(cluster: &Cluster, namespace: &str, object: &ObjectId, port: u16) -> Result<Vec<Endpoint>> {
    let live = live(cluster, namespace, object).await?;
    let uid = text(&live, "/metadata/uid").to_owned();
    let Some(selector) = label_selector(&live["spec"]["selector"]) else {
        return Err(Error::new(ErrorKind::NotFound, "it selects no pods"));
    };
    let own = |value: &Value, owner: &str| controller(value).as_deref() == Some(owner);
    let candidates = match object.kind.as_str() {
        "Deployment" => {
            let sets = replica_sets(cluster, namespace, &selector, |set| own(set, &uid)).await?;
            let newest = sets.iter().max().map(|(_, uid)| uid.as_str());
            let of = |pod: &Value| {
                let set = sets.iter().find(|(_, uid)| own(pod, uid))?;
                Candidate::of(pod, Some(newest == Some(set.1.as_str())))
            };
            pods(cluster, namespace, &selector, of).await?
        }
        _ => {
            let update = live.pointer("/status/updateRevision").and_then(Value::as_str);
            let of = |pod: &Value| {
                let hash = || pod.pointer("/metadata/labels")?.get("controller-revision-hash")?.as_str();
                let newest = update.map(|update| hash() == Some(update));
                own(pod, &uid).then(|| Candidate::of(pod, newest)).flatten()
            };
            pods(cluster, namespace, &selector, of).await?
        }
    };
    choose(candidates, &Target::Number(port), false)
}

async fn live(cluster: &Cluster, namespace: &str, object: &ObjectId) -> Result<Value> {
    let place = place(&object.group, &object.kind, namespace)?;
    let found = cluster.get(&place, &object.name).await?;
    found.ok_or_else(|| Error::new(ErrorKind::NotFound, "there is no such object"))
}

async fn pods(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
    of: impl Fn(&Value) -> Option<Candidate>,
) -> Result<Vec<Candidate>> {
    let place = place("", "Pod", namespace)?;
    Ok(cluster.select(&place, &query(selector), |pod| of(&pod)).await?.0)
}

/// The number of each one's revision, and its uid.
async fn replica_sets(
    cluster: &Cluster,
    namespace: &str,
    selector: &str,
    own: impl Fn(&Value) -> bool,
) -> Result<Vec<(u64, String)>> {
    let place = place("apps", "ReplicaSet", namespace)?;
    let keep = |set: Value| own(&set).then(|| (revision(&set), text(&set, "/metadata/uid").to_owned()));
    Ok(cluster.select(&place, &query(selector), keep).await?.0)
}

fn place(group: &str, kind: &str, namespace: &str) -> Result<Place> {
    Ok(Resource::of_records(group, kind)?.within(Some(namespace)))
}

fn query(selector: &str) -> String {
    format!("&labelSelector={}", escape(selector))
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}
