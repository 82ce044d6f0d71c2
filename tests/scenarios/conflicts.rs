//! Fields that others set: conflicts, what is yielded, and to whom.

use deploy_k8s::{Apply, Cluster, ConflictRule, Conflicts, FieldConflicts};
use deploy_tests::{Env, deployment, scenario, served_scenario};
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use crate::takeover::{CONFIG, api, healthy, noted, run, unchanged};

const IMAGE: &str = r#"spec.template.spec.containers[name="api"].image"#;

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

scenario!(a_conflict_is_decided_by_field, async |env| {
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
});

// What the error calls a field is what a rule takes, dots in its name or not.
served_scenario!(
    "needs a cluster and kubectl",
    a_field_with_dots_is_yielded_by_the_name_in_the_error,
    async |env| {
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
    }
);

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

served_scenario!("needs a cluster and kubectl", replicas_are_left_to_the_autoscaler, async |env| {
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
});

// Whoever had the count before, it is the autoscaler's now.
served_scenario!("needs a cluster and helm", a_takeover_leaves_the_replicas_to_the_autoscaler, async |env| {
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
});

// The same name for two managers: what kubectl applied is taken over, what it scaled is a conflict.
served_scenario!(
    "needs a cluster and kubectl",
    what_kubectl_scaled_is_a_conflict_all_the_same,
    async |env| {
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
    }
);

served_scenario!("needs a cluster and kubectl", what_may_not_be_read_is_written, async |env| {
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
});
