//! Revisions that fail in the hands of one, and how the other goes on.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::{Outcome, Status};
use deploy_tests::{Env, reasons};
use serde_json::{Value, json};

use super::live::{assert_applied_by_us, assert_same, objects};
use super::shop::{Shop, bad, changed};
use super::{Client, beside_helm_alone, for_each_helm};

async fn we_fail(shop: &Shop<'_>, values: &Value) -> Outcome {
    let outcome = shop.try_release(shop.release(), values).await.expect("the run started");
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome), ["ImageNotFound"]);
    outcome
}

for_each_helm!(
    helm_3_goes_on_after_our_failed_upgrade,
    helm_4_goes_on_after_our_failed_upgrade,
    goes_on_after_our_upgrade
);

async fn goes_on_after_our_upgrade(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.we_release(&json!({})).await;
    let before = objects(env).await;
    we_fail(&ours, &bad()).await;
    let mut after = objects(env).await;
    // What a hook did is not undone.
    after.insert("ConfigMap/before".to_owned(), before["ConfigMap/before"].clone());
    assert_eq!(after, before);
    ours.assert_statuses(&[(1, "superseded"), (2, "failed"), (3, "deployed")]).await;
    let why = ours.description(2).await;
    assert!(why.starts_with("Upgrade \"app\" failed: ") && why.contains("api:does-not-exist"), "{why}");
    assert_eq!(ours.description(3).await, "Rollback to 1");

    beside_helm_alone(env, async |alone| {
        let theirs = Shop::new(&alone, helm);
        theirs.helm_releases(&json!({})).await;
        for shop in [&ours, &theirs] {
            shop.helm_releases(&changed()).await;
        }
        assert_same(env, &alone, "upgraded").await;
        for shop in [&ours, &theirs] {
            shop.helm_rolls_back(1).await;
        }
        assert_same(env, &alone, "rolled back").await;
    })
    .await;
    let expected = [(1, "superseded"), (2, "failed"), (3, "superseded"), (4, "superseded"), (5, "deployed")];
    ours.assert_statuses(&expected).await;
}

for_each_helm!(
    helm_3_goes_on_after_our_failed_install,
    helm_4_goes_on_after_our_failed_install,
    goes_on_after_our_install
);

async fn goes_on_after_our_install(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    we_fail(&ours, &bad()).await;
    let left: Vec<String> = objects(env).await.into_keys().collect();
    assert_eq!(left, ["ConfigMap/before"], "only what a hook did");
    ours.assert_statuses(&[(1, "failed")]).await;
    let why = ours.description(1).await;
    assert!(why.starts_with("Install \"app\" failed: ") && why.contains("api:does-not-exist"), "{why}");
    ours.helm_releases(&json!({})).await;
    // Helm goes on from a revision that failed, too, and calls it superseded.
    ours.assert_statuses(&[(1, "superseded"), (2, "deployed")]).await;
    beside_helm_alone(env, async |alone| {
        Shop::new(&alone, helm).helm_releases(&json!({})).await;
        assert_same(env, &alone, "installed").await;
    })
    .await;
    assert_never_gone_back_to(&ours).await;
}

for_each_helm!(
    what_helm_3_failed_to_install_is_never_gone_back_to,
    what_helm_4_failed_to_install_is_never_gone_back_to,
    never_gone_back_to
);

async fn never_gone_back_to(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    let values = ["--set-json=tag=\"does-not-exist\"", "--wait", "--timeout", "2s"];
    env.helm_fails(helm.helm, &[&["install", "app", ours.chart.path()][..], &values].concat()).await;
    ours.assert_statuses(&[(1, "failed")]).await;
    ours.helm_releases(&json!({})).await;
    ours.assert_statuses(&[(1, "superseded"), (2, "deployed")]).await;
    let why = ours.description(1).await;
    assert!(why.starts_with("Release \"app\" failed: "), "{why}");
    assert_never_gone_back_to(&ours).await;
}

/// Asserts that the first revision, which failed and is called superseded, is no way back: not on command, and not when the next fails.
async fn assert_never_gone_back_to(ours: &Shop<'_>) {
    let before = objects(ours.env).await;
    let error = ours.release().roll_back(None, ours.env.run().0).await.expect_err("nothing good was before");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(objects(ours.env).await, before, "nothing was written");
    we_fail(ours, &bad()).await;
    ours.assert_statuses(&[(1, "superseded"), (2, "superseded"), (3, "failed"), (4, "deployed")]).await;
    assert_eq!(ours.description(4).await, "Rollback to 2");
}

for_each_helm!(we_go_on_after_helm_3_failed, we_go_on_after_helm_4_failed, we_go_on);

async fn we_go_on(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.helm_releases(&json!({})).await;
    let before = objects(env).await;
    let fails = async || {
        let command = ["upgrade", "app", ours.chart.path(), "--reset-values", "--wait", "--timeout", "2s"];
        let values = ["--set-json=tag=\"does-not-exist\"", "--set-json=extra=false"];
        env.helm_fails(helm.helm, &[&command[..], &values].concat()).await
    };

    fails().await;
    ours.assert_statuses(&[(1, "deployed"), (2, "failed")]).await;
    ours.we_roll_back(None).await;
    ours.assert_statuses(&[(1, "superseded"), (2, "failed"), (3, "deployed")]).await;
    let mut after = objects(env).await;
    after.insert("ConfigMap/before".to_owned(), before["ConfigMap/before"].clone());
    assert_eq!(after, before, "what the failed revision brought is gone");
    assert_applied_by_us(env).await;

    fails().await;
    ours.we_release(&json!({"greeting": "again"})).await;
    let left: Vec<String> = objects(env).await.into_keys().collect();
    assert!(!left.contains(&"ConfigMap/instead".to_owned()), "the failed revision's: {left:?}");
    assert_applied_by_us(env).await;
    let expected = [(1, "superseded"), (2, "failed"), (3, "superseded"), (4, "failed"), (5, "deployed")];
    ours.assert_statuses(&expected).await;
}
