//! The pods of a DaemonSet: made for one node each.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Daemons, HASH, SOURCE};
use crate::controllers::object::{list, name, text};
use crate::controllers::pods;
use crate::state::State;
use crate::status::Status;

/// What a pod of a DaemonSet endures on its node.
const TOLERATED: [(&str, &str); 6] = [
    ("not-ready", "NoExecute"),
    ("unreachable", "NoExecute"),
    ("disk-pressure", "NoSchedule"),
    ("memory-pressure", "NoSchedule"),
    ("pid-pressure", "NoSchedule"),
    ("unschedulable", "NoSchedule"),
];
const AFFINITY: &str =
    "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms";

/// The node that a pod is on, or is made for.
pub(super) fn node(pod: &Value) -> Option<&str> {
    let on = text(pod, "/spec/nodeName");
    if !on.is_empty() {
        return Some(on);
    }
    let fields = list(pod, AFFINITY).iter().flat_map(|term| list(term, "/matchFields"));
    let mut names = fields.filter(|field| field["key"] == "metadata.name" && field["operator"] == "In");
    names.find_map(|field| field["values"].get(0)?.as_str())
}

pub(super) fn create(state: &mut State, daemons: &Daemons, node: &Value) -> Result<(), Status> {
    let set = &daemons.set;
    let start = format!("{}-", name(set));
    let named = pods::generated(&start, &state.suffix());
    let mut pod = pods::of_template(set, &set["spec"]["template"], &start, &named);
    pod["metadata"]["labels"][HASH] = daemons.hash.clone().into();
    if let Some(count) = daemons.template_generation() {
        pod["metadata"]["labels"]["pod-template-generation"] = count.into();
    }
    tolerate(&mut pod["spec"]);
    bind_to(&mut pod["spec"], name(node));
    match pods::create(state, SOURCE, set, pod) {
        Err(status) if pods::of_namespace_that_goes(&status) => Ok(()),
        result => result.map(|_| ()),
    }
}

pub(super) fn delete(state: &mut State, daemons: &Daemons, pod: &Arc<Value>) -> Result<(), Status> {
    pods::delete(state, SOURCE, &daemons.set, pod)
}

fn tolerate(spec: &mut Value) {
    let mut tolerations = list(spec, "/tolerations").to_vec();
    let network = (spec["hostNetwork"] == true).then_some(("network-unavailable", "NoSchedule"));
    for (taint, effect) in TOLERATED.into_iter().chain(network) {
        let key = format!("node.kubernetes.io/{taint}");
        let new = json!({"key": key, "operator": "Exists", "effect": effect});
        let same = |other: &&mut Value| ["key", "effect"].iter().all(|field| other[*field] == new[*field]);
        match tolerations.iter_mut().find(same) {
            Some(known) if known["operator"] == "Exists" => *known = new,
            _ => tolerations.push(new),
        }
    }
    spec["tolerations"] = tolerations.into();
}

/// Lets the scheduler put the pod on this node only.
fn bind_to(spec: &mut Value, node: &str) {
    let fields = json!([{"key": "metadata.name", "operator": "In", "values": [node]}]);
    let required = "requiredDuringSchedulingIgnoredDuringExecution";
    let affinity = &mut spec["affinity"]["nodeAffinity"][required]["nodeSelectorTerms"];
    match affinity.as_array_mut().filter(|terms| !terms.is_empty()) {
        Some(terms) => terms.iter_mut().for_each(|term| term["matchFields"] = fields.clone()),
        None => *affinity = json!([{"matchFields": fields}]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_bound_to_its_node_beside_what_its_template_asks_for() {
        let mut spec = json!({});
        bind_to(&mut spec, "node-1");
        let pod = json!({"spec": spec});
        assert_eq!(node(&pod), Some("node-1"));
        let labels = json!([{"key": "disk", "operator": "Exists"}]);
        let terms = json!({"nodeSelectorTerms": [{"matchExpressions": labels}]});
        let mut spec =
            json!({"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": terms}}});
        bind_to(&mut spec, "node-1");
        let pod = json!({"spec": spec});
        assert_eq!(list(&pod, AFFINITY)[0]["matchExpressions"], labels);
        assert_eq!(node(&pod), Some("node-1"));
    }

    #[test]
    fn what_is_tolerated_already_is_not_tolerated_twice() {
        let mut spec = json!({"hostNetwork": true, "tolerations": [
            {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5},
            {"key": "x", "operator": "Exists"},
        ]});
        tolerate(&mut spec);
        let tolerations = spec["tolerations"].as_array().unwrap();
        assert_eq!(tolerations.len(), 8);
        assert_eq!(
            tolerations[0],
            json!({"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute"})
        );
        assert_eq!(tolerations[7]["key"], "node.kubernetes.io/network-unavailable");
    }
}
