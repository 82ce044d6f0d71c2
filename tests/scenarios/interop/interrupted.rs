//! Processes that die in the middle: helm's, found by us, and ours, found by helm.

use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::run::{OnFailure, Policy};
use deploy_tests::{Env, served_scenario};
use serde_json::{Value, json};

use super::live::{assert_applied_by_us, assert_same, objects};
use super::shop::{Shop, bad, changed};
use super::{Client, HELM_4, beside_helm_alone, for_each_helm};

/// Lets helm wait for what is never ready, does `meanwhile`, and kills it.
async fn killed_helm(shop: &Shop<'_>, meanwhile: impl AsyncFnOnce()) {
    let command = [
        &["upgrade", "--install", "app", shop.chart.path(), "--wait", "--reset-values"][..],
        &["--set-json=path=\"/nowhere\"", "--set-json=extra=false"],
    ];
    let command = command.concat();
    let meanwhile = async {
        shop.env
            .eventually("the last object of the revision", || async {
                objects(shop.env).await.contains_key("ConfigMap/instead")
            })
            .await;
        meanwhile().await;
    };
    // What is dropped is killed.
    tokio::select! {
        told = shop.env.helm_tells(shop.helm.helm, &command) => panic!("helm ended: {told:?}"),
        () = meanwhile => {}
    }
}

async fn assert_locked_by_helm(shop: &Shop<'_>) {
    for take in ["upgrade", "roll back", "uninstall"] {
        let (release, run) = (shop.release(), shop.env.run().0);
        let told = match take {
            "upgrade" => shop.try_release(release, &changed()).await,
            "roll back" => release.roll_back(None, run).await,
            _ => release.uninstall(false, run).await,
        };
        let error = told.expect_err("it is locked");
        assert_eq!((error.kind(), error.holder()), (ErrorKind::Locked, Some("helm")), "{take}: {error}");
        assert!(error.to_string().contains("since 20"), "{take}: {error}");
    }
}

for_each_helm!(
    we_take_over_where_helm_3_died_upgrading,
    we_take_over_where_helm_4_died_upgrading,
    takes_over_an_upgrade
);

async fn takes_over_an_upgrade(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.helm_releases(&json!({})).await;
    killed_helm(&ours, async || assert_locked_by_helm(&ours).await).await;
    let before = objects(env).await;
    assert_locked_by_helm(&ours).await;
    let young = ours.release().helm_is_dead_after(Duration::from_secs(3600));
    let error = ours.try_release(young, &changed()).await.expect_err("it may be alive");
    assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
    assert_eq!(objects(env).await, before, "nothing was written");
    ours.assert_statuses(&[(1, "deployed"), (2, "pending-upgrade")]).await;

    let taking = ours.release().helm_is_dead_after(Duration::ZERO);
    let values = json!({"greeting": "third"});
    let outcome = ours.try_release(taking, &values).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    ours.assert_statuses(&[(1, "superseded"), (2, "failed"), (3, "deployed")]).await;
    let why = ours.description(2).await;
    assert!(why.starts_with("interrupted: helm died at it"), "{why}");
    assert_applied_by_us(env).await;
    assert_goes_on_as_alone(&ours, &values).await;
}

for_each_helm!(
    we_take_over_where_helm_3_died_installing,
    we_take_over_where_helm_4_died_installing,
    takes_over_an_install
);

async fn takes_over_an_install(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    killed_helm(&ours, async || assert_locked_by_helm(&ours).await).await;
    ours.assert_statuses(&[(1, "pending-install")]).await;
    let taking = ours.release().helm_is_dead_after(Duration::ZERO);
    let values = json!({"greeting": "second"});
    let outcome = ours.try_release(taking, &values).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    ours.assert_statuses(&[(1, "failed"), (2, "deployed")]).await;
    assert_applied_by_us(env).await;
    assert_goes_on_as_alone(&ours, &values).await;
}

/// Asserts that all stands as if helm had released these values, and helm goes on from there.
async fn assert_goes_on_as_alone(ours: &Shop<'_>, values: &Value) {
    beside_helm_alone(ours.env, async |alone| {
        let theirs = Shop::new(&alone, ours.helm);
        theirs.helm_releases(values).await;
        assert_same(ours.env, &alone, "taken over").await;
        for shop in [ours, &theirs] {
            shop.helm_releases(&changed()).await;
        }
        assert_same(ours.env, &alone, "gone on").await;
    })
    .await;
}

/// We die while we wait for what is never ready, once an object of the revision is there.
async fn we_die(shop: &Shop<'_>, values: &Value, object: &str) {
    let dies = shop.env.eventually(object, || async { objects(shop.env).await.contains_key(object) });
    tokio::select! {
        told = shop.try_release(shop.release(), values) => panic!("it ended: {told:?}"),
        () = dies => {}
    }
}

for_each_helm!(helm_3_rolls_back_where_we_died, helm_4_rolls_back_where_we_died, is_rolled_back);

async fn is_rolled_back(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.we_release(&json!({})).await;
    we_die(&ours, &json!({"path": "/nowhere", "more": true}), "ConfigMap/more").await;
    ours.assert_statuses(&[(1, "deployed"), (2, "pending-upgrade")]).await;
    let refused = env.helm_fails(helm.helm, &["upgrade", "app", ours.chart.path()]).await;
    assert!(refused.contains("another operation (install/upgrade/rollback) is in progress"), "{refused}");

    ours.helm_rolls_back(1).await;
    ours.assert_statuses(&[(1, "superseded"), (2, "pending-upgrade"), (3, "deployed")]).await;
    ours.we_release(&json!({"greeting": "fourth"})).await;
    let expected = [(1, "superseded"), (2, "failed"), (3, "superseded"), (4, "deployed")];
    ours.assert_statuses(&expected).await;
    let why = ours.description(2).await;
    assert!(why.starts_with("interrupted: "), "{why}");
    assert_applied_by_us(env).await;
    assert_goes_on_as_alone(&ours, &json!({"greeting": "fourth"})).await;
}

// Helm 4 does not roll back over what a revision wants no more and has not deleted yet, whoever died at it.
served_scenario!("needs a cluster and helm", we_go_on_where_helm_4_cannot_roll_back, async |env| {
    let ours = Shop::new(&env, HELM_4);
    ours.we_release(&json!({})).await;
    we_die(&ours, &json!({"path": "/nowhere", "extra": false}), "ConfigMap/instead").await;
    assert_helm_4_cannot_roll_back(&ours).await;
});

// The same where we failed, and left it so.
served_scenario!(
    "needs a cluster and helm",
    we_go_on_where_helm_4_cannot_roll_back_what_we_left,
    async |env| {
        let ours = Shop::new(&env, HELM_4);
        ours.we_release(&json!({})).await;
        let run = env.run().0.policy(Policy::default().on_failure(OnFailure::Leave));
        let outcome = ours.try_release_in(run, ours.release(), &bad()).await.expect("it started");
        assert_eq!(outcome.status, Status::Failed, "{outcome}");
        assert_helm_4_cannot_roll_back(&ours).await;
    }
);

/// Asserts that helm refuses and we go on. The second revision never came to run, whatever helm calls it.
async fn assert_helm_4_cannot_roll_back(ours: &Shop<'_>) {
    let refused = ours.env.helm_fails(HELM_4.helm, &["rollback", "app", "1"]).await;
    assert!(refused.contains("original object ConfigMap with the name \"extra\" not found"), "{refused}");
    ours.assert_statuses(&[(1, "deployed"), (2, "superseded"), (3, "failed")]).await;

    ours.we_roll_back(None).await;
    ours.assert_statuses(&[(1, "superseded"), (2, "superseded"), (3, "failed"), (4, "deployed")]).await;
    assert_eq!(ours.description(4).await, "Rollback to 1");
    ours.we_roll_back(None).await;
    assert_eq!(ours.description(5).await, "Rollback to 1");
    assert_applied_by_us(ours.env).await;
    assert_goes_on_as_alone(ours, &json!({})).await;
}
