//! The cells of an object's row, kind by kind (`pkg/printers/internalversion`).

use jiff::Timestamp;
use serde_json::{Value, json};

use super::human::{NONE, UNSET, age, containers, labels, or, selector, since};
use super::{pod, services, storage, workload};
use crate::controllers::object::{at, condition, controller, int, list, name, text};

/// A row of the kind that has this resource.
pub(super) fn of(resource: &str, object: &Value, now: Timestamp) -> Vec<Value> {
    let cells: Vec<Value> = match resource {
        "pods." => pod::cells(object, now),
        "events." | "events.events.k8s.io" => return event(object, now),
        "namespaces." => vec![text(object, "/status/phase").into(), age(object, now)],
        "nodes." => node(object, now),
        "configmaps." => {
            let count = fields(object, "data") + fields(object, "binaryData");
            vec![count.into(), age(object, now)]
        }
        "secrets." => {
            vec![text(object, "/type").into(), fields(object, "data").into(), age(object, now)]
        }
        "serviceaccounts." => vec![age(object, now)],
        "podtemplates." => {
            let [names, images] = containers(object, "/template");
            vec![names, images, labels(at(object, "/template/metadata/labels")).into()]
        }
        "resourcequotas." => quota(object, now),
        "persistentvolumes." => storage::volume(object, now),
        "persistentvolumeclaims." => storage::claim(object, now),
        "storageclasses.storage.k8s.io" => return storage::class(object, now),
        "services." => services::service(object, now),
        "endpoints." => vec![services::endpoints(object).into(), age(object, now)],
        "endpointslices.discovery.k8s.io" => services::slice(object, now),
        "ingresses.networking.k8s.io" => services::ingress(object, now),
        "ingressclasses.networking.k8s.io" => return services::ingress_class(object, now),
        "networkpolicies.networking.k8s.io" => {
            vec![selector(at(object, "/spec/podSelector")).into(), age(object, now)]
        }
        "replicationcontrollers." => workload::replication_controller(object, now),
        "deployments.apps" => workload::deployment(object, now),
        "replicasets.apps" => workload::replica_set(object, now),
        "statefulsets.apps" => workload::stateful_set(object, now),
        "daemonsets.apps" => workload::daemon_set(object, now),
        "jobs.batch" => workload::job(object, now),
        "cronjobs.batch" => workload::cron_job(object, now),
        "horizontalpodautoscalers.autoscaling" => workload::autoscaler(object, now),
        "poddisruptionbudgets.policy" => {
            let number = |field: &str| match &object["spec"][field] {
                Value::Null => "N/A".to_owned(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            let allowed = int(object, "/status/disruptionsAllowed").unwrap_or(0);
            vec![
                number("minAvailable").into(),
                number("maxUnavailable").into(),
                allowed.into(),
                age(object, now),
            ]
        }
        "controllerrevisions.apps" => revision(object, now),
        "leases.coordination.k8s.io" => {
            vec![text(object, "/spec/holderIdentity").into(), age(object, now)]
        }
        "rolebindings.rbac.authorization.k8s.io" | "clusterrolebindings.rbac.authorization.k8s.io" => {
            binding(object, now)
        }
        "priorityclasses.scheduling.k8s.io" => vec![
            int(object, "/value").unwrap_or(0).into(),
            (object["globalDefault"] == true).into(),
            age(object, now),
            text(object, "/preemptionPolicy").into(),
        ],
        _ => vec![text(object, "/metadata/creationTimestamp").into()],
    };
    named(object, cells)
}

pub(super) fn scale(object: &Value, now: Timestamp) -> Vec<Value> {
    let number = |pointer: &str| int(object, pointer).unwrap_or(0).into();
    named(object, vec![number("/spec/replicas"), number("/status/replicas"), age(object, now)])
}

fn named(object: &Value, cells: Vec<Value>) -> Vec<Value> {
    let mut row = vec![name(object).into()];
    row.extend(cells);
    row
}

/// Its name, and that it is the default one where an annotation says so.
pub(super) fn name_of_class(object: &Value, annotations: &[&str]) -> String {
    let is_default = annotations.iter().any(|name| object["metadata"]["annotations"][name] == "true");
    format!("{}{}", name(object), if is_default { " (default)" } else { "" })
}

fn fields(object: &Value, field: &str) -> usize {
    object.get(field).and_then(Value::as_object).map_or(0, serde_json::Map::len)
}

fn node(object: &Value, now: Timestamp) -> Vec<Value> {
    let ready = condition(object, "Ready").map(|ready| ready["status"] == "True");
    let mut status = match ready {
        Some(true) => "Ready".to_owned(),
        Some(false) => "NotReady".to_owned(),
        None => "Unknown".to_owned(),
    };
    if object["spec"]["unschedulable"] == true {
        status.push_str(",SchedulingDisabled");
    }
    let labels = at(object, "/metadata/labels").and_then(Value::as_object).into_iter().flatten();
    let mut roles: Vec<&str> = labels
        .filter_map(|(name, value)| match name.strip_prefix("node-role.kubernetes.io/") {
            None if name == "kubernetes.io/role" => value.as_str(),
            role => role,
        })
        .filter(|role| !role.is_empty())
        .collect();
    roles.sort_unstable();
    roles.dedup();
    let roles = if roles.is_empty() { NONE.to_owned() } else { roles.join(",") };
    let address = |of: &str| {
        let found = list(object, "/status/addresses").iter().find(|address| address["type"] == of);
        Value::from(found.map_or(NONE, |address| text(address, "/address")))
    };
    let info = |field: &str| or(object, &format!("/status/nodeInfo/{field}"), super::human::UNKNOWN);
    let kernel = match text(object, "/status/nodeInfo/architecture") {
        "" => info("kernelVersion").to_owned(),
        architecture => format!("{} ({architecture})", info("kernelVersion")),
    };
    vec![
        status.into(),
        roles.into(),
        age(object, now),
        text(object, "/status/nodeInfo/kubeletVersion").into(),
        address("InternalIP"),
        address("ExternalIP"),
        info("osImage").into(),
        kernel.into(),
        info("containerRuntimeVersion").into(),
    ]
}

fn event(object: &Value, now: Timestamp) -> Vec<Value> {
    // The same under both of its groups.
    let either = |one: &'static str, other: &'static str| if at(object, one).is_some() { one } else { other };
    let told = |pointer: &str| at(object, pointer).is_some_and(|time| !time.is_null());
    let first = match either("/firstTimestamp", "/deprecatedFirstTimestamp") {
        first if told(first) => since(object, first, now),
        _ => since(object, "/eventTime", now),
    };
    let mut last = match either("/lastTimestamp", "/deprecatedLastTimestamp") {
        last if told(last) => since(object, last, now),
        _ => first.clone(),
    };
    let mut count =
        int(object, either("/count", "/deprecatedCount")).filter(|count| *count != 0).unwrap_or(1);
    if told("/series") {
        last = since(object, "/series/lastObservedTime", now);
        count = int(object, "/series/count").unwrap_or(0);
    }
    let about = either("/involvedObject", "/regarding");
    let of = |field: &str| text(object, &format!("{about}/{field}"));
    let target = match of("name") {
        "" => of("kind").to_lowercase(),
        name => format!("{}/{name}", of("kind").to_lowercase()),
    };
    let source = either("/source", "/deprecatedSource");
    let component = or(object, &format!("{source}/component"), text(object, "/reportingComponent"));
    let component = if component.is_empty() { text(object, "/reportingController") } else { component };
    let instance = or(object, &format!("{source}/host"), text(object, "/reportingInstance"));
    let source = if instance.is_empty() { component.to_owned() } else { format!("{component}, {instance}") };
    vec![
        last.into(),
        text(object, "/type").into(),
        text(object, "/reason").into(),
        target.into(),
        of("fieldPath").into(),
        source.into(),
        text(object, either("/message", "/note")).trim().into(),
        first.into(),
        count.into(),
        name(object).into(),
    ]
}

fn quota(object: &Value, now: Timestamp) -> Vec<Value> {
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    let hard = at(object, "/status/hard").and_then(Value::as_object).into_iter().flatten();
    for (resource, most) in hard {
        let used = object["status"]["used"][resource].as_str().unwrap_or("0");
        let shown = format!("{resource}: {used}/{}", most.as_str().unwrap_or("0"));
        if resource.starts_with("limits.") { limits.push(shown) } else { requests.push(shown) }
    }
    requests.sort();
    limits.sort();
    vec![requests.join(", ").into(), limits.join(", ").into(), age(object, now)]
}

fn revision(object: &Value, now: Timestamp) -> Vec<Value> {
    let owner = controller(object).map(|owner| {
        let kind = text(owner, "/kind").to_lowercase();
        let group = text(owner, "/apiVersion").split_once('/').map(|(group, _)| format!(".{group}"));
        format!("{kind}{}/{}", group.unwrap_or_default(), text(owner, "/name"))
    });
    let revision = int(object, "/revision").unwrap_or(0);
    vec![json!(owner.as_deref().unwrap_or(NONE)), revision.into(), age(object, now)]
}

fn binding(object: &Value, now: Timestamp) -> Vec<Value> {
    let role = format!("{}/{}", text(object, "/roleRef/kind"), text(object, "/roleRef/name"));
    let subjects = |kind: &str| -> Value {
        let found = list(object, "/subjects").iter().filter(|subject| subject["kind"] == kind);
        let names: Vec<String> = found
            .map(|subject| match kind {
                "ServiceAccount" => format!("{}/{}", text(subject, "/namespace"), text(subject, "/name")),
                _ => text(subject, "/name").to_owned(),
            })
            .collect();
        names.join(", ").into()
    };
    vec![role.into(), age(object, now), subjects("User"), subjects("Group"), subjects("ServiceAccount")]
}

/// A text that is there, or `<unset>`.
pub(super) fn or_unset(object: &Value, pointer: &str) -> Value {
    at(object, pointer).and_then(Value::as_str).unwrap_or(UNSET).into()
}
