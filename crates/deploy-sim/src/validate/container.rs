//! Containers: images, ports, environment, mounts.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::at::At;
use super::{env, names, probe, resources};
use crate::status::Cause;

const ONLY_OF_SIDECARS: &str = "may not be set for init containers without restartPolicy=Always";

/// All containers of a pod spec.
pub(super) fn check_all(spec: &At<'_>, volumes: &HashSet<&str>, out: &mut Vec<Cause>) {
    let containers = spec.field("containers");
    if !containers.has_items() {
        out.push(containers.required(""));
    }
    let host_network = spec.field("hostNetwork").is_true();
    let mut seen = HashSet::new();
    let mut host_ports = HashSet::new();
    for container in containers.items() {
        check(&container, volumes, out);
        check_unique(&container, &mut seen, out);
        probe::check_hooks(&container.field("lifecycle"), out);
        probe::check_all(&container, out);
    }
    for container in containers.items() {
        check_host_ports(&container, host_network, &mut host_ports, out);
    }
    for container in spec.field("initContainers").items() {
        check(&container, volumes, out);
        check_unique(&container, &mut seen, out);
        let policy = container.field("restartPolicy");
        if !policy.text().is_empty() {
            policy.one_of(&["Always", "Never", "OnFailure"], out);
        }
        if policy.text() == "Always" {
            probe::check_hooks(&container.field("lifecycle"), out);
            probe::check_all(&container, out);
        } else {
            let fields = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"].into_iter();
            let set = fields.map(|field| container.field(field)).filter(At::is_set);
            out.extend(set.map(|at| at.forbidden(ONLY_OF_SIDECARS)));
        }
        check_host_ports(&container, host_network, &mut HashSet::new(), out);
    }
}

fn check_unique<'a>(container: &At<'a>, seen: &mut HashSet<&'a str>, out: &mut Vec<Cause>) {
    let name = container.field("name");
    if !name.text().is_empty() && !seen.insert(name.text()) {
        out.push(name.duplicate());
    }
}

fn check(container: &At<'_>, volumes: &HashSet<&str>, out: &mut Vec<Cause>) {
    let [name, image] = ["name", "image"].map(|field| container.field(field));
    if name.text().is_empty() {
        out.push(name.required(""));
    } else {
        out.extend(name.invalid_for(names::label(name.text())));
    }
    if image.text().is_empty() {
        out.push(image.required(""));
    } else if image.text().trim() != image.text() {
        out.push(image.invalid("must not have leading or trailing whitespace"));
    }
    container.field("terminationMessagePolicy").one_of(&["File", "FallbackToLogsOnError"], out);
    check_ports(&container.field("ports"), out);
    env::check(container, out);
    check_mounts(container, volumes, out);
    container.field("imagePullPolicy").one_of(&["Always", "IfNotPresent", "Never"], out);
    resources::check(&container.field("resources"), out);
    check_security(&container.field("securityContext"), out);
}

fn check_ports(ports: &At<'_>, out: &mut Vec<Cause>) {
    let mut names = HashSet::new();
    for port in ports.items() {
        let name = port.field("name");
        if !name.text().is_empty() {
            let wrong = names::port_name(name.text());
            if wrong.is_empty() && !names.insert(name.text()) {
                out.push(name.duplicate());
            }
            out.extend(name.invalid_for(wrong));
        }
        let number = port.field("containerPort");
        if number.number().unwrap_or(0) == 0 {
            out.push(number.required(""));
        } else {
            number.between(1, 65535, out);
        }
        let host = port.field("hostPort");
        if host.number() != Some(0) {
            host.between(1, 65535, out);
        }
        port.field("protocol").one_of(&["SCTP", "TCP", "UDP"], out);
    }
}

/// In the network of the node, and where a port of it is asked for, ports cannot be shared.
fn check_host_ports(
    container: &At<'_>,
    host_network: bool,
    taken: &mut HashSet<String>,
    out: &mut Vec<Cause>,
) {
    for port in container.field("ports").items() {
        let host = port.field("hostPort");
        let Some(number) = host.number().filter(|number| *number != 0) else { continue };
        let words = format!("{}/{}/{number}", port.field("protocol").text(), port.field("hostIP").text());
        if !taken.insert(words.clone()) {
            out.push(host.duplicate_as(&json!(words).to_string()));
        }
        if host_network && port.field("containerPort").number() != Some(number) {
            out.push(host.invalid("must match `containerPort` when `hostNetwork` is true"));
        }
    }
}

fn check_mounts(container: &At<'_>, volumes: &HashSet<&str>, out: &mut Vec<Cause>) {
    let mut paths = HashSet::new();
    let mounts = container.field("volumeMounts");
    for mount in mounts.items() {
        let [name, path, sub] = ["name", "mountPath", "subPath"].map(|field| mount.field(field));
        if name.text().is_empty() {
            out.push(name.required(""));
        }
        if !volumes.contains(name.text()) {
            out.push(name.not_found());
        }
        if path.text().is_empty() {
            out.push(path.required(""));
        }
        if !paths.insert(path.text()) {
            out.push(path.invalid("must be unique"));
        }
        if !sub.text().is_empty() {
            // The server names no index here.
            let at = At { path: format!("{}.subPath", mounts.path), value: sub.value };
            check_inner_path(&at, out);
        }
    }
    for device in container.field("volumeDevices").items() {
        let name = device.field("name");
        if name.text().is_empty() {
            out.push(name.required(""));
        }
        if !volumes.contains(name.text()) {
            out.push(name.not_found());
        }
    }
}

/// A path inside of something: relative, and never up.
pub(super) fn check_inner_path(path: &At<'_>, out: &mut Vec<Cause>) {
    if path.text().starts_with('/') {
        out.push(path.invalid("must be a relative path"));
    }
    if path.text().split('/').any(|part| part == "..") {
        out.push(path.invalid("must not contain '..'"));
    }
}

fn check_security(security: &At<'_>, out: &mut Vec<Cause>) {
    for field in ["runAsUser", "runAsGroup"] {
        security.field(field).between(0, i64::from(i32::MAX), out);
    }
    let escalation = security.field("allowPrivilegeEscalation").value == &Value::Bool(false);
    if escalation && security.field("privileged").is_true() {
        out.push(security.invalid("cannot set `allowPrivilegeEscalation` to false and `privileged` to true"));
    }
    let capabilities = security.fields(["capabilities", "add"]);
    if escalation && capabilities.items().any(|capability| capability.text() == "CAP_SYS_ADMIN") {
        out.push(
            security.invalid(
                "cannot set `allowPrivilegeEscalation` to false and `capabilities.Add` CAP_SYS_ADMIN",
            ),
        );
    }
}
