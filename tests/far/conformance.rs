//! The contract of targets over a far node.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::conformance;
use deploy_core::manifest::{Object, ObjectId};
use deploy_core::target::RolloutTarget;
use deploy_ssm::SsmK3s;

use crate::far_scenario;
use crate::storage::BUCKET;
use crate::world::World;

far_scenario!(a_far_node_as_a_target, async |world| {
    let world = Arc::new(world);
    conformance::rollout_target::run(async || Far::new(Arc::clone(&world)).await).await;
});

/// A namespace of its own, as an application of its own.
struct Far {
    world: Arc<World>,
    target: SsmK3s,
    namespace: String,
}

impl Far {
    async fn new(world: Arc<World>) -> Self {
        let namespace = world.another_namespace().await;
        let target = world.inline_app(&namespace).bucket(BUCKET, "").build().unwrap();
        Self { world, target, namespace }
    }
}

#[async_trait]
impl conformance::rollout_target::Fixture for Far {
    fn target(&self) -> &dyn RolloutTarget {
        &self.target
    }

    fn namespace(&self) -> &str {
        &self.namespace
    }

    async fn read(&self, id: &ObjectId) -> Option<Object> {
        let found = self.world.env.get_in(&self.namespace, "v1", &id.kind, &id.name).await;
        found.map(|object| Object::new(object).unwrap())
    }
}
