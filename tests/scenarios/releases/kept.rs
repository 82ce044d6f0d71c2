//! What is kept: objects that are to stay, revisions that are still needed.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::outcome::Status;
use deploy_k8s::Release;
use deploy_sim::{Moment, Mortal};
use deploy_tests::{Env, deployment, embedded, scenario};

use super::{config_maps, description, history, there, upgrade, upgrade_as, upgraded};

fn kept(value: &str, name: &str) -> String {
    config_maps(value, &[name])
        .replace("metadata: {", "metadata: {annotations: {helm.sh/resource-policy: keep}, ")
}

scenario!(what_is_to_be_kept_stays, async |env| {
    upgraded(&env, &[kept("1", "data"), config_maps("1", &["config", "old"])].join("---\n")).await;
    let outcome = upgraded(&env, &config_maps("2", &["config"])).await;
    assert!(
        outcome.notes.iter().any(|note| note.contains("data") && note.contains("keep")),
        "{:?}",
        outcome.notes
    );
    assert_eq!((there(&env, "data").await, there(&env, "old").await), (true, false));
    env.release("app").uninstall(false, env.run().0).await.expect("started");
    assert_eq!((there(&env, "data").await, there(&env, "config").await), (true, false));
});

fn of_three(env: &Env) -> Release {
    env.release("app").history_max(3)
}

scenario!(old_revisions_are_forgotten_and_never_the_deployed_one, async |env| {
    for value in ["1", "2", "3", "4", "5"] {
        upgrade_as(&env, of_three(&env), &config_maps(value, &["config"])).await;
    }
    assert_eq!(history(&env).await, ["5 deployed", "4 superseded", "3 superseded"]);
    for _ in 0..2 {
        upgrade_as(&env, of_three(&env), &deployment("api:does-not-exist")).await;
    }
    assert_eq!(history(&env).await, ["9 deployed", "8 failed", "7 superseded"]);
    assert_eq!(env.get("v1", "ConfigMap", "config").await.expect("there")["data"]["value"], "5");
});

/// Not on a live cluster: it takes over a minute until nothing but the status of a Deployment need be looked at.
#[tokio::test(start_paused = true)]
async fn an_upgrade_with_nothing_changed_takes_few_requests() {
    embedded("few_requests", few_requests).await;
}

async fn few_requests(env: Arc<Env>) {
    let service = "apiVersion: v1\nkind: Service\nmetadata: {name: api}\nspec: {selector: {app: api}, ports: [{port: 80}]}\n";
    let manifests = [deployment("api:v1"), service.to_owned(), config_maps("1", &["config"])].join("---\n");
    for _ in 0..3 {
        upgrade_as(&env, of_three(&env), &manifests).await;
    }
    env.clock.sleep(Duration::from_secs(70)).await;
    let counter = Mortal::at(u64::MAX, Moment::Before);
    let through = env.through(counter.client(env.kube.clone()));
    let outcome = upgrade_as(&through, of_three(&through), &manifests).await;
    assert_eq!((outcome.status, outcome.revision), (Status::Healthy, Some(4)), "{outcome}");
    assert_eq!(
        history(&env).await,
        ["4 deployed", "3 superseded", "2 superseded"],
        "the oldest is forgotten"
    );
    assert!(counter.requests() <= 12, "{} requests", counter.requests());
}

scenario!(revisions_carry_labels_and_the_commit, async |env| {
    let release = || env.release("app").label("team", "shop").expect("a label of the user's");
    let run = env.run().0.git_revision("4f1c2d9");
    release().upgrade(&env.bundle(&deployment("api:v1")), run).await.expect("started");
    upgrade(&env, &deployment("api:v2")).await;
    let labelled = env.labelled("v1", "Secret", "owner=helm,name=app,team=shop").await;
    assert_eq!(labelled.len(), 2, "labels go on: {labelled:?}");
    let revisions = env.release("app").revisions().await.expect("a history");
    let told = |index: usize| revisions.get(index).map(|one| (one.git_revision.clone(), one.images.clone()));
    assert_eq!(told(1), Some((Some("4f1c2d9".into()), vec![format!("{}/api:v1", env.registry)])));
    assert_eq!(told(0), Some((None, vec![format!("{}/api:v2", env.registry)])), "a commit does not go on");
    let live = env.get("apps/v1", "Deployment", "api").await.expect("there");
    assert_eq!(live["metadata"]["annotations"].get("deploy-core/deployment-id"), None);
    assert!(env.release("app").label("owner", "me").is_err());
    assert_eq!(description(&env, 2).await, "Upgrade complete");
});
