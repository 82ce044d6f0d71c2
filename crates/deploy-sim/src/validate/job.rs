//! Jobs and CronJobs.

use serde_json::{Value, json};

use super::at::At;
use super::{cron, pod, selector};
use crate::status::Cause;

const IMMUTABLE: &str = "field is immutable";
/// What may change in the template of a Job that is suspended and never ran.
const MUTABLE_BEFORE_START: [&str; 4] = ["nodeSelector", "tolerations", "affinity", "schedulingGates"];

pub(super) fn check_job(object: &At<'_>, before: Option<&At<'_>>, out: &mut Vec<Cause>) {
    let spec = object.field("spec");
    if before.is_none() {
        check_generated(object, out);
    }
    check_job_spec(&spec, true, out);
    let Some(before) = before else { return };
    // An update looks at the spec twice.
    check_job_spec(&spec, true, out);
    let old = before.field("spec");
    let at = spec.field("completions");
    let elastic =
        spec.field("completionMode").text() == "Indexed" && at.value == spec.field("parallelism").value;
    if at.value != old.field("completions").value && !elastic {
        out.push(at.invalid(IMMUTABLE));
    }
    let at = spec.field("selector");
    if at.value != old.field("selector").value {
        out.push(at.invalid_as(&selector::words(&at), IMMUTABLE));
    }
    let started = before.fields(["status", "startTime"]).is_set();
    let loose = old.field("suspend").is_true() && !started;
    let at = spec.field("template");
    if template(&at, loose) != template(&old.field("template"), loose) {
        out.push(at.invalid(IMMUTABLE));
    }
    for field in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex"] {
        let at = spec.field(field);
        if at.value != old.field(field).value {
            out.push(at.invalid(IMMUTABLE));
        }
    }
}

pub(super) fn check_cron_job(object: &At<'_>, out: &mut Vec<Cause>) {
    let name = object.fields(["metadata", "name"]);
    // Eleven letters are left for the Jobs' own.
    if name.text().len() > 52 {
        out.push(name.invalid("must be no more than 52 characters"));
    }
    let spec = object.field("spec");
    cron::check(&spec.field("schedule"), out);
    let zone = spec.field("timeZone");
    if zone.is_set() {
        match zone.text() {
            "" => out.push(zone.invalid("timeZone must be nil or non-empty string")),
            text if text.eq_ignore_ascii_case("local") => out.push(zone.invalid(
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones",
            )),
            _ => {}
        }
    }
    spec.field("startingDeadlineSeconds").at_least(0, out);
    spec.field("concurrencyPolicy").one_of(&["Allow", "Forbid", "Replace"], out);
    let template = spec.fields(["jobTemplate", "spec"]);
    if template.field("manualSelector").is_true() {
        out.push(template.field("manualSelector").unsupported(&["nil", "false"]));
    }
    check_job_spec(&template, false, out);
    spec.field("successfulJobsHistoryLimit").at_least(0, out);
    spec.field("failedJobsHistoryLimit").at_least(0, out);
}

fn check_generated(job: &At<'_>, out: &mut Vec<Cause>) {
    let spec = job.field("spec");
    let uid = job.fields(["metadata", "uid"]);
    if spec.field("manualSelector").is_true() || !uid.is_set() {
        return;
    }
    let selector = spec.field("selector");
    let expected = json!({"matchLabels": {"batch.kubernetes.io/controller-uid": uid.value}});
    if *selector.value != expected {
        out.push(selector.invalid_as(&selector::words(&selector), "`selector` not auto-generated"));
    }
}

fn check_job_spec(spec: &At<'_>, selects: bool, out: &mut Vec<Cause>) {
    let [selector, template] = ["selector", "template"].map(|field| spec.field(field));
    for field in [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ] {
        spec.field(field).at_least(0, out);
    }
    let mode = spec.field("completionMode");
    mode.one_of(&["NonIndexed", "Indexed"], out);
    if mode.text() == "Indexed" && !spec.field("completions").is_set() {
        out.push(spec.field("completions").required("when completion mode is Indexed"));
    }
    if mode.text() == "NonIndexed" {
        for field in ["backoffLimitPerIndex", "maxFailedIndexes"] {
            if spec.field(field).is_set() {
                out.push(spec.field(field).invalid("requires indexed completion mode"));
            }
        }
    }
    pod::check_template(&template, out);
    let policy = template.fields(["spec", "restartPolicy"]);
    match policy.text() {
        "OnFailure" | "Never" => {}
        "Always" | "" => out.push(policy.required("valid values: \"OnFailure\", \"Never\"")),
        _ => out.push(policy.unsupported(&["OnFailure", "Never"])),
    }
    if !selects {
        return;
    }
    if selector.is_set() {
        selector::check(&selector, out);
    } else {
        out.push(selector.required(""));
    }
    let labels = template.fields(["metadata", "labels"]);
    if !selector::matches(&selector, &labels) {
        out.push(labels.invalid("`selector` does not match template `labels`"));
    }
}

fn template(template: &At<'_>, loose: bool) -> Value {
    let mut fixed = template.value.clone();
    if loose {
        if let Some(Value::Object(spec)) = fixed.get_mut("spec") {
            spec.retain(|name, _| !MUTABLE_BEFORE_START.contains(&name.as_str()));
        }
        if let Some(Value::Object(metadata)) = fixed.get_mut("metadata") {
            metadata.retain(|name, _| name != "labels" && name != "annotations");
        }
    }
    fixed
}
