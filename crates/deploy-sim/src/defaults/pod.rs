//! Pods, and the templates of pods.

use serde_json::{Value, json};

/// Every pod spec, of Pods as of templates.
pub(super) const SPEC: &str = r#"
restartPolicy = "Always"
dnsPolicy = "ClusterFirst"
terminationGracePeriodSeconds = 30
securityContext = {}
schedulerName = "default-scheduler"
volumes[].configMap?.defaultMode = 420
volumes[].secret?.defaultMode = 420
volumes[].downwardAPI?.defaultMode = 420
volumes[].downwardAPI?.items[].fieldRef?.apiVersion = "v1"
volumes[].downwardAPI?.items[].resourceFieldRef?.divisor = "0"
volumes[].projected?.defaultMode = 420
volumes[].projected?.sources[].downwardAPI?.items[].fieldRef?.apiVersion = "v1"
volumes[].projected?.sources[].downwardAPI?.items[].resourceFieldRef?.divisor = "0"
volumes[].projected?.sources[].serviceAccountToken?.expirationSeconds = 3600
volumes[].ephemeral?.volumeClaimTemplate?.metadata = {}
volumes[].ephemeral?.volumeClaimTemplate?.spec.volumeMode = "Filesystem"
volumes[].iscsi?.iscsiInterface = "default"
"#;

/// Every container, of init containers too.
pub(super) const CONTAINER: &str = r#"
terminationMessagePath = "/dev/termination-log"
terminationMessagePolicy = "File"
resources = {}
ports[].protocol = "TCP"
env[].valueFrom?.fieldRef?.apiVersion = "v1"
env[].valueFrom?.resourceFieldRef?.divisor = "0"
lifecycle?.preStop?.httpGet?.path = "/"
lifecycle?.preStop?.httpGet?.scheme = "HTTP"
lifecycle?.postStart?.httpGet?.path = "/"
lifecycle?.postStart?.httpGet?.scheme = "HTTP"
"#;

/// Every probe.
pub(super) const PROBE: &str = r#"
timeoutSeconds ~ 1
periodSeconds ~ 10
successThreshold ~ 1
failureThreshold ~ 3
httpGet?.path = "/"
httpGet?.scheme = "HTTP"
"#;

pub(super) const PROBES: [&str; 3] = ["livenessProbe", "readinessProbe", "startupProbe"];
pub(super) const CONTAINERS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// The path of a kind's pod spec.
pub(super) fn spec_path(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "Pod" => "/spec",
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" | "Job" => "/spec/template/spec",
        "CronJob" => "/spec/jobTemplate/spec/template/spec",
        "PodTemplate" => "/template/spec",
        _ => return None,
    })
}

/// The containers under one name.
pub(super) fn containers<'a>(spec: &'a mut Value, list: &str) -> impl Iterator<Item = &'a mut Value> {
    spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter(|item| item.is_object())
}

/// The defaults of Pods that their templates do not have.
pub(super) fn fill(pod: &mut Value) {
    let Some(spec) = pod.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    let host_network = spec.get("hostNetwork") == Some(&Value::Bool(true));
    for list in CONTAINERS {
        for container in containers(spec, list) {
            requests_from_limits(container);
            if host_network {
                ports_of_the_host(container);
            }
        }
    }
    if spec.get("enableServiceLinks").is_none() {
        spec["enableServiceLinks"] = true.into();
    }
}

fn requests_from_limits(container: &mut Value) {
    let Some(resources) = container.get_mut("resources").and_then(Value::as_object_mut) else { return };
    let Some(Value::Object(limits)) = resources.get("limits").cloned() else { return };
    if let Some(requests) = resources.entry("requests").or_insert_with(|| json!({})).as_object_mut() {
        for (name, limit) in limits {
            requests.entry(name).or_insert(limit);
        }
    }
}

fn ports_of_the_host(container: &mut Value) {
    for port in container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
        if let (None, Some(number)) = (port.get("hostPort"), port.get("containerPort").cloned()) {
            port["hostPort"] = number;
        }
    }
}

/// What the tables cannot say of a pod spec.
pub(super) fn fill_spec(spec: &mut Value) {
    for list in CONTAINERS {
        for container in containers(spec, list) {
            fill_container(container);
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        fill_volume(volume);
    }
    for toleration in spec.get_mut("tolerations").and_then(Value::as_array_mut).into_iter().flatten() {
        drop_empty(toleration, "value");
    }
    // The old name of the field still mirrors the new one.
    for (from, to) in [("serviceAccount", "serviceAccountName"), ("serviceAccountName", "serviceAccount")] {
        if let Some(name) = spec.get(from).cloned()
            && (spec.get(to).is_none() || from == "serviceAccountName")
        {
            spec[to] = name;
        }
    }
}

fn fill_container(container: &mut Value) {
    for variable in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten() {
        drop_empty(variable, "value");
    }
    for probe in PROBES {
        if let Some(grpc) = container.get_mut(probe).and_then(|probe| probe.get_mut("grpc"))
            && grpc.is_object()
            && grpc.get("service").is_none()
        {
            grpc["service"] = "".into();
        }
    }
    if container.get("imagePullPolicy").and_then(Value::as_str).unwrap_or_default().is_empty() {
        let image = container.get("image").and_then(Value::as_str).unwrap_or_default();
        container["imagePullPolicy"] = pull_policy(image).into();
    }
}

fn fill_volume(volume: &mut Value) {
    let Some(fields) = volume.as_object_mut() else { return };
    if fields.len() == 1 && fields.contains_key("name") {
        fields.insert("emptyDir".into(), json!({}));
    }
    // An empty type is the default, and written.
    if let Some(Value::Object(host_path)) = fields.get_mut("hostPath") {
        host_path.entry("type").or_insert_with(|| "".into());
    }
    if let Some(Value::Object(image)) = fields.get_mut("image")
        && !image.contains_key("pullPolicy")
    {
        let policy = pull_policy(image.get("reference").and_then(Value::as_str).unwrap_or_default());
        image.insert("pullPolicy".into(), policy.into());
    }
}

fn drop_empty(value: &mut Value, field: &str) {
    if let Some(fields) = value.as_object_mut()
        && fields.get(field).is_some_and(|value| value == "")
    {
        fields.remove(field);
    }
}

/// `Always` for the tag `latest`, said or meant. What is no image reference has no tag.
pub(super) fn pull_policy(image: &str) -> &'static str {
    let valid =
        !image.is_empty() && image.chars().all(|c| c.is_ascii_alphanumeric() || "._-/:@+".contains(c));
    let (name, digest) = image.split_once('@').map_or((image, None), |(name, digest)| (name, Some(digest)));
    let last = name.rsplit('/').next().unwrap_or(name);
    let tag = match (last.split_once(':'), digest) {
        (Some((_, tag)), _) => tag,
        (None, Some(_)) => "",
        (None, None) => "latest",
    };
    if valid && tag == "latest" { "Always" } else { "IfNotPresent" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pull_policy_by_tag() {
        let check = |image: &str, expected: &str| assert_eq!(pull_policy(image), expected, "{image}");
        check("nginx", "Always");
        check("nginx:latest", "Always");
        check("r:5000/nginx", "Always");
        check("r:5000/nginx:1", "IfNotPresent");
        check("nginx@sha256:aa", "IfNotPresent");
        check("nginx:latest@sha256:aa", "Always");
        check("", "IfNotPresent");
        check("not an image", "IfNotPresent");
    }
}
