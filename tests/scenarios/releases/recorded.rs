//! Records that helm made of manifests which a stricter reader, and server-side apply, do not take.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_tests::{Env, deployment, scenario};
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1::Secret;
use kube::Api;
use kube::api::PostParams;
use serde_json::{Value, json};

use super::{config_maps, history, there, upgrade, upgraded};

/// Records a revision as helm of long ago did: not compressed.
pub(super) async fn record(env: &Env, revision: u64, status: &str, description: &str, manifest: &str) {
    let record = json!({
        "name": "app", "namespace": env.namespace, "version": revision, "manifest": env.filled(manifest),
        "chart": {"metadata": {"name": "app", "version": "1.0.0"}}, "info": {"status": status, "description": description},
    });
    let base64 = |text: String| match serde_json::to_value(ByteString(text.into_bytes())) {
        Ok(Value::String(text)) => text,
        other => panic!("{other:?}"),
    };
    record_of(env, revision, status, json!({"release": base64(base64(record.to_string()))})).await;
}

/// Makes the Secret of a revision, whatever it holds.
pub(super) async fn record_of(env: &Env, revision: u64, status: &str, data: Value) {
    let secret = json!({
        "metadata": {
            "name": format!("sh.helm.release.v1.app.v{revision}"),
            "labels": {"owner": "helm", "name": "app", "status": status, "version": revision.to_string()},
        },
        "type": "helm.sh/release.v1", "data": data,
    });
    let secrets: Api<Secret> = Api::namespaced(env.kube.clone(), &env.namespace);
    let secret = serde_json::from_value(secret).expect("a secret");
    secrets.create(&PostParams::default(), &secret).await.expect("the cluster answers");
}

scenario!(what_does_not_fit_its_kind_is_left_out_on_the_way_back, async |env| {
    let odd = deployment("api:v1").replace("replicas: 2", "replicas: 1\n  bogus: 1").replace(
        "      - name: api\n",
        "      - name: api\n        env: [{name: A, value: old}, {name: A, value: new}]\n",
    );
    let twice = [
        config_maps("old", &["config"]),
        config_maps("new", &["config"]).replace("\ndata", "\ndata: {}\ndata"),
    ];
    record(&env, 1, "deployed", "Install complete", &[&odd, "---\n", &twice.join("---\n")].concat()).await;
    let outcome = upgrade(&env, &deployment("api:does-not-exist")).await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    let notes = outcome.rollback.expect("it went back").notes;
    for note in
        ["/api: .spec.bogus is left out", ".env[name=\"A\"] is there several times: the last one counts"]
    {
        assert!(notes.iter().any(|one| one.contains(note)), "{note}: {notes:?}");
    }
    let live = env.get("apps/v1", "Deployment", "api").await.expect("it is there");
    assert_eq!(
        live["spec"]["template"]["spec"]["containers"][0]["env"],
        json!([{"name": "A", "value": "new"}])
    );
    let config = env.get("v1", "ConfigMap", "config").await.expect("it is there");
    assert_eq!(config["data"]["value"], "new");

    let error = env.release("app").upgrade(&env.bundle(&odd), env.run().0).await.expect_err("a mistake");
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    let images = env.release("app").revisions().await.expect("a history").remove(0).images;
    assert_eq!(images.len(), 1, "{images:?}");
});

scenario!(what_failed_and_is_called_superseded_is_no_way_back, async |env| {
    record(&env, 1, "superseded", "Release \"app\" failed: timed out", &config_maps("1", &["failed"])).await;
    upgraded(&env, &config_maps("2", &["config"])).await;
    let error = env.release("app").roll_back(None, env.run().0).await.expect_err("nothing good was before");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    upgraded(&env, &config_maps("3", &["config"])).await;
    let outcome = env.release("app").roll_back(None, env.run().0).await.expect("it started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!((there(&env, "failed").await, there(&env, "config").await), (false, true));
    assert_eq!(history(&env).await, ["4 deployed", "3 superseded", "2 superseded", "1 superseded"]);
});

scenario!(a_record_that_cannot_be_read_says_where_and_what_to_do, async |env| {
    record(&env, 1, "deployed", "Install complete", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: [}\n")
        .await;
    let error = env.release("app").upgrade(&env.bundle(&config_maps("1", &["config"])), env.run().0).await;
    let error = error.expect_err("what stands is not known").to_string();
    let place =
        format!("revision 1 of release {}/app:3:19: its recorded manifest cannot be read: ", env.namespace);
    assert!(error.contains(&place) && error.contains("helm get manifest app --revision 1"), "{error}");
    assert_eq!(history(&env).await, ["1 deployed"]);
});
