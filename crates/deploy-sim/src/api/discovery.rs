//! Which groups, versions and resources there are: one by one, and aggregated.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::kinds::{Kind, Kinds};
use crate::request::Target;

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];

pub(crate) fn verbs(kind: &Kind) -> &'static [&'static str] {
    match &*kind.resource {
        _ if kind.is_review() => &["create"],
        "namespaces." => &["create", "delete", "get", "list", "patch", "update", "watch"],
        _ => &VERBS,
    }
}

/// What `kubectl get all` shows.
const ALL: [&str; 10] = [
    "pods.",
    "services.",
    "deployments.apps",
    "replicasets.apps",
    "statefulsets.apps",
    "daemonsets.apps",
    "jobs.batch",
    "cronjobs.batch",
    "horizontalpodautoscalers.autoscaling",
    "replicationcontrollers.",
];

/// A name for several resources.
fn categories(kind: &Kind) -> Option<Value> {
    match &*kind.resource {
        _ if kind.custom => Some(kind.categories.clone().into()).filter(|_| !kind.categories.is_empty()),
        resource if ALL.contains(&resource) => Some(json!(["all"])),
        "customresourcedefinitions.apiextensions.k8s.io" => Some(json!(["api-extensions"])),
        _ => None,
    }
}

/// `None` for a group or version that is not served.
pub(super) fn answer(kinds: &Kinds, target: &Target, aggregated: bool) -> Option<Value> {
    match target {
        Target::CoreVersions if aggregated => Some(aggregate(kinds, true)),
        Target::Groups if aggregated => Some(aggregate(kinds, false)),
        Target::CoreVersions => {
            Some(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}))
        }
        Target::Groups => {
            let groups: Vec<Value> = by_group(kinds)
                .iter()
                .filter(|(group, _)| !group.is_empty())
                .map(|(group, versions)| api_group(group, versions))
                .collect();
            Some(json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}))
        }
        Target::Group(name) => {
            let groups = by_group(kinds);
            let versions = groups.get(name.as_str())?;
            let mut group = api_group(name, versions);
            group["kind"] = "APIGroup".into();
            group["apiVersion"] = "v1".into();
            Some(group)
        }
        Target::Resources { group, version } => resources(kinds, group, version),
        _ => None,
    }
}

/// A version's name and its kinds.
type Version<'a> = (&'a str, Vec<&'a Arc<Kind>>);

/// Kinds by group and version, the preferred version first.
fn by_group(kinds: &Kinds) -> BTreeMap<&str, Vec<Version<'_>>> {
    let mut groups: BTreeMap<&str, Vec<Version<'_>>> = BTreeMap::new();
    for kind in kinds.all() {
        let versions = groups.entry(&kind.group).or_default();
        match versions.iter_mut().find(|(version, _)| *version == kind.version) {
            Some((_, kinds)) => kinds.push(kind),
            None => versions.push((&kind.version, vec![kind])),
        }
    }
    for versions in groups.values_mut() {
        versions.sort_by_key(|(version, _)| std::cmp::Reverse(priority(version)));
    }
    groups
}

/// `v2` before `v1` before `v1beta1` before `v1alpha1` (`apimachinery/pkg/version`).
fn priority(version: &str) -> (u8, u32, u32) {
    let rest = version.strip_prefix('v').unwrap_or_default();
    let digits = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>();
    let major = digits(rest);
    let (stage, minor) = match rest.strip_prefix(major.as_str()).unwrap_or_default() {
        _ if major.is_empty() => (0, ""),
        "" => (3, ""),
        rest => match (rest.strip_prefix("beta"), rest.strip_prefix("alpha")) {
            (Some(minor), _) => (2, minor),
            (_, Some(minor)) => (1, minor),
            _ => (0, ""),
        },
    };
    (stage, major.parse().unwrap_or(0), minor.parse().unwrap_or(0))
}

fn api_group(name: &str, versions: &[Version<'_>]) -> Value {
    let version = |version: &str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let all: Vec<Value> = versions.iter().map(|(name, _)| version(name)).collect();
    json!({"name": name, "versions": all, "preferredVersion": all.first()})
}

fn resources(kinds: &Kinds, group: &str, version: &str) -> Option<Value> {
    let served: Vec<&Arc<Kind>> =
        kinds.all().filter(|kind| kind.group == group && kind.version == version).collect();
    let first = served.first()?;
    let mut resources = Vec::new();
    for kind in &served {
        let mut resource = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
            "verbs": verbs(kind),
        });
        if !kind.short.is_empty() {
            resource["shortNames"] = kind.short.clone().into();
        }
        if let Some(categories) = categories(kind) {
            resource["categories"] = categories;
        }
        resources.push(resource);
        for subresource in &kind.subresources {
            let (kind_name, verbs) = subresource_of(kind, subresource);
            let mut resource = json!({
                "name": format!("{}/{subresource}", kind.plural), "singularName": "",
                "namespaced": kind.namespaced, "kind": kind_name, "verbs": verbs,
            });
            if let Some((group, version)) = elsewhere(subresource) {
                resource["group"] = group.into();
                resource["version"] = version.into();
            }
            resources.push(resource);
        }
    }
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": first.api_version(), "resources": resources,
    }))
}

/// The kind of what a subresource gives and takes, and its verbs.
pub(crate) fn subresource_of<'a>(kind: &'a Kind, subresource: &str) -> (&'a str, &'static [&'static str]) {
    match subresource {
        "scale" => ("Scale", &["get", "patch", "update"]),
        "log" => (&kind.kind, &["get"]),
        "eviction" => ("Eviction", &["create"]),
        "finalize" => (&kind.kind, &["update"]),
        "token" => ("TokenRequest", &["create"]),
        _ => (&kind.kind, &["get", "patch", "update"]),
    }
}

/// The group and version of a subresource's kind, where it is not that of the resource.
pub(crate) fn elsewhere(subresource: &str) -> Option<(&'static str, &'static str)> {
    match subresource {
        "scale" => Some(("autoscaling", "v1")),
        "eviction" => Some(("policy", "v1")),
        "token" => Some(("authentication.k8s.io", "v1")),
        _ => None,
    }
}

/// `APIGroupDiscoveryList` of `apidiscovery.k8s.io/v2`.
fn aggregate(kinds: &Kinds, core: bool) -> Value {
    let mut items = Vec::new();
    for (group, versions) in by_group(kinds).iter().filter(|(group, _)| group.is_empty() == core) {
        let versions: Vec<Value> = versions
            .iter()
            .map(|(version, kinds)| {
                let resources: Vec<Value> = kinds.iter().map(|kind| aggregated(kind)).collect();
                json!({"version": version, "freshness": "Current", "resources": resources})
            })
            .collect();
        let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
        items.push(json!({"metadata": metadata, "versions": versions}));
    }
    json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items})
}

fn aggregated(kind: &Kind) -> Value {
    let mut resource = json!({
        "resource": kind.plural, "singularResource": kind.singular, "verbs": verbs(kind),
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "responseKind": {"group": kind.group, "version": kind.version, "kind": kind.kind},
    });
    if !kind.short.is_empty() {
        resource["shortNames"] = kind.short.clone().into();
    }
    if let Some(categories) = categories(kind) {
        resource["categories"] = categories;
    }
    if !kind.subresources.is_empty() {
        let subresources = kind.subresources.iter().map(|subresource| {
            let (name, verbs) = subresource_of(kind, subresource);
            let own = (kind.group.as_str(), kind.version.as_str());
            let (group, version) = elsewhere(subresource).unwrap_or(own);
            json!({
                "subresource": subresource, "verbs": verbs,
                "responseKind": {"group": group, "version": version, "kind": name},
            })
        });
        resource["subresources"] = subresources.collect();
    }
    resource
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_in_their_order() {
        let mut versions = ["v1alpha1", "v2", "v1", "v1beta2", "v10", "v1beta1", "x"];
        versions.sort_by_key(|version| std::cmp::Reverse(priority(version)));
        assert_eq!(versions, ["v10", "v2", "v1", "v1beta2", "v1beta1", "v1alpha1", "x"]);
    }

    #[test]
    fn one_by_one_and_aggregated() {
        let kinds = Kinds::built_in();
        let ask = |target: Target| answer(&kinds, &target, false).unwrap();
        let apps = ask(Target::Resources { group: "apps".into(), version: "v1".into() });
        let names: Vec<&str> =
            apps["resources"].as_array().unwrap().iter().map(|each| each["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"deployments") && names.contains(&"deployments/scale"), "{names:?}");
        assert_eq!(ask(Target::Group("apps".into()))["preferredVersion"]["groupVersion"], "apps/v1");
        assert!(answer(&kinds, &Target::Group("x.io".into()), false).is_none());
        let all = answer(&kinds, &Target::Groups, true).unwrap();
        assert!(all["items"].as_array().unwrap().iter().all(|group| group["metadata"]["name"] != ""));
        let core = answer(&kinds, &Target::CoreVersions, true).unwrap();
        assert_eq!(core["items"].as_array().unwrap().len(), 1);
    }
}
