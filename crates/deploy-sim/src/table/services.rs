//! Services, what is behind them, what is in front of them.

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::Value;

use super::cells::name_of_class;
use super::human::{NONE, UNKNOWN, UNSET, age, first, labels, or};
use crate::controllers::object::{at, int, list, text};

/// Addresses and hosts that are shown.
const SHOWN: usize = 3;

pub(super) fn service(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports: Vec<String> = list(object, "/spec/ports")
        .iter()
        .map(|port| {
            let (number, protocol) = (int(port, "/port").unwrap_or(0), text(port, "/protocol"));
            match int(port, "/nodePort") {
                Some(node) if node > 0 => format!("{number}:{node}/{protocol}"),
                _ => format!("{number}/{protocol}"),
            }
        })
        .collect();
    let ports = if ports.is_empty() { NONE.to_owned() } else { ports.join(",") };
    vec![
        text(object, "/spec/type").into(),
        at(object, "/spec/clusterIPs/0").and_then(Value::as_str).unwrap_or(NONE).into(),
        external(object).into(),
        ports.into(),
        age(object, now),
        labels(at(object, "/spec/selector")).into(),
    ]
}

fn external(object: &Value) -> String {
    let external: Vec<&str> = list(object, "/spec/externalIPs").iter().filter_map(Value::as_str).collect();
    let or = |none: &str| if external.is_empty() { none.to_owned() } else { external.join(",") };
    match text(object, "/spec/type") {
        "ClusterIP" | "NodePort" => or(NONE),
        "LoadBalancer" => match balancers(object).as_str() {
            "" => or("<pending>"),
            found if external.is_empty() => found.to_owned(),
            found => format!("{found},{}", or("")),
        },
        "ExternalName" => text(object, "/spec/externalName").to_owned(),
        _ => UNKNOWN.to_owned(),
    }
}

/// Where load balancers listen.
fn balancers(object: &Value) -> String {
    let found: BTreeSet<&str> = list(object, "/status/loadBalancer/ingress")
        .iter()
        .map(|ingress| or(ingress, "/ip", text(ingress, "/hostname")))
        .filter(|address| !address.is_empty())
        .collect();
    found.into_iter().collect::<Vec<_>>().join(",")
}

pub(super) fn endpoints(object: &Value) -> String {
    let subsets = list(object, "/subsets");
    if subsets.is_empty() {
        return NONE.into();
    }
    let mut all = Vec::new();
    for subset in subsets {
        let addresses = || list(subset, "/addresses").iter().map(|address| text(address, "/ip"));
        let ports = list(subset, "/ports");
        if ports.is_empty() {
            all.extend(addresses().map(str::to_owned));
        }
        for port in ports {
            let port = int(port, "/port").unwrap_or(0);
            all.extend(addresses().map(|address| {
                if address.contains(':') {
                    format!("[{address}]:{port}")
                } else {
                    format!("{address}:{port}")
                }
            }));
        }
    }
    first(&all, SHOWN, all.len(), ",")
}

pub(super) fn slice(object: &Value, now: Timestamp) -> Vec<Value> {
    let ports = list(object, "/ports").iter().map(|port| match int(port, "/port") {
        Some(number) => number.to_string(),
        None => at(port, "/name").and_then(Value::as_str).unwrap_or("*").to_owned(),
    });
    let addresses = list(object, "/endpoints")
        .iter()
        .flat_map(|endpoint| list(endpoint, "/addresses"))
        .map(|address| address.as_str().unwrap_or_default().to_owned());
    let shown = |all: Vec<String>| match first(&all, SHOWN, all.len(), ",").as_str() {
        "" => Value::from(UNSET),
        shown => shown.into(),
    };
    let (ports, addresses) = (shown(ports.collect()), shown(addresses.collect()));
    vec![text(object, "/addressType").into(), ports, addresses, age(object, now)]
}

pub(super) fn ingress(object: &Value, now: Timestamp) -> Vec<Value> {
    let class = at(object, "/spec/ingressClassName").and_then(Value::as_str).unwrap_or(NONE);
    let rules = list(object, "/spec/rules");
    let (mut hosts, mut more) = (Vec::new(), false);
    for rule in rules {
        more |= hosts.len() == SHOWN;
        if !more && !text(rule, "/host").is_empty() {
            hosts.push(text(rule, "/host"));
        }
    }
    let hosts = match hosts.join(",").as_str() {
        "" => "*".to_owned(),
        hosts if more => format!("{hosts} + {} more...", rules.len() - SHOWN),
        hosts => hosts.to_owned(),
    };
    let ports = if list(object, "/spec/tls").is_empty() { "80" } else { "80, 443" };
    vec![class.into(), hosts.into(), balancers(object).into(), ports.into(), age(object, now)]
}

pub(super) fn ingress_class(object: &Value, now: Timestamp) -> Vec<Value> {
    let parameters = at(object, "/spec/parameters").map(|parameters| {
        let group = at(parameters, "/apiGroup").and_then(Value::as_str);
        let group = group.map(|group| format!(".{group}")).unwrap_or_default();
        format!("{}{group}/{}", text(parameters, "/kind"), text(parameters, "/name"))
    });
    vec![
        name_of_class(object, &["ingressclass.kubernetes.io/is-default-class"]).into(),
        text(object, "/spec/controller").into(),
        parameters.as_deref().unwrap_or(NONE).into(),
        age(object, now),
    ]
}
