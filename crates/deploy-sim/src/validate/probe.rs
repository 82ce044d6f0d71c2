//! Probes and lifecycle hooks.

use super::at::At;
use super::names;
use crate::status::Cause;

const HANDLERS: [&str; 5] = ["exec", "httpGet", "tcpSocket", "grpc", "sleep"];
const NUMBERS: [&str; 5] =
    ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"];

pub(super) fn check_all(container: &At<'_>, out: &mut Vec<Cause>) {
    for kind in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let probe = container.field(kind);
        if !probe.is_set() {
            continue;
        }
        check_handler(&probe, out);
        for number in NUMBERS {
            probe.field(number).at_least(0, out);
        }
        let successes = probe.field("successThreshold");
        let grace = probe.field("terminationGracePeriodSeconds");
        if kind == "readinessProbe" {
            if grace.is_set() {
                out.push(grace.invalid("must not be set for readinessProbes"));
            }
        } else {
            if grace.number().is_some_and(|seconds| seconds <= 0) {
                out.push(grace.invalid("must be greater than 0"));
            }
            if successes.number().is_some_and(|successes| successes != 1) {
                out.push(successes.invalid("must be 1"));
            }
        }
    }
}

pub(super) fn check_hooks(lifecycle: &At<'_>, out: &mut Vec<Cause>) {
    for hook in ["postStart", "preStop"] {
        if lifecycle.field(hook).is_set() {
            check_handler(&lifecycle.field(hook), out);
        }
    }
}

/// One handler, and that one well formed.
fn check_handler(at: &At<'_>, out: &mut Vec<Cause>) {
    let mut set = HANDLERS.iter().map(|handler| (*handler, at.field(handler))).filter(|(_, at)| at.is_set());
    let Some((kind, handler)) = set.next() else {
        out.push(at.required("must specify a handler type"));
        return;
    };
    match kind {
        "exec" if !handler.field("command").has_items() => out.push(handler.field("command").required("")),
        "httpGet" => check_http(&handler, out),
        "tcpSocket" => check_port(&handler.field("port"), out),
        "grpc" => handler.field("port").between(1, 65535, out),
        _ => {}
    }
    out.extend(set.map(|(_, other)| other.forbidden("may not specify more than 1 handler type")));
}

fn check_http(get: &At<'_>, out: &mut Vec<Cause>) {
    if get.field("path").text().is_empty() {
        out.push(get.field("path").required(""));
    }
    check_port(&get.field("port"), out);
    get.field("scheme").one_of(&["HTTP", "HTTPS"], out);
    let headers = get.field("httpHeaders");
    for header in headers.items() {
        // The server names no index here.
        let at = At { path: headers.path.clone(), value: header.field("name").value };
        out.extend(at.invalid_for(names::http_header(at.text())));
    }
}

/// A number, or the name of a port.
pub(super) fn check_port(port: &At<'_>, out: &mut Vec<Cause>) {
    if port.value.is_string() {
        out.extend(port.invalid_for(names::port_name(port.text())));
    } else if !(1..=65535).contains(&port.number().unwrap_or(0)) {
        out.push(port.invalid(names::PORT));
    }
}
