//! We and helm in turn, many times: after each step all stands as if helm had done all of them alone.

use deploy_core::outcome::Outcome;
use deploy_tests::Env;
use serde_json::{Value, json};

use super::live::{assert_applied_by_us, assert_same};
use super::shop::{Shop, changed};
use super::{Client, HELM_3, HELM_4, beside_helm_alone, for_each_helm};

/// What one of them does.
enum Step {
    Release(Value),
    RollBack(u64),
}

use Step::{Release, RollBack};

/// Of each object something changes each time, an object comes and goes, and either goes back to what either released.
fn steps() -> Vec<Step> {
    vec![
        Release(json!({})),
        Release(changed()),
        Release(json!({"greeting": "third", "tag": "v3", "env": ["C", "A", "B"], "label": "y"})),
        Release(json!({"greeting": "fourth", "extra": false, "env": ["A"]})),
        RollBack(3),
        Release(json!({"greeting": "sixth", "tag": "v2", "extra": false, "label": "z"})),
        Release(json!({"greeting": "seventh", "env": []})),
        RollBack(2),
        Release(json!({"greeting": "ninth", "tag": "v3", "label": "y"})),
        RollBack(6),
        RollBack(9),
        Release(changed()),
        Release(json!({})),
        // Nothing changes.
        Release(json!({})),
        Release(json!({})),
    ]
}

async fn we_take(shop: &Shop<'_>, step: &Step) -> Outcome {
    match step {
        Release(values) => shop.we_release(values).await,
        RollBack(revision) => shop.we_roll_back(Some(*revision)).await,
    }
}

async fn helm_takes(shop: &Shop<'_>, step: &Step) {
    match step {
        Release(values) => shop.helm_releases(values).await,
        RollBack(revision) => shop.helm_rolls_back(*revision).await,
    }
}

for_each_helm!(we_and_helm_3_in_turn, we_and_helm_4_in_turn, we_and_helm_4_client_side_in_turn, we_begin);
for_each_helm!(helm_3_and_we_in_turn, helm_4_and_we_in_turn, helm_4_client_side_and_we_in_turn, helm_begins);

async fn we_begin(env: &Env, helm: Client) {
    in_turn(env, &[None, Some(helm)], helm).await;
}

async fn helm_begins(env: &Env, helm: Client) {
    in_turn(env, &[Some(helm), None], helm).await;
}

deploy_tests::served_scenario!("needs a cluster and helm", we_helm_3_and_helm_4_in_turn, async |env| {
    in_turn(&env, &[None, Some(HELM_3), Some(HELM_4)], HELM_4).await;
});

/// One after the other in one namespace, `alone` in another; it is us where there is no helm.
async fn in_turn(env: &Env, hands: &[Option<Client>], alone: Client) {
    beside_helm_alone(env, async |twin| {
        let theirs = Shop::new(&twin, alone);
        let mut ours = Shop::new(env, alone);
        for ((step, hand), revision) in steps().iter().zip(hands.iter().cycle()).zip(1..) {
            let told = format!("revision {revision} by {hand:?}");
            helm_takes(&theirs, step).await;
            match hand {
                Some(helm) => {
                    ours.helm = *helm;
                    helm_takes(&ours, step).await;
                }
                None => {
                    we_take(&ours, step).await;
                    assert_applied_by_us(env).await;
                }
            }
            assert_same(env, &twin, &told).await;
            ours.assert_history(revision).await;
        }
    })
    .await;
}
