//! Endpoints and EndpointSlices: the pods that Services lead to (`pkg/controller/endpoint`, `endpointslice`).

mod ports;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::object::{annotate, controlled_by, controller, is_deleting, is_true, name, namespace, text, uid};
use super::pods;
use crate::component::CONTROLLER_MANAGER;
use crate::selector::Selector;
use crate::state::State;

const TRIGGER: &str = "endpoints.kubernetes.io/last-change-trigger-time";
const MANAGED: &str = "endpoints.kubernetes.io/managed-by";
const SLICE_MANAGED: &str = "endpointslice.kubernetes.io/managed-by";
const SERVICE: &str = "kubernetes.io/service-name";
const HEADLESS: &str = "service.kubernetes.io/headless";
/// Endpoints of one slice, at most.
const SLICE_SIZE: usize = 100;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    let services = state.objects("services.", None);
    for service in &services {
        let selector = service.pointer("/spec/selector").filter(|selector| selector.is_object());
        if let Some(selector) =
            selector.filter(|_| !is_deleting(service) && text(service, "/spec/type") != "ExternalName")
        {
            let backends = Backends::of(state, service, selector);
            backends.write_endpoints(state);
            backends.write_slices(state);
        }
    }
    // Slices go with their owner, these do not.
    for endpoints in state.objects("endpoints.", None) {
        let is_own =
            endpoints.pointer("/metadata/labels").is_some_and(|labels| labels.get(MANAGED).is_some());
        let same = |service: &Arc<Value>| {
            name(service) == name(&endpoints) && namespace(service) == namespace(&endpoints)
        };
        if is_own && !services.iter().any(same) {
            let _ = CONTROLLER_MANAGER.delete(state, &endpoints);
        }
    }
    None
}

/// A Service and the pods with an address that it selects, by the ports that they are reached at.
struct Backends<'a> {
    service: &'a Value,
    groups: BTreeMap<String, (Value, Vec<Arc<Value>>)>,
    takes_unready: bool,
}

impl<'a> Backends<'a> {
    fn of(state: &State, service: &'a Value, selector: &Value) -> Self {
        let selector = Selector::of(&json!({"matchLabels": selector}));
        let mut groups: BTreeMap<String, (Value, Vec<Arc<Value>>)> = BTreeMap::new();
        for pod in state.objects("pods.", Some(namespace(service))) {
            let is_there = !text(&pod, "/status/podIP").is_empty() && !pods::has_ended(&pod);
            if is_there && selector.matches(&pod) {
                let ports = ports::of(service, &pod);
                groups.entry(ports.to_string()).or_insert_with(|| (ports, Vec::new())).1.push(pod);
            }
        }
        Self { service, groups, takes_unready: service["spec"]["publishNotReadyAddresses"] == true }
    }

    fn labels(&self, own: &[(&str, &str)]) -> Value {
        let mut labels = self.service.pointer("/metadata/labels").cloned().unwrap_or_else(|| json!({}));
        for (key, value) in own {
            labels[*key] = (*value).into();
        }
        if text(self.service, "/spec/clusterIP") == "None" {
            labels[HEADLESS] = "".into();
        }
        labels
    }

    /// The name that a pod has beside others behind a headless Service.
    fn hostname(&self, pod: &Value) -> Option<Value> {
        let host = text(pod, "/spec/hostname");
        (!host.is_empty() && text(pod, "/spec/subdomain") == name(self.service)).then(|| host.into())
    }

    fn write_endpoints(&self, state: &mut State) {
        let mut subsets = Vec::new();
        for (ports, pods) in self.groups.values() {
            let mut subset = Map::new();
            let (ready, unready): (Vec<_>, Vec<_>) = pods
                .iter()
                .filter(|pod| self.takes_unready || !is_deleting(pod))
                .partition(|pod| self.takes_unready || is_true(pod, "Ready"));
            for (field, pods) in [("addresses", ready), ("notReadyAddresses", unready)] {
                if !pods.is_empty() {
                    subset.insert(field.into(), pods.into_iter().map(|pod| self.address(pod)).collect());
                }
            }
            if !subset.is_empty() {
                if ports.as_array().is_some_and(|ports| !ports.is_empty()) {
                    subset.insert("ports".into(), ports::unnamed(ports));
                }
                subsets.push(Value::Object(subset));
            }
        }
        let (named, namespace) = (name(self.service), namespace(self.service));
        let labels = self.labels(&[(MANAGED, "endpoint-controller")]);
        let known =
            state.objects("endpoints.", Some(namespace)).into_iter().find(|known| name(known) == named);
        let time = state.time();
        let mut new = known.as_deref().cloned().unwrap_or_else(|| {
            json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": {"name": named, "namespace": namespace}})
        });
        new["metadata"]["labels"] = labels;
        if !subsets.is_empty() {
            new["subsets"] = subsets.into();
        } else if let Some(new) = new.as_object_mut() {
            new.remove("subsets");
        }
        write(state, known.as_deref(), new, &time);
    }

    fn address(&self, pod: &Value) -> Value {
        let mut address = json!({"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod)});
        if let Some(hostname) = self.hostname(pod) {
            address["hostname"] = hostname;
        }
        address
    }

    fn write_slices(&self, state: &mut State) {
        let mut wanted: Vec<(Value, Value)> = Vec::new();
        for (ports, pods) in self.groups.values() {
            for pods in pods.chunks(SLICE_SIZE) {
                wanted.push((ports.clone(), pods.iter().map(|pod| self.endpoint(pod)).collect()));
            }
        }
        if wanted.is_empty() {
            wanted.push((Value::Null, Value::Null));
        }
        let own =
            |slice: &Arc<Value>| controller(slice).is_some_and(|owner| owner["uid"] == uid(self.service));
        let slices = state.objects("endpointslices.discovery.k8s.io", Some(namespace(self.service)));
        let mut known = slices.into_iter().filter(|slice| own(slice));
        let named = name(self.service);
        let labels = self.labels(&[(SLICE_MANAGED, "endpointslice-controller.k8s.io"), (SERVICE, named)]);
        let time = state.time();
        for (ports, endpoints) in wanted {
            let known = known.next();
            let mut new = known.as_deref().cloned().unwrap_or_else(|| {
                let start = format!("{named}-");
                json!({
                    "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": "IPv4",
                    "metadata": {
                        "name": pods::generated(&start, &state.suffix()), "generateName": start,
                        "namespace": namespace(self.service), "ownerReferences": [controlled_by(self.service)],
                    },
                })
            });
            new["metadata"]["labels"] = labels.clone();
            (new["ports"], new["endpoints"]) = (ports, endpoints);
            write(state, known.as_deref(), new, &time);
        }
        for surplus in known.collect::<Vec<_>>() {
            let _ = CONTROLLER_MANAGER.delete(state, &surplus);
        }
    }

    fn endpoint(&self, pod: &Value) -> Value {
        let (serves, goes) = (is_true(pod, "Ready"), is_deleting(pod));
        let mut endpoint = json!({
            "addresses": [pod["status"]["podIP"]],
            "conditions": {"ready": self.takes_unready || serves && !goes, "serving": serves, "terminating": goes},
            "nodeName": pod["spec"]["nodeName"], "targetRef": reference(pod),
        });
        if let Some(hostname) = self.hostname(pod) {
            endpoint["hostname"] = hostname;
        }
        endpoint
    }
}

/// Writes an object where it is another one, and when that was.
fn write(state: &mut State, known: Option<&Value>, mut new: Value, time: &str) {
    // What is refused is tried at the next change.
    match known {
        Some(known) if *known == new => {}
        Some(known) => {
            annotate(&mut new, TRIGGER, time);
            let _ = CONTROLLER_MANAGER.change(state, known, None, |known| *known = new);
        }
        None => {
            annotate(&mut new, TRIGGER, time);
            let _ = CONTROLLER_MANAGER.create(state, new);
        }
    }
}

fn reference(pod: &Value) -> Value {
    json!({"kind": "Pod", "namespace": namespace(pod), "name": name(pod), "uid": uid(pod)})
}
