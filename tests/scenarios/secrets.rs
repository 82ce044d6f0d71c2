//! Secrets made of values that show nowhere, and what restarts when they changed.

use deploy_core::manifest::{Bundle, CONFIG_DIGEST, SecretBuilder, read, redact};
use deploy_core::memory::MemorySecrets;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::report::markdown;
use deploy_core::secret::SecretText;
use deploy_tests::{Env, deployment, scenario};
use serde_json::Value;

const KEY: &str = "a key that only the pipeline knows";

/// A Deployment that uses the Secret whole, with this password in it.
async fn bundle(env: &Env, password: &str) -> Bundle {
    let uses = deployment("api:v1")
        .replace("readinessProbe", "envFrom: [{secretRef: {name: db}}]\n        readinessProbe");
    let source = MemorySecrets::new([("shop-db", password)]);
    let secret =
        SecretBuilder::new("db").read(&source, [("DB_PASSWORD", "shop-db")]).await.expect("it has it");
    let objects = read("api.yaml", env.filled(&uses).as_bytes()).expect("good manifests");
    let builder = Bundle::builder().objects(objects).objects([secret.build().expect("a Secret")]);
    let bundle = builder.namespace(&env.namespace).build().expect("a good bundle");
    bundle.restarting_on_change(Some(&SecretText::new(KEY))).expect("a key")
}

async fn deploy(env: &Env, password: &str) -> Outcome {
    let (run, recorder) = env.run();
    let outcome = env.rollout().run(&bundle(env, password).await, run.named("app")).await.expect("it starts");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let json = serde_json::to_string(&outcome).expect("JSON");
    let shown = format!("{outcome} {outcome:?} {json} {} {:?}", markdown(&outcome), recorder.events());
    shows_not(&shown, password);
    outcome
}

/// Neither the password nor its base64 stands in the text.
fn shows_not(shown: &str, password: &str) {
    let coded = SecretBuilder::new("x").value("a", SecretText::new(password)).build().expect("a Secret");
    let coded = coded.get("/data/a").and_then(Value::as_str).expect("base64").to_owned();
    assert!(!shown.contains(password) && !shown.contains(&coded), "the value shows in {shown}");
}

scenario!(what_uses_a_secret_restarts_when_it_changed, async |env| {
    deploy(&env, "correct-horse-1").await;
    let digest = async || {
        let api = env.get("apps/v1", "Deployment", "api").await.expect("there");
        api["spec"]["template"]["metadata"]["annotations"][CONFIG_DIGEST]
            .as_str()
            .expect("a digest")
            .to_owned()
    };
    let first = digest().await;
    assert_eq!(env.replica_sets().await, 1);

    deploy(&env, "correct-horse-1").await;
    assert_eq!((env.replica_sets().await, digest().await), (1, first.clone()), "nothing changed");

    let target = env.target();
    let plan = deploy_core::target::RolloutTarget::plan(
        &target,
        &bundle(&env, "correct-horse-2").await,
        &env.run().0,
    )
    .await;
    let plan = plan.expect("a plan");
    let changes: Vec<String> =
        plan.changes.iter().map(|change| format!("{change:?} {:?}", change.diff)).collect();
    shows_not(&changes.join("\n"), "correct-horse-2");

    deploy(&env, "correct-horse-2").await;
    assert_eq!(env.replica_sets().await, 2, "the pods were replaced");
    assert_ne!(digest().await, first);
    let secret = env.get("v1", "Secret", "db").await.expect("there");
    assert_eq!(secret["data"]["DB_PASSWORD"], "Y29ycmVjdC1ob3JzZS0y");
    shows_not(&redact(&secret).to_string(), "correct-horse-2");
    env.assert_no_records().await;
});
