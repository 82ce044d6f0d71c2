//! What becomes of the values that a release was given before, as `helm upgrade` has it.

use clap::Args;
use deploy_core::error::Result;
use deploy_k8s::{Release, ReleaseRevision, ReleaseStatus};
use serde_json::{Map, Value};

use crate::source::NO_CHART;

#[derive(Args)]
pub(crate) struct ReuseArgs {
    /// Take the values of the deployed revision, its chart's own too in place of this chart's; those given now win
    #[arg(long, conflicts_with_all = NO_CHART, help_heading = "Values")]
    pub(crate) reuse_values: bool,
    /// Forget the values that were given before: the chart's own count, and those given now; wins over --reuse-values
    #[arg(long, conflicts_with_all = NO_CHART, help_heading = "Values")]
    pub(crate) reset_values: bool,
}

/// What is taken of the deployed revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reuse {
    Nothing,
    /// The values that it was given.
    Given,
    /// Those, and the chart's own as they were then.
    All,
}

impl ReuseArgs {
    /// By whether values are given now.
    pub(super) fn decide(&self, given_now: bool) -> Reuse {
        match (self.reset_values, self.reuse_values, given_now) {
            (true, ..) => Reuse::Nothing,
            (_, true, _) => Reuse::All,
            (.., false) => Reuse::Given,
            (.., true) => Reuse::Nothing,
        }
    }
}

/// The values that were given before, and those that take the place of the chart's own.
pub(super) async fn of_before(
    release: &Release,
    reuse: Reuse,
) -> Result<(Map<String, Value>, Option<Map<String, Value>>)> {
    if reuse == Reuse::Nothing {
        return Ok((Map::new(), None));
    }
    let content = release.get(deployed(&release.revisions().await?)).await?;
    let defaults = (reuse == Reuse::All).then(|| content.all_values());
    Ok((content.values, defaults))
}

/// The revision that Helm goes on from: the newest one that is deployed, or else the newest.
fn deployed(newest_first: &[ReleaseRevision]) -> Option<u64> {
    let deployed = newest_first.iter().find(|each| each.status == ReleaseStatus::Deployed);
    deployed.or(newest_first.first()).map(|each| each.revision)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_are_kept_unless_others_are_given() {
        let check = |reset_values: bool, reuse_values: bool, given_now: bool, expect: Reuse| {
            let args = ReuseArgs { reuse_values, reset_values };
            assert_eq!(args.decide(given_now), expect, "{reset_values} {reuse_values} {given_now}");
        };
        check(false, false, false, Reuse::Given);
        check(false, false, true, Reuse::Nothing);
        check(false, true, false, Reuse::All);
        check(false, true, true, Reuse::All);
        check(true, false, false, Reuse::Nothing);
        check(true, false, true, Reuse::Nothing);
        check(true, true, false, Reuse::Nothing);
    }

    #[test]
    fn a_revision_that_failed_is_not_gone_on_from() {
        let check = |newest_first: &[(u64, &str)], expect: Option<u64>| {
            let revisions: Vec<ReleaseRevision> = newest_first
                .iter()
                .map(|(revision, status)| {
                    serde_json::from_value(json!({
                        "name": "api", "namespace": "shop", "revision": revision, "status": status,
                        "description": "", "images": [],
                    }))
                    .unwrap()
                })
                .collect();
            assert_eq!(deployed(&revisions), expect, "{newest_first:?}");
        };
        check(&[], None);
        check(&[(1, "deployed")], Some(1));
        check(&[(3, "failed"), (2, "deployed"), (1, "superseded")], Some(2));
        check(&[(3, "deployed"), (2, "deployed")], Some(3));
        check(&[(2, "failed"), (1, "superseded")], Some(2));
    }
}
