//! Services: what depends on their type, and what an update keeps.

use serde_json::{Value, json};

/// Every Service.
pub(super) const SERVICE: &str = r#"
spec.type = "ClusterIP"
spec.sessionAffinity = "None"
spec{sessionAffinity=ClientIP}.sessionAffinityConfig.clientIP.timeoutSeconds = 10800
spec.ports[].protocol = "TCP"
spec{type=ClusterIP}.internalTrafficPolicy = "Cluster"
spec{type=NodePort}.internalTrafficPolicy = "Cluster"
spec{type=LoadBalancer}.internalTrafficPolicy = "Cluster"
spec{type=NodePort}.externalTrafficPolicy = "Cluster"
spec{type=LoadBalancer}.externalTrafficPolicy = "Cluster"
spec{type=LoadBalancer}.allocateLoadBalancerNodePorts = true
"#;

/// What the table cannot say. Addresses and ports are the caller's to allocate.
pub(super) fn fill(service: &mut Value) {
    let Some(spec) = service.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let unset = |target: &Value| target.is_null() || target == 0 || target == "";
        if port.get("targetPort").is_none_or(unset)
            && let (Some(number), Some(port)) = (port.get("port").cloned(), port.as_object_mut())
        {
            port.insert("targetPort".into(), number);
        }
    }
    if !is(spec, "type", "ExternalName")
        && spec.get("externalIPs").is_some()
        && spec.get("externalTrafficPolicy").is_none()
    {
        spec["externalTrafficPolicy"] = "Cluster".into();
    }
}

/// What was allocated, and the families that its addresses are of.
pub(super) fn admit(service: &mut Value, before: Option<&Value>) {
    let Some(spec) = service.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    if let Some(before) = before.and_then(|before| before.get("spec")) {
        keep(spec, before);
    }
    if is(spec, "type", "ExternalName") {
        return;
    }
    if let Some(ip) = spec.get("clusterIP").cloned()
        && spec.get("clusterIPs").is_none()
    {
        spec["clusterIPs"] = json!([ip]);
    }
    // Without a selector nobody knows the families of what is behind it: both are then required.
    let any = is(spec, "clusterIP", "None") && spec.get("selector").is_none();
    let (families, policy) =
        if any { (json!(["IPv4", "IPv6"]), "RequireDualStack") } else { (json!(["IPv4"]), "SingleStack") };
    for (field, value) in [("ipFamilies", families), ("ipFamilyPolicy", policy.into())] {
        if spec.get(field).is_none() {
            spec[field] = value;
        }
    }
}

/// An update that does not name what was allocated keeps it, as long as its type needs it.
fn keep(spec: &mut Value, before: &Value) {
    if is(spec, "type", "ExternalName") || is(before, "type", "ExternalName") {
        return;
    }
    for field in ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy"] {
        // Another address comes with a list of its own.
        let same = spec.get("clusterIP").is_none() || spec.get("clusterIP") == before.get("clusterIP");
        if spec.get(field).is_none()
            && same
            && let Some(value) = before.get(field)
        {
            spec[field] = value.clone();
        }
    }
    let needs_ports = |spec: &Value| is(spec, "type", "NodePort") || is(spec, "type", "LoadBalancer");
    if !needs_ports(spec) || !needs_ports(before) {
        return;
    }
    let before: Vec<&Value> = before.get("ports").and_then(Value::as_array).into_iter().flatten().collect();
    let taken: Vec<Value> = ports(spec).filter_map(|port| port.get("nodePort")).cloned().collect();
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        let same = |other: &&&Value| other.get("name") == port.get("name");
        let kept = before.iter().find(same).and_then(|other| other.get("nodePort")).cloned();
        if let Some(kept) = kept
            && port.get("nodePort").is_none()
            && !taken.contains(&kept)
        {
            port["nodePort"] = kept;
        }
    }
}

fn ports(spec: &Value) -> impl Iterator<Item = &Value> {
    spec.get("ports").and_then(Value::as_array).into_iter().flatten()
}

fn is(spec: &Value, field: &str, value: &str) -> bool {
    spec.get(field).and_then(Value::as_str) == Some(value)
}
