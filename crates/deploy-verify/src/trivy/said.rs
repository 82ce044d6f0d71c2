//! Why Trivy failed, in its own words.

use deploy_core::error::{Error, ErrorKind};

use crate::text::shown;

/// The most characters of a message that are kept.
const LONGEST: usize = 1000;

/// What tells one failure from another: words in Trivy's message, or in that of the registry in it.
const KINDS: [(&str, ErrorKind); 10] = [
    ("MANIFEST_UNKNOWN", ErrorKind::NotFound),
    ("NAME_UNKNOWN", ErrorKind::NotFound),
    ("UNAUTHORIZED", ErrorKind::Unauthorized),
    ("DENIED", ErrorKind::Forbidden),
    ("context deadline exceeded", ErrorKind::Timeout),
    ("TOOMANYREQUESTS", ErrorKind::Unavailable),
    ("connection refused", ErrorKind::Unavailable),
    ("no such host", ErrorKind::Unavailable),
    ("failed to download vulnerability DB", ErrorKind::Unavailable),
    ("cache may be in use by another process", ErrorKind::Unavailable),
];

/// The error of a scan that ended with `code`. Trivy ends with 1 when it fails; other codes are only those that it is told to end with, and
/// it is told none.
pub(super) fn failure(code: i32, told: &str) -> Error {
    let kind =
        KINDS.iter().find(|(words, _)| told.contains(words)).map_or(ErrorKind::InvalidInput, |found| found.1);
    Error::new(kind, said(told).unwrap_or_else(|| format!("it ended with code {code}, and did not say why")))
}

/// The last line that tells of a fatal error, and what follows it; without one, everything.
pub(super) fn said(told: &str) -> Option<String> {
    let lines: Vec<&str> = told.lines().collect();
    let start = lines.iter().rposition(|line| fatal(line).is_some()).unwrap_or(0);
    let rest = lines.get(start..).unwrap_or_default().iter().map(|line| fatal(line).unwrap_or(line).trim());
    let text = rest.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ");
    (!text.is_empty()).then(|| shown(&text, LONGEST))
}

/// What follows the time and the level.
fn fatal(line: &str) -> Option<&str> {
    let (_, message) = line.split_once("\tFATAL\t")?;
    Some(message.trim_start_matches("Fatal error").trim_start())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_message() {
        let check = |told: &str, expect: Option<&str>| assert_eq!(said(told).as_deref(), expect);
        check(
            "2026-11-20T10:00:00Z\tINFO\tdetecting\n2026-11-20T10:00:00Z\tFATAL\tFatal error\trun error: image scan error: scan error:\n\t* remote error: GET https://r/v2/a/manifests/1:\n\t  MANIFEST_UNKNOWN\n\n",
            Some(
                "run error: image scan error: scan error: * remote error: GET https://r/v2/a/manifests/1: MANIFEST_UNKNOWN",
            ),
        );
        check("2026-11-20T10:00:00Z\tFATAL\timage scan error", Some("image scan error"));
        check(
            "Error: unknown flag: --x\nUsage:\n  trivy image",
            Some("Error: unknown flag: --x Usage: trivy image"),
        );
        check("\u{1b}[31mbad\u{1b}[0m", Some(" [31mbad [0m"));
        check("\n \n", None);
    }

    #[test]
    fn tells_failures_apart() {
        let check = |told: &str, kind: ErrorKind| assert_eq!(failure(1, told).kind(), kind, "{told}");
        check("MANIFEST_UNKNOWN: manifest unknown", ErrorKind::NotFound);
        check("UNAUTHORIZED: authentication required", ErrorKind::Unauthorized);
        check("dial tcp 127.0.0.1:5000: connect: connection refused", ErrorKind::Unavailable);
        check("context deadline exceeded", ErrorKind::Timeout);
        check("unknown flag", ErrorKind::InvalidInput);
        assert_eq!(failure(3, "").to_string(), "it ended with code 3, and did not say why");
    }
}
