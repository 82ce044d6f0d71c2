//! Services.

use std::collections::HashSet;

use super::at::At;
use super::{metadata, names, probe};
use crate::status::Cause;

pub(super) fn check(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    if let Some(before) = before {
        check_update(&spec, &before.field("spec"), out);
    }
    let kind = spec.field("type").text();
    let headless = spec.field("clusterIP").text() == "None";
    let ports = spec.field("ports");
    if !ports.has_items() && !headless && kind != "ExternalName" {
        out.push(ports.required(""));
    }
    if kind == "LoadBalancer" && headless {
        let at = spec.fields(["clusterIPs"]);
        out.extend(
            at.items().next().map(|ip| ip.invalid("may not be set to 'None' for LoadBalancer services")),
        );
    }
    check_ports(&ports, kind, headless, out);
    metadata::labels(&spec.field("selector"), out);
    spec.field("sessionAffinity").one_of(&["ClientIP", "None"], out);
    spec.field("type").one_of(&["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"], out);
    for ip in spec.field("clusterIPs").items().filter(|ip| ip.text() != "None") {
        check_ip(&ip, out);
    }
    for ip in spec.field("externalIPs").items() {
        check_ip(&ip, out);
    }
    check_types(&spec, kind, out);
}

fn check_types(spec: &At<'_>, kind: &str, out: &mut Vec<Cause>) {
    let name = spec.field("externalName");
    if kind == "ExternalName" {
        match name.text() {
            "" => out.push(name.required("")),
            text => out.extend(name.invalid_for(names::subdomain(text.trim_end_matches('.')))),
        }
    }
    let class = spec.field("loadBalancerClass");
    if class.is_set() && kind != "LoadBalancer" {
        out.push(class.forbidden("may only be used when `type` is 'LoadBalancer'"));
    }
    let external = spec.field("externalTrafficPolicy");
    let is_external = matches!(kind, "LoadBalancer" | "NodePort")
        || (kind == "ClusterIP" && spec.field("externalIPs").has_items());
    if external.is_set() {
        if is_external {
            external.one_of(&["Cluster", "Local"], out);
        } else {
            out.push(external.invalid("may only be set for externally-accessible services"));
        }
    }
    spec.field("internalTrafficPolicy").one_of(&["Cluster", "Local"], out);
}

fn check_ports(ports: &At<'_>, kind: &str, headless: bool, out: &mut Vec<Cause>) {
    let mut taken = HashSet::new();
    let several = ports.items().count() > 1;
    for port in ports.items() {
        let [name, number, target, protocol] =
            ["name", "port", "targetPort", "protocol"].map(|field| port.field(field));
        if name.text().is_empty() {
            if several {
                out.push(name.required(""));
            }
        } else {
            let wrong = names::label(name.text());
            if wrong.is_empty() && !taken.insert(name.text()) {
                out.push(name.duplicate());
            }
            out.extend(name.invalid_for(wrong));
        }
        let valid = number.number().is_some_and(|number| (1..=65535).contains(&number));
        if !valid {
            let shown = number.number().unwrap_or(0).to_string();
            out.push(number.invalid_as(&shown, names::PORT));
        }
        protocol.one_of(&["SCTP", "TCP", "UDP"], out);
        if !headless || target.is_set() {
            probe::check_port(&target, out);
        }
        let application = port.field("appProtocol");
        if application.is_set() {
            out.extend(application.invalid_for(names::qualified(application.text())));
        }
    }
    let mut seen = HashSet::new();
    for port in ports.items() {
        let [number, protocol] = ["port", "protocol"].map(|field| port.field(field));
        if kind == "ClusterIP" && port.field("nodePort").is_set() {
            out.push(port.field("nodePort").forbidden("may not be used when `type` is 'ClusterIP'"));
        }
        if !seen.insert((protocol.text(), number.number())) {
            out.push(port.duplicate_as(&format!(
                "{{\"Name\":\"\",\"Protocol\":{},\"AppProtocol\":null,\"Port\":{},\"TargetPort\":0,\"NodePort\":0}}",
                protocol.value, number.value
            )));
        }
    }
}

fn check_ip(ip: &At<'_>, out: &mut Vec<Cause>) {
    if ip.text().parse::<std::net::IpAddr>().is_err() {
        out.push(ip.invalid(names::IP));
    }
}

fn check_update(spec: &At<'_>, before: &At<'_>, out: &mut Vec<Cause>) {
    let external = |spec: &At<'_>| spec.field("type").text() == "ExternalName";
    let (now, old) = (spec.field("clusterIPs"), before.field("clusterIPs"));
    let first = |ips: &At<'_>| ips.items().next().map(|ip| ip.value.clone());
    if !external(spec) && !external(before) && old.has_items() && first(&now) != first(&old) {
        // The server shows all of them, and says it of the first.
        let at = At { path: format!("{}[0]", now.path), value: now.value };
        out.push(at.invalid("may not change once set"));
    }
}
