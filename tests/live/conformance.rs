//! The contracts of the traits, over what lives in a cluster.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::conformance;
use deploy_core::lock::Lock;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::target::RolloutTarget;
use deploy_k8s::{Apply, LeaseLock};
use deploy_tests::{Env, live};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

/// A namespace for each clause: named after the scenario's own, and removed with it.
#[derive(Clone)]
struct Rooms {
    env: Arc<Env>,
    made: Arc<Mutex<Vec<String>>>,
}

impl Rooms {
    fn of(env: &Arc<Env>) -> Self {
        Self { env: Arc::clone(env), made: Arc::default() }
    }

    async fn another(&self) -> String {
        let name = {
            let mut made = self.made.lock().expect("whole");
            let name = format!("{}-{}", self.env.namespace, made.len());
            made.push(name.clone());
            name
        };
        self.env.create_namespace(&name).await;
        name
    }

    async fn remove(&self) {
        let made = self.made.lock().expect("whole").clone();
        for name in made {
            self.env.begin_to_delete_namespace(&name).await;
        }
    }
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn journal_in_secrets() {
    live("c-journal", async |env| {
        let rooms = Rooms::of(&env);
        conformance::journal::run(async || env.journal_in(&rooms.another().await)).await;
        rooms.remove().await;
    })
    .await;
}

struct Locked {
    lock: LeaseLock,
    leases: Api<Lease>,
}

#[async_trait]
impl conformance::lock::Fixture for Locked {
    fn lock(&self) -> &dyn Lock {
        &self.lock
    }

    async fn steal(&self, name: &str, thief: &str) {
        let patch = Patch::Merge(json!({"spec": {"holderIdentity": thief}}));
        self.leases.patch(&format!("deploy.{name}"), &PatchParams::default(), &patch).await.expect("patched");
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(4)
    }
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn lock_on_leases() {
    live("c-lock", async |env| {
        let rooms = Rooms::of(&env);
        conformance::lock::run(async || {
            let room = rooms.another().await;
            let lock = LeaseLock::new(env.cluster.clone(), &room);
            Locked { lock, leases: Api::namespaced(env.kube.clone(), &room) }
        })
        .await;
        rooms.remove().await;
    })
    .await;
}

struct Target {
    env: Arc<Env>,
    apply: Apply,
    namespace: String,
}

#[async_trait]
impl conformance::rollout_target::Fixture for Target {
    fn target(&self) -> &dyn RolloutTarget {
        &self.apply
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn read(&self, id: &ObjectId) -> Option<Object> {
        let found = self.env.get_in(&self.namespace, "v1", &id.kind, &id.name).await?;
        Some(Object::new(found).expect("an object"))
    }
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn apply_as_a_target() {
    live("c-target", async |env| {
        let rooms = Rooms::of(&env);
        conformance::rollout_target::run(async || Target {
            env: Arc::clone(&env),
            apply: env.target(),
            namespace: rooms.another().await,
        })
        .await;
        rooms.remove().await;
    })
    .await;
}
