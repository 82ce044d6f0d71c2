//! Helm-style releases, whatever tool reads them: what stands, and what is recorded of it.

mod atomic;
mod edges;
mod hooks;
mod kept;
mod ownership;
mod recorded;
mod rights;
mod together;
mod uninstalled;

use deploy_core::outcome::{Outcome, Status};
use deploy_k8s::{Release, ReleaseStatus};
use deploy_tests::Env;

/// Installs or upgrades the release `app`; the run starts whatever its outcome.
async fn upgrade(env: &Env, manifests: &str) -> Outcome {
    upgrade_as(env, env.release("app"), manifests).await
}

async fn upgrade_as(env: &Env, release: Release, manifests: &str) -> Outcome {
    let (run, _) = env.run();
    let outcome = release.upgrade(&env.bundle(manifests), run).await;
    outcome.unwrap_or_else(|error| panic!("the run did not start: {error}"))
}

/// The same, which must go well.
async fn upgraded(env: &Env, manifests: &str) -> Outcome {
    let outcome = upgrade(env, manifests).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    outcome
}

/// The revisions, newest first, as in `2 deployed`.
async fn history(env: &Env) -> Vec<String> {
    let revisions = env.release("app").revisions().await.expect("a history");
    revisions.iter().map(|one| format!("{} {}", one.revision, one.status)).collect()
}

/// Why a revision is as it is.
async fn description(env: &Env, revision: u64) -> String {
    env.release("app").get(Some(revision)).await.expect("recorded").revision.description
}

async fn there(env: &Env, name: &str) -> bool {
    env.get("v1", "ConfigMap", name).await.is_some()
}

/// Config maps of these names, with one value.
fn config_maps(value: &str, names: &[&str]) -> String {
    let one = |name: &&str| {
        format!("apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{value: \"{value}\"}}\n")
    };
    names.iter().map(one).collect::<Vec<_>>().join("---\n")
}

async fn newest(env: &Env) -> ReleaseStatus {
    env.release("app").revisions().await.expect("a history").remove(0).status
}
