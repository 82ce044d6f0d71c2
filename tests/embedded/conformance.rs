//! The contracts of the traits, as on a real cluster (`tests/live/conformance.rs`).

use std::time::Duration;

use async_trait::async_trait;
use deploy_core::lock::Lock;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::target::RolloutTarget;
use deploy_k8s::{Apply, Cluster, LeaseLock, SecretJournal};
use deploy_sim::SimCluster;
use k8s_openapi::api::coordination::v1::Lease;
use kube::api::{Api, DynamicObject, Patch, PatchParams};
use kube::core::{ApiResource, GroupVersionKind};
use serde_json::json;

fn cluster() -> (SimCluster, Cluster) {
    let embedded = SimCluster::builder().start();
    let cluster = Cluster::from_client(embedded.client());
    (embedded, cluster)
}

mod journal {
    deploy_core::journal_conformance! {
        #[tokio::test] || async { super::SecretJournal::new(super::cluster().1, "default") }
    }
}

struct Locked {
    lock: LeaseLock,
    leases: Api<Lease>,
}

#[async_trait]
impl deploy_core::conformance::lock::Fixture for Locked {
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

mod lock {
    use super::{Api, LeaseLock, Locked, cluster};

    deploy_core::lock_conformance! {
        #[tokio::test] || async {
            let (embedded, cluster) = cluster();
            Locked { lock: LeaseLock::new(cluster, "default"), leases: Api::default_namespaced(embedded.client()) }
        }
    }
}

struct Target {
    embedded: SimCluster,
    apply: Apply,
    namespace: String,
}

#[async_trait]
impl deploy_core::conformance::rollout_target::Fixture for Target {
    fn target(&self) -> &dyn RolloutTarget {
        &self.apply
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn read(&self, id: &ObjectId) -> Option<Object> {
        let resource = ApiResource::from_gvk(&GroupVersionKind::gvk("", "v1", &id.kind));
        let api: Api<DynamicObject> = Api::default_namespaced_with(self.embedded.client(), &resource);
        let found = api.get_opt(&id.name).await.expect("an answer")?;
        let found = serde_json::to_value(found).expect("it is JSON");
        Some(Object::new(found).expect("an object"))
    }
}

mod target {
    use super::{Apply, Target, cluster};

    deploy_core::rollout_target_conformance! {
        #[tokio::test] || async {
            let (embedded, cluster) = cluster();
            Target { embedded, apply: Apply::new(cluster), namespace: "default".into() }
        }
    }
}
