//! What we released, in helm's hands: it says and does what it says and does of its own.

use std::collections::BTreeMap;

use deploy_core::manifest::read;
use deploy_tests::Env;
use serde_json::{Value, json};

use super::live::{assert_same, objects};
use super::shop::{Shop, changed};
use super::{Client, beside_helm_alone, for_each_helm};

for_each_helm!(helm_3_reads_what_we_released, helm_4_reads_what_we_released, is_read);

async fn is_read(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.we_release(&json!({})).await;
    ours.we_release(&changed()).await;
    beside_helm_alone(env, async |alone| {
        let theirs = Shop::new(&alone, helm);
        theirs.helm_releases(&json!({})).await;
        theirs.helm_releases(&changed()).await;
        for command in [&["list"][..], &["history", "app"], &["get", "values", "app"]] {
            assert_eq!(ours.helm_json(command).await, theirs.helm_json(command).await, "{command:?}");
        }
        for revision in [&["app"][..], &["app", "--revision", "1"], &["app", "--revision", "2"]] {
            assert_reads_alike(&ours, &theirs, revision).await;
        }
        assert_same(env, &alone, "after both").await;
    })
    .await;
}

async fn assert_reads_alike(ours: &Shop<'_>, theirs: &Shop<'_>, revision: &[&str]) {
    let command = |words: &[&'static str]| [words, revision].concat();
    for words in [&["get", "values", "--all"][..], &["get", "values"]] {
        let command = command(words);
        assert_eq!(ours.helm_json(&command).await, theirs.helm_json(&command).await, "{command:?}");
    }
    for words in [&["get", "metadata"][..], &["status"]] {
        let command = command(words);
        let known = |told: Value| known(told);
        assert_eq!(
            known(ours.helm_json(&command).await),
            known(theirs.helm_json(&command).await),
            "{command:?}"
        );
    }
    let notes = command(&["get", "notes"]);
    assert_eq!(ours.helm(&notes).await, theirs.helm(&notes).await);
    for words in [&["get", "manifest"][..], &["get", "hooks"]] {
        let command = command(words);
        let found = told_objects(ours, &command).await;
        assert!(!found.is_empty());
        assert_eq!(found, told_objects(theirs, &command).await, "{command:?}");
    }
    let (all, of_theirs) =
        (ours.helm(&command(&["get", "all"])).await, theirs.helm(&command(&["get", "all"])).await);
    let headings = |all: &str| {
        let headings =
            all.lines().filter_map(|line| line.split_once(':')).map(|(heading, _)| heading.to_owned());
        headings
            .filter(|word| word.chars().all(|c| c.is_ascii_uppercase() || " -_".contains(c)))
            .collect::<Vec<_>>()
    };
    assert_eq!(headings(&all), headings(&of_theirs), "{all}");
}

/// Without what is not told alike: how the manifests are written (they are compared as objects), who applied how, what a cluster adds.
fn known(mut told: Value) -> Value {
    let Some(map) = told.as_object_mut() else { return told };
    for key in ["manifest", "applyMethod", "apply_method", "labels"] {
        map.remove(key);
    }
    if let Some(info) = map.get_mut("info").and_then(Value::as_object_mut) {
        info.remove("resources");
    }
    for hook in map.get_mut("hooks").and_then(Value::as_array_mut).into_iter().flatten() {
        let hook = hook.as_object_mut().expect("a hook");
        for key in ["manifest", "path", "last_run", "delete_policies"] {
            hook.remove(key);
        }
    }
    told
}

/// The objects that helm tells of, by `KIND/NAME`. We write down the namespace that it takes for granted.
async fn told_objects(shop: &Shop<'_>, command: &[&str]) -> BTreeMap<String, Value> {
    let objects = read("manifest", shop.helm(command).await.as_bytes()).expect("good manifests");
    let objects = objects.into_iter().map(|object| object.in_namespace("NAMESPACE"));
    objects.map(|object| (format!("{}/{}", object.kind(), object.name()), object.into_value())).collect()
}

for_each_helm!(
    helm_3_upgrades_what_we_released,
    helm_4_upgrades_what_we_released,
    helm_4_upgrades_client_side_what_we_released,
    is_upgraded
);

async fn is_upgraded(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.we_release(&json!({})).await;
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
        let reuse = ["upgrade", "app", ours.chart.path(), "--reuse-values", "--set", "greeting=again"];
        for shop in [&ours, &theirs] {
            shop.helm(&[&reuse, helm.more].concat()).await;
        }
        assert_same(env, &alone, "upgraded with the values of before").await;
        let all = ["get", "values", "app", "--all"];
        assert_eq!(ours.helm_json(&all).await, theirs.helm_json(&all).await);
        assert_eq!(ours.helm_json(&["history", "app"]).await, theirs.helm_json(&["history", "app"]).await);
        ours.assert_history(4).await;
    })
    .await;
}

for_each_helm!(helm_3_uninstalls_what_we_released, helm_4_uninstalls_what_we_released, is_uninstalled);

async fn is_uninstalled(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    for keep in [&["--keep-history"][..], &[]] {
        let outcome = ours.we_release(&json!({})).await;
        let revision = outcome.revision.expect("a revision");
        ours.helm(&[&["uninstall", "app", "--wait"], keep].concat()).await;
        let left: Vec<String> = objects(env).await.into_keys().collect();
        // A hook stays, of a release of helm's as well.
        assert_eq!(left, ["ConfigMap/before"]);
        assert_eq!(ours.helm_json(&["list", "--deployed"]).await, json!([]));
        if keep.is_empty() {
            assert!(ours.release().revisions().await.is_err(), "no revision is left");
        } else {
            let history = ours.helm_json(&["history", "app"]).await;
            assert_eq!(history[0]["status"], "uninstalled", "{history}");
            let newest = ours.release().get(None).await.expect("it is kept").revision;
            assert_eq!((newest.revision, newest.status.as_str()), (revision, "uninstalled"));
        }
    }
}

for_each_helm!(helm_3_tests_what_we_released, helm_4_tests_what_we_released, is_tested);

async fn is_tested(env: &Env, helm: Client) {
    let ours = Shop::new(env, helm);
    ours.we_release(&json!({})).await;
    assert!(ours.helm(&["test", "app"]).await.contains("Phase:          Succeeded"));
    let told = ours.helm_json(&["status", "app"]).await;
    let hooks = told["hooks"].as_array().expect("hooks");
    let probe = hooks.iter().find(|hook| hook["name"] == "probe").expect("the test");
    assert_eq!(probe["last_run"]["phase"], "Succeeded");
    // Helm wrote the record, and dropped of it what it does not know.
    ours.we_release(&changed()).await;
    ours.assert_history(2).await;
}
