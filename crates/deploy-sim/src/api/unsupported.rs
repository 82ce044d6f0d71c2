//! What a real API server does and the embedded one does not: answered 501 with the feature's name, never with a wrong success.

use crate::request::{Address, Request, Target};
use crate::status::Status;

/// Paths of a real server that are not served here, by their first step, and what they are.
const PATHS: [(&str, &str); 9] = [
    ("", "the list of paths"),
    ("metrics", "metrics"),
    ("logs", "logs of the server"),
    ("debug", "profiles of the server"),
    ("configz", "the server's configuration"),
    ("flagz", "the server's flags"),
    ("statusz", "the server's status page"),
    (".well-known", "OpenID discovery"),
    ("openid", "OpenID discovery"),
];

/// Groups of a real server of which nothing is served here.
const GROUPS: [&str; 8] = [
    "admissionregistration.k8s.io",
    "apiregistration.k8s.io",
    "certificates.k8s.io",
    "flowcontrol.apiserver.k8s.io",
    "internal.apiserver.k8s.io",
    "node.k8s.io",
    "resource.k8s.io",
    "storagemigration.k8s.io",
];

/// `GROUP/PLURAL`: resources of a real server in groups that are served here.
const RESOURCES: [&str; 8] = [
    "/bindings",
    "/componentstatuses",
    "networking.k8s.io/ipaddresses",
    "networking.k8s.io/servicecidrs",
    "scheduling.k8s.io/podgroups",
    "scheduling.k8s.io/workloads",
    "storage.k8s.io/csinodes",
    "autoscaling/horizontalpodautoscalers/v1",
];

/// `PLURAL/SUBRESOURCE` of the core group.
const SUBRESOURCES: [&str; 9] = [
    "pods/attach",
    "pods/binding",
    "pods/ephemeralcontainers",
    "pods/exec",
    "pods/portforward",
    "pods/proxy",
    "pods/resize",
    "services/proxy",
    "nodes/proxy",
];

/// Refuses what is not implemented of a request, whatever it asks for.
///
/// # Errors
/// 501.
pub(super) fn check(request: &Request) -> Result<(), Status> {
    if request.query.flag("ignoreStoreReadErrorWithClusterBreakingPotential") {
        return Err(Status::not_implemented("deletions that ignore errors of the store"));
    }
    match &request.target {
        Target::Nowhere(first) => PATHS
            .iter()
            .find(|(path, _)| path == first)
            .map_or(Ok(()), |(_, what)| Err(Status::not_implemented(what))),
        Target::Group(group) | Target::Resources { group, .. } => check_group(group),
        Target::Objects(address) => check_objects(address),
        _ => Ok(()),
    }
}

fn check_group(group: &str) -> Result<(), Status> {
    if GROUPS.contains(&group) {
        return Err(Status::not_implemented(&format!("the group {group}")));
    }
    Ok(())
}

fn check_objects(address: &Address) -> Result<(), Status> {
    let Address { group, version, plural, subresource, .. } = address;
    check_group(group)?;
    if plural == "watch" {
        return Err(Status::not_implemented("watches by path"));
    }
    let resource = format!("{group}/{plural}");
    if RESOURCES.contains(&resource.as_str()) || RESOURCES.contains(&format!("{resource}/{version}").as_str())
    {
        return Err(Status::not_implemented(&format!("the resource {plural} of {group}/{version}")));
    }
    if let Some(subresource) = subresource
        && group.is_empty()
        && SUBRESOURCES.contains(&format!("{plural}/{subresource}").as_str())
    {
        return Err(Status::not_implemented(&format!("the subresource {plural}/{subresource}")));
    }
    Ok(())
}
