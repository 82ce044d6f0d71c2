//! ClusterRoles made of others: `pkg/controller/clusterroleaggregation`.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::access::aggregation::rules;
use crate::component::AGGREGATION;
use crate::state::State;

const RESOURCE: &str = "clusterroles.rbac.authorization.k8s.io";

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    // Those that every cluster begins with are made already.
    if state.store.changed(RESOURCE) == 0 {
        return None;
    }
    let all: Vec<Arc<Value>> = state.objects(RESOURCE, None);
    let values: Vec<&Value> = all.iter().map(|role| &**role).collect();
    let changed = all.iter().filter_map(|role| {
        let rules = rules(role, &values)?;
        (role["rules"] != rules).then_some((role, rules))
    });
    for (role, rules) in changed.collect::<Vec<_>>() {
        // Who is refused tries again at the next change.
        let _ = AGGREGATION.change(state, role, None, |role| role["rules"] = rules);
    }
    None
}
