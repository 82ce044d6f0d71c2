//! Objects that were there before the release, or are another's.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_tests::{Env, deployment, managers, scenario};
use serde_json::Value;

use super::{config_maps, history, there, upgrade_as, upgraded};

/// As it was, but for its version and what only the cluster writes.
fn essence(object: &Value) -> Value {
    let mut object = object.clone();
    for field in ["resourceVersion", "generation", "managedFields"] {
        object["metadata"][field].take();
    }
    object["metadata"]["annotations"]["deployment.kubernetes.io/revision"].take();
    object["status"].take();
    object
}

async fn refused(env: &Env, name: &str, manifests: &str, why: &str) {
    let release = env.release(name);
    let error = release.upgrade(&env.bundle(manifests), env.run().0).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains(why), "{error}");
    assert!(release.revisions().await.is_err(), "nothing is recorded");
}

scenario!(what_is_not_the_releases_is_refused_unless_it_is_to_be_taken, async |env| {
    env.deploy(&config_maps("1", &["plain"])).await;
    refused(&env, "app", &config_maps("2", &["plain"]), "exists, and does not belong to the release").await;
    let taking = env.release("app").take_ownership(true);
    let outcome = upgrade_as(&env, taking, &config_maps("2", &["plain"])).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let live = env.get("v1", "ConfigMap", "plain").await.expect("there");
    assert_eq!(live["data"]["value"], "2");
    let owners: Vec<Value> = managers(&live).into_iter().map(|(manager, _)| manager).collect();
    assert_eq!(owners, ["helm"], "whoever deployed it before gave it up");
    refused(
        &env,
        "other",
        &config_maps("3", &["plain"]),
        &format!("belongs to the release {}/app", env.namespace),
    )
    .await;
    // From now on it is the release's like any other.
    upgraded(&env, &config_maps("3", &["another"])).await;
    assert!(!there(&env, "plain").await);
    env.assert_no_records().await;
});

scenario!(what_was_taken_over_comes_back_when_the_install_fails, async |env| {
    assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
    let before = env.get("apps/v1", "Deployment", "api").await.expect("deployed");
    let bad = [deployment("api:does-not-exist"), config_maps("1", &["new"])].join("---\n");
    let outcome = upgrade_as(&env, env.release("app").take_ownership(true), &bad).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let after = env.get("apps/v1", "Deployment", "api").await.expect("still there");
    assert_eq!(essence(&after), essence(&before));
    assert_eq!(managers(&after), managers(&before));
    assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
    assert!(!there(&env, "new").await);
    assert_eq!(history(&env).await, ["1 failed"]);
    env.assert_no_records().await;
});

scenario!(what_a_later_revision_took_over_comes_back_when_it_fails, async |env| {
    env.deploy(&config_maps("theirs", &["plain"])).await;
    let before = env.get("v1", "ConfigMap", "plain").await.expect("there");
    upgraded(&env, &deployment("api:v1")).await;
    let bad = [deployment("api:does-not-exist"), config_maps("ours", &["plain"])].join("---\n");
    let outcome = upgrade_as(&env, env.release("app").take_ownership(true), &bad).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    let after = env.get("v1", "ConfigMap", "plain").await.expect("it stood before");
    assert_eq!(essence(&after), essence(&before));
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    env.assert_no_records().await;
});
