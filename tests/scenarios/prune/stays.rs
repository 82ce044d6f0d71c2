//! What is not deleted: what others own or protect, and what was never wanted less.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::manifest::{Bundle, ImageOverride};
use deploy_core::outcome::Status;
use deploy_core::plan::Action;
use deploy_core::rollout::Rollout;
use deploy_core::source::Derive;
use deploy_k8s::{Apply, ApplySet, Cluster, KindName, RolloutVerb, SetImages};
use deploy_tests::{deployment, scenario, served_scenario};
use k8s_openapi::api::core::v1::{PersistentVolume, Secret};
use kube::api::{Api, DeleteParams, Patch, PatchParams};
use serde_json::{Value, json};

use super::{PART_OF, config, config_maps, configs, deploy, has, kinds, listed, refusal, rollout, set};

// kustomize puts the namespace on everything; the API server drops it where it has no meaning.
scenario!(a_cluster_wide_member_with_a_namespace_is_known_again, async |env| {
    let name = env.namespace.clone();
    let metadata = format!("metadata: {{name: {name}, namespace: {name}}}");
    let role =
        format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n{metadata}\nrules: []\n");
    for _ in 0..3 {
        let outcome = deploy(&env, &(role.clone() + &configs(&["alpha"]))).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(outcome.objects.iter().all(|object| object.action != Action::Delete), "{outcome}");
    }
    assert_eq!(listed(&env, &["configmap", "clusterrole"]).await.len(), 2);
    let outcome = deploy(&env, &configs(&["alpha"])).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(listed(&env, &["configmap", "clusterrole"]).await.len(), 1);
});

// One target for all: what changes a part of an object prunes nothing.
scenario!(verbs_prune_nothing, async |env| {
    let manifests = deployment("api:v1") + &configs(&["alpha"]);
    assert_eq!(deploy(&env, &manifests).await.status, Status::Healthy);
    let target = env.target().prune(set(&env));
    let api = "deployment/api".parse::<KindName>().expect("KIND/NAME").in_namespace(&env.namespace);
    let undo = RolloutVerb::undo(&target, api.clone(), Some(1)).expect("a verb");
    let image = ImageOverride::new("api", &format!("{}/api:v2", env.registry)).expect("an image");
    let change = SetImages::new(&target, api, vec![image]);
    let derived: [(&dyn Derive, Apply); 2] = [(&undo, undo.target()), (&change, change.target())];
    for (derive, target) in derived {
        let (run, _) = env.run();
        let outcome = Rollout::new(Arc::new(target)).run_derived(derive, run).await.expect("started");
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    }
    assert_eq!(
        listed(&env, &["configmap", "deployment.apps"]).await,
        ["configmap/alpha", "deployment.apps/api"]
    );
    assert_eq!(env.image("Deployment").await, "api:v2");

    let (run, _) = env.run();
    let nothing = Bundle::builder().build().expect("an empty bundle");
    let error = rollout(&env, set(&env)).run(&nothing, run.named("app")).await.expect_err("refused");
    assert!(error.to_string().contains("would delete the whole set"), "{error}");
});

served_scenario!(
    "needs a cluster and users with fewer rights",
    without_the_right_to_delete_nothing_is_written,
    async |env| {
        assert_eq!(deploy(&env, &configs(&["alpha", "beta"])).await.status, Status::Healthy);
        let role = include_str!("../deployments-only.yaml")
            .replace("[apps]", "[\"\"]")
            .replace("[deployments]", "[configmaps, secrets]")
            .replace(", delete]", "]");
        assert_eq!(env.deploy(&role).await.status, Status::Healthy);
        let limited = Cluster::builder().kubeconfig(env.kubeconfig()).context("limited");
        let limited = limited.build().await.expect("a context");
        let changed = configs(&["alpha"]).replace("a: x", "a: changed");
        let (run, _) = env.run();
        let error = Rollout::new(Arc::new(Apply::new(limited).prune(set(&env))))
            .run(&env.bundle(&changed), run)
            .await
            .expect_err("forbidden");
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        for text in ["ConfigMap", "beta", "delete", "pruning needs the right to delete"] {
            assert!(error.to_string().contains(text), "{error}");
        }
        assert_eq!(env.get("v1", "ConfigMap", "alpha").await.expect("there")["data"]["a"], "x");
    }
);

scenario!(what_others_own_or_protect_stays, async |env| {
    let volume = format!("{}-volume", env.namespace);
    let storage = format!("
---
apiVersion: v1
kind: PersistentVolume
metadata: {{name: {volume}}}
spec: {{capacity: {{storage: 1Mi}}, accessModes: [ReadWriteOnce], storageClassName: \"\", hostPath: {{path: /nowhere}}, persistentVolumeReclaimPolicy: Retain}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {{name: data}}
spec: {{accessModes: [ReadWriteOnce], storageClassName: \"\", volumeName: {volume}, resources: {{requests: {{storage: 1Mi}}}}}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {{name: held, annotations: {{deploy-core/prune: \"false\"}}}}
");
    let kept = config("kept", ", annotations: {helm.sh/resource-policy: keep}");
    let outcome = deploy(&env, &(configs(&["alpha", "owned", "shared"]) + &kept + &storage)).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");

    let (api, somebody) = (config_maps(&env), PatchParams::apply("somebody"));
    let id = set(&env).id();
    let config_map = |name: &str, metadata: Value| {
        let mut object =
            json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"b": "y"}});
        object["metadata"]["name"] = name.into();
        Patch::Apply(object)
    };
    api.patch("copied", &somebody, &config_map("copied", json!({"labels": {PART_OF: id}})))
        .await
        .expect("made");
    api.patch("foreign", &somebody, &config_map("foreign", json!({}))).await.expect("made");
    api.patch("shared", &somebody, &config_map("shared", json!({}))).await.expect("changed");
    let uid = env.get("v1", "ConfigMap", "alpha").await.expect("there")["metadata"]["uid"].clone();
    let owner = json!([{"apiVersion": "v1", "kind": "ConfigMap", "name": "alpha", "uid": uid}]);
    let belongs = Patch::Merge(json!({"metadata": {"ownerReferences": owner}}));
    api.patch("owned", &PatchParams::default(), &belongs).await.expect("changed");

    let outcome = deploy(&env, &configs(&["alpha"])).await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let notes = outcome.notes.join("\n");
    for name in ["copied", "foreign", "shared", "owned", "kept"] {
        assert!(has(&env, name).await, "{name} stays");
        let told = notes.lines().any(|note| note.contains(name) && note.contains("stays"));
        assert_eq!(told, name != "foreign", "{name}: {notes}");
    }
    assert!(env.get("v1", "PersistentVolumeClaim", "data").await.is_some(), "{notes}");
    assert!(
        notes.contains("data is wanted no more and stays") && notes.contains("held is wanted no more"),
        "{notes}"
    );
    assert_eq!(
        kinds(&env).await,
        "ConfigMap,PersistentVolume,PersistentVolumeClaim,ServiceAccount",
        "what stays is not lost sight of"
    );

    let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> =
        Api::namespaced(env.kube.clone(), &env.namespace);
    let unheld = Patch::Merge(json!({"metadata": {"annotations": {"deploy-core/prune": null}}}));
    accounts.patch("held", &PatchParams::default(), &unheld).await.expect("changed");
    assert_eq!(deploy(&env, &configs(&["alpha"])).await.status, Status::Healthy);
    assert!(env.get("v1", "ServiceAccount", "held").await.is_none(), "no longer protected");
    assert_eq!(kinds(&env).await, "ConfigMap,PersistentVolume,PersistentVolumeClaim");
    let volumes: Api<PersistentVolume> = Api::all(env.kube.clone());
    volumes.delete(&volume, &DeleteParams::default()).await.expect("removed");
});

scenario!(a_member_is_of_one_set, async |env| {
    assert_eq!(deploy(&env, &configs(&["alpha", "beta"])).await.status, Status::Healthy);
    let changed = configs(&["alpha"]).replace("a: x", "a: changed");
    assert_eq!(env.deploy(&changed).await.status, Status::Healthy);
    let alpha = env.get("v1", "ConfigMap", "alpha").await.expect("there");
    assert_eq!(alpha["data"]["a"], "changed");
    assert_eq!(alpha["metadata"]["labels"][PART_OF], set(&env).id(), "still a member");
    assert!(has(&env, "beta").await, "nothing is pruned unasked");

    let other = ApplySet::new("other", &env.namespace).expect("a good name");
    let error = refusal(&env, other, &configs(&["alpha"])).await;
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("another set"), "{error}");

    let label = format!(", labels: {{{PART_OF}: {}}}", set(&env).id());
    let error = refusal(&env, set(&env), &config("labelled", &label)).await;
    assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    assert!(!has(&env, "labelled").await);

    let secrets: Api<Secret> = Api::namespaced(env.kube.clone(), &env.namespace);
    let tooling = Patch::Merge(
        json!({"metadata": {"annotations": {"applyset.kubernetes.io/tooling": "kubectl/v1.35"}}}),
    );
    secrets.patch("deploy-set.app", &PatchParams::default(), &tooling).await.expect("changed");
    let error = refusal(&env, set(&env), &configs(&["alpha"])).await;
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("another tool"), "{error}");
    assert!(has(&env, "beta").await);
    env.assert_no_records().await;
});
