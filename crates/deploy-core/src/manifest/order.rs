//! The order of writing as data: stages, and which objects must be ready before the next stage starts.
//!
//! | phase | kinds | waited for |
//! | --- | --- | --- |
//! | namespaces | Namespace | all (Active) |
//! | definitions | CustomResourceDefinition | all (Established) |
//! | foundations | service accounts, RBAC, config, storage, quotas, policies, classes | |
//! | services | Service, Endpoints, EndpointSlice | |
//! | workloads | whatever holds a pod template, and Pod | |
//! | rest | everything else: custom resources, Ingress, HorizontalPodAutoscaler, APIService | |
//! | admission | webhook configurations and admission policies, which would judge our own writes | |
//!
//! `config.kubernetes.io/depends-on` (the form of sigs.k8s.io/cli-utils: `group/namespaces/namespace/kind/name` or
//! `group/kind/name`, the core group empty, several separated by commas) moves an object behind what it names, out of
//! its phase if need be, and what it names is waited for. Two edges are there by themselves: an object's namespace,
//! and a custom resource's definition, when they are among the objects. Deletion walks the stages backwards.
//!
//! ```
//! use deploy_core::manifest::{order, read};
//!
//! let objects = read("shop.yaml", b"
//! apiVersion: apps/v1
//! kind: Deployment
//! metadata: {name: api, namespace: shop}
//! ---
//! apiVersion: v1
//! kind: Namespace
//! metadata: {name: shop}
//! ")?;
//! let stages = order::stages(&objects)?;
//! assert_eq!(stages[0].objects, [1]);
//! assert_eq!(stages[0].await_ready, [1]);
//! assert_eq!(stages[1].objects, [0]);
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use serde::Serialize;

use super::kinds::pod_spec_pointer;
use super::{Object, ObjectId};
use crate::error::{Error, Result};

/// The annotation that names what an object needs before it is written.
pub const DEPENDS_ON: &str = "config.kubernetes.io/depends-on";

/// Where a kind stands in the order, first to last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum Phase {
    /// Namespaces.
    Namespaces,
    /// Custom resource definitions.
    Definitions,
    /// Service accounts, RBAC, config, storage, and what restricts the rest.
    Foundations,
    /// Services and their endpoints.
    Services,
    /// What runs pods.
    Workloads,
    /// Everything else.
    Rest,
    /// What the API server asks about every later write.
    Admission,
}

impl Phase {
    /// The phase of an object by its kind.
    pub fn of(object: &Object) -> Self {
        match (object.group(), object.kind()) {
            ("", "Namespace") => Self::Namespaces,
            ("apiextensions.k8s.io", "CustomResourceDefinition") => Self::Definitions,
            (
                "",
                "ServiceAccount"
                | "ConfigMap"
                | "Secret"
                | "PersistentVolume"
                | "PersistentVolumeClaim"
                | "ResourceQuota"
                | "LimitRange",
            )
            | ("policy", "PodDisruptionBudget" | "PodSecurityPolicy")
            | ("networking.k8s.io", "NetworkPolicy" | "IngressClass")
            | (
                "rbac.authorization.k8s.io"
                | "storage.k8s.io"
                | "scheduling.k8s.io"
                | "node.k8s.io"
                | "resource.k8s.io",
                _,
            ) => Self::Foundations,
            ("", "Service" | "Endpoints") | ("discovery.k8s.io", "EndpointSlice") => Self::Services,
            ("admissionregistration.k8s.io", _) => Self::Admission,
            _ if pod_spec_pointer(object).is_some() => Self::Workloads,
            _ => Self::Rest,
        }
    }
}

/// Objects that may be written at the same time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Stage {
    /// The phase it belongs to.
    pub phase: Phase,
    /// The indexes of its objects, ascending.
    pub objects: Vec<usize>,
    /// Those of them that must be ready (Active, Established, healthy) before the next stage starts, ascending.
    pub await_ready: Vec<usize>,
}

/// Puts `objects` into the stages in which they are written.
///
/// # Errors
/// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) for a `depends-on` that does not parse or names an object
/// that is not among `objects`, and for a cycle, which is named.
pub fn stages(objects: &[Object]) -> Result<Vec<Stage>> {
    let ids: Vec<ObjectId> = objects.iter().map(Object::id).collect();
    let edges = edges(objects, &ids)?;
    let sorted = topological(&edges).map_err(|cycle| cycle_error(&cycle, objects, &ids))?;

    // (phase, steps behind what it depends on inside that phase)
    let mut ranks = vec![(Phase::Namespaces, 0_usize); objects.len()];
    let mut awaited = vec![false; objects.len()];
    for index in sorted {
        let (Some(object), Some(needs)) = (objects.get(index), edges.get(index)) else { continue };
        let own = Phase::of(object);
        awaited[index] |= matches!(own, Phase::Namespaces | Phase::Definitions);
        let mut rank = (own, 0);
        for &need in needs {
            let (phase, step) = ranks[need];
            rank = rank.max((phase, step + 1));
            awaited[need] = true;
        }
        ranks[index] = rank;
    }

    let mut stages: BTreeMap<(Phase, usize), Stage> = BTreeMap::new();
    for (index, &rank) in ranks.iter().enumerate() {
        let stage = stages.entry(rank).or_insert_with(|| Stage {
            phase: rank.0,
            objects: Vec::new(),
            await_ready: Vec::new(),
        });
        stage.objects.push(index);
        if awaited[index] {
            stage.await_ready.push(index);
        }
    }
    Ok(stages.into_values().collect())
}

/// For each object the indexes of those it needs, each once.
fn edges(objects: &[Object], ids: &[ObjectId]) -> Result<Vec<Vec<usize>>> {
    let mut by_name: HashMap<(&str, &str, &str), Vec<usize>> = HashMap::new();
    let mut definitions: HashMap<(&str, &str), usize> = HashMap::new();
    for (index, (object, id)) in objects.iter().zip(ids).enumerate() {
        by_name.entry((&id.group, &id.kind, &id.name)).or_default().push(index);
        if id.is("apiextensions.k8s.io", "CustomResourceDefinition") {
            let text = |pointer| object.get(pointer).and_then(serde_json::Value::as_str);
            if let (Some(group), Some(kind)) = (text("/spec/group"), text("/spec/names/kind")) {
                definitions.insert((group, kind), index);
            }
        }
    }
    let mut edges = Vec::with_capacity(objects.len());
    for (object, id) in objects.iter().zip(ids) {
        let mut needs = Vec::new();
        for dependency in object
            .annotation(DEPENDS_ON)
            .map(|text| dependencies(text, object))
            .transpose()?
            .into_iter()
            .flatten()
        {
            let found = by_name
                .get(&(dependency.group, dependency.kind, dependency.name))
                .into_iter()
                .flatten()
                .find(|&&index| {
                    ids.get(index).is_some_and(|id| {
                        // A custom resource's namespace may not be defaulted yet.
                        id.namespace.as_deref() == dependency.namespace || id.namespace.is_none()
                    })
                });
            let index = found.ok_or_else(|| {
                dependency_error(object, &format!("depends on {dependency}, which is not among the objects"))
                    .help("add it, or remove it from the annotation config.kubernetes.io/depends-on")
            })?;
            needs.push(*index);
        }
        let namespace =
            id.namespace.as_deref().and_then(|namespace| by_name.get(&("", "Namespace", namespace)));
        needs.extend(namespace.and_then(|found| found.first()));
        needs.extend(definitions.get(&(id.group.as_str(), id.kind.as_str())));
        needs.sort_unstable();
        needs.dedup();
        edges.push(needs);
    }
    Ok(edges)
}

struct Dependency<'a> {
    group: &'a str,
    namespace: Option<&'a str>,
    kind: &'a str,
    name: &'a str,
}

impl fmt::Display for Dependency<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        ObjectId::new(self.group, self.kind, self.namespace, self.name).fmt(f)
    }
}

fn dependencies<'a>(text: &'a str, object: &Object) -> Result<Vec<Dependency<'a>>> {
    text.split(',')
        .map(|reference| {
            let parts: Vec<&str> = reference.trim().split('/').collect();
            let dependency = match parts[..] {
                [group, "namespaces", namespace, kind, name] => {
                    Dependency { group, namespace: Some(namespace), kind, name }
                }
                [group, kind, name] => Dependency { group, namespace: None, kind, name },
                _ => Dependency { group: "", namespace: None, kind: "", name: "" },
            };
            if dependency.kind.is_empty() || dependency.name.is_empty() || dependency.namespace == Some("") {
                return Err(dependency_error(object, &format!("cannot read {reference:?} in {DEPENDS_ON}"))
                    .help("write group/namespaces/NAMESPACE/kind/NAME or group/kind/NAME; the core group is empty"));
            }
            Ok(dependency)
        })
        .collect()
}

fn dependency_error(object: &Object, problem: &str) -> Error {
    let pointer = format!("/metadata/annotations/{}", DEPENDS_ON.replace('/', "~1"));
    let message = format!("{}: {problem}", object.id());
    match object.place(&pointer) {
        Some(place) => Error::invalid(message).on(place),
        None => Error::invalid(message),
    }
}

fn cycle_error(cycle: &[usize], objects: &[Object], ids: &[ObjectId]) -> Error {
    let names: Vec<String> = cycle
        .iter()
        .chain(cycle.first())
        .filter_map(|&index| ids.get(index))
        .map(ToString::to_string)
        .collect();
    let error = Error::invalid(format!("these objects depend on each other: {}", names.join(" -> ")))
        .help("an object depends on what config.kubernetes.io/depends-on names, on its namespace and on its definition");
    match cycle.first().and_then(|&index| objects.get(index)).and_then(Object::origin) {
        Some(origin) => error.on(origin),
        None => error,
    }
}

/// Every index after those it needs; or a cycle, each member needing the next.
fn topological(edges: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    let mut missing: Vec<usize> = edges.iter().map(Vec::len).collect();
    let mut needed_by = vec![Vec::new(); edges.len()];
    for (index, needs) in edges.iter().enumerate() {
        for &need in needs {
            needed_by[need].push(index);
        }
    }
    let mut sorted: Vec<usize> = (0..edges.len()).filter(|&index| missing[index] == 0).collect();
    let mut next = 0;
    while let Some(&index) = sorted.get(next) {
        next += 1;
        for &dependent in &needed_by[index] {
            missing[dependent] -= 1;
            if missing[dependent] == 0 {
                sorted.push(dependent);
            }
        }
    }
    let Some(start) = missing.iter().position(|&missing| missing > 0) else { return Ok(sorted) };
    // Whatever is left needs something that is left: walk until a place is met again.
    let mut path = vec![start];
    loop {
        let last = path.last().copied().unwrap_or(start);
        let Some(&need) = edges[last].iter().find(|&&need| missing[need] > 0) else { return Err(path) };
        if let Some(seen) = path.iter().position(|&index| index == need) {
            return Err(path.split_off(seen));
        }
        path.push(need);
    }
}
