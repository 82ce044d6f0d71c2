//! Lives through one case on an embedded cluster of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use deploy_core::error::ErrorKind;
use deploy_core::journal::Journal;
use deploy_core::outcome::Status;
use deploy_tests::Env;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ConfigMap, Pod};
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::case::{Case, Edit, Wanted, What};
use crate::judge::{self, Seen};

/// How the first run ended.
///
/// # Errors
/// What is not as it must be.
pub(crate) async fn drive(case: &Case) -> Result<String, String> {
    fastrand::seed(case.seed);
    let env = Env::embedded("random", case.seed).await;
    let cluster = env.embedded.clone().ok_or("an embedded cluster")?;
    let first = env.deploy(&case.before.manifests(&env.registry)).await;
    if first.status != Status::Healthy {
        return Err(format!("before: {first}"));
    }
    let before = look(&env).await;
    for trouble in &case.troubles {
        cluster.inject(trouble.fault());
    }
    let mut others = JoinSet::new();
    let touched: Touched = Arc::default();
    for Edit { after, what } in case.edits.clone() {
        let (env, touched) = (env.clone(), touched.clone());
        others.spawn(async move {
            sleep(after).await;
            edit(&env, what, &touched).await;
        });
    }
    if let Some((at, time)) = case.down {
        let cluster = cluster.clone();
        others.spawn(async move {
            sleep(at).await;
            cluster.down_for(time);
        });
    }
    let (run, _) = env.run();
    let bundle = env.bundle(&case.after.manifests(&env.registry));
    let result = env.rollout().run(&bundle, run.named("app")).await;
    others.shutdown().await;
    cluster.heal();
    let touched = touched.lock().expect("whole").clone();
    let seen = Seen {
        before: &before,
        after: judge::wanted(&before, &case.after),
        live: look(&env).await,
        pods_taken: case.edits.iter().any(|edit| matches!(edit.what, What::DeletePods)),
        unready: unready(&env).await,
        touched,
        has_journal: env.journal().load("app").await.map_err(|error| error.to_string())?.is_some(),
    };
    let ended = judge::first(&seen, &case.after, &result)?;
    again(case, &env, &seen, &ended).await.map_err(|error| format!("{ended}, then {error}"))?;
    Ok(ended)
}

/// The same again, undisturbed: it comes to its end with no help.
async fn again(case: &Case, env: &Env, seen: &Seen<'_>, ended: &str) -> Result<(), String> {
    let (run, _) = env.run();
    let bundle = env.bundle(&case.after.manifests(&env.registry));
    let outcome = match env.rollout().run(&bundle, run.named("app")).await {
        Ok(outcome) => outcome,
        // What others took is theirs until somebody decides otherwise.
        Err(error)
            if error.kind() == ErrorKind::Conflict && judge::names_any(&error.to_string(), &seen.touched) =>
        {
            return Ok(());
        }
        Err(error) => return Err(error.to_string()),
    };
    let wanted = if case.after.is_bad() { Status::RolledBack } else { Status::Healthy };
    if outcome.status != wanted {
        return Err(format!("{outcome}"));
    }
    let live = look(env).await;
    match wanted {
        Status::Healthy => judge::same(&seen.after, &live, &seen.touched),
        // What a run that could not go back had left is undone by the next one, or is what that found.
        _ if ended == "rollback failed" => judge::same(seen.before, &live, &seen.touched)
            .or_else(|_| judge::same(&seen.live, &live, &seen.touched)),
        _ => judge::same(seen.before, &live, &seen.touched),
    }
}

/// The objects that somebody else changed, or may have, where we do.
type Touched = Arc<Mutex<BTreeSet<&'static str>>>;

/// Somebody else's request may fail, too: then it may have had its effect, unless it was refused.
async fn edit(env: &Env, what: What, touched: &Touched) {
    let maps: Api<ConfigMap> = Api::namespaced(env.kube.clone(), &env.namespace);
    let deployments: Api<Deployment> = Api::namespaced(env.kube.clone(), &env.namespace);
    let pods: Api<Pod> = Api::namespaced(env.kube.clone(), &env.namespace);
    let merge = PatchParams { field_manager: Some("somebody".into()), ..PatchParams::default() };
    let ours = match what {
        What::Set(name) | What::DeleteMap(name) | What::Scale(name, _) => Some(name),
        What::Annotate(_) | What::DeletePods => None,
    };
    let was_touched = ours.is_some_and(|name| !touched.lock().expect("whole").insert(name));
    let answer = match what {
        What::Annotate(name) => {
            let note = json!({"metadata": {"annotations": {"example.com/note": "theirs"}}});
            maps.patch(name, &merge, &Patch::Merge(note)).await.map(drop)
        }
        What::Set(name) => {
            maps.patch(name, &merge, &Patch::Merge(json!({"data": {"v": "theirs"}}))).await.map(drop)
        }
        What::DeleteMap(name) => maps.delete(name, &DeleteParams::default()).await.map(drop),
        What::DeletePods => {
            pods.delete_collection(&DeleteParams::default(), &ListParams::default()).await.map(drop)
        }
        What::Scale(name, replicas) => {
            let scaled = json!({"spec": {"replicas": replicas}});
            deployments.patch(name, &merge, &Patch::Merge(scaled)).await.map(drop)
        }
    };
    if let (Some(name), Err(kube::Error::Api(_)), false) = (ours, answer, was_touched) {
        touched.lock().expect("whole").remove(name);
    }
}

/// The workloads without all of their pods ready.
async fn unready(env: &Env) -> BTreeSet<String> {
    let workloads = env.all("apps/v1", "Deployment").await;
    let count =
        |workload: &Value, pointer: &str| workload.pointer(pointer).and_then(Value::as_u64).unwrap_or(0);
    let unready = workloads
        .iter()
        .filter(|workload| count(workload, "/status/readyReplicas") < count(workload, "/spec/replicas"));
    unready.map(judge::name).collect()
}

/// What stands of all that a case may have.
async fn look(env: &Env) -> BTreeMap<String, String> {
    let mut live = BTreeMap::new();
    for map in env.all("v1", "ConfigMap").await {
        if let Some(value) = map.pointer("/data/v").and_then(|value| value.as_str()) {
            live.insert(judge::name(&map), value.to_owned());
        }
    }
    for workload in env.all("apps/v1", "Deployment").await {
        let image =
            workload.pointer("/spec/template/spec/containers/0/image").and_then(|image| image.as_str());
        let tag = image.and_then(|image| image.rsplit(':').next()).unwrap_or_default();
        live.insert(judge::name(&workload), format!("{tag} ×{}", workload["spec"]["replicas"]));
    }
    live
}

impl Wanted {
    /// As [`look`] sees it.
    pub(crate) fn seen(&self) -> BTreeMap<String, String> {
        let maps = self.maps.iter().map(|(name, value)| ((*name).to_owned(), value.to_string()));
        let workloads = self
            .workloads
            .iter()
            .map(|(name, image, count)| ((*name).to_owned(), format!("{image} ×{count}")));
        maps.chain(workloads).collect()
    }
}
