//! ReplicaSets and ReplicationControllers that no Deployment owns. A changed template changes no pod that is there.

use super::{creation, live_pods, replicas, unfinished};
use crate::health::Assessment;
use crate::health::judge::Case;
use crate::health::pods::Fleet;
use crate::health::read::Read;

pub(super) fn judge(case: &Case<'_>) -> Assessment {
    if let Some(not_observed) = case.not_observed() {
        return not_observed;
    }
    let pods = live_pods(case.world, case.object);
    let fleet = Fleet::new(case, &pods, true);
    let wanted = replicas(case.object);
    let (all, available) =
        (case.object.count("/status/replicas"), case.object.count("/status/availableReplicas"));
    let good = fleet.good();
    let progress = if all > wanted {
        format!("{} replicas too many are still there", all - wanted)
    } else if available < wanted {
        format!("{available} of {wanted} replicas are available")
    } else if good < wanted {
        format!("{good} of {wanted} replicas have settled")
    } else {
        return Assessment::healthy(format!("{wanted} of {wanted} replicas are available"));
    };
    unfinished(progress, &fleet, None, creation::by_condition(case, case.seen), case)
}
