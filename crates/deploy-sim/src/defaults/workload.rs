//! Deployments, ReplicaSets, StatefulSets, DaemonSets, Jobs and CronJobs.

use serde_json::{Value, json};

pub(super) const DEPLOYMENT: &str = r#"
spec.replicas = 1
spec.strategy.type = "RollingUpdate"
spec.strategy{type=RollingUpdate}.rollingUpdate.maxUnavailable = "25%"
spec.strategy{type=RollingUpdate}.rollingUpdate.maxSurge = "25%"
spec.revisionHistoryLimit = 10
spec.progressDeadlineSeconds = 600
spec.template.metadata = {}
spec.template.spec = {}
"#;

pub(super) const REPLICA_SET: &str = r"
spec.replicas = 1
spec.template.metadata = {}
spec.template.spec = {}
";

pub(super) const STATEFUL_SET: &str = r#"
spec.replicas = 1
spec.podManagementPolicy = "OrderedReady"
spec.updateStrategy.type = "RollingUpdate"
spec.updateStrategy{type=RollingUpdate}.rollingUpdate.partition = 0
spec.revisionHistoryLimit = 10
spec.serviceName = ""
spec.persistentVolumeClaimRetentionPolicy.whenDeleted = "Retain"
spec.persistentVolumeClaimRetentionPolicy.whenScaled = "Retain"
spec.volumeClaimTemplates[].apiVersion = "v1"
spec.volumeClaimTemplates[].kind = "PersistentVolumeClaim"
spec.volumeClaimTemplates[].spec.volumeMode = "Filesystem"
spec.volumeClaimTemplates[].status.phase = "Pending"
spec.template.metadata = {}
spec.template.spec = {}
"#;

pub(super) const DAEMON_SET: &str = r#"
spec.updateStrategy.type = "RollingUpdate"
spec.updateStrategy{type=RollingUpdate}.rollingUpdate.maxUnavailable = 1
spec.updateStrategy{type=RollingUpdate}.rollingUpdate.maxSurge = 0
spec.revisionHistoryLimit = 10
spec.template.metadata = {}
spec.template.spec = {}
"#;

pub(super) const JOB: &str = r#"
spec.completionMode = "NonIndexed"
spec.suspend = false
spec.manualSelector = false
spec.podReplacementPolicy = "TerminatingOrFailed"
spec.podFailurePolicy?.rules[].onPodConditions[].status = "True"
spec.template.metadata = {}
spec.template.spec = {}
"#;

pub(super) const CRON_JOB: &str = r#"
spec.concurrencyPolicy = "Allow"
spec.suspend = false
spec.successfulJobsHistoryLimit = 3
spec.failedJobsHistoryLimit = 1
spec.jobTemplate.metadata = {}
spec.jobTemplate.spec.template.metadata = {}
spec.jobTemplate.spec.template.spec = {}
"#;

/// The annotation in which a DaemonSet's templates are counted.
pub(crate) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// The annotation is there before anything is counted.
pub(super) fn fill_daemon_set(daemon_set: &mut Value) {
    let Some(metadata) = daemon_set.get_mut("metadata").filter(|metadata| metadata.is_object()) else {
        return;
    };
    if metadata.get("annotations").is_none_or(|annotations| annotations.get(TEMPLATE_GENERATION).is_none()) {
        set_string(metadata, "annotations", TEMPLATE_GENERATION, "0");
    }
}

/// Counts the templates of a DaemonSet, as `apps/v1` still does in an annotation.
pub(super) fn count_templates(daemon_set: &mut Value, before: Option<&Value>) {
    let template = |object: &Value| object.pointer("/spec/template").cloned();
    let count = match before {
        None => 1,
        Some(before) => {
            let annotation = before.get("metadata").and_then(|metadata| metadata.get("annotations"));
            let count = annotation
                .and_then(|annotations| annotations.get(TEMPLATE_GENERATION)?.as_str()?.parse().ok());
            let count: i64 = count.unwrap_or(1);
            count.saturating_add(i64::from(template(before) != template(daemon_set)))
        }
    };
    if let Some(metadata) = daemon_set.get_mut("metadata").filter(|metadata| metadata.is_object()) {
        set_string(metadata, "annotations", TEMPLATE_GENERATION, &count.to_string());
    }
}

/// Parallelism, completions and retries; labels as the template has them.
pub(super) fn fill_job(job: &mut Value) {
    let Some(spec) = job.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    // Only where neither is said is it a Job of one Pod.
    if spec.get("completions").is_none() && spec.get("parallelism").is_none() {
        spec["completions"] = 1.into();
    }
    let retries = if spec.get("backoffLimitPerIndex").is_some() { i32::MAX } else { 6 };
    for (field, value) in [("parallelism", 1), ("backoffLimit", retries)] {
        if spec.get(field).is_none() {
            spec[field] = value.into();
        }
    }
    label_as_template(job);
}

/// The selector that is the Job's uid.
pub(super) fn admit_job(job: &mut Value) {
    if job["spec"]["manualSelector"] != Value::Bool(true) {
        select_by_uid(job);
    }
    // As it is read again from where it is stored.
    label_as_template(job);
}

fn label_as_template(job: &mut Value) {
    let labels = job.pointer("/spec/template/metadata/labels").cloned();
    if let (Some(labels), Some(metadata)) = (labels, job.get_mut("metadata"))
        && metadata.is_object()
        && metadata.get("labels").is_none()
    {
        metadata["labels"] = labels;
    }
}

fn select_by_uid(job: &mut Value) {
    let text = |field: &str| Some(job.get("metadata")?.get(field)?.as_str()?.to_owned());
    let (Some(uid), Some(name)) = (text("uid"), text("name")) else { return };
    if let Some(metadata) = job.pointer_mut("/spec/template/metadata").filter(|metadata| metadata.is_object())
    {
        // The labels without a prefix are those of before 1.27.
        for prefix in ["", "batch.kubernetes.io/"] {
            set_string(metadata, "labels", &format!("{prefix}controller-uid"), &uid);
            set_string(metadata, "labels", &format!("{prefix}job-name"), &name);
        }
    }
    let Some(spec) = job.get_mut("spec").filter(|spec| spec.is_object()) else { return };
    if spec.get("selector").is_none() {
        spec["selector"] = json!({});
    }
    if let Some(selector) = spec.get_mut("selector").filter(|selector| selector.is_object()) {
        set_string(selector, "matchLabels", "batch.kubernetes.io/controller-uid", &uid);
    }
}

pub(super) fn set_string(metadata: &mut Value, map: &str, key: &str, value: &str) {
    if metadata.get(map).is_none_or(Value::is_null) {
        metadata[map] = json!({});
    }
    if let Some(map) = metadata.get_mut(map).and_then(Value::as_object_mut) {
        map.insert(key.to_owned(), value.into());
    }
}
