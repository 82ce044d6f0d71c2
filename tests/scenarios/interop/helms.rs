//! What helm released, in our hands: the same comes of it as in helm's, and from then on all is applied server-side.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::plan::Action;
use deploy_tests::Env;
use serde_json::{Value, json};

use super::live::{assert_applied_by_us, assert_same, objects};
use super::shop::{Shop, changed};
use super::{Client, beside_helm_alone, for_each_helm};

for_each_helm!(
    we_upgrade_what_helm_3_released,
    we_upgrade_what_helm_4_released,
    we_upgrade_what_helm_4_released_client_side,
    is_upgraded
);

async fn is_upgraded(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.helm_releases(&json!({})).await;
    beside_helm_alone(env, async |alone| {
        let theirs = Shop::new(&alone, helm);
        for values in [json!({}), changed()] {
            theirs.helm_releases(&values).await;
        }
        ours.we_release(&changed()).await;
        assert_same(env, &alone, "upgraded").await;
        assert_applied_by_us(env).await;
        ours.assert_history(2).await;
        assert_eq!(ours.helm_json(&["history", "app"]).await, theirs.helm_json(&["history", "app"]).await);
    })
    .await;
}

for_each_helm!(
    we_roll_back_what_helm_3_released,
    we_roll_back_what_helm_4_released,
    we_roll_back_what_helm_4_released_client_side,
    is_rolled_back
);

async fn is_rolled_back(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    beside_helm_alone(env, async |alone| {
        let theirs = Shop::new(&alone, helm);
        for shop in [&ours, &theirs] {
            shop.helm_releases(&json!({})).await;
            shop.helm_releases(&changed()).await;
        }
        ours.we_roll_back(None).await;
        theirs.helm_rolls_back(1).await;
        assert_same(env, &alone, "back to the one before").await;
        assert_applied_by_us(env).await;
        ours.we_roll_back(Some(2)).await;
        theirs.helm_rolls_back(2).await;
        assert_same(env, &alone, "back to a revision").await;
        assert_applied_by_us(env).await;
        ours.assert_history(4).await;
        assert_eq!(ours.helm_json(&["history", "app"]).await, theirs.helm_json(&["history", "app"]).await);
    })
    .await;
}

for_each_helm!(
    what_helm_3_released_is_what_it_records,
    what_helm_4_released_is_what_it_records,
    what_helm_4_released_client_side_is_what_it_records,
    is_as_recorded
);

async fn is_as_recorded(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    for values in [json!({}), changed()] {
        ours.helm_releases(&values).await;
        // As long as a Deployment's status changes, the defaults of what is taken over may not be told apart from what goes.
        env.eventually("nothing to change", || async { changes(&diff(&ours, None).await).is_empty() }).await;
        let outcome = diff(&ours, None).await;
        if helm.applies_server_side() {
            // But for a Secret's `stringData`, which we own as the `data` that it becomes.
            let changing = outcome.objects.iter().filter(|object| object.action != Action::Unchanged);
            let changing: Vec<_> = changing.map(|object| object.object.name.as_str()).collect();
            assert_eq!(changing, ["token"]);
        }
    }
    let before = objects(env).await;
    let outcome = diff(&ours, Some(1)).await;
    let action = |name: &str| {
        let found = outcome.objects.iter().find(|object| object.object.name == name);
        found.map(|object| object.action)
    };
    assert_eq!(
        [action("config"), action("extra"), action("instead")],
        [Some(Action::Update), Some(Action::Create), Some(Action::Delete)]
    );
    assert_eq!(objects(env).await, before, "a diff writes nothing");
    ours.assert_history(2).await;
}

/// The fields that would change.
fn changes(outcome: &Outcome) -> Vec<String> {
    let fields =
        outcome.objects.iter().flat_map(|object| object.diff.iter().map(move |change| (object, change)));
    fields.map(|(object, change)| format!("{} {}", object.object, change.path)).collect()
}

async fn diff(shop: &Shop<'_>, revision: Option<u64>) -> Outcome {
    let outcome = shop.release().diff(revision, shop.env.run().0).await.expect("a diff");
    assert_eq!(outcome.status, Status::Planned);
    outcome
}

for_each_helm!(we_test_what_helm_3_released, we_test_what_helm_4_released, is_tested);

async fn is_tested(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    for (program, status, phase) in
        [("true", Status::Healthy, "Succeeded"), ("false", Status::Failed, "Failed")]
    {
        ours.helm_releases(&json!({"probe": program})).await;
        let outcome = ours.release().test(env.run().0).await.expect("it ran");
        assert_eq!(outcome.status, status, "{outcome}");
        let told = ours.helm_json(&["status", "app"]).await;
        let phases: Vec<&Value> = told["hooks"]
            .as_array()
            .expect("hooks")
            .iter()
            .filter(|hook| hook["name"] == "probe")
            .map(|hook| &hook["last_run"]["phase"])
            .collect();
        assert_eq!(phases, [phase]);
        assert!(ours.helm(&["status", "app"]).await.contains("TEST SUITE:     probe"));
    }
    ours.assert_history(2).await;
}

for_each_helm!(
    we_uninstall_what_helm_3_released,
    we_uninstall_what_helm_4_released,
    we_uninstall_what_helm_4_released_client_side,
    is_uninstalled
);

async fn is_uninstalled(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    for keep_history in [true, false] {
        ours.helm_releases(&json!({})).await;
        let outcome = ours.release().uninstall(keep_history, env.run().0).await.expect("it ran");
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let left: Vec<String> = objects(env).await.into_keys().collect();
        assert_eq!(left, ["ConfigMap/before"], "a hook stays, as it does where helm uninstalls");
        assert_eq!(ours.helm_json(&["list", "--deployed"]).await, json!([]));
        if keep_history {
            let history = ours.helm_json(&["history", "app"]).await;
            assert_eq!(
                (&history[0]["status"], &history[0]["description"]),
                (&json!("uninstalled"), &json!("Uninstallation complete"))
            );
            // It comes back as the next revision.
        } else {
            let error = ours.release().revisions().await.expect_err("no revision is left");
            assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
        }
    }
}
