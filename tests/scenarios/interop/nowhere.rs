//! Calls that lead nowhere: a clear error, and nothing is written.

use deploy_core::error::{Error, ErrorKind};
use deploy_core::manifest::{Bundle, read};
use deploy_core::outcome::Status;
use deploy_k8s::{Release, ReleaseStatus};
use deploy_tests::{Env, Helm, scenario, served_scenario};
use serde_json::json;

const CONFIG: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: b}\n";

fn assert_told(error: &Error, kind: ErrorKind, texts: &[&str]) {
    assert_eq!(error.kind(), kind, "{error}");
    for text in texts {
        assert!(error.to_string().contains(text), "no \"{text}\" in: {error}");
    }
}

async fn records(env: &Env) -> Vec<String> {
    let secrets = env.all("v1", "Secret").await;
    secrets.iter().filter_map(|secret| secret["metadata"]["name"].as_str().map(str::to_owned)).collect()
}

scenario!(a_name_that_helm_does_not_take, async |env| {
    let long = "a".repeat(54);
    for (name, why) in [
        (long.as_str(), "at most 53 characters, and this has 54"),
        ("Shop", "lowercase"),
        ("", "needs a name"),
    ] {
        let error = Release::new(env.cluster.clone(), &env.namespace, name).expect_err("a bad name");
        assert_told(&error, ErrorKind::InvalidInput, &[why]);
    }
    let longest = env.release(&"a".repeat(53));
    let outcome = longest.upgrade(&env.bundle(CONFIG), env.run().0).await.expect("a name that is taken");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
});

served_scenario!("needs a cluster and helm", helm_reads_the_longest_name, async |env| {
    let name = "a".repeat(53);
    env.release(&name).upgrade(&env.bundle(CONFIG), env.run().0).await.expect("it started");
    for helm in [Helm::Three, Helm::Four] {
        assert_eq!(env.helm_json(helm, &["list"]).await[0]["name"], name.as_str());
    }
});

scenario!(a_release_that_is_not_there, async |env| {
    let nobody = env.release("nobody");
    let run = || env.run().0;
    for error in [
        nobody.roll_back(None, run()).await.expect_err("nothing to go back to"),
        nobody.diff(None, run()).await.expect_err("nothing to compare with"),
        nobody.uninstall(false, run()).await.expect_err("nothing to uninstall"),
        nobody.test(run()).await.expect_err("nothing to test"),
        nobody.get(None).await.expect_err("nothing to get"),
        nobody.revisions().await.expect_err("no history"),
    ] {
        assert_told(&error, ErrorKind::NotFound, &[&env.namespace, "nobody", "there is no such release"]);
    }
    let error = nobody.roll_back(Some(1), run()).await.expect_err("no such revision");
    assert_told(&error, ErrorKind::NotFound, &["revision 1 is not recorded"]);
    assert!(records(&env).await.is_empty());
});

scenario!(a_revision_that_is_not_there, async |env| {
    let app = env.release("app");
    let run = || env.run().0;
    app.upgrade(&env.bundle(CONFIG), run()).await.expect("it started");
    let error = app.roll_back(None, run()).await.expect_err("it is the first");
    assert_told(&error, ErrorKind::NotFound, &["there is no good revision before the present one"]);
    for error in [
        app.roll_back(Some(7), run()).await.expect_err("no such revision"),
        app.diff(Some(7), run()).await.expect_err("no such revision"),
        app.get(Some(7)).await.expect_err("no such revision"),
    ] {
        assert_told(&error, ErrorKind::NotFound, &["revision 7 is not recorded"]);
    }
    let error = app.test(run()).await.expect_err("no tests");
    assert_told(&error, ErrorKind::NotFound, &["revision 1 has no tests"]);
    assert_eq!(app.revisions().await.expect("a history").len(), 1);
});

scenario!(a_namespace_that_is_not_there, async |env| {
    let nowhere = format!("{}-nowhere", env.namespace);
    let release = Release::new(env.cluster.clone(), &nowhere, "app").expect("a name");
    let objects = read("app.yaml", CONFIG.as_bytes()).expect("good manifests");
    let bundle = Bundle::builder().objects(objects).namespace(&nowhere).build().expect("a good bundle");
    let error = release.upgrade(&bundle, env.run().0).await.expect_err("no namespace");
    assert_told(&error, ErrorKind::NotFound, &[&nowhere, "must exist"]);
    let error = release.revisions().await.expect_err("no namespace");
    assert_told(&error, ErrorKind::NotFound, &["there is no such release"]);
});

served_scenario!("needs a cluster and helm", a_record_that_nobody_can_read, async |env| {
    let app = env.release("app");
    let run = || env.run().0;
    app.upgrade(&env.bundle(CONFIG), run()).await.expect("it started");
    app.upgrade(&env.bundle(&CONFIG.replace("a: b", "a: c")), run()).await.expect("it started");
    let broken = json!({"data": {"release": "bm90IGEgcmVsZWFzZQ=="}}).to_string();
    env.kubectl(&["patch", "secret", "sh.helm.release.v1.app.v2", "--type=merge", "-p", &broken], "").await;
    let before = env.all("v1", "Secret").await;
    let secret =
        format!("Secret {}/sh.helm.release.v1.app.v2: the release's record cannot be read", env.namespace);
    for error in [
        app.upgrade(&env.bundle(CONFIG), run()).await.expect_err("nobody knows what stands"),
        app.roll_back(None, run()).await.expect_err("nobody knows what stands"),
        app.roll_back(Some(2), run()).await.expect_err("nobody knows what it is"),
        app.diff(None, run()).await.expect_err("nobody knows what it is"),
        app.uninstall(false, run()).await.expect_err("nobody knows what stands"),
        app.test(run()).await.expect_err("nobody knows what tests it has"),
    ] {
        assert_told(&error, ErrorKind::InvalidInput, &[&secret]);
    }
    assert_eq!(env.all("v1", "Secret").await, before, "no record is written or deleted");
    let config = env.get("v1", "ConfigMap", "config").await.expect("it stands");
    assert_eq!(config["data"], json!({"a": "c"}));
    let history = app.revisions().await.expect("a history");
    let told: Vec<_> =
        history.iter().map(|one| (one.revision, one.status.clone(), one.unreadable.is_some())).collect();
    assert_eq!(told, [(2, ReleaseStatus::Deployed, true), (1, ReleaseStatus::Superseded, false)]);
});
