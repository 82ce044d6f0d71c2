//! How fast a cluster's time passes beside the runtime's.

use std::time::Duration;

/// In thousandths: whole numbers, so that what is due at a moment is due when that is reached, and not a nanosecond later.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale(u32);

impl Default for Scale {
    fn default() -> Self {
        Self(1_000)
    }
}

impl Scale {
    /// From 0.001 to 100 000.
    pub(crate) fn of(factor: f64) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is between the bounds"
        )]
        Self((factor.max(0.001) * 1_000.0).min(100_000_000.0) as u32)
    }

    /// What passes in the cluster meanwhile.
    pub(crate) fn passed(self, real: Duration) -> Duration {
        nanos(real.as_nanos().saturating_mul(self.0.into()) / 1_000)
    }

    /// How long the runtime waits for it.
    pub(crate) fn takes(self, within: Duration) -> Duration {
        nanos(within.as_nanos().saturating_mul(1_000).div_ceil(self.0.into()))
    }
}

/// In the cluster or outside of it: more than five centuries are none that anybody waits for.
const LONGEST: Duration = Duration::from_nanos(u64::MAX);

fn nanos(nanos: u128) -> Duration {
    u64::try_from(nanos).map_or(LONGEST, Duration::from_nanos)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_waited_for_has_passed_then() {
        for factor in [0.001, 0.3, 1.0, 1.7, 10.0, 99_999.0] {
            let scale = Scale::of(factor);
            for nanos in [0, 1, 999, 1_000_000_007, 3_600_000_000_001] {
                let within = Duration::from_nanos(nanos);
                assert!(scale.passed(scale.takes(within)) >= within, "{factor} {nanos}");
            }
        }
        assert_eq!(Scale::of(10.0).passed(Duration::from_secs(2)), Duration::from_secs(20));
        assert_eq!(Scale::of(10.0).takes(Duration::from_secs(20)), Duration::from_secs(2));
        assert_eq!(Scale::default().takes(Duration::from_nanos(7)), Duration::from_nanos(7));
        for (given, taken) in [(-1.0, 1), (f64::NAN, 1), (1e9, 100_000_000)] {
            assert_eq!(Scale::of(given).0, taken);
        }
    }
}
