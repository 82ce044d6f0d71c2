//! The contracts of the traits over every adapter: bare on both clusters here, behind every layer in `layered.rs`.

mod config_map;
mod event_sink;
mod files;
mod layered;
pub(crate) mod rooms;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::conformance;
use deploy_core::journal::Journal;
use deploy_core::lock::Lock;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::target::RolloutTarget;
use deploy_k8s::{Apply, ApplySet, LeaseLock, Release, SecretJournal};
use deploy_tests::{Env, scenario};
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, Patch, PatchParams};
use serde_json::json;

use rooms::Rooms;

scenario!(journal_in_secrets, async |env| {
    journals(&env, bare).await;
});

scenario!(lock_on_leases, async |env| {
    locks(&env, bare).await;
});

scenario!(apply_as_a_target, async |env| {
    targets(&env, |apply, _| Box::new(apply)).await;
});

scenario!(release_as_a_target, async |env| {
    targets(&env, |apply, room| {
        let release = Release::new(apply.cluster().clone(), room, "conformance").expect("a good name");
        Box::new(release)
    })
    .await;
});

scenario!(apply_that_asks_about_each_object, async |env| {
    targets(&env, |apply, _| Box::new(apply.asking_about_each(true))).await;
});

scenario!(apply_that_prunes, async |env| {
    targets(&env, |apply, room| {
        Box::new(apply.prune(ApplySet::new("conformance", room).expect("a good name")))
    })
    .await;
});

fn bare<T>(adapter: Arc<T>) -> T {
    Arc::into_inner(adapter).expect("nobody else has it")
}

/// The suite over a journal in Secrets behind a layer.
async fn journals<J: Journal + 'static>(env: &Arc<Env>, layer: impl Fn(Arc<SecretJournal>) -> J) {
    let rooms = Rooms::of(env);
    conformance::journal::run(async || layer(Arc::new(env.journal_in(&rooms.another().await)))).await;
    rooms.remove().await;
}

/// The suite over a lock on Leases behind a layer.
async fn locks<L: Lock + 'static>(env: &Arc<Env>, layer: impl Fn(Arc<LeaseLock>) -> L) {
    let rooms = Rooms::of(env);
    conformance::lock::run(async || {
        let room = rooms.another().await;
        let lock = layer(Arc::new(LeaseLock::new(env.cluster.clone(), &room)));
        Locked { lock, leases: Api::namespaced(env.kube.clone(), &room) }
    })
    .await;
    rooms.remove().await;
}

/// The suite over a target that applies, with the options that `set` gives it for a namespace.
async fn targets(env: &Arc<Env>, set: impl Fn(Apply, &str) -> Box<dyn RolloutTarget>) {
    let rooms = Rooms::of(env);
    conformance::rollout_target::run(async || {
        let namespace = rooms.another().await;
        Target { env: Arc::clone(env), under_test: set(env.target(), &namespace), namespace }
    })
    .await;
    rooms.remove().await;
}

struct Locked<L> {
    lock: L,
    leases: Api<Lease>,
}

#[async_trait]
impl<L: Lock> conformance::lock::Fixture for Locked<L> {
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

struct Target {
    env: Arc<Env>,
    under_test: Box<dyn RolloutTarget>,
    namespace: String,
}

#[async_trait]
impl conformance::rollout_target::Fixture for Target {
    fn target(&self) -> &dyn RolloutTarget {
        &*self.under_test
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn read(&self, id: &ObjectId) -> Option<Object> {
        let found = self.env.get_in(&self.namespace, "v1", &id.kind, &id.name).await?;
        Some(Object::new(found).expect("an object"))
    }
}
