//! Whose objects are: what a release keeps, what it refuses, and what it takes where asked to.

use deploy_core::error::{ErrorKind, Result};
use deploy_core::outcome::{Outcome, Status};
use deploy_k8s::{Conflicts, Release};
use deploy_tests::{Env, managers, served_scenario};
use serde_json::{Value, json};

use super::live::{assert_applied_by_us, objects};
use super::{Client, for_each_helm};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const CHART: &str = "apiVersion: v2\nname: shop\nversion: 1.2.0\n";
const KEPT: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: kept, annotations: {helm.sh/resource-policy: keep}}\ndata: {a: b}\n";
const OTHER: &str = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: other}\n";

async fn upgrade(release: Release, env: &Env, manifests: &str) -> Result<Outcome> {
    release.upgrade(&env.bundle(manifests), env.run().0).await
}

async fn upgraded(release: Release, env: &Env, manifests: &str) {
    let outcome = upgrade(release, env, manifests).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
}

/// Installs or upgrades to these manifests by helm's hand.
async fn helm_releases(env: &Env, helm: Client, release: &str, manifests: &str) {
    let chart = env.chart(&[("Chart.yaml", CHART), ("templates/app.yaml", manifests)]);
    env.helm_says(helm.helm, &["upgrade", "--install", release, chart.path()]).await;
}

async fn names(env: &Env) -> Vec<String> {
    objects(env).await.into_keys().collect()
}

async fn config(env: &Env, name: &str) -> Value {
    env.get("v1", "ConfigMap", name).await.expect("it is there")
}

for_each_helm!(what_helm_3_keeps_we_keep, what_helm_4_keeps_we_keep, is_kept);

async fn is_kept(env: &Env, helm: Client) {
    let both = [KEPT, OTHER].concat();
    // Wanted no more by an upgrade, by a way back, by an uninstallation; of helm's, then of ours.
    helm_releases(env, helm, "app", &both).await;
    upgraded(env.release("app"), env, OTHER).await;
    assert_eq!(names(env).await, ["ConfigMap/kept", "ConfigMap/other"]);
    upgraded(env.release("app"), env, &both).await;
    let outcome = env.release("app").roll_back(Some(2), env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert!(
        outcome.notes.iter().any(|note| note.contains("kept") && note.contains("keep")),
        "{:?}",
        outcome.notes
    );
    upgraded(env.release("app"), env, &both).await;
    let outcome = env.release("app").uninstall(false, env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(names(env).await, ["ConfigMap/kept"]);

    // It still bears the release's marks: it is the release's when that comes again.
    upgraded(env.release("app"), env, &both).await;
    env.helm_says(helm.helm, &["uninstall", "app"]).await;
    assert_eq!(names(env).await, ["ConfigMap/kept"]);
    helm_releases(env, helm, "app", &both).await;
    assert_eq!(names(env).await, ["ConfigMap/kept", "ConfigMap/other"]);
}

for_each_helm!(what_is_a_release_of_helm_3s_is_refused, what_is_a_release_of_helm_4s_is_refused, is_refused);

async fn is_refused(env: &Env, helm: Client) {
    helm_releases(env, helm, "theirs", OTHER).await;
    let (before, version) =
        (objects(env).await, config(env, "other").await["metadata"]["resourceVersion"].clone());
    let both = [KEPT, OTHER].concat();
    let error = upgrade(env.release("app"), env, &both).await.expect_err("it is another's");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    let told = format!("ConfigMap {}/other: belongs to the release {0}/theirs", env.namespace);
    assert!(error.to_string().contains(&told), "{error}");
    assert_eq!(objects(env).await, before, "nothing was written");
    assert_eq!(config(env, "other").await["metadata"]["resourceVersion"], version);
    let error = env.release("app").revisions().await.expect_err("no revision is recorded");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");

    upgraded(env.release("app").take_ownership(true), env, &both).await;
    assert_eq!(names(env).await, ["ConfigMap/kept", "ConfigMap/other"]);
    assert_applied_by_us(env).await;
    assert_eq!(config(env, "other").await["metadata"]["annotations"]["meta.helm.sh/release-name"], "app");
    // It is the other's no more, whoever uninstalls that.
    let outcome = env.release("theirs").uninstall(false, env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(names(env).await, ["ConfigMap/kept", "ConfigMap/other"]);
    helm_releases(env, helm, "app", &both).await;
}

for_each_helm!(helm_3_goes_on_with_what_we_took, helm_4_goes_on_with_what_we_took, is_taken);

/// Objects that no release had: made by `kubectl create`, by its client-side and its server-side apply.
async fn is_taken(env: &Env, helm: Client) {
    let theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME, labels: {example.com/theirs: x}}\ndata: {a: theirs, b: theirs}\n";
    let ours = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\ndata: {a: ours}\n---\n";
    let ways: [(&str, &[&str]); 3] = [
        ("created", &["create", "-f", "-"]),
        ("client-side", &["apply", "-f", "-"]),
        ("server-side", &["apply", "--server-side", "-f", "-"]),
    ];
    for (name, command) in ways {
        env.kubectl(command, &theirs.replace("NAME", name)).await;
    }
    let before = objects(env).await;
    let manifests: String = ways.iter().map(|(name, _)| ours.replace("NAME", name)).collect();
    for (name, _) in ways {
        let error =
            upgrade(env.release("app"), env, &ours.replace("NAME", name)).await.expect_err("it is nobody's");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        let told = format!("ConfigMap {}/{name}: exists, and does not belong to the release", env.namespace);
        assert!(error.to_string().contains(&told), "{error}");
    }
    assert_eq!(objects(env).await, before, "nothing was written");

    // Whoever owns fields of an object is asked about them all the same, as helm 4 does.
    let taking = env.release("app").take_ownership(true);
    let error = upgrade(taking.clone(), env, &manifests).await.expect_err("another manager's field");
    let told = "/created: other field managers own what it sets: .data.a is \"kubectl-create\"'s";
    assert!(error.kind() == ErrorKind::Conflict && error.to_string().contains(told), "{error}");
    assert_eq!(objects(env).await, before, "nothing was written");
    upgraded(taking.applied_by(env.target().conflicts(Conflicts::Force)), env, &manifests).await;
    assert_applied_by_us(env).await;
    for (name, _) in ways {
        let taken = config(env, name).await;
        assert_eq!(taken["data"]["a"], "ours", "{name}");
        assert_eq!(taken["metadata"]["annotations"][LAST_APPLIED], Value::Null, "{name}");
        // What kubectl applied is taken with all that it set; what somebody created, with what we set.
        let leftover = if name == "created" { json!("theirs") } else { Value::Null };
        assert_eq!(taken["data"]["b"], leftover, "{name}: {:?}", managers(&taken));
        assert_eq!(taken["metadata"]["labels"]["example.com/theirs"].is_null(), name != "created", "{name}");
    }
    helm_releases(env, helm, "app", &manifests.replace("ours", "helms")).await;
    assert_eq!(config(env, "client-side").await["data"], json!({"a": "helms"}));
    upgraded(env.release("app"), env, &manifests).await;
    assert_applied_by_us(env).await;
}

served_scenario!(
    "needs a cluster and kubectl",
    what_a_failed_revision_took_over_is_given_back,
    async |env| {
        env.kubectl(
            &["apply", "-f", "-"],
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: theirs}\n",
        )
        .await;
        let before = config(&env, "config").await;
        let bad = [
            "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {b: ours}\n---\n",
            &deploy_tests::deployment("api:does-not-exist"),
        ]
        .concat();
        let outcome = upgrade(env.release("app").take_ownership(true), &env, &bad).await.expect("it started");
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        let after = config(&env, "config").await;
        assert_eq!((&after["data"], managers(&after)), (&before["data"], managers(&before)));
        assert_eq!(after["metadata"]["annotations"], before["metadata"]["annotations"]);
        assert_eq!(after["metadata"]["labels"], before["metadata"]["labels"]);
        assert_eq!(after["metadata"]["uid"], before["metadata"]["uid"]);
    }
);
