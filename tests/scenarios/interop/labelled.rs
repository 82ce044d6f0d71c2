//! What belongs to the records and not to the objects: the labels of their Secrets, and how many are kept.

use deploy_core::outcome::Status;
use deploy_tests::{Env, Helm};
use serde_json::{Value, json};

use super::shop::Shop;
use super::{Client, for_each_helm};

async fn labels(env: &Env, revision: u64) -> Value {
    let name = format!("sh.helm.release.v1.app.v{revision}");
    let secret = env.get("v1", "Secret", &name).await.expect("it is recorded");
    let labels = secret["metadata"]["labels"].as_object().expect("labels").iter();
    labels
        .filter(|(key, _)| key.starts_with("team"))
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect()
}

for_each_helm!(labels_go_on_through_helm_3, labels_go_on_through_helm_4, go_on);

async fn go_on(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.helm(&["install", "app", ours.chart.path(), "--labels", "team=shop"]).await;
    let labelled = ours.release().label("team2", "web").expect("a label of the user's");
    let outcome = ours.try_release(labelled, &json!({})).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(labels(env, 2).await, json!({"team": "shop", "team2": "web"}));
    ours.helm_releases(&json!({})).await;
    assert_eq!(labels(env, 3).await, json!({"team": "shop", "team2": "web"}));
    ours.we_roll_back(Some(1)).await;
    assert_eq!(labels(env, 4).await, json!({"team": "shop", "team2": "web"}));
    if helm.helm == Helm::Four {
        let metadata = env.helm_json(helm.helm, &["get", "metadata", "app"]).await;
        assert_eq!(metadata["labels"]["team"], "shop", "{metadata}");
    }
    ours.assert_history(4).await;
}

for_each_helm!(we_and_helm_3_keep_so_many_revisions, we_and_helm_4_keep_so_many_revisions, are_kept);

async fn are_kept(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    let we = async || {
        let outcome = ours.try_release(ours.release().history_max(3), &json!({})).await.expect("it started");
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    };
    let helm = async || {
        let command = ["upgrade", "--install", "app", ours.chart.path(), "--history-max", "3"];
        ours.helm(&command).await;
    };
    helm().await;
    we().await;
    helm().await;
    we().await;
    ours.assert_statuses(&[(2, "superseded"), (3, "superseded"), (4, "deployed")]).await;
    helm().await;
    ours.assert_statuses(&[(3, "superseded"), (4, "superseded"), (5, "deployed")]).await;
    we().await;
    ours.assert_statuses(&[(4, "superseded"), (5, "superseded"), (6, "deployed")]).await;
}
