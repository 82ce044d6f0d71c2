//! What earlier runs applied and the bundle no longer has.

use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind};
use deploy_core::event::{Event, Observer, Recorder};
use deploy_core::journal::Journal;
use deploy_core::manifest::{Bundle, ImageOverride};
use deploy_core::outcome::{Cause, Outcome, Status};
use deploy_core::plan::Action;
use deploy_core::rollout::Rollout;
use deploy_core::run::{Policy, Run};
use deploy_core::source::Derive;
use deploy_core::target::RolloutTarget;
use deploy_k8s::{Apply, ApplySet, Cluster, KindName, LeaseLock, RolloutVerb, SetImages};
use deploy_tests::{Env, assert_order, deployment, live};
use k8s_openapi::api::core::v1::{ConfigMap, PersistentVolume, Secret};
use k8s_openapi::api::rbac::v1::ClusterRole;
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::Command;
use tokio::sync::Notify;

const PART_OF: &str = "applyset.kubernetes.io/part-of";
const KINDS: &str = "applyset.kubernetes.io/contains-group-kinds";
const NAMESPACES: &str = "applyset.kubernetes.io/additional-namespaces";

fn set(env: &Env) -> ApplySet {
    ApplySet::new("app", &env.namespace).expect("a good name")
}

fn rollout(env: &Env, set: ApplySet) -> Rollout {
    Rollout::new(Arc::new(env.target().prune(set)))
        .lock(Arc::new(LeaseLock::new(env.cluster.clone(), &env.namespace)))
        .journal(Arc::new(env.journal()))
        .holder("scenario")
}

/// Deploys manifests as the whole of the set `app`.
async fn deploy(env: &Env, manifests: &str) -> Outcome {
    let (run, _) = env.run();
    let outcome = rollout(env, set(env)).run(&env.bundle(manifests), run.named("app")).await;
    outcome.unwrap_or_else(|error| panic!("the run did not start: {error}"))
}

async fn refusal(env: &Env, set: ApplySet, manifests: &str) -> Error {
    let (run, _) = env.run();
    rollout(env, set).run(&env.bundle(manifests), run.named("app")).await.expect_err("refused")
}

/// A ConfigMap, with more of its metadata in flow style.
fn config(name: &str, more: &str) -> String {
    format!("\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}{more}}}\ndata: {{a: x}}\n")
}

fn configs(names: &[&str]) -> String {
    names.iter().map(|name| config(name, "")).collect()
}

async fn has(env: &Env, name: &str) -> bool {
    env.get("v1", "ConfigMap", name).await.is_some()
}

fn config_maps(env: &Env) -> Api<ConfigMap> {
    Api::namespaced(env.kube.clone(), &env.namespace)
}

async fn parent(env: &Env) -> Option<Value> {
    env.get("v1", "Secret", "deploy-set.app").await
}

/// The kinds that the parent names.
async fn kinds(env: &Env) -> String {
    let parent = parent(env).await.expect("a parent");
    parent["metadata"]["annotations"][KINDS].as_str().expect("kinds").to_owned()
}

/// The names of the set's members, by the real kubectl.
async fn listed(env: &Env, kinds: &str) -> Vec<String> {
    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where kubectl is")]
    let program = std::env::var("KUBECTL").expect("KUBECTL is set: eval \"$(tests/cluster/up)\"");
    let selector = format!("{PART_OF}={}", set(env).id());
    let arguments = ["--namespace", &env.namespace, "get", kinds, "-o", "name", "-l", &selector];
    let output = Command::new(program).arg("--kubeconfig").arg(env.kubeconfig()).args(arguments).output();
    let output = output.await.expect("kubectl runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).lines().map(str::to_owned).collect()
}

fn says(recorder: &Recorder, text: &str) -> bool {
    recorder.events().iter().any(|event| event.kind.to_string().contains(text))
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_is_wanted_no_more_goes_last() {
    live("prune", async |env| {
        let service =
            "\n---\napiVersion: v1\nkind: Service\nmetadata: {name: gamma}\nspec: {ports: [{port: 80}]}\n";
        let outcome = deploy(&env, &(deployment("api:v1") + &configs(&["beta"]) + service)).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_order(&outcome, &["deploy-set.app created", "beta created", "api is healthy"]);
        assert_eq!(kinds(&env).await, "ConfigMap,Deployment.apps,Service");
        assert_eq!(
            listed(&env, "cm,deploy,svc").await,
            ["configmap/beta", "deployment.apps/api", "service/gamma"]
        );

        let bundle = env.bundle(
            &(deployment("api:v2") + "\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}\n"),
        );
        let (run, _) = env.run();
        let outcome =
            rollout(&env, set(&env)).dry_run(true).run(&bundle, run.named("app")).await.expect("planned");
        let deleted = outcome.objects.iter().filter(|object| object.action == Action::Delete);
        let deleted: Vec<_> = deleted.map(|object| object.object.name.as_str()).collect();
        assert_eq!(deleted.len(), 2, "{outcome}");
        assert!(deleted.contains(&"beta") && deleted.contains(&"gamma"), "{outcome}");
        assert!(has(&env, "beta").await, "a dry run deletes nothing");

        let (run, recorder) = env.run();
        let (rollout, during) = (rollout(&env, set(&env)), async {
            env.eventually("the write", || async { says(&recorder, "api changed") }).await;
            kinds(&env).await
        });
        let (outcome, during) = tokio::join!(rollout.run(&bundle, run.named("app")), during);
        let outcome = outcome.expect("started");
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(during, "ConfigMap,Deployment.apps,Service,ServiceAccount");
        assert_order(
            &outcome,
            &["2 to delete", "deploy-set.app changed", "api changed", "api is healthy", "beta deleted"],
        );
        assert_order(&outcome, &["api is healthy", "gamma deleted", "gamma is gone"]);
        assert!(!has(&env, "beta").await && env.get("v1", "Service", "gamma").await.is_none());
        assert_eq!(kinds(&env).await, "Deployment.apps,ServiceAccount");
        assert_eq!(listed(&env, "cm,deploy,svc,sa").await, ["deployment.apps/api", "serviceaccount/more"]);
        env.assert_no_records().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_failing_rollout_deletes_nothing() {
    live("prune-failing", async |env| {
        assert_eq!(deploy(&env, &(deployment("api:v1") + &configs(&["beta"]))).await.status, Status::Healthy);
        let before = parent(&env).await.expect("a parent");
        let more = "\n---\napiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}\n";
        let outcome = deploy(&env, &(deployment("api:does-not-exist") + more)).await;
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        assert!(has(&env, "beta").await);
        let after = parent(&env).await.expect("a parent");
        assert_eq!(after["metadata"]["annotations"], before["metadata"]["annotations"]);
        let owned = |parent: &Value| parent["metadata"]["managedFields"][0]["fieldsV1"].clone();
        assert_eq!(owned(&after), owned(&before));
        env.assert_no_records().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_first_run_that_fails_leaves_no_set() {
    live("prune-first", async |env| {
        let outcome = deploy(&env, &(deployment("api:does-not-exist") + &configs(&["beta"]))).await;
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        assert!(!has(&env, "beta").await && parent(&env).await.is_none());
        env.assert_no_records().await;
    })
    .await;
}

/// kustomize puts the namespace on everything; the API server drops it where it has no meaning.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_cluster_wide_member_with_a_namespace_is_known_again() {
    live("prune-wide", async |env| {
        let name = env.namespace.clone();
        let metadata = format!("metadata: {{name: {name}, namespace: {name}}}");
        let role =
            format!("apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\n{metadata}\nrules: []\n");
        for _ in 0..3 {
            let outcome = deploy(&env, &(role.clone() + &configs(&["alpha"]))).await;
            assert_eq!(outcome.status, Status::Healthy, "{outcome}");
            assert!(outcome.objects.iter().all(|object| object.action != Action::Delete), "{outcome}");
        }
        assert_eq!(listed(&env, "cm,clusterrole").await.len(), 2);
        let outcome = deploy(&env, &configs(&["alpha"])).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(listed(&env, "cm,clusterrole").await.len(), 1);
    })
    .await;
}

/// One target for all: what changes a part of an object prunes nothing.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn verbs_prune_nothing() {
    live("prune-verbs", async |env| {
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
        assert_eq!(listed(&env, "cm,deploy").await, ["configmap/alpha", "deployment.apps/api"]);
        assert_eq!(env.image("Deployment").await, "api:v2");

        let (run, _) = env.run();
        let nothing = Bundle::builder().build().expect("an empty bundle");
        let error = rollout(&env, set(&env)).run(&nothing, run.named("app")).await.expect_err("refused");
        assert!(error.to_string().contains("would delete the whole set"), "{error}");
    })
    .await;
}

/// The parent is in a namespace that the bundle brings.
#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_set_in_its_own_new_namespace() {
    live("prune-namespace", async |env| {
        let inner = format!("{}-inner", env.namespace);
        let set = || ApplySet::new("app", &inner).expect("a good name");
        let namespace = format!("apiVersion: v1\nkind: Namespace\nmetadata: {{name: {inner}}}\n");
        let within = |name: &str| config(name, &format!(", namespace: {inner}"));
        let run = async |manifests: &str| {
            let (run, _) = env.run();
            rollout(&env, set()).run(&env.bundle(manifests), run.named("app")).await.expect("started")
        };
        let outcome = run(&(namespace.clone() + &within("alpha") + &within("beta"))).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_order(&outcome, &[&format!("{inner} created"), "deploy-set.app created", "alpha created"]);
        let outcome = run(&(namespace + &within("alpha"))).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(env.get_in(&inner, "v1", "ConfigMap", "beta").await.is_none());
        env.begin_to_delete_namespace(&inner).await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn without_the_right_to_delete_nothing_is_written() {
    live("prune-rights", async |env| {
        assert_eq!(deploy(&env, &configs(&["alpha", "beta"])).await.status, Status::Healthy);
        let role = include_str!("deployments-only.yaml")
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
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_others_own_or_protect_stays() {
    live("prune-others", async |env| {
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
            let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"b": "y"}});
            object["metadata"]["name"] = name.into();
            Patch::Apply(object)
        };
        api.patch("copied", &somebody, &config_map("copied", json!({"labels": {PART_OF: id}}))).await.expect("made");
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
        assert!(notes.contains("data is wanted no more and stays") && notes.contains("held is wanted no more"), "{notes}");
        assert_eq!(kinds(&env).await, "ConfigMap,PersistentVolume,PersistentVolumeClaim,ServiceAccount", "what stays is not lost sight of");

        let accounts: Api<k8s_openapi::api::core::v1::ServiceAccount> = Api::namespaced(env.kube.clone(), &env.namespace);
        let unheld = Patch::Merge(json!({"metadata": {"annotations": {"deploy-core/prune": null}}}));
        accounts.patch("held", &PatchParams::default(), &unheld).await.expect("changed");
        assert_eq!(deploy(&env, &configs(&["alpha"])).await.status, Status::Healthy);
        assert!(env.get("v1", "ServiceAccount", "held").await.is_none(), "no longer protected");
        assert_eq!(kinds(&env).await, "ConfigMap,PersistentVolume,PersistentVolumeClaim");
        let volumes: Api<PersistentVolume> = Api::all(env.kube.clone());
        volumes.delete(&volume, &DeleteParams::default()).await.expect("removed");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_member_is_of_one_set() {
    live("prune-sets", async |env| {
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
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn members_are_of_any_kind_in_any_namespace() {
    live("prune-places", async |env| {
        let (inner, role, group) = (format!("{}-inner", env.namespace), env.namespace.clone(), format!("{}.example.com", env.namespace));
        env.create_namespace(&inner).await;
        let definition = include_str!("crd.yaml").replace("$GROUP", &group);
        let (widget, definition) = definition.split_once("---\n").expect("two documents");
        let cluster_role = format!("\n---\napiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata: {{name: {role}}}\nrules: []\n");
        let distant = config("distant", &format!(", namespace: {inner}"));
        let outcome = deploy(&env, &format!("{definition}\n---\n{widget}{cluster_role}{distant}{}", configs(&["alpha"]))).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let before = parent(&env).await.expect("a parent");
        assert_eq!(before["metadata"]["annotations"][NAMESPACES], inner.as_str());

        let outcome = deploy(&env, &configs(&["alpha"])).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(env.get(&format!("{group}/v1"), "Widget", "first").await.is_none());
        assert!(env.get_in(&inner, "v1", "ConfigMap", "distant").await.is_none());
        let roles: Api<ClusterRole> = Api::all(env.kube.clone());
        assert!(roles.get_opt(&role).await.expect("the cluster answers").is_none());
        let definition = format!("widgets.{group}");
        assert!(env.has_definition(&definition).await, "definitions stay");
        let after = parent(&env).await.expect("a parent");
        assert_eq!(after["metadata"]["annotations"][NAMESPACES], "");
        assert_eq!(kinds(&env).await, "ConfigMap,CustomResourceDefinition.apiextensions.k8s.io");
        env.remove_definition(&definition).await;
        env.begin_to_delete_namespace(&inner).await;
    })
    .await;
}

/// Tells of the first deletion.
#[derive(Default)]
struct FirstDeletion(Notify);

impl Observer for FirstDeletion {
    fn observe(&self, event: &Event) {
        if event.kind.to_string().ends_with(" deleted") {
            self.0.notify_one();
        }
    }
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn killed_among_the_deletions() {
    live("prune-killed", async |env| {
        let many: String = (0..40).map(|i| config(&format!("more-{i}"), "")).collect();
        assert_eq!(deploy(&env, &(configs(&["alpha"]) + &many)).await.status, Status::Healthy);
        let changed = configs(&["alpha"]).replace("a: x", "a: changed");
        let first = Arc::new(FirstDeletion::default());
        let (rollout, bundle) = (rollout(&env, set(&env)), env.bundle(&changed));
        tokio::select! {
            outcome = rollout.run(&bundle, Run::new().named("app").observer(first.clone())) => panic!("it ended: {outcome:?}"),
            () = first.0.notified() => {}
        }
        let left = listed(&env, "cm").await.len();
        assert!((2..41).contains(&left), "killed among the deletions: {left} are left");
        let outcome = deploy(&env, &changed).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(!outcome.timeline.iter().any(|event| event.kind.to_string().contains("undoing")), "{outcome}");
        assert_eq!(listed(&env, "cm").await, ["configmap/alpha"]);
        assert_eq!(env.get("v1", "ConfigMap", "alpha").await.expect("there")["data"]["a"], "changed");
        assert!(env.journal().load("app").await.expect("readable").is_none());
        env.assert_no_records().await;
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn what_a_finalizer_holds_is_waited_for() {
    live("prune-held", async |env| {
        let held = config("beta", ", finalizers: [example.com/hold]");
        assert_eq!(deploy(&env, &(configs(&["alpha"]) + &held)).await.status, Status::Healthy);
        let policy = Policy::default().timeout(Duration::from_secs(3));
        let run = Run::new().policy(policy).named("app");
        let outcome =
            rollout(&env, set(&env)).run(&env.bundle(&configs(&["alpha"])), run).await.expect("started");
        assert_eq!(outcome.status, Status::Incomplete, "{outcome}");
        let Some(Cause::TimedOut { waiting }) = &outcome.cause else { panic!("not timed out: {outcome}") };
        assert_eq!(
            waiting.iter().map(|each| each.object.name.as_str()).collect::<Vec<_>>(),
            ["beta"],
            "{outcome}"
        );
        assert!(outcome.to_string().contains("beta: being deleted"), "{outcome}");
        env.assert_no_records().await;

        let (run, recorder) = env.run();
        let (rollout, bundle) = (rollout(&env, set(&env)), env.bundle(&configs(&["alpha"])));
        let release = async {
            env.eventually("the deletion", || async { says(&recorder, "beta deleted") }).await;
            env.release("beta").await;
        };
        let (outcome, ()) = tokio::join!(rollout.run(&bundle, run.named("app")), release);
        let outcome = outcome.expect("started");
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(!has(&env, "beta").await);
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn a_large_set_takes_few_requests() {
    live("prune-large", async |env| {
        let many: String = (0..1000).map(|i| config(&format!("c-{i}"), "")).collect();
        let sent = env.cluster.requests_sent();
        assert_eq!(deploy(&env, &many).await.status, Status::Healthy);
        println!("first: {} requests", env.cluster.requests_sent() - sent);
        let sent = env.cluster.requests_sent();
        let outcome = deploy(&env, &many).await;
        let sent = env.cluster.requests_sent() - sent;
        println!("unchanged: {sent} requests in {:?}", outcome.took);
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert!(outcome.objects.iter().all(|object| object.action == Action::Unchanged), "{outcome}");
        assert!(sent <= 30, "{sent} requests");
    })
    .await;
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn others_large_secrets_are_not_held_in_memory() {
    live("prune-memory", async |env| {
        let secrets: Api<Secret> = Api::namespaced(env.kube.clone(), &env.namespace);
        for i in 0..60 {
            let secret = json!({"metadata": {"name": format!("foreign-{i}")}, "stringData": {"a": "x".repeat(900 << 10)}});
            secrets.create(&PostParams::default(), &serde_json::from_value(secret).expect("a Secret")).await.expect("made");
        }
        let ours = |count: usize| {
            let secrets = (0..count).map(|i| {
                let metadata = format!("metadata: {{name: ours-{i}}}");
                ["---\napiVersion: v1\nkind: Secret", &metadata, "stringData: {a: x}\n"].join("\n")
            });
            secrets.collect::<String>() + "---\n"
        };
        assert_eq!(deploy(&env, &ours(40)).await.status, Status::Healthy);
        let manifests = ours(20) + &deployment("api:v1");
        let sent = env.cluster.requests_sent();
        let (run, _) = env.run();
        env.target().prune(set(&env)).plan(&env.bundle(&manifests), &run).await.expect("planned");
        let sent = env.cluster.requests_sent() - sent;

        let mut process = Command::new(env!("CARGO_BIN_EXE_deploy-once"));
        process.env("NAMESPACE", &env.namespace).env("PRUNE", "").stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
        let mut process = process.spawn().expect("started");
        let mut stdin = process.stdin.take().expect("piped");
        stdin.write_all(env.filled(&manifests).as_bytes()).await.expect("read");
        drop(stdin);
        let mut lines = BufReader::new(process.stdout.take().expect("piped")).lines();
        while let Some(line) = lines.next_line().await.expect("text") {
            if line.starts_with("plan: ") {
                assert!(line.contains("20 to delete"), "{line}");
                break;
            }
        }
        let status = format!("/proc/{}/status", process.id().expect("it runs"));
        let status = std::fs::read_to_string(status).expect("readable");
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("it runs");
        let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
        println!("plan: {sent} requests, {} MiB at most", peak >> 10);
        assert!(peak < 60 << 10, "{peak} KiB");
        assert!(sent <= 60, "{sent} requests");
        process.kill().await.expect("ended");
    })
    .await;
}
