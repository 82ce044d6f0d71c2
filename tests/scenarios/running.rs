//! What runs, down to its digest and commit, and what a way back would need.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::conformance;
use deploy_core::error::Result;
use deploy_core::inventory::{Inventory, RunningImage};
use deploy_core::outcome::Status;
use deploy_core::rollout::Rollout;
use deploy_core::secret::{SecretSource, SecretText};
use deploy_k8s::PullSecrets;
use deploy_tests::{Env, deployment, scenario, workload};

use crate::conformance::rooms::Rooms;

/// A Deployment of two containers that was rolled out twice, a CronJob, a Job that ended.
fn shop(image: &str) -> String {
    let second = "name: side\n        image: $REGISTRY/worker:v1\n      - name: api";
    let api = deployment(image).replace("name: api\n        image", &format!("{second}\n        image"));
    let nightly = "apiVersion: batch/v1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: '0 3 1 1 *'
  jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: report, image: '$REGISTRY/api:v1'}]}}}}
";
    format!("{api}---\n{nightly}")
}

async fn roll_out(env: &Env, manifests: &str, git_revision: &str) -> Status {
    let (run, _) = env.run();
    let rollout = Rollout::new(Arc::new(env.target()));
    rollout.run(&env.bundle(manifests), run.git_revision(git_revision)).await.expect("started").status
}

struct Running {
    env: Env,
    empty: String,
}

impl conformance::inventory::Fixture for Running {
    fn inventory(&self) -> &dyn Inventory {
        &self.env.cluster
    }

    fn namespace(&self) -> &str {
        &self.env.namespace
    }

    fn expected(&self) -> Vec<(String, String, String)> {
        let row = |workload: &str, container: &str, image: &str| {
            (workload.to_owned(), container.to_owned(), format!("{}/{image}", self.env.registry))
        };
        vec![row("api", "api", "api:v2"), row("api", "side", "worker:v1"), row("nightly", "report", "api:v1")]
    }

    fn kept(&self) -> Vec<String> {
        ["api:v1", "api:v2", "worker:v1"].map(|image| format!("{}/{image}", self.env.registry)).to_vec()
    }

    fn empty_namespace(&self) -> &str {
        &self.empty
    }
}

scenario!(inventory_of_a_cluster, async |env| {
    let rooms = Rooms::of(&env);
    conformance::inventory::run(async || {
        let mut env = (*env).clone();
        env.namespace = rooms.another().await;
        for image in ["api:v1", "api:v2"] {
            assert_eq!(roll_out(&env, &shop(image), "4f1c2d9").await, Status::Healthy);
        }
        Running { env, empty: rooms.another().await }
    })
    .await;
    rooms.remove().await;
});

scenario!(what_runs_is_told_down_to_its_commit, async |env| {
    let before = env.clock.now();
    assert_eq!(roll_out(&env, &deployment("api:v1"), "4f1c2d9").await, Status::Healthy);
    let running = env.cluster.running(&env.namespace).await.expect("listed");
    let [api] = running.as_slice() else { panic!("one container runs: {running:?}") };
    assert_eq!((api.workload.kind.as_str(), api.container.as_str()), ("Deployment", "api"));
    assert_eq!(api.git_revision.as_deref(), Some("4f1c2d9"));
    assert!(api.deployment.is_some(), "{api:?}");
    assert_eq!(api.revision.as_deref(), Some("revision 1"));
    let [digest] = api.digests.as_slice() else { panic!("both pods run the same: {api:?}") };
    assert!(digest.starts_with("sha256:") && digest.len() == 71, "{digest}");
    // The API server writes down whole seconds.
    let deployed = api.deployed.expect("the API server wrote it down");
    assert!(deployed.as_millis() + 1000 > before.as_millis() && deployed <= env.clock.now(), "{api:?}");

    assert_eq!(roll_out(&env, &deployment("api:v2"), "77aa001").await, Status::Healthy);
    let running = env.cluster.running(&env.namespace).await.expect("listed");
    assert_eq!(running[0].revision.as_deref(), Some("revision 2"));
    // Pods of before may still be on their way out: they run until they are gone.
    assert!(running[0].digests.iter().any(|new| new != digest), "{running:?}");
});

scenario!(a_release_tells_its_revision_and_keeps_its_images, async |env| {
    for image in ["api:v1", "api:v2", "api:v1"] {
        let (run, _) = env.run();
        let outcome =
            env.release("shop").upgrade(&env.bundle(&deployment(image)), run).await.expect("started");
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    }
    let running = env.cluster.running(&env.namespace).await.expect("listed");
    assert_eq!(running[0].revision.as_deref(), Some("release shop revision 3"));
    let kept: BTreeSet<String> =
        env.cluster.kept(&env.namespace).await.expect("listed").into_iter().collect();
    let images = ["api:v1", "api:v2"].map(|image| format!("{}/{image}", env.registry));
    assert!(images.iter().all(|image| kept.contains(image)), "{kept:?}");
});

scenario!(what_ended_does_not_run_and_what_is_scaled_to_nothing_does, async |env| {
    let job = deploy_tests::job("api:v1")
        .replace("name: migrate, image", "name: migrate, command: [/bin/true], image");
    let set = workload("apps/v1", "StatefulSet", "replicas: 0", "api:v1", "");
    assert_eq!(roll_out(&env, &format!("{job}---\n{set}"), "4f1c2d9").await, Status::Healthy);
    let running = env.cluster.running(&env.namespace).await.expect("listed");
    let rows: Vec<_> =
        running.iter().map(|row: &RunningImage| (row.workload.kind.as_str(), &row.digests)).collect();
    assert_eq!(rows, [("StatefulSet", &Vec::new())]);
});

/// The pull secrets of one namespace.
struct Pulling(PullSecrets, String);

#[async_trait]
impl SecretSource for Pulling {
    fn describe(&self) -> String {
        self.0.describe()
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        self.0.get(&format!("{}/{name}", self.1)).await
    }
}

scenario!(pull_secrets_and_platforms_of_a_cluster, async |env| {
    let manifests = "apiVersion: v1
kind: Secret
metadata: {name: db-password}
stringData: {.dockerconfigjson: correct horse}
---
apiVersion: v1
kind: Secret
metadata: {name: empty}
stringData: {.dockerconfigjson: ''}
";
    assert_eq!(roll_out(&env, manifests, "4f1c2d9").await, Status::Healthy);
    let secrets = PullSecrets::new(env.cluster.clone());
    conformance::secret_source::run(async || Pulling(secrets.clone(), env.namespace.clone())).await;
    let platforms = env.cluster.node_platforms().await.expect("listed");
    assert!(!platforms.is_empty() && platforms.iter().all(|one| one.starts_with("linux/")), "{platforms:?}");
});
