//! Ingresses.

use super::at::At;
use super::names;
use crate::status::Cause;

pub(super) fn check(object: &At<'_>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    let [default, rules] = ["defaultBackend", "rules"].map(|field| spec.field(field));
    if !default.is_set() && !rules.has_items() {
        out.push(spec.invalid_as("null", "either `defaultBackend` or `rules` must be specified"));
    }
    if default.is_set() {
        check_backend(&default, out);
    }
    for rule in rules.items() {
        check_host(&rule.field("host"), out);
        let http = rule.field("http");
        if http.is_set() {
            check_paths(&http.field("paths"), out);
        }
    }
    for tls in spec.field("tls").items() {
        for host in tls.field("hosts").items() {
            let rule = if host.text().contains('*') { names::wildcard } else { names::subdomain };
            out.extend(host.invalid_for(rule(host.text())));
        }
        let secret = tls.field("secretName");
        if !secret.text().is_empty() {
            out.extend(secret.invalid_for(names::subdomain(secret.text())));
        }
    }
    let class = spec.field("ingressClassName");
    if class.is_set() {
        out.extend(class.invalid_for(names::subdomain(class.text())));
    }
}

pub(super) fn check_class(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    let controller = spec.field("controller");
    match before.map(|before| before.field("spec").field("controller")) {
        Some(before) if before.text() != controller.text() => {
            out.push(controller.invalid("field is immutable"));
        }
        _ if controller.text().is_empty() => out.push(controller.required("")),
        _ => {
            let domain = controller.text().split_once('/').filter(|(_, path)| !path.is_empty());
            match domain {
                None => {
                    out.push(controller.invalid("must be a domain-prefixed path (such as \"acme.io/foo\")"));
                }
                Some((domain, _)) => {
                    let found = |why: String| Cause::invalid("spec.controller", &domain.into(), &why);
                    out.extend(names::subdomain(domain).into_iter().map(found));
                }
            }
        }
    }
    let parameters = spec.field("parameters");
    if !parameters.is_set() {
        return;
    }
    for field in ["kind", "name"] {
        if parameters.field(field).text().is_empty() {
            out.push(parameters.field(field).required(""));
        }
    }
    let (scope, namespace) = (parameters.field("scope"), parameters.field("namespace"));
    match (scope.text(), namespace.is_set()) {
        ("Namespace", false) => {
            out.push(namespace.required("`parameters.scope` is set to 'Namespace'"));
        }
        ("Cluster", true) => {
            out.push(namespace.forbidden("`parameters.scope` is set to 'Cluster'"));
        }
        ("Namespace" | "Cluster", _) => {}
        _ => out.push(scope.unsupported(&["Cluster", "Namespace"])),
    }
}

fn check_host(host: &At<'_>, out: &mut Vec<Cause>) {
    let text = host.text();
    if text.is_empty() {
        return;
    }
    if text.parse::<std::net::IpAddr>().is_ok() {
        out.push(host.invalid("must be a DNS name, not an IP address"));
    } else {
        let rule = if text.contains('*') { names::wildcard } else { names::subdomain };
        out.extend(host.invalid_for(rule(text)));
    }
}

fn check_paths(paths: &At<'_>, out: &mut Vec<Cause>) {
    if !paths.has_items() {
        out.push(paths.required(""));
    }
    for path in paths.items() {
        let [at, kind] = ["path", "pathType"].map(|field| path.field(field));
        let absolute = at.text().starts_with('/');
        match kind.text() {
            "" => out.push(kind.required("pathType must be specified")),
            "ImplementationSpecific" if at.text().is_empty() => {}
            "ImplementationSpecific" | "Exact" | "Prefix" => {
                if !absolute {
                    let shown = serde_json::Value::from(at.text()).to_string();
                    out.push(at.invalid_as(&shown, "must be an absolute path"));
                }
            }
            _ => out.push(kind.unsupported(&["Exact", "ImplementationSpecific", "Prefix"])),
        }
        check_backend(&path.field("backend"), out);
    }
}

fn check_backend(backend: &At<'_>, out: &mut Vec<Cause>) {
    let [service, resource] = ["service", "resource"].map(|field| backend.field(field));
    match (service.is_set(), resource.is_set()) {
        (true, true) => out.push(backend.invalid_as("\"\"", "cannot set both resource and service backends")),
        (false, false) => out.push(backend.invalid_as("\"\"", "resource or service backend is required")),
        (false, true) => {}
        (true, false) => check_service(backend, &service, out),
    }
}

fn check_service(backend: &At<'_>, service: &At<'_>, out: &mut Vec<Cause>) {
    let name = service.field("name");
    if name.text().is_empty() {
        out.push(name.required(""));
    } else {
        out.extend(name.invalid_for(names::label(name.text())));
    }
    let [name, number] = ["name", "number"].map(|field| service.fields(["port", field]));
    let numbered = number.number().unwrap_or(0) != 0;
    match (name.text().is_empty(), numbered) {
        (true, false) => out.push(backend.required("port name or number is required")),
        (false, true) => out.push(backend.invalid_as("\"\"", "cannot set both port name & port number")),
        (true, true) => number.between(1, 65535, out),
        (false, false) => out.extend(name.invalid_for(names::port_name(name.text()))),
    }
}
