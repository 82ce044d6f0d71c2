//! When to look again: often at first, then so that a long rollout costs few calls.

use std::time::Duration;

/// How often somebody looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pace {
    /// At SSM, which is all there is to look at: after 0.7 s, every 2 s, later every 7.5 s, which makes 52 looks in five minutes.
    Only,
    /// At SSM, while the result is awaited elsewhere: only whether the command still lives.
    Beside,
    /// At SSM, for the answer to a question that takes a second or two.
    Question,
}

impl Pace {
    /// How long to wait before the next look, `waited` after sending. Up to a tenth less by `chance` (0 to 1), so that many callers do not
    /// look at once.
    pub(crate) fn next(self, waited: Duration, chance: f64) -> Duration {
        let seconds = match (self, waited.as_secs()) {
            (Self::Question, ..3) => 0.5,
            (Self::Question, ..20) => 1.0,
            (Self::Question, _) => 3.0,
            // What changes nothing is done within the first second.
            (Self::Only, 0) => 0.7,
            (Self::Only, ..12) => 2.0,
            (Self::Only, ..60) => 4.0,
            (Self::Only, _) => 7.5,
            (Self::Beside, ..10) => 5.0,
            (Self::Beside, _) => 20.0,
        };
        Duration::from_secs_f64(seconds * (1.0 - 0.1 * chance.clamp(0.0, 1.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looks(pace: Pace, within: Duration, chance: f64) -> usize {
        let mut waited = Duration::ZERO;
        let looks = std::iter::from_fn(|| {
            waited += pace.next(waited, chance);
            (waited < within).then_some(())
        });
        looks.count()
    }

    #[test]
    fn five_minutes_cost_few_calls() {
        let five = Duration::from_secs(300);
        // Finding the node and sending come on top.
        assert!(looks(Pace::Only, five, 1.0) <= 58, "{}", looks(Pace::Only, five, 1.0));
        assert!(looks(Pace::Beside, five, 1.0) <= 23, "{}", looks(Pace::Beside, five, 1.0));
    }
}
