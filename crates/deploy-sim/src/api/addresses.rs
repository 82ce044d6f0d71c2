//! The addresses and ports that Services are given.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use serde_json::{Value, json};

use crate::controllers::object::{list, text};
use crate::state::State;

/// The first address of Services, 10.96.0.1; the first are kept for those who ask for one.
const FIRST_ADDRESS: u32 = 0x0a60_0001;
const KEPT_ADDRESSES: u32 = 255;
/// Ports of nodes.
const PORTS: std::ops::RangeInclusive<u64> = 30_000..=32_767;

/// Gives a Service that is to be written what its type needs and it does not have.
pub(super) fn give(state: &State, service: &mut Value) {
    let kind = text(service, "/spec/type").to_owned();
    if kind == "ExternalName" {
        return;
    }
    let others = state.objects("services.", None);
    if text(service, "/spec/clusterIP").is_empty() {
        let taken: BTreeSet<&str> = others.iter().map(|other| text(other, "/spec/clusterIP")).collect();
        let mut addresses =
            (FIRST_ADDRESS + KEPT_ADDRESSES..).map(|address| Ipv4Addr::from_bits(address).to_string());
        let Some(free) = addresses.find(|address| !taken.contains(address.as_str())) else { return };
        service["spec"]["clusterIPs"] = json!([free]);
        service["spec"]["clusterIP"] = free.into();
    }
    let has_ports = kind == "NodePort"
        || kind == "LoadBalancer" && service["spec"]["allocateLoadBalancerNodePorts"] != false;
    if !has_ports {
        return;
    }
    let ports_of = |service: &Value| -> Vec<u64> {
        list(service, "/spec/ports").iter().filter_map(|port| port["nodePort"].as_u64()).collect()
    };
    let mut taken: BTreeSet<u64> =
        others.iter().flat_map(|other| ports_of(other)).chain(ports_of(service)).collect();
    for port in service["spec"]["ports"].as_array_mut().into_iter().flatten() {
        if port["nodePort"].as_u64().is_none_or(|port| port == 0)
            && let Some(free) = PORTS.into_iter().find(|free| !taken.contains(free))
        {
            taken.insert(free);
            port["nodePort"] = free.into();
        }
    }
}
