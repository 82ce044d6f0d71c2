//! What xtask says of itself with `--stats`.

use crate::Result;
use crate::program::Ran;

/// The numbers of xtask's line.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Stats {
    pub(crate) requests: f64,
    /// Milliseconds from the beginning of `main` until all is read and the first request is about to be sent.
    pub(crate) first: f64,
}

impl Stats {
    pub(crate) fn of(ran: &Ran) -> Result<Self> {
        Self::read(&ran.stderr).ok_or_else(|| ran.unexpected("it prints no stats").into())
    }

    fn read(stderr: &str) -> Option<Self> {
        let line = stderr.lines().find_map(|line| line.strip_prefix("stats: "))?;
        let requests = line.split_once(" API requests")?.0.parse().ok()?;
        let first = line.split_once("the first after ")?.1.split_once(" ms")?.0.parse().ok()?;
        Some(Self { requests, first })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_line() {
        let check = |stderr: &str, expect: Option<(f64, f64)>| {
            let expect = expect.map(|(requests, first)| Stats { requests, first });
            assert_eq!(Stats::read(stderr), expect, "{stderr}");
        };
        let line = "stats: 1004 API requests in 1.23 s, the first after 12.9 ms, at most 10 MiB of memory";
        check(&format!("applied\n{line}\n"), Some((1004.0, 12.9)));
        check("stats: 7 API requests in 1.23 s", None);
        check("", None);
    }
}
