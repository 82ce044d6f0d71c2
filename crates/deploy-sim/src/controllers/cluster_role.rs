//! ClusterRoles made of others: `pkg/controller/clusterroleaggregation`.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::access::aggregation::rules;
use crate::component::AGGREGATION;
use crate::controllers::object::list;
use crate::state::State;

const RESOURCE: &str = "clusterroles.rbac.authorization.k8s.io";

/// Passes in which a role takes over what the others have, as a real cluster does. Roles that choose one another in a ring would hand their
/// rules round for ever: after these they keep what they have, too.
const PLAIN: usize = 10;

pub(super) fn sync(state: &mut State) -> Option<Timestamp> {
    // Those that every cluster begins with are made already.
    if state.store.changed(RESOURCE) == 0 {
        return None;
    }
    let mut all: Vec<Arc<Value>> = state.objects(RESOURCE, None);
    // Each pass brings the roles at the end of a chain to rest, one link at least.
    for pass in 0..=PLAIN.max(all.len() * 2) {
        let mut is_at_rest = true;
        for at in 0..all.len() {
            let Some(role) = all.get(at).cloned() else { break };
            let Some(mut rules) = rules(&role, &all) else { continue };
            if pass >= PLAIN {
                let kept = list(&role, "/rules").iter().filter(|rule| !list(&rules, "").contains(rule));
                rules = list(&rules, "").iter().chain(kept).cloned().collect();
            }
            if holds_the_same(list(&role, "/rules"), list(&rules, "")) {
                continue;
            }
            // Who is refused tries again at the next change.
            if AGGREGATION.change(state, &role, None, |role| role["rules"] = rules).is_ok() {
                is_at_rest = false;
                // The next one takes over what this one has now.
                all = state.objects(RESOURCE, None);
            }
        }
        if is_at_rest {
            break;
        }
    }
    None
}

/// Whether the rules are the same, in whatever order.
fn holds_the_same(one: &[Value], other: &[Value]) -> bool {
    one.len() == other.len() && one.iter().all(|rule| other.contains(rule))
}
