//! Objects that others deployed, autoscale or keep: who owns what afterwards, and what stands.

use std::sync::Arc;

use deploy_core::error::{ErrorKind, Result};
use deploy_core::event::Event;
use deploy_core::outcome::{Outcome, Status};
use deploy_core::plan::Action;
use deploy_core::rollout::Rollout;
use deploy_core::target::RolloutTarget;
use deploy_k8s::{Apply, Cluster, ConflictRule, Conflicts, FieldConflicts};
use deploy_tests::{Env, deployment, live, managers, reasons};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use serde_json::{Value, json};

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
pub(crate) const CONFIG: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: config}\ndata: {a: b}\n---\n";
const IMAGE: &str = r#"spec.template.spec.containers[name="api"].image"#;

/// What somebody else deployed once: with an annotation and a field that our manifest does not have.
fn theirs(image: &str) -> String {
    deployment(image)
        .replace("metadata: {name: api}", "metadata: {name: api, annotations: {example.com/old: \"1\"}}")
        .replace("replicas: 2", "replicas: 2\n  revisionHistoryLimit: 3")
}

pub(crate) async fn run(env: &Env, target: Apply, manifests: &str) -> Result<Outcome> {
    let (run, _) = env.run();
    Rollout::new(Arc::new(target)).run(&env.bundle(manifests), run).await
}

pub(crate) async fn healthy(env: &Env, target: Apply, manifests: &str) -> Outcome {
    let outcome = run(env, target, manifests).await.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    outcome
}

pub(crate) async fn unchanged(env: &Env, target: Apply, manifests: &str) -> Outcome {
    let outcome = healthy(env, target, manifests).await;
    for object in &outcome.objects {
        assert_eq!(object.action, Action::Unchanged, "{} {:?}", object.object, object.diff);
    }
    outcome
}

pub(crate) async fn api(env: &Env) -> Value {
    env.get("apps/v1", "Deployment", "api").await.expect("there")
}

fn owners(object: &Value) -> Vec<String> {
    managers(object).into_iter().filter_map(|(manager, _)| manager.as_str().map(str::to_owned)).collect()
}

pub(crate) fn noted(outcome: &Outcome, texts: &[&str]) {
    let notes = outcome.notes.join("\n");
    for text in texts {
        assert!(notes.contains(text), "no \"{text}\" in the notes:\n{notes}");
    }
}

/// Somebody else's image, by a forced server-side apply.
async fn somebodys_image(env: &Env, image: &str) {
    let image = format!("{}/{image}", env.registry);
    let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"},
        "spec": {"template": {"spec": {"containers": [{"name": "api", "image": image}]}}}});
    let api: Api<Deployment> = Api::namespaced(env.kube.clone(), &env.namespace);
    api.patch("api", &PatchParams::apply("somebody").force(), &Patch::Apply(&object))
        .await
        .expect("somebody may");
}

/// Takes over what kubectl applied: first without a change of the pods, then with one.
async fn from_kubectl(env: &Env, apply: &[&str], manager: &str) {
    env.kubectl(apply, &theirs("api:v1")).await;
    let (planning, _) = env.run();
    let plan = env.target().plan(&env.bundle(&deployment("api:v1")), &planning).await.expect("planned");
    let plan = plan.to_string();
    for text in ["example.com/old", ".spec.revisionHistoryLimit", "taken over from", manager] {
        assert!(plan.contains(text), "no \"{text}\" in the plan:\n{plan}");
    }
    let outcome = healthy(env, env.target(), &deployment("api:v1")).await;
    noted(&outcome, &[&format!("taken over from {manager}")]);
    assert_eq!(env.replica_sets().await, 1, "only metadata changed");
    let object = api(env).await;
    let annotations = object.pointer("/metadata/annotations").expect("ours");
    assert!(
        annotations.get("example.com/old").is_none() && annotations.get(LAST_APPLIED).is_none(),
        "{annotations}"
    );
    assert_eq!(object.pointer("/spec/revisionHistoryLimit"), Some(&json!(10)), "the default again");
    assert_eq!(owners(&object), ["deploy-core"]);
    unchanged(env, env.target(), &deployment("api:v1")).await;

    env.kubectl(&["delete", "deployment", "api", "--wait", "--cascade=foreground"], "").await;
    env.kubectl(apply, &theirs("api:v1")).await;
    healthy(env, env.target(), &deployment("api:v2")).await;
    assert_eq!(env.replica_sets().await, 2, "one rollout, not two");
    assert_eq!(owners(&api(env).await), ["deploy-core"]);
    unchanged(env, env.target(), &deployment("api:v2")).await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn from_client_side_apply() {
    live("take-client", async |env| {
        from_kubectl(&env, &["apply", "-f", "-"], "kubectl-client-side-apply").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn from_server_side_apply() {
    live("take-server", async |env| {
        from_kubectl(&env, &["apply", "--server-side", "-f", "-"], "kubectl").await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_failed_takeover_gives_everything_back() {
    live("take-back", async |env| {
        env.kubectl(&["apply", "-f", "-"], &theirs("api:v1")).await;
        env.eventually("v1 is ready", || async { env.ready_images().await.len() == 2 }).await;
        let before = api(&env).await;
        let outcome = env.deploy(&deployment("api:does-not-exist")).await;
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        assert_eq!(reasons(&outcome), ["ImageNotFound"]);
        let after = api(&env).await;
        assert_eq!(after["spec"], before["spec"]);
        assert_eq!(managers(&after), managers(&before));
        assert_eq!(
            after["metadata"]["annotations"][LAST_APPLIED],
            before["metadata"]["annotations"][LAST_APPLIED]
        );
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn kubectl_takes_over_and_we_take_it_back() {
    live("take-turns", async |env| {
        let kubectl: [&[&str]; 2] =
            [&["apply", "-f", "-"], &["apply", "--server-side", "--force-conflicts", "-f", "-"]];
        for apply in kubectl {
            healthy(&env, env.target(), &deployment("api:v1")).await;
            env.kubectl(apply, &deployment("api:v2")).await;
            assert_eq!(env.image("Deployment").await, "api:v2");
            let outcome = healthy(&env, env.target(), &deployment("api:v1")).await;
            noted(&outcome, &["taken over from kubectl"]);
            assert_eq!(env.image("Deployment").await, "api:v1");
            assert_eq!(owners(&api(&env).await), ["deploy-core"]);
        }
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn from_helm_only_where_asked_for() {
    live("take-helm", async |env| {
        env.helm(&theirs("api:v1")).await;
        let error = run(&env, env.target(), &deployment("api:v2")).await.expect_err("helm's");
        assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
        assert!(error.to_string().contains("\"helm\""), "{error}");
        assert_eq!(env.image("Deployment").await, "api:v1");

        let target = || env.target().take_over_from(["kubectl", "helm"]);
        let outcome = healthy(&env, target(), &deployment("api:v2")).await;
        noted(&outcome, &["taken over from helm"]);
        let object = api(&env).await;
        assert_eq!(owners(&object), ["deploy-core"]);
        let metadata = object["metadata"].to_string();
        assert!(!metadata.contains("meta.helm.sh") && !metadata.contains("example.com/old"), "{metadata}");
        unchanged(&env, target(), &deployment("api:v2")).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_conflict_is_decided_by_field() {
    live("take-fields", async |env| {
        healthy(&env, env.target(), &deployment("api:v1")).await;
        somebodys_image(&env, "api:v3").await;
        let wanted =
            deployment("api:v2").replace("metadata: {name: api}", "metadata: {name: api, labels: {new: a}}");
        let error = run(&env, env.target(), &wanted).await.expect_err("a conflict");
        let conflicts = std::error::Error::source(&error)
            .and_then(|source| source.downcast_ref::<FieldConflicts>())
            .unwrap_or_else(|| panic!("no conflicts in {error:?}"));
        let found: Vec<_> = conflicts
            .fields
            .iter()
            .map(|each| (each.field.trim_start_matches('.'), each.manager.as_str()))
            .collect();
        assert_eq!(found, [(IMAGE, "somebody")]);
        assert!(conflicts.fields.iter().all(|each| each.since.is_some() && each.by_apply), "{conflicts:?}");

        let by = |then| {
            let rule = ConflictRule::new(then).kind("apps", "Deployment").field(IMAGE).expect("a field");
            env.target().conflict_rule(rule)
        };
        let outcome = healthy(&env, by(Conflicts::Yield), &wanted).await;
        noted(&outcome, &[IMAGE, "somebody"]);
        assert_eq!(outcome.objects[0].yielded.len(), 1, "{outcome}");
        assert_eq!(env.image("Deployment").await, "api:v3", "theirs stands");
        assert_eq!(api(&env).await["metadata"]["labels"]["new"], "a", "the rest is ours");
        unchanged(&env, by(Conflicts::Yield), &wanted).await;

        healthy(&env, by(Conflicts::Force), &wanted).await;
        assert_eq!(env.image("Deployment").await, "api:v2");
    })
    .await;
}

/// What the error calls a field is what a rule takes, dots in its name or not.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_field_with_dots_is_yielded_by_the_name_in_the_error() {
    live("take-dots", async |env| {
        let annotated = |owner: &str| {
            let metadata = format!("metadata: {{name: api, annotations: {{example.com/owner: {owner}}}}}");
            deployment("api:v1").replace("metadata: {name: api}", &metadata)
        };
        healthy(&env, env.target(), &annotated("us")).await;
        env.kubectl(&["annotate", "deployment", "api", "example.com/owner=them", "--overwrite"], "").await;
        let error = run(&env, env.target(), &annotated("all")).await.expect_err("a conflict");
        let conflicts =
            std::error::Error::source(&error).and_then(|source| source.downcast_ref::<FieldConflicts>());
        let field = &conflicts.expect("conflicts").fields[0].field;
        assert_eq!(field, r#".metadata.annotations["example.com/owner"]"#);
        let rule = ConflictRule::new(Conflicts::Yield).field(field).expect("a field");
        let outcome = healthy(&env, env.target().conflict_rule(rule.clone()), &annotated("all")).await;
        assert_eq!(&outcome.objects[0].yielded[0].field, field);
        assert_eq!(api(&env).await["metadata"]["annotations"]["example.com/owner"], "them");
        unchanged(&env, env.target().conflict_rule(rule), &annotated("all")).await;
    })
    .await;
}

/// A HorizontalPodAutoscaler of three replicas at least; its scaling is done for it, as the cluster may have no metrics.
pub(crate) async fn autoscale(env: &Env) {
    let autoscaler = "apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: api}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}
  minReplicas: 3
  maxReplicas: 5
  metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 50}}}]
";
    env.kubectl(&["apply", "-f", "-"], autoscaler).await;
    let api: Api<Deployment> = Api::namespaced(env.kube.clone(), &env.namespace);
    let scale = Patch::Merge(json!({"spec": {"replicas": 3}}));
    api.patch_scale("api", &PatchParams::default(), &scale).await.expect("scaled");
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn replicas_are_left_to_the_autoscaler() {
    live("take-hpa", async |env| {
        // Ours are scaled from 1; or were 3 all along, so that the autoscaler left no trace in the managers.
        for ours in ["replicas: 1", "replicas: 3"] {
            let at = |image: &str, replicas: &str| deployment(image).replace("replicas: 2", replicas);
            healthy(&env, env.target(), &at("api:v1", ours)).await;
            autoscale(&env).await;
            let wanted = at("api:v2", "replicas: 1");
            let outcome = healthy(&env, env.target(), &wanted).await;
            noted(&outcome, &[".spec.replicas is left to", "HorizontalPodAutoscaler", "(3 now)"]);
            assert_eq!(api(&env).await["spec"]["replicas"], 3);
            unchanged(&env, env.target(), &wanted).await;
            env.kubectl(&["delete", "hpa,deployment", "api", "--cascade=foreground"], "").await;

            healthy(&env, env.target(), &at("api:v1", ours)).await;
            autoscale(&env).await;
            let dropped = at("api:v1", "minReadySeconds: 0");
            healthy(&env, env.target(), &dropped).await;
            assert_eq!(api(&env).await["spec"]["replicas"], 3, "never reset to 1");
            unchanged(&env, env.target(), &dropped).await;
            env.kubectl(&["delete", "hpa,deployment", "api", "--cascade=foreground"], "").await;
        }
    })
    .await;
}

/// Whoever had the count before, it is the autoscaler's now.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_takeover_leaves_the_replicas_to_the_autoscaler() {
    live("take-over-hpa", async |env| {
        // As many as the autoscaler wants: its scaling leaves no trace in the managers.
        let three = deployment("api:v1").replace("replicas: 2", "replicas: 3");
        let none = deployment("api:v2").replace("replicas: 2", "minReadySeconds: 0");
        let takes = env.target().take_over_from(["kubectl", "helm"]);
        let check = async || {
            autoscale(&env).await;
            let outcome = healthy(&env, takes.clone(), &none).await;
            noted(&outcome, &[".spec.replicas is left to", "HorizontalPodAutoscaler"]);
            assert_eq!(api(&env).await["spec"]["replicas"], 3, "never reset to 1");
            unchanged(&env, takes.clone(), &none).await;
            env.kubectl(&["delete", "hpa,deployment", "api", "--cascade=foreground"], "").await;
        };
        env.kubectl(&["apply", "--server-side", "-f", "-"], &three).await;
        check().await;
        env.helm(&three).await;
        check().await;
    })
    .await;
}

/// The same name for two managers: what kubectl applied is taken over, what it scaled is a conflict.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_kubectl_scaled_is_a_conflict_all_the_same() {
    live("take-scaled", async |env| {
        env.kubectl(&["apply", "--server-side", "-f", "-"], &deployment("api:v1")).await;
        env.kubectl(&["scale", "deployment/api", "--replicas=1"], "").await;
        let error = run(&env, env.target(), &deployment("api:v2")).await.expect_err("a conflict");
        let conflicts =
            std::error::Error::source(&error).and_then(|source| source.downcast_ref::<FieldConflicts>());
        let field = &conflicts.expect("conflicts").fields[0];
        assert_eq!((field.field.as_str(), field.subresource.as_deref()), (".spec.replicas", Some("scale")));
        let outcome = healthy(&env, env.target().conflicts(Conflicts::Yield), &deployment("api:v2")).await;
        assert_eq!(outcome.objects[0].yielded[0].field, ".spec.replicas");
        assert_eq!(api(&env).await["spec"]["replicas"], 1);
        healthy(&env, env.target().conflicts(Conflicts::Force), &deployment("api:v1")).await;
        assert_eq!(api(&env).await["spec"]["replicas"], 2);
    })
    .await;
}

/// Somebody writes while a takeover fails: theirs stays, and what the takeover removed comes back all the same.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_failed_takeover_beside_somebody_else() {
    live("take-back-beside", async |env| {
        env.kubectl(&["apply", "-f", "-"], &theirs("api:v1")).await;
        env.eventually("v1 is ready", || async { env.ready_images().await.len() == 2 }).await;
        let (next, recorder) = env.run();
        let meanwhile = async {
            let wrote = |event: &Event| event.kind.to_string().contains("api changed");
            env.eventually("the write", || async { recorder.events().iter().any(wrote) }).await;
            env.kubectl(&["annotate", "deployment", "api", "example.com/note=theirs"], "").await;
        };
        let (rollout, bundle) = (env.rollout(), env.bundle(&deployment("api:does-not-exist")));
        let (outcome, ()) = tokio::join!(rollout.run(&bundle, next.named("app")), meanwhile);
        let outcome = outcome.expect("started");
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        let after = api(&env).await;
        assert_eq!(after["spec"]["revisionHistoryLimit"], 3, "{outcome}");
        assert_eq!(after["metadata"]["annotations"]["example.com/old"], "1", "{outcome}");
        assert_eq!(after["metadata"]["annotations"]["example.com/note"], "theirs");
        assert_eq!(env.image("Deployment").await, "api:v1");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_may_not_be_read_is_written() {
    live("take-blind", async |env| {
        let role = "apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: blind}
rules: [{apiGroups: [\"\"], resources: [configmaps], verbs: [create, patch]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: blind}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: blind}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: limited}]
";
        env.kubectl(&["apply", "-f", "-"], role).await;
        let limited = Cluster::builder().kubeconfig(env.kubeconfig()).context("limited").build().await;
        let limited = Apply::new(limited.expect("a context"));
        let config = |value: &str| CONFIG.replace("a: b", &format!("a: {value}"));
        healthy(&env, limited.clone(), &config("made")).await;
        let outcome = healthy(&env, limited, &config("changed")).await;
        noted(&outcome, &["ConfigMap", "config is written whatever it is", "cannot be brought back"]);
        assert_eq!(env.get("v1", "ConfigMap", "config").await.expect("there")["data"]["a"], "changed");
    })
    .await;
}
