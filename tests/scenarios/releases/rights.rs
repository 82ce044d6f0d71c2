//! The rights that a release takes: those of the documentation and no others.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_tests::{Env, deployment, job, served_scenario};
use k8s_openapi::api::core::v1::ServiceAccount;
use k8s_openapi::api::rbac::v1::{Role, RoleBinding, RoleRef, Subject};
use kube::api::{Api, ObjectMeta, PostParams};
use kube::config::{KubeConfigOptions, Kubeconfig};

use super::{config_maps, history};

const ROLE: &str = include_str!("../../../crates/deploy-k8s/src/release/role.yaml");

/// The same environment as somebody who has the documented rights in its namespace.
async fn as_releaser(env: &Env) -> Env {
    let name = || ObjectMeta { name: Some("releaser".to_owned()), ..ObjectMeta::default() };
    let objects = deploy_core::manifest::read("role.yaml", ROLE.as_bytes()).expect("a manifest");
    let role: Role = serde_json::from_value(objects[0].value().clone()).expect("a Role");
    let account = ServiceAccount { metadata: name(), ..ServiceAccount::default() };
    let subject = Subject {
        kind: "ServiceAccount".to_owned(),
        name: "releaser".to_owned(),
        namespace: Some(env.namespace.clone()),
        ..Subject::default()
    };
    let binding = RoleBinding {
        metadata: name(),
        role_ref: RoleRef {
            api_group: "rbac.authorization.k8s.io".to_owned(),
            kind: "Role".to_owned(),
            name: "releaser".to_owned(),
        },
        subjects: Some(vec![subject]),
    };
    let (new, namespace) = (PostParams::default(), env.namespace.as_str());
    Api::namespaced(env.kube.clone(), namespace).create(&new, &account).await.expect("created");
    Api::namespaced(env.kube.clone(), namespace).create(&new, &role).await.expect("created");
    Api::namespaced(env.kube.clone(), namespace).create(&new, &binding).await.expect("created");
    let kubeconfig = Kubeconfig::read_from(env.kubeconfig()).expect("a kubeconfig");
    let mut config = kube::Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default())
        .await
        .expect("a configuration");
    config.default_retry = false;
    config.auth_info.impersonate = Some(format!("system:serviceaccount:{namespace}:releaser"));
    env.through(kube::Client::try_from(config).expect("a client"))
}

served_scenario!(
    "needs a cluster and Roles that decide",
    a_release_takes_the_documented_rights_and_no_more,
    async |env| {
        let releaser = as_releaser(&env).await;
        let upgrade = async |manifests: &[String]| {
            let bundle = env.bundle(&manifests.join("---\n"));
            let outcome = releaser.release("app").history_max(2).upgrade(&bundle, env.run().0).await;
            outcome.unwrap_or_else(|error| panic!("it did not start: {error}"))
        };
        let annotations = "annotations: {helm.sh/hook: 'pre-install,pre-upgrade,test,pre-delete'}";
        let hook = job("api:v1")
            .replace("metadata: {name: migrate}", &format!("metadata: {{name: migrate, {annotations}}}"))
            .replace("name: migrate, image", "name: migrate, command: [/bin/true], image");
        let bad_hook = hook.replace("api:v1", "api:does-not-exist");
        let good = || vec![hook.clone(), deployment("api:v1"), config_maps("1", &["config", "old"])];
        assert_eq!(upgrade(&good()).await.status, Status::Healthy);
        let changed = [hook.clone(), deployment("api:v2"), config_maps("2", &["config"])];
        assert_eq!(upgrade(&changed).await.status, Status::Healthy);
        let bad = [hook.clone(), deployment("api:does-not-exist"), config_maps("3", &["config", "new"])];
        for bad in [&bad[..], &[bad_hook, deployment("api:v1")]] {
            let outcome = upgrade(bad).await;
            assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
            assert!(outcome.evidence.gaps.is_empty(), "{:?}", outcome.evidence.gaps);
        }
        let release = releaser.release("app");
        assert_eq!(release.test(env.run().0).await.expect("started").status, Status::Healthy);
        let back = release.roll_back(None, env.run().0).await;
        assert_eq!(back.expect("started").status, Status::Healthy);
        assert!(!history(&env).await.is_empty());
        let gone = release.uninstall(false, env.run().0).await.expect("started");
        assert_eq!(gone.status, Status::Healthy, "{gone}");
        // What it has no right to is refused before anything is written.
        let account = "apiVersion: v1\nkind: ServiceAccount\nmetadata: {name: more}\n";
        let error = release.upgrade(&env.bundle(account), env.run().0).await.expect_err("it may not");
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert!(release.revisions().await.is_err(), "nothing is recorded");
        // How an object stood is journaled, which takes one right more: nothing of it is written, and no revision stays pending.
        env.deploy(&config_maps("theirs", &["plain"])).await;
        let bundle = env.bundle(&config_maps("ours", &["plain"]));
        let error = release.take_ownership(true).upgrade(&bundle, env.run().0).await.expect_err("it may not");
        assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
        assert_eq!(history(&env).await, ["1 failed"]);
        let live = env.get("v1", "ConfigMap", "plain").await.expect("there");
        assert_eq!(live["data"]["value"], "theirs");
    }
);
