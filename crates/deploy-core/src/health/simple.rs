//! Built-in kinds without pods.

use super::judge::Case;
use super::read::{Condition, Read};
use super::{Assessment, Reason, signs};

/// Judges the built-in kinds that have no pods; `None` for a custom resource.
pub(super) fn judge(case: &Case<'_>) -> Option<Assessment> {
    Some(match (case.id.group.as_str(), case.id.kind.as_str()) {
        ("", "Service") => service(case),
        ("", "PersistentVolumeClaim") => claim(case),
        ("", "Namespace") => namespace(case),
        ("autoscaling", "HorizontalPodAutoscaler") => autoscaler(case),
        ("policy", "PodDisruptionBudget") => {
            case.not_observed().unwrap_or_else(|| Assessment::healthy("observed"))
        }
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definition(case),
        ("apiregistration.k8s.io", "APIService") => api_service(case),
        ("batch", "CronJob") => Assessment::healthy("scheduled"),
        // Many ingress controllers never publish an address.
        ("networking.k8s.io", "Ingress") => Assessment::healthy("accepted"),
        (group, _) if signs::is_built_in(group) => Assessment::healthy("has no status to wait for"),
        _ => return None,
    })
}

fn service(case: &Case<'_>) -> Assessment {
    if case.object.text("/spec/type") != Some("LoadBalancer") {
        return Assessment::healthy("has no status to wait for");
    }
    if case.object.items("/status/loadBalancer/ingress").next().is_some() {
        return Assessment::healthy("has an address");
    }
    let suspect = last_warning(case, Reason::NotReady);
    Assessment::progressing("waiting for an address of its load balancer").suspecting(suspect)
}

fn claim(case: &Case<'_>) -> Assessment {
    match case.object.text("/status/phase").unwrap_or_default() {
        "Bound" => Assessment::healthy("bound"),
        "Lost" => Assessment::failed(case.failure(Reason::VolumeLost, "")),
        _ if waits_for_consumer(case) && !is_used(case) => {
            Assessment::healthy("is bound when the first pod uses it")
        }
        _ => {
            let claim = case.id.name.clone();
            let suspect = last_warning(case, Reason::VolumePending { claim });
            Assessment::progressing("waiting to be bound").suspecting(suspect)
        }
    }
}

fn waits_for_consumer(case: &Case<'_>) -> bool {
    case.world.events_of(case.object).iter().any(|event| event.reason == "WaitForFirstConsumer")
}

/// Whether a pod of the claim's namespace mounts it.
fn is_used(case: &Case<'_>) -> bool {
    let uses =
        |volume: &serde_json::Value| volume.text("/persistentVolumeClaim/claimName") == Some(&case.id.name);
    case.world
        .objects()
        .filter(|pod| pod.kind() == "Pod" && pod.namespace() == case.object.namespace())
        .any(|pod| pod.items("/spec/volumes").any(uses))
}

fn namespace(case: &Case<'_>) -> Assessment {
    match case.object.text("/status/phase") {
        Some("Terminating") => Assessment::failed(case.failure(Reason::Terminating, "")),
        Some("Active") => Assessment::healthy("active"),
        _ => Assessment::progressing("waiting to become active"),
    }
}

/// Healthy at once: its metrics come a quarter of a minute later, and only for pods that run.
fn autoscaler(case: &Case<'_>) -> Assessment {
    match Condition::find(case.object, "AbleToScale") {
        Some(condition) if condition.is_false() => Assessment::progressing("cannot scale its target")
            .suspecting(case.failure(Reason::NotReady, condition.message())),
        _ => Assessment::healthy("accepted"),
    }
}

fn definition(case: &Case<'_>) -> Assessment {
    if let Some(names) = Condition::find(case.object, "NamesAccepted").filter(|names| names.is_false()) {
        return Assessment::failed(case.failure(Reason::NamesNotAccepted, names.message()));
    }
    match Condition::find(case.object, "Established") {
        Some(established) if established.is_true() => Assessment::healthy("established"),
        _ => Assessment::progressing("waiting to be established"),
    }
}

fn api_service(case: &Case<'_>) -> Assessment {
    match Condition::find(case.object, "Available") {
        Some(available) if available.is_true() => Assessment::healthy("available"),
        Some(available) => Assessment::progressing("waiting to be available")
            .suspecting(case.failure(Reason::NotReady, available.message())),
        None => Assessment::progressing("waiting to be available"),
    }
}

fn last_warning(case: &Case<'_>, reason: Reason) -> Option<super::Failure> {
    let event = case
        .world
        .events_of(case.object)
        .iter()
        .rfind(|event| event.warning || signs::CLAIM_WAITS.contains(&event.reason.as_str()))?;
    Some(case.failure(reason, &event.message))
}
