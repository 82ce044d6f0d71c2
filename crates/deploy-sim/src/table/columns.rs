//! The columns of the built-in kinds.

use serde_json::{Value, json};

/// `RESOURCE: COLUMN, …` after the column `Name`. `+` is shown by `-o wide` only; `#` is an integer, `?` a boolean, `^` a date.
/// A name that stands there itself stands where it does.
const COLUMNS: &str = "
namespaces.: Status, Age
nodes.: Status, Roles, Age, Version, Internal-IP+, External-IP+, OS-Image+, Kernel-Version+, Container-Runtime+
persistentvolumes.: Capacity, Access Modes, Reclaim Policy, Status, Claim, StorageClass, VolumeAttributesClass, Reason, Age, VolumeMode+
persistentvolumeclaims.: Status, Volume, Capacity, Access Modes, StorageClass, VolumeAttributesClass, Age, VolumeMode+
configmaps.: Data, Age
secrets.: Type, Data, Age
services.: Type, Cluster-IP, External-IP, Port(s), Age, Selector+
serviceaccounts.: Age
endpoints.: Endpoints, Age
events.: Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+
events.events.k8s.io: Last Seen, Type, Reason, Object, Subobject+, Source+, Message, First Seen+, Count+, Name+
pods.: Ready, Status, Restarts, Age, IP+, Node+, Nominated Node+, Readiness Gates+
podtemplates.: Containers, Images, Pod Labels
resourcequotas.: Request, Limit, Age
replicationcontrollers.: Desired#, Current#, Ready#, Age, Containers+, Images+, Selector+
deployments.apps: Ready, Up-to-date, Available, Age, Containers+, Images+, Selector+
replicasets.apps: Desired#, Current#, Ready#, Age, Containers+, Images+, Selector+
statefulsets.apps: Ready, Age, Containers+, Images+
daemonsets.apps: Desired#, Current#, Ready#, Up-to-date#, Available#, Node Selector, Age, Containers+, Images+, Selector+
controllerrevisions.apps: Controller, Revision, Age
jobs.batch: Status, Completions, Duration, Age, Containers+, Images+, Selector+
cronjobs.batch: Schedule, Timezone, Suspend?, Active#, Last Schedule, Age, Containers+, Images+, Selector+
horizontalpodautoscalers.autoscaling: Reference, Targets, MinPods, MaxPods, Replicas, Age
poddisruptionbudgets.policy: Min Available, Max Unavailable, Allowed Disruptions#, Age
endpointslices.discovery.k8s.io: AddressType, Ports, Endpoints, Age
ingresses.networking.k8s.io: Class, Hosts, Address, Ports, Age
ingressclasses.networking.k8s.io: Controller, Parameters, Age
networkpolicies.networking.k8s.io: Pod-Selector, Age
leases.coordination.k8s.io: Holder, Age
rolebindings.rbac.authorization.k8s.io: Role, Age, Users+, Groups+, ServiceAccounts+
clusterrolebindings.rbac.authorization.k8s.io: Role, Age, Users+, Groups+, ServiceAccounts+
storageclasses.storage.k8s.io: Provisioner, ReclaimPolicy, VolumeBindingMode, AllowVolumeExpansion, Age
priorityclasses.scheduling.k8s.io: Value#, Global-Default?, Age, PreemptionPolicy
scale: Desired#, Available#, Age
";

/// Of kinds that no printer knows: Roles, LimitRanges, definitions of resources.
const OTHERS: &str = "Created At^";

/// The definitions of a resource's columns.
pub(super) fn of(resource: &str) -> Value {
    let found = COLUMNS.lines().find_map(|line| line.strip_prefix(resource)?.strip_prefix(": "));
    let words = found.unwrap_or(OTHERS);
    let named = words.split(", ").any(|word| word == "Name+");
    let name = if named { None } else { Some("Name") };
    name.into_iter().chain(words.split(", ")).map(column).collect()
}

fn column(word: &str) -> Value {
    let name = word.trim_end_matches(['+', '#', '?', '^']);
    let of = match word.get(name.len()..) {
        Some("#") => "integer",
        Some("?") => "boolean",
        Some("^") => "date",
        _ => "string",
    };
    definition(name, of, if name == "Name" { "name" } else { "" }, "", u8::from(word.ends_with('+')).into())
}

/// One column, as tables define it.
pub(super) fn definition(name: &str, of: &str, format: &str, description: &str, priority: i64) -> Value {
    json!({"name": name, "type": of, "format": format, "description": description, "priority": priority})
}
