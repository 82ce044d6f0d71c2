//! The times that stand on an axis.

use std::time::Duration;

/// Round times for an axis of this length, from 0 on: at most `max` of them besides 0.
pub(super) fn ticks(total: Duration, max: u32) -> Vec<Duration> {
    const STEPS: [u64; 18] = [
        100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000,
        1_800_000, 3_600_000, 7_200_000, 21_600_000, 86_400_000,
    ];
    let steps = STEPS.map(Duration::from_millis).into_iter();
    let step = steps.into_iter().find(|step| *step * max >= total);
    // Longer than days: in equal parts.
    let step = step.unwrap_or(total / max.max(1)).max(Duration::from_millis(1));
    (0..=max).map(|n| step * n).take_while(|at| *at <= total).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_few() {
        let check = |total: u64, step: u64, count: usize| {
            let ticks = ticks(Duration::from_millis(total), 8);
            assert_eq!(
                (ticks.get(1).map_or(0, Duration::as_millis), ticks.len()),
                (u128::from(step), count),
                "{total}"
            );
        };
        check(0, 0, 1);
        check(50, 0, 1);
        check(790, 100, 8);
        check(1800, 500, 4);
        check(10_000, 2000, 6);
        check(95_000, 15_000, 7);
        check(600_000, 120_000, 6);
        check(86_400_000, 21_600_000, 5);
        check(10_000_000_000, 1_250_000_000, 9);
    }
}
