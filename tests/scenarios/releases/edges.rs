//! What happens beside a run of a release, or to what it leaves behind.

use deploy_core::outcome::Status;
use deploy_core::run::{OnFailure, Policy};
use deploy_tests::{Env, deployment, scenario};
use serde_json::json;

use super::recorded::{record, record_of};
use super::{config_maps, description, history, there, upgrade, upgrade_as, upgraded};

/// Upgrades, and leaves what fails.
async fn left(env: &Env, manifests: &str, takes: bool) {
    let run = env.run().0.policy(Policy::default().on_failure(OnFailure::Leave));
    let release = env.release("app").take_ownership(takes);
    let outcome = release.upgrade(&env.bundle(manifests), run).await.expect("it started");
    assert_eq!(outcome.status, Status::Failed, "{outcome}");
}

scenario!(who_goes_on_meanwhile_is_not_undone, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    let bad =
        [deployment("api:v1").replace("/healthz", "/nowhere"), config_maps("2", &["config"])].join("---\n");
    let (run, recorder) = env.run();
    let run = run.policy(Policy::default().timeout(std::time::Duration::from_secs(10)));
    let (release, bundle) = (env.release("app"), env.bundle(&bad));
    // As `helm rollback` does while ours still waits for the pods.
    let operator = async {
        env.eventually("it waits", async || {
            recorder.events().iter().any(|event| event.kind.to_string().contains("api created"))
        })
        .await;
        record(&env, 3, "deployed", "Rollback to 1", &config_maps("1", &["config"])).await;
    };
    let (outcome, ()) = tokio::join!(release.upgrade(&bundle, run), operator);
    let outcome = outcome.expect("it started");
    assert_eq!(outcome.status, Status::Failed, "{outcome}");
    let told = outcome.timeline.iter().map(|event| event.kind.to_string()).collect::<String>();
    assert!(told.contains("nothing is undone: ") && told.contains("revision 3 meanwhile"), "{told}");
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 deployed"]);
    upgraded(&env, &config_maps("4", &["config"])).await;
    assert_eq!(history(&env).await, ["4 deployed", "3 superseded", "2 failed", "1 superseded"]);
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
});

scenario!(a_hook_of_a_kind_that_is_not_served_leaves_no_pending_revision, async |env| {
    let hook = "apiVersion: example.com/v1\nkind: Nowhere\nmetadata:\n  name: hook\n  annotations:\n    helm.sh/hook: pre-install\n    helm.sh/hook-delete-policy: hook-failed\n";
    let manifests = [hook, &config_maps("1", &["config"])].join("---\n");
    let outcome = upgrade(&env, &manifests).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(history(&env).await, ["1 failed"]);
    assert!(description(&env, 1).await.contains("Nowhere"), "{}", description(&env, 1).await);
    upgraded(&env, &config_maps("1", &["config"])).await;
});

scenario!(a_person_goes_back_without_a_gap, async |env| {
    upgraded(&env, &deployment("api:v1")).await;
    let other = deployment("api:v2").replace("name: api}", "name: other}").replace("app: api", "app: other");
    upgraded(&env, &other).await;
    let outcome = env.release("app").roll_back(Some(1), env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let told: Vec<String> = outcome.timeline.iter().map(|event| event.kind.to_string()).collect();
    let at =
        |text: &str| told.iter().position(|line| line.contains(text)).unwrap_or_else(|| panic!("{told:#?}"));
    assert!(at("/api is healthy") < at("/other deleted"), "{told:#?}");
    assert_eq!(env.get("apps/v1", "Deployment", "other").await, None);
});

scenario!(what_an_older_api_recorded_is_cleaned_up_by_a_newer_one, async |env| {
    let budget = |version: &str| {
        format!(
            "apiVersion: policy/{version}\nkind: PodDisruptionBudget\nmetadata: {{name: api}}\nspec: {{minAvailable: 1, selector: {{matchLabels: {{app: api}}}}}}\n"
        )
    };
    upgraded(&env, &[budget("v1"), config_maps("1", &["config"])].join("---\n")).await;
    let old = [budget("v1beta1"), config_maps("1", &["config"])].join("---\n");
    record(&env, 2, "deployed", "Upgrade complete", &old).await;
    upgraded(&env, &config_maps("3", &["config"])).await;
    assert_eq!(env.get("policy/v1", "PodDisruptionBudget", "api").await, None);
});

scenario!(who_goes_on_settles_what_was_taken_over, async |env| {
    env.deploy(&config_maps("theirs", &["plain"])).await;
    upgraded(&env, &config_maps("1", &["config"])).await;
    left(&env, &[deployment("api:does-not-exist"), config_maps("ours", &["plain"])].join("---\n"), true)
        .await;
    // Helm goes on from the failure, and knows nothing of a journal.
    record(&env, 3, "deployed", "Upgrade complete", &config_maps("ours", &["plain"])).await;
    let release = env.release("app").take_ownership(true);
    let outcome = upgrade_as(&env, release, &config_maps("2", &["plain"])).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let live = env.get("v1", "ConfigMap", "plain").await.expect("there");
    assert_eq!(live["data"]["value"], "2");
    env.assert_no_records().await;
});

scenario!(a_record_of_nothing_is_named_and_not_deleted, async |env| {
    record_of(&env, 1, "deployed", json!({})).await;
    let error = env.release("app").upgrade(&env.bundle(&config_maps("1", &["config"])), env.run().0).await;
    let error = error.expect_err("nobody knows what stands").to_string();
    assert!(error.contains("Secret") && error.contains("sh.helm.release.v1.app.v1"), "{error}");
    assert!(!there(&env, "config").await);
    assert!(env.get("v1", "Secret", "sh.helm.release.v1.app.v1").await.is_some());
});
