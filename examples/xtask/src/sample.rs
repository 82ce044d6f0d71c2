//! Outcomes for the tests of what is shown.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::evidence::Evidence;
use deploy_core::manifest::{Bundle, ObjectId, read};
use deploy_core::memory::MemoryTarget;
use deploy_core::outcome::{ObjectOutcome, Outcome};
use deploy_core::plan::Action;
use deploy_core::rollout::Rollout;
use deploy_core::run::{Policy, Run};

/// Rolls the ConfigMap `shop/app` out; it took 1.23 s.
pub(crate) fn run(target: MemoryTarget, rollout: impl FnOnce(Rollout) -> Rollout, policy: Policy) -> Outcome {
    let objects =
        read("a.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app}, data: {a: '1'}}").unwrap();
    let bundle = Bundle::builder().objects(objects).namespace("shop").build().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut outcome = runtime
        .block_on(rollout(Rollout::new(Arc::new(target))).run(&bundle, Run::new().policy(policy)))
        .unwrap();
    outcome.took = Duration::from_millis(1230);
    outcome.evidence = Evidence::default();
    outcome
}

pub(crate) fn config_map(name: &str) -> ObjectId {
    ObjectId::new("", "ConfigMap", Some("shop"), name)
}

/// A ConfigMap to which `action` was done.
pub(crate) fn object_outcome(name: &str, action: Action) -> ObjectOutcome {
    ObjectOutcome {
        object: config_map(name),
        action,
        simulated: false,
        diff: Vec::new(),
        yielded: Vec::new(),
        unified: None,
    }
}
