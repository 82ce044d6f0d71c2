//! How long a deployment and its parts may take. Pure.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::run::Policy;

use crate::command::START_WITHIN;
use crate::instance::Fleet;

/// How much longer than its own bounds a node may take: it fetches, gathers evidence, sends its result.
const SLACK: Duration = Duration::from_secs(120);
/// How much longer than the unit's own bounds the command may wait for it.
const COMMAND_SLACK: Duration = Duration::from_secs(180);
/// How much longer than everything else a presigned address lives.
const URL_SLACK: Duration = Duration::from_secs(600);
/// How long S3 lets one live at most.
const LONGEST_URL: Duration = Duration::from_secs(7 * 24 * 3600);

/// The bounds of one deployment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// What one node may take, forward and back.
    work: Duration,
    /// How many times SSM waits for nodes before it turns to the last ones.
    waves: u32,
}

impl Bounds {
    /// Of a deployment to so many `nodes`, all at once but for a fleet.
    pub(super) fn new(rules: &Policy, nodes: usize, fleet: Option<&Fleet>) -> Self {
        let waves = fleet.map_or(1, |fleet| fleet.waves(nodes));
        Self { work: rules.timeout + rules.rollback_timeout, waves }
    }

    /// How long the command may run on one node.
    pub(super) fn run_within(self) -> Duration {
        self.work + COMMAND_SLACK
    }

    /// How long after the sending the last nodes may begin: those before them have had their time then.
    pub(super) fn start_within(self) -> Duration {
        START_WITHIN + self.run_within() * self.waves.saturating_sub(1)
    }

    /// How long an address lives that the last nodes use, too.
    pub(super) fn urls(self) -> Duration {
        (self.start_within() + self.work + URL_SLACK).min(LONGEST_URL)
    }

    /// Until when a node is waited for. Its own time begins when it has `begun`, which the others of a fleet may delay.
    pub(super) fn end(self, sent: Timestamp, begun: Option<Timestamp>) -> Timestamp {
        let last = sent + self.start_within() + self.work + SLACK;
        begun.map_or(last, |begun| last.min(begun + self.work + SLACK))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bounds(nodes: usize, concurrency: Option<&str>) -> Bounds {
        let rules =
            Policy::default().timeout(Duration::from_secs(600)).rollback_timeout(Duration::from_secs(300));
        let fleet = |share: &str| Fleet::default().max_concurrency(share.parse().unwrap()).unwrap();
        Bounds::new(&rules, nodes, concurrency.map(fleet).as_ref())
    }

    #[test]
    fn later_nodes_have_the_time_of_those_before_them() {
        let check = |nodes, concurrency, start: u64, urls: u64, end: u64| {
            let bounds = bounds(nodes, concurrency);
            let sent = Timestamp::from_unix_seconds(1_000_000);
            let told = [bounds.start_within(), bounds.urls(), bounds.end(sent, None).since(sent)];
            assert_eq!(told.map(|time| time.as_secs()), [start, urls, end], "{nodes} {concurrency:?}");
        };
        check(1, None, 60, 1_560, 1_080);
        check(50, Some("50"), 60, 1_560, 1_080);
        check(51, Some("50"), 1_140, 2_640, 2_160);
        check(8, Some("25%"), 3_300, 4_800, 4_320);
        // S3 lets no address live longer.
        check(2_000, Some("1"), 2_158_980, 604_800, 2_160_000);
    }

    #[test]
    fn a_nodes_own_time_begins_when_it_does() {
        let sent = Timestamp::from_unix_seconds(1_000_000);
        let check = |begins: u64, end: u64| {
            let end_of = bounds(8, Some("25%")).end(sent, Some(sent + Duration::from_secs(begins)));
            assert_eq!(end_of.since(sent).as_secs(), end, "{begins}");
        };
        check(0, 1_020);
        check(3_000, 4_020);
        check(3_300, 4_320);
        check(9_000, 4_320);
    }
}
