//! Hooks: objects of a chart that run beside the release's steps (`pkg/release/v1/hook.go`). Pure.

use deploy_core::error::{Error, Result};
use deploy_core::manifest::Object;

use super::manifest;
use super::record::{Hook, Record};

const HOOK: &str = "helm.sh/hook";
const WEIGHT: &str = "helm.sh/hook-weight";
const POLICY: &str = "helm.sh/hook-delete-policy";

/// When a hook runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HookEvent {
    PreInstall,
    PostInstall,
    PreUpgrade,
    PostUpgrade,
    PreRollback,
    PostRollback,
    PreDelete,
    PostDelete,
    Test,
}

const EVENTS: [(HookEvent, &str); 9] = [
    (HookEvent::PreInstall, "pre-install"),
    (HookEvent::PostInstall, "post-install"),
    (HookEvent::PreUpgrade, "pre-upgrade"),
    (HookEvent::PostUpgrade, "post-upgrade"),
    (HookEvent::PreRollback, "pre-rollback"),
    (HookEvent::PostRollback, "post-rollback"),
    (HookEvent::PreDelete, "pre-delete"),
    (HookEvent::PostDelete, "post-delete"),
    (HookEvent::Test, "test"),
];

impl HookEvent {
    /// Helm's word for it.
    pub(super) fn as_str(self) -> &'static str {
        EVENTS.iter().find(|(event, _)| *event == self).map_or("", |(_, word)| word)
    }
}

/// When the object of a hook is deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DeletePolicy {
    /// What is left of an earlier run, before it runs. The default.
    BeforeHookCreation,
    HookSucceeded,
    HookFailed,
}

const POLICIES: [(DeletePolicy, &str); 3] = [
    (DeletePolicy::BeforeHookCreation, "before-hook-creation"),
    (DeletePolicy::HookSucceeded, "hook-succeeded"),
    (DeletePolicy::HookFailed, "hook-failed"),
];

/// A hook that is to run.
#[derive(Clone, Debug)]
pub(super) struct RunnableHook {
    pub(super) object: Object,
    weight: i64,
    policies: Vec<DeletePolicy>,
}

impl RunnableHook {
    /// Whether its policy says so. Helm never deletes a definition: all objects of its kind would go with it.
    pub(super) fn has(&self, policy: DeletePolicy) -> bool {
        self.object.kind() != "CustomResourceDefinition" && self.policies.contains(&policy)
    }
}

/// Whether an object is a hook.
pub(super) fn is_hook(object: &Object) -> bool {
    object.annotation(HOOK).is_some()
}

/// Tells objects from hooks, each of which is as Helm records it.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for an event, a weight or a policy that Helm does not know.
pub(super) fn split(objects: Vec<Object>) -> Result<(Vec<Object>, Vec<Hook>)> {
    let (hooks, objects): (Vec<Object>, Vec<Object>) = objects.into_iter().partition(is_hook);
    let hooks = hooks.iter().map(recorded).collect::<Result<Vec<_>>>()?;
    // One that only had the events of Helm 2 never runs.
    Ok((objects, hooks.into_iter().filter(|hook| !hook.events.is_empty()).collect()))
}

/// The recorded hooks that run at `event`, in their order.
///
/// # Errors
/// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) if one cannot be read.
pub(super) fn at(record: &Record, event: HookEvent) -> Result<Vec<RunnableHook>> {
    let mut runnable = Vec::new();
    for hook in record.hooks.iter().filter(|hook| hook.events.iter().any(|word| word == event.as_str())) {
        let policies = POLICIES.iter().filter(|(_, word)| hook.delete_policies.iter().any(|one| one == word));
        let mut policies: Vec<DeletePolicy> = policies.map(|(policy, _)| *policy).collect();
        if policies.is_empty() {
            policies.push(DeletePolicy::BeforeHookCreation);
        }
        for object in manifest::objects(record, &hook.manifest)? {
            runnable.push(RunnableHook { object, weight: hook.weight, policies: policies.clone() });
        }
    }
    runnable.sort_by(|a, b| (a.weight, a.object.name()).cmp(&(b.weight, b.object.name())));
    Ok(runnable)
}

fn recorded(object: &Object) -> Result<Hook> {
    let words = |annotation: &str| {
        let words = object.annotation(annotation).unwrap_or_default().split(',');
        words.map(|word| word.trim().to_lowercase()).filter(|word| !word.is_empty()).collect::<Vec<_>>()
    };
    let unknown = |annotation: &str, word: &str, known: &[&str]| {
        let why = format!("the annotation {annotation} says \"{}\"", word.escape_default());
        Error::invalid(why).on(object.id()).help(format!("Helm knows {}", known.join(", ")))
    };
    let mut events = Vec::new();
    for word in words(HOOK) {
        let known = EVENTS.map(|(_, known)| known);
        match word.as_str() {
            // Helm 2's; Helm 3 and 4 do not run it either.
            "crd-install" => {}
            "test-success" => events.push("test".to_owned()),
            word if known.contains(&word) => events.push(word.to_owned()),
            word => return Err(unknown(HOOK, word, &known)),
        }
    }
    let delete_policies = words(POLICY);
    let known = POLICIES.map(|(_, known)| known);
    if let Some(word) = delete_policies.iter().find(|word| !known.contains(&word.as_str())) {
        return Err(unknown(POLICY, word, &known));
    }
    let weight = object.annotation(WEIGHT).unwrap_or("0").trim();
    let weight = weight.parse().map_err(|_| unknown(WEIGHT, weight, &["whole numbers"]))?;
    Ok(Hook {
        name: object.name().to_owned(),
        kind: object.kind().to_owned(),
        path: object.origin().map(|origin| origin.file.to_string()).unwrap_or_default(),
        manifest: manifest::write(std::slice::from_ref(object)),
        events,
        weight,
        delete_policies,
        rest: serde_json::Map::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(name: &str, annotations: &serde_json::Value) -> Object {
        Object::new(json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "annotations": annotations}}))
            .unwrap()
    }

    #[test]
    fn hooks_run_by_weight_then_name() {
        let hooks = vec![
            object("late", &json!({HOOK: "pre-upgrade, pre-install", WEIGHT: "5"})),
            object("b", &json!({HOOK: "pre-install"})),
            object(
                "early",
                &json!({HOOK: "pre-install", WEIGHT: "-5", POLICY: "hook-succeeded,hook-failed"}),
            ),
            object("a", &json!({HOOK: "pre-install"})),
            object("other", &json!({HOOK: "post-install"})),
            object("no-hook", &json!({"x": "y"})),
            object("old", &json!({HOOK: "crd-install"})),
        ];
        let (objects, hooks) = split(hooks).unwrap();
        assert_eq!(objects.len(), 1);
        let mut record: Record = serde_json::from_value(json!({"name": "shop"})).unwrap();
        record.hooks = hooks;
        let names = |event| {
            let hooks = at(&record, event).unwrap();
            hooks.iter().map(|hook| hook.object.name().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(HookEvent::PreInstall), ["early", "a", "b", "late"]);
        assert_eq!(names(HookEvent::PreUpgrade), ["late"]);
        assert_eq!(names(HookEvent::Test), Vec::<String>::new());
        let early = at(&record, HookEvent::PreInstall).unwrap().remove(0);
        let has = POLICIES.map(|(policy, _)| early.has(policy));
        assert_eq!(has, [false, true, true]);
        let late = at(&record, HookEvent::PreUpgrade).unwrap().remove(0);
        assert!(late.has(DeletePolicy::BeforeHookCreation));
    }

    #[test]
    fn what_helm_does_not_know_is_refused() {
        let check = |annotations: serde_json::Value, why: &str| {
            let error = split(vec![object("a", &annotations)]).err().unwrap().to_string();
            assert!(error.contains(why), "{error}");
        };
        check(
            json!({HOOK: "pre-instal"}),
            "Job a: the annotation helm.sh/hook says \"pre-instal\" (Helm knows pre-install, ",
        );
        check(json!({HOOK: "test", WEIGHT: "first"}), "helm.sh/hook-weight says \"first\"");
        check(json!({HOOK: "test", POLICY: "never"}), "helm.sh/hook-delete-policy says \"never\"");
    }

    #[test]
    fn helm_2s_word_for_a_test_is_known() {
        let (_, hooks) = split(vec![object("a", &json!({HOOK: "test-success"}))]).unwrap();
        assert_eq!(hooks[0].events, ["test"]);
    }
}
