//! What a ResourceQuota counts, and what it refuses (`pkg/quota/v1`, `apiserver/pkg/admission/plugin/resourcequota`).
//!
//! Quotas with scopes are not implemented: to write one is answered 501.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::component::API_SERVER;
use crate::controllers::object::{at, is_deleting, list, name, namespace, text};
use crate::defaults::quantity::Quantity;
use crate::state::State;
use crate::status::{Status, Subject};

/// Resources, by name.
pub(crate) type Amounts = BTreeMap<String, Quantity>;

/// What each container has to say where a quota limits it.
const COMPULSORY: [&str; 6] =
    ["cpu", "memory", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory"];
/// Resources that are counted by their plain name, too.
const PLAIN: [&str; 7] = [
    "configmaps",
    "persistentvolumeclaims",
    "pods",
    "replicationcontrollers",
    "resourcequotas",
    "secrets",
    "services",
];

/// What one object uses. `resource` is as the store has it: `pods.`, `deployments.apps`.
fn usage(resource: &str, object: &Value) -> Amounts {
    let mut used = Amounts::new();
    let mut add = |name: String, amount: Quantity| {
        let sum = used.get(&name).map_or(amount, |before: &Quantity| before.plus(amount));
        used.insert(name, sum);
    };
    let one = Quantity::whole(1);
    add(format!("count/{}", resource.trim_end_matches('.')), one);
    let plain = resource.strip_suffix('.').filter(|plain| PLAIN.contains(plain));
    match plain {
        Some("pods") if is_over(object) => {}
        Some(plain) => add(plain.to_owned(), one),
        None => {}
    }
    match resource {
        "pods." if !is_over(object) => {
            for (name, amount) in of_pod(object) {
                add(name, amount);
            }
        }
        "services." => {
            let ports = i128::try_from(list(object, "/spec/ports").len()).unwrap_or(0);
            match text(object, "/spec/type") {
                "NodePort" => add("services.nodeports".into(), Quantity::whole(ports)),
                "LoadBalancer" => {
                    let without =
                        at(object, "/spec/allocateLoadBalancerNodePorts").is_some_and(|is| *is == false);
                    add("services.nodeports".into(), Quantity::whole(if without { 0 } else { ports }));
                    add("services.loadbalancers".into(), one);
                }
                _ => {}
            }
        }
        "persistentvolumeclaims." => {
            let class = text(object, "/spec/storageClassName");
            let storage = at(object, "/spec/resources/requests/storage").and_then(Quantity::of);
            for (name, amount) in [("persistentvolumeclaims", Some(one)), ("requests.storage", storage)] {
                let Some(amount) = amount else { continue };
                if name == "requests.storage" {
                    add(name.into(), amount);
                }
                if !class.is_empty() {
                    add(format!("{class}.storageclass.storage.k8s.io/{name}"), amount);
                }
            }
        }
        _ => {}
    }
    used
}

/// A pod that ended uses nothing but its place.
fn is_over(pod: &Value) -> bool {
    matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
}

/// The sum of the containers; of an init container that ends as much as is more than that.
fn of_pod(pod: &Value) -> Amounts {
    let mut sum = Amounts::new();
    for container in list(pod, "/spec/containers") {
        for (name, amount) in of_container(container) {
            let amount = sum.get(&name).map_or(amount, |before| before.plus(amount));
            sum.insert(name, amount);
        }
    }
    let mut beside = Amounts::new();
    for container in list(pod, "/spec/initContainers") {
        let stays = container["restartPolicy"] == "Always";
        for (name, amount) in of_container(container) {
            let peak = beside.get(&name).map_or(amount, |beside| beside.plus(amount));
            if stays {
                beside.insert(name.clone(), peak);
                let amount = sum.get(&name).map_or(amount, |before| before.plus(amount));
                sum.insert(name, amount);
            } else if sum.get(&name).is_none_or(|sum| *sum < peak) {
                sum.insert(name, peak);
            }
        }
    }
    sum
}

fn of_container(container: &Value) -> Amounts {
    let mut used = Amounts::new();
    let kinds = [("requests", "/resources/requests"), ("limits", "/resources/limits")];
    for (kind, pointer) in kinds {
        for (name, amount) in at(container, pointer).and_then(Value::as_object).into_iter().flatten() {
            let Some(amount) = Quantity::of(amount) else { continue };
            let is_native = ["cpu", "memory", "ephemeral-storage"].contains(&name.as_str());
            if kind == "requests" && (is_native || name.starts_with("hugepages-")) {
                used.insert(name.clone(), amount);
            }
            if kind == "requests" || is_native {
                used.insert(format!("{kind}.{name}"), amount);
            }
        }
    }
    used
}

/// What is used now of what a quota limits.
pub(crate) fn used(state: &State, quota: &Value) -> Amounts {
    let hard = amounts(quota, "/spec/hard");
    let mut sum: Amounts = hard.keys().map(|name| (name.clone(), Quantity::whole(0))).collect();
    for resource in resources(&hard) {
        for object in state.objects(&resource, Some(namespace(quota))) {
            // A pod that should be gone by now counts no more.
            if resource == "pods." && is_deleting(&object) && is_overdue(state, &object) {
                continue;
            }
            for (name, amount) in usage(&resource, &object) {
                if let Some(sum) = sum.get_mut(&name) {
                    *sum = sum.plus(amount);
                }
            }
        }
    }
    sum
}

fn is_overdue(state: &State, pod: &Value) -> bool {
    crate::controllers::object::time(pod, "/metadata/deletionTimestamp")
        .is_some_and(|until| until < state.now)
}

/// The resources whose objects these limits count.
fn resources(hard: &Amounts) -> BTreeSet<String> {
    let of = |name: &String| {
        if let Some(counted) = name.strip_prefix("count/") {
            return if counted.contains('.') { counted.to_owned() } else { format!("{counted}.") };
        }
        if PLAIN.contains(&name.as_str()) {
            return format!("{name}.");
        }
        let is_storage = name == "requests.storage" || name.contains(".storageclass.storage.k8s.io/");
        match name.as_str() {
            "services.nodeports" | "services.loadbalancers" => "services.".into(),
            _ if is_storage => "persistentvolumeclaims.".into(),
            _ => "pods.".into(),
        }
    };
    hard.keys().map(of).collect()
}

/// Whether the quotas of the namespace have room for what is to be written, and notes in them that it is used.
///
/// # Errors
/// 403, in the words of the admission plugin.
pub(crate) fn admit(
    state: &mut State,
    resource: &str,
    subject: Subject<'_>,
    before: Option<&Value>,
    after: &Value,
    dry_run: bool,
) -> Result<(), Status> {
    let is_scoped = |field: &str| at(after, field).is_some_and(|scopes| !scopes.is_null());
    if resource == "resourcequotas." && (is_scoped("/spec/scopes") || is_scoped("/spec/scopeSelector")) {
        return Err(Status::not_implemented("quotas with scopes"));
    }
    // Of what is there already only these can come to use more.
    if before.is_some() && !["services.", "persistentvolumeclaims."].contains(&resource) {
        return Ok(());
    }
    let quotas = state.objects("resourcequotas.", Some(namespace(after)));
    if quotas.is_empty() {
        return Ok(());
    }
    let asked = usage(resource, after);
    let had = before.map(|before| usage(resource, before)).unwrap_or_default();
    let mut noted = Vec::new();
    for quota in quotas {
        let (limits, used) = (amounts(&quota, "/status/hard"), amounts(&quota, "/status/used"));
        if resource == "pods." {
            check_compulsory(&limits, after, &quota, subject)?;
        }
        let more = asked.iter().filter_map(|(name, amount)| {
            let more = had.get(name).map_or(*amount, |had| amount.minus(*had));
            (limits.contains_key(name) && !more.is_zero() && !more.is_negative())
                .then(|| (name.clone(), more))
        });
        let more: Amounts = more.collect();
        let now = |name: &String| used.get(name).copied().unwrap_or(Quantity::whole(0));
        let exceeded: BTreeSet<&String> = more
            .iter()
            .filter(|(name, amount)| limits.get(*name).is_some_and(|limit| *limit < now(name).plus(**amount)))
            .map(|(name, _)| name)
            .collect();
        if !exceeded.is_empty() {
            let shown = |amount: &dyn Fn(&String) -> Quantity| {
                let words = exceeded.iter().map(|name| format!("{name}={}", amount(name).canonical()));
                words.collect::<Vec<_>>().join(",")
            };
            let of =
                |amounts: &Amounts, name: &String| amounts.get(name).copied().unwrap_or(Quantity::whole(0));
            let why = format!(
                "exceeded quota: {}, requested: {}, used: {}, limited: {}",
                self::name(&quota),
                shown(&|name| of(&more, name)),
                shown(&now),
                shown(&|name| of(&limits, name))
            );
            return Err(Status::forbidden(subject, &why));
        }
        let after: Map<String, Value> = used
            .iter()
            .map(|(name, amount)| {
                let sum = more.get(name).map_or(*amount, |more| amount.plus(*more));
                (name.clone(), sum.canonical().into())
            })
            .collect();
        if !more.is_empty() {
            noted.push((quota, after));
        }
    }
    if !dry_run {
        for (quota, used) in noted {
            API_SERVER
                .change(state, &quota, Some("status"), |quota| quota["status"]["used"] = used.into())?;
        }
    }
    Ok(())
}

fn check_compulsory(hard: &Amounts, pod: &Value, quota: &Value, subject: Subject<'_>) -> Result<(), Status> {
    if at(pod, "/spec/resources")
        .is_some_and(|resources| resources.as_object().is_some_and(|is| !is.is_empty()))
    {
        return Ok(());
    }
    let mut missing: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for container in list(pod, "/spec/containers").iter().chain(list(pod, "/spec/initContainers")) {
        let said = of_container(container);
        for name in COMPULSORY {
            if hard.contains_key(name) && !said.contains_key(name) {
                missing.entry(name).or_default().insert(text(container, "/name"));
            }
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let words = missing.into_iter().map(|(resource, containers)| {
        format!("{resource} for: {}", containers.into_iter().collect::<Vec<_>>().join(","))
    });
    let words = words.collect::<Vec<_>>().join("; ");
    Err(Status::forbidden(subject, &format!("failed quota: {}: must specify {words}", name(quota))))
}

fn amounts(quota: &Value, pointer: &str) -> Amounts {
    let map = at(quota, pointer).and_then(Value::as_object).into_iter().flatten();
    map.filter_map(|(name, amount)| Some((name.clone(), Quantity::of(amount)?))).collect()
}
