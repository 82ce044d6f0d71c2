//! What a command cost.

use std::time::Duration;

/// One line for `--stats`.
pub(crate) fn line(requests: u64, wall: Duration, first: Option<Duration>, peak: Option<u64>) -> String {
    let mut line = format!("stats: {requests} API requests in {:.2} s", wall.as_secs_f64());
    if let Some(first) = first {
        line += &format!(", the first after {:.1} ms", first.as_secs_f64() * 1000.0);
    }
    if let Some(kilobytes) = peak {
        line += &format!(", at most {} MiB of memory", kilobytes / 1024);
    }
    line
}

/// The most memory that this process ever held, in KiB; Linux tells.
pub(crate) fn peak_memory() -> Option<u64> {
    peak(&std::fs::read_to_string("/proc/self/status").ok()?)
}

fn peak(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.split_ascii_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_what_is_known() {
        let second = Duration::from_millis(1234);
        assert_eq!(line(7, second, None, None), "stats: 7 API requests in 1.23 s");
        assert_eq!(
            line(7, second, Some(Duration::from_micros(12_900)), Some(10 * 1024 + 512)),
            "stats: 7 API requests in 1.23 s, the first after 12.9 ms, at most 10 MiB of memory"
        );
    }

    #[test]
    fn reads_the_peak() {
        assert_eq!(peak("VmPeak:\t 9 kB\nVmHWM:\t   14336 kB\n"), Some(14336));
        assert_eq!(peak(""), None);
    }
}
