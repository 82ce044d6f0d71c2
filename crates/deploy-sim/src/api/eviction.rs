//! The `eviction` of a pod: a deletion that respects PodDisruptionBudgets (`pkg/registry/core/pod/storage/eviction.go`).

use std::sync::Arc;

use serde_json::{Value, json};

use super::{At, Reply, body, delete};
use crate::component::CONTROLLER_MANAGER;
use crate::controllers::object::{condition, generation, int, is_deleting, name, text};
use crate::request::Request;
use crate::selector::Selector;
use crate::state::{State, key};
use crate::status::Status;

/// Seconds after which an eviction that has to wait for a controller is tried again.
const RETRY_AFTER: u64 = 10;

pub(super) fn evict(state: &mut State, request: &Request, at: &At<'_>) -> Result<Reply, Status> {
    let eviction = body::of_type(request, "policy/v1", "Eviction")?;
    let named = text(&eviction, "/metadata/name");
    if !named.is_empty() && named != at.name() {
        return Err(Status::bad_request("name in URL does not match name in Eviction object"));
    }
    let pod = state.store.get(&key(&at.kind, at.namespace(), at.name()));
    let pod = Arc::clone(pod.ok_or_else(|| Status::not_found(at.subject()))?);
    let options = eviction.get("deleteOptions").cloned().unwrap_or_else(|| json!({}));
    let options = delete::Options::of(request, &options)?;
    let is_over = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed" | "Pending");
    if !is_over && !is_deleting(&pod) {
        ask(state, at, &pod, options.dry_run)?;
    }
    delete::remove(state, at, &options)?;
    let done =
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201});
    Ok(Reply::Json(201, done))
}

/// Asks the pod's budget, and takes from it.
fn ask(state: &mut State, at: &At<'_>, pod: &Value, dry_run: bool) -> Result<(), Status> {
    let budgets = state.objects("poddisruptionbudgets.policy", at.namespace()).into_iter();
    let mut budgets = budgets.filter(|budget| {
        budget.pointer("/spec/selector").is_some_and(|selector| Selector::of(selector).matches(pod))
    });
    let Some(budget) = budgets.next() else { return Ok(()) };
    if budgets.next().is_some() {
        let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
        return Err(Status::new(500, "", why));
    }
    let count = |field: &str| int(&budget, &format!("/status/{field}")).unwrap_or(0);
    let is_ready = condition(pod, "Ready").is_some_and(|ready| ready["status"] == "True");
    let always = text(&budget, "/spec/unhealthyPodEvictionPolicy") == "AlwaysAllow";
    let is_healthy = count("currentHealthy") >= count("desiredHealthy") && count("desiredHealthy") > 0;
    if !is_ready && (always || is_healthy) {
        return Ok(());
    }
    if count("observedGeneration") < generation(&budget) {
        let message =
            format!("The disruption budget {} is still being processed by the server.", name(&budget));
        return Err(refusal(&message, Some(RETRY_AFTER)));
    }
    let allowed = count("disruptionsAllowed");
    if allowed <= 0 {
        let message = format!("The disruption budget {} {}", name(&budget), why_not(&budget));
        return Err(refusal(&message, None));
    }
    if !dry_run {
        CONTROLLER_MANAGER.change(state, &budget, Some("status"), |budget| {
            budget["status"]["disruptionsAllowed"] = (allowed - 1).into();
        })?;
    }
    Ok(())
}

/// Why a budget has nothing left.
fn why_not(budget: &Value) -> String {
    let count = |field: &str| int(budget, &format!("/status/{field}")).unwrap_or(0);
    let told = condition(budget, "DisruptionAllowed").filter(|told| told["status"] == "False");
    let [reason, message] = ["/reason", "/message"].map(|field| told.map_or("", |told| text(told, field)));
    if reason == "SyncFailed" && !message.is_empty() {
        return format!("does not allow evicting pods currently because it failed sync: {message}");
    }
    let (healthy, desired) = (count("currentHealthy"), count("desiredHealthy"));
    if healthy <= desired {
        return format!("needs {desired} healthy pods and has {healthy} currently");
    }
    if message.is_empty() {
        return "does not allow evicting pods currently".into();
    }
    format!("does not allow evicting pods currently ({reason}): {message}")
}

fn refusal(message: &str, retry_after: Option<u64>) -> Status {
    let mut details = json!({"causes": [{"reason": "DisruptionBudget", "message": message}]});
    if let Some(seconds) = retry_after {
        details["retryAfterSeconds"] = seconds.into();
    }
    let why = "Cannot evict pod as it would violate the pod's disruption budget.";
    Status { details: Some(details), ..Status::new(429, "TooManyRequests", why) }
}
