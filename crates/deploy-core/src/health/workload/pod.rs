//! Bare pods: one that is always restarted must run; any other runs to its end, like a Job.

use super::unfinished;
use crate::health::judge::Case;
use crate::health::pods::{Fleet, PodCase, examine};
use crate::health::read::Read;
use crate::health::{Assessment, Reason};

pub(super) fn judge(case: &Case<'_>) -> Assessment {
    let must_run = PodCase::new(case, case.seen, true).must_run;
    let phase = case.object.text("/status/phase").unwrap_or("Pending");
    match phase {
        "Succeeded" if !must_run => return Assessment::healthy("succeeded"),
        "Failed" | "Succeeded" => {
            let found = examine(PodCase::new(case, case.seen, true)).finding;
            let over = || case.failure(Reason::PodFailed { cause: phase.to_owned() }, "");
            return Assessment::failed(found.map_or_else(over, |finding| finding.failure));
        }
        _ => {}
    }
    let fleet = Fleet::new(case, &[case.seen], true);
    if must_run && fleet.good() > 0 {
        return Assessment::healthy("running");
    }
    let progress =
        if must_run { format!("{phase}, not ready yet") } else { format!("{phase}, it has to end") };
    unfinished(progress, &fleet, None, None, case)
}
