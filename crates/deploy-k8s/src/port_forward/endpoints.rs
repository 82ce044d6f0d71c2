//! Which pod, and which of its ports: decisions about data.

use std::cmp::Reverse;

use deploy_core::error::{Error, ErrorKind, Result};
use serde_json::{Map, Value};

/// Pods that an error names, at most.
const MAX_NAMED: usize = 3;

/// A port of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    pub(super) pod: String,
    pub(super) port: u16,
}

/// Which port of a pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    Number(u16),
    Name(String),
}

/// A pod, as far as it decides.
#[derive(Clone, Debug)]
pub(super) struct Candidate {
    name: String,
    created: String,
    /// Whether it is of the newest revision, where that is known.
    newest: bool,
    running: bool,
    ready: bool,
    /// What is to be said of it when it is not ready.
    state: String,
    ports: Vec<(String, u16)>,
}

impl Candidate {
    /// `None` for what is no pod.
    pub(super) fn of(pod: &Value, newest: Option<bool>) -> Option<Self> {
        let text = |pointer: &str| pod.pointer(pointer).and_then(Value::as_str);
        let goes = pod.pointer("/metadata/deletionTimestamp").is_some_and(|at| !at.is_null());
        let phase = text("/status/phase").unwrap_or("Pending");
        let running = phase == "Running" && !goes;
        let is_ready = |condition: &Value| condition["type"] == "Ready" && condition["status"] == "True";
        let conditions = pod.pointer("/status/conditions").and_then(Value::as_array);
        let ready = running && conditions.into_iter().flatten().any(is_ready);
        let state = match (goes, phase) {
            (true, _) => "is terminating".to_owned(),
            (false, "Running") => "is not ready".to_owned(),
            (false, phase) => format!("is {phase}"),
        };
        Some(Self {
            name: text("/metadata/name")?.to_owned(),
            created: text("/metadata/creationTimestamp").unwrap_or_default().to_owned(),
            newest: newest.unwrap_or(true),
            running,
            ready,
            state,
            ports: named_ports(pod),
        })
    }

    fn port(&self, target: &Target) -> Option<u16> {
        match target {
            Target::Number(port) => Some(*port),
            Target::Name(name) => self.ports.iter().find(|(known, _)| known == name).map(|(_, port)| *port),
        }
    }
}

/// The TCP ports with a name, of containers that run beside each other.
fn named_ports(pod: &Value) -> Vec<(String, u16)> {
    let list = |name: &str| pod["spec"][name].as_array().map(Vec::as_slice).unwrap_or_default();
    let sidecars = list("initContainers").iter().filter(|container| container["restartPolicy"] == "Always");
    let containers = list("containers").iter().chain(sidecars);
    let ports = containers.flat_map(|container| container["ports"].as_array().into_iter().flatten());
    let tcp = ports.filter(|port| is_tcp(port));
    tcp.filter_map(|port| Some((port["name"].as_str()?.to_owned(), number(&port["containerPort"])?)))
        .collect()
}

fn is_tcp(port: &Value) -> bool {
    port["protocol"].as_str().is_none_or(|protocol| protocol == "TCP")
}

fn number(value: &Value) -> Option<u16> {
    value.as_u64().and_then(|number| u16::try_from(number).ok()).filter(|number| *number > 0)
}

/// The ready pods with this port: those of the newest revision first, of these the youngest.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) if there is none; it says how the pods are.
pub(super) fn choose(mut pods: Vec<Candidate>, target: &Target, unready_too: bool) -> Result<Vec<Endpoint>> {
    pods.sort_by_key(|pod| (Reverse(pod.newest), Reverse(pod.created.clone()), pod.name.clone()));
    let usable: Vec<&Candidate> = pods.iter().filter(|pod| pod.ready || unready_too && pod.running).collect();
    if usable.is_empty() {
        return Err(Error::new(ErrorKind::NotFound, none_ready(&pods)).help("wait until its rollout is done"));
    }
    let endpoint = |pod: &Candidate| Some(Endpoint { pod: pod.name.clone(), port: pod.port(target)? });
    let endpoints: Vec<Endpoint> = usable.into_iter().filter_map(endpoint).collect();
    match target {
        Target::Name(name) if endpoints.is_empty() => Err(Error::new(
            ErrorKind::NotFound,
            format!("no container of its pods has a TCP port named \"{name}\""),
        )),
        _ => Ok(endpoints),
    }
}

fn none_ready(pods: &[Candidate]) -> String {
    if pods.is_empty() {
        return "it has no pods".to_owned();
    }
    let mut named: Vec<String> =
        pods.iter().take(MAX_NAMED).map(|pod| format!("{} {}", pod.name, pod.state)).collect();
    if pods.len() > MAX_NAMED {
        named.push(format!("and {} more", pods.len() - MAX_NAMED));
    }
    format!("no pod of it is ready: {}", named.join(", "))
}

/// Where `port` of a Service leads to.
///
/// # Errors
/// [`NotFound`](ErrorKind::NotFound) for a port that it does not have; [`Unsupported`](ErrorKind::Unsupported) for one that is not TCP.
pub(super) fn service_target(service: &Value, port: u16) -> Result<Target> {
    let ports = service["spec"]["ports"].as_array().map(Vec::as_slice).unwrap_or_default();
    let same = |known: &&Value| number(&known["port"]) == Some(port);
    let mut found: Vec<&Value> = ports.iter().filter(same).collect();
    found.sort_by_key(|port| !is_tcp(port));
    match found.first() {
        None => {
            let known: Vec<String> = ports.iter().map(|port| port["port"].to_string()).collect();
            let error = Error::new(ErrorKind::NotFound, format!("it has no port {port}"));
            Err(if known.is_empty() { error } else { error.help(format!("it has: {}", known.join(", "))) })
        }
        Some(found) if !is_tcp(found) => {
            Err(Error::new(ErrorKind::Unsupported, format!("its port {port} is not TCP")))
        }
        Some(found) => match &found["targetPort"] {
            Value::String(name) => Ok(Target::Name(name.clone())),
            target => Ok(Target::Number(number(target).unwrap_or(port))),
        },
    }
}

/// A selector as a query has it: of a Service or ReplicationController (a map), or of a workload. `None` for one that selects nothing.
pub(super) fn label_selector(selector: &Value) -> Option<String> {
    let empty = Map::new();
    let map = |value: &'_ Value| value.as_object().cloned();
    let is_plain = selector.as_object()?.values().all(Value::is_string);
    let labels = if is_plain { map(selector) } else { map(&selector["matchLabels"]) }.unwrap_or(empty);
    let mut parts: Vec<String> =
        labels.iter().filter_map(|(key, value)| Some(format!("{key}={}", value.as_str()?))).collect();
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str()?;
        let values = expression["values"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let values = values.collect::<Vec<_>>().join(",");
        parts.push(match expression["operator"].as_str()? {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            _ => return None,
        });
    }
    (!parts.is_empty()).then(|| parts.join(","))
}

/// The number of a ReplicaSet's revision.
pub(super) fn revision(set: &Value) -> u64 {
    let number = &set["metadata"]["annotations"]["deployment.kubernetes.io/revision"];
    number.as_str().and_then(|number| number.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn pod(name: &str, created: u32, ready: bool) -> Value {
        let status = if ready { "True" } else { "False" };
        json!({
            "metadata": {"name": name, "creationTimestamp": format!("2026-11-22T10:00:{created:02}Z")},
            "spec": {"containers": [{"ports": [{"name": "http", "containerPort": 8080}, {"name": "dns", "containerPort": 53, "protocol": "UDP"}]}],
                "initContainers": [{"ports": [{"name": "init", "containerPort": 1}]},
                    {"restartPolicy": "Always", "ports": [{"name": "proxy", "containerPort": 15000}]}]},
            "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": status}]},
        })
    }

    fn chosen(pods: &[(Value, Option<bool>)], target: &Target, unready: bool) -> String {
        let candidates = pods.iter().map(|(pod, newest)| Candidate::of(pod, *newest).unwrap()).collect();
        match choose(candidates, target, unready) {
            Ok(found) => {
                let found: Vec<String> =
                    found.iter().map(|end| format!("{}:{}", end.pod, end.port)).collect();
                found.join(" ")
            }
            Err(error) => {
                assert_eq!(error.kind(), ErrorKind::NotFound);
                error.message().to_owned()
            }
        }
    }

    #[test]
    fn ready_ones_of_the_newest_revision_come_first() {
        let check = |pods: &[(Value, Option<bool>)], expect: &str| {
            assert_eq!(chosen(pods, &Target::Number(80), false), expect);
        };
        check(&[(pod("a", 1, true), None), (pod("b", 2, true), None)], "b:80 a:80");
        check(&[(pod("a", 1, true), Some(true)), (pod("b", 2, true), Some(false))], "a:80 b:80");
        check(&[(pod("a", 1, false), Some(true)), (pod("b", 2, true), Some(false))], "b:80");
        check(&[(pod("b", 1, true), None), (pod("a", 1, true), None)], "a:80 b:80");
        let mut goes = pod("a", 1, true);
        goes["metadata"]["deletionTimestamp"] = "2026-11-22T10:00:00Z".into();
        check(&[(goes.clone(), None), (pod("b", 1, true), None)], "b:80");
        check(&[(goes.clone(), None)], "no pod of it is ready: a is terminating");
        check(&[], "it has no pods");
        let waits = json!({"metadata": {"name": "w"}, "status": {"phase": "Pending"}});
        let many = [(waits, None), (pod("a", 1, false), None), (pod("b", 2, false), None), (goes, None)];
        check(&many, "no pod of it is ready: b is not ready, a is not ready, a is terminating, and 1 more");
    }

    #[test]
    fn a_name_is_resolved_by_each_pod() {
        let mut other = pod("b", 2, true);
        other["spec"]["containers"][0]["ports"][0]["containerPort"] = 9090.into();
        let mut none = pod("c", 3, true);
        none["spec"]["containers"] = json!([]);
        let pods = [(pod("a", 1, true), None), (other, None), (none, None)];
        let check = |name: &str, expect: &str| {
            assert_eq!(chosen(&pods, &Target::Name(name.into()), false), expect);
        };
        check("http", "b:9090 a:8080");
        check("proxy", "c:15000 b:15000 a:15000");
        for name in ["dns", "init", "x"] {
            check(name, &format!("no container of its pods has a TCP port named \"{name}\""));
        }
    }

    #[test]
    fn a_service_may_want_pods_that_are_not_ready() {
        assert_eq!(chosen(&[(pod("a", 1, false), None)], &Target::Number(80), true), "a:80");
        let ended = json!({"metadata": {"name": "a"}, "status": {"phase": "Succeeded"}});
        assert_eq!(
            chosen(&[(ended, None)], &Target::Number(80), true),
            "no pod of it is ready: a is Succeeded"
        );
    }

    #[test]
    fn ports_of_services() {
        let service = json!({"spec": {"ports": [
            {"port": 80, "targetPort": "http"}, {"port": 81, "targetPort": 8081, "protocol": "TCP"}, {"port": 82},
            {"port": 53, "targetPort": 5353, "protocol": "UDP"}, {"port": 54, "protocol": "UDP"}, {"port": 54, "targetPort": 5454},
            {"port": 99999}, {"port": "x"},
        ]}});
        let check = |port: u16, expect: Target| assert_eq!(service_target(&service, port).unwrap(), expect);
        check(80, Target::Name("http".into()));
        check(81, Target::Number(8081));
        check(82, Target::Number(82));
        check(54, Target::Number(5454));
        let refused = |port: u16| service_target(&service, port).expect_err("no such port").to_string();
        assert_eq!(refused(53), "its port 53 is not TCP");
        assert!(refused(83).starts_with("it has no port 83 (it has: 80, 81, "), "{}", refused(83));
        assert_eq!(service_target(&json!({}), 80).expect_err("none").to_string(), "it has no port 80");
    }

    #[test]
    fn selectors() {
        let check = |selector: Value, expect: Option<&str>| {
            assert_eq!(label_selector(&selector).as_deref(), expect, "{selector}");
        };
        check(json!({"app": "api", "tier": "web"}), Some("app=api,tier=web"));
        check(json!({"matchLabels": {"app": "api"}}), Some("app=api"));
        let expressions = json!({"matchLabels": {"app": "api"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["x", "y"]}, {"key": "b", "operator": "NotIn", "values": ["z"]},
            {"key": "c", "operator": "Exists"}, {"key": "d", "operator": "DoesNotExist"}]});
        check(expressions, Some("app=api,a in (x,y),b notin (z),c,!d"));
        for nothing in [json!(null), json!({}), json!({"matchLabels": {}}), json!([])] {
            check(nothing, None);
        }
        check(json!({"matchExpressions": [{"key": "a", "operator": "Near"}]}), None);
    }

    #[test]
    fn revisions() {
        let set = |number: &str| json!({"metadata": {"annotations": {"deployment.kubernetes.io/revision": number}}});
        assert_eq!((revision(&set("12")), revision(&set("x")), revision(&json!({}))), (12, 0, 0));
    }
}
