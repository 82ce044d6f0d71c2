//! The ports of a Service as its pods have them.

use serde_json::{Value, json};

use crate::controllers::object::{int, list, text};

/// The ports at which a Service reaches a pod; a named one that the pod does not have is left out.
pub(super) fn of(service: &Value, pod: &Value) -> Value {
    let target = |port: &Value| {
        let number = match port.get("targetPort") {
            Some(Value::String(named)) => find(pod, named, text(port, "/protocol"))?,
            Some(Value::Number(number)) => number.as_i64()?,
            _ => int(port, "/port")?,
        };
        let protocol = text(port, "/protocol");
        Some(json!({"name": text(port, "/name"), "port": number, "protocol": protocol}))
    };
    list(service, "/spec/ports").iter().filter_map(target).collect()
}

fn find(pod: &Value, named: &str, protocol: &str) -> Option<i64> {
    let containers = list(pod, "/spec/containers").iter();
    let mut ports = containers.flat_map(|container| list(container, "/ports"));
    let port = ports.find(|port| text(port, "/name") == named && text(port, "/protocol") == protocol)?;
    int(port, "/containerPort")
}

/// As Endpoints have them: what has no name does not say so.
pub(super) fn unnamed(ports: &Value) -> Value {
    let mut ports = ports.clone();
    for port in ports.as_array_mut().into_iter().flatten().filter_map(Value::as_object_mut) {
        if port.get("name").is_some_and(|name| name == "") {
            port.remove("name");
        }
    }
    ports
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_found_by_number_and_by_name() {
        let pod = json!({"spec": {"containers": [{"ports": [
            {"name": "web", "containerPort": 8080, "protocol": "TCP"},
            {"name": "dns", "containerPort": 53, "protocol": "UDP"},
        ]}]}});
        let check = |port: Value, expect: Value| {
            assert_eq!(of(&json!({"spec": {"ports": [port]}}), &pod), expect, "{port}");
        };
        let tcp = |number: i64| json!([{"name": "", "port": number, "protocol": "TCP"}]);
        check(json!({"port": 80, "targetPort": 9000, "protocol": "TCP"}), tcp(9000));
        check(json!({"port": 80, "targetPort": "web", "protocol": "TCP"}), tcp(8080));
        check(json!({"port": 80, "protocol": "TCP"}), tcp(80));
        check(json!({"port": 80, "targetPort": "dns", "protocol": "TCP"}), json!([]));
        check(json!({"port": 80, "targetPort": "nope", "protocol": "TCP"}), json!([]));
        assert_eq!(unnamed(&tcp(80)), json!([{"port": 80, "protocol": "TCP"}]));
    }
}
