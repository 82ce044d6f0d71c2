//! Durations as people write them: `5m`, `1m30s`, `500ms`.

use std::time::Duration;

use deploy_core::error::{Error, Result};

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
const LONGEST: Duration = Duration::from_secs(24 * 3600);

/// Reads whole numbers with units, at least one, none of them twice in a row; more than nothing and at most a day.
pub(crate) fn parse(text: &str) -> Result<Duration> {
    let bad = |why: &str| Err(Error::invalid(why).help("write it like 5m, 90s, 1m30s or 500ms"));
    let (mut rest, mut millis) = (text, 0_u64);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let letters = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let Some((_, factor)) = UNITS.iter().find(|(name, _)| *name == unit) else {
            return bad(if unit.is_empty() { "a unit is missing" } else { "there is no such unit" });
        };
        let Ok(number) = number.parse::<u64>() else { return bad("a number is missing or too large") };
        millis = millis.saturating_add(number.saturating_mul(*factor));
        rest = tail;
    }
    match Duration::from_millis(millis) {
        Duration::ZERO => bad("it must be longer than nothing"),
        long if long > LONGEST => bad("it must be at most 24h"),
        duration => Ok(duration),
    }
}

/// An age, which may also be none at all: `0s`.
pub(crate) fn parse_age(text: &str) -> Result<Duration> {
    if text == "0s" { Ok(Duration::ZERO) } else { parse(text) }
}

/// Writes it so that it can be read again.
#[cfg(feature = "ssm")]
pub(crate) fn text(duration: Duration) -> String {
    if duration.subsec_millis() == 0 {
        format!("{}s", duration.as_secs())
    } else {
        format!("{}ms", duration.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "ssm")]
    #[test]
    fn writes_what_it_reads() {
        let check = |duration: &str, expect: &str| assert_eq!(text(parse(duration).unwrap()), expect);
        check("30m", "1800s");
        check("1m30s", "90s");
        check("1500ms", "1500ms");
    }

    #[test]
    fn reads_numbers_with_units() {
        let check = |text: &str, millis: u64| {
            assert_eq!(parse(text).unwrap(), Duration::from_millis(millis), "{text}");
        };
        check("5m", 300_000);
        check("90s", 90_000);
        check("1m30s", 90_000);
        check("500ms", 500);
        check("1h0m1s", 3_601_000);
        check("24h", 86_400_000);
        assert_eq!(parse_age("0s").unwrap(), Duration::ZERO);
        assert_eq!(parse_age("1m").unwrap(), Duration::from_secs(60));
    }

    #[test]
    fn refuses_the_rest() {
        for text in [
            "",
            "5",
            "m",
            "5 m",
            "5m ",
            "-5m",
            "1.5m",
            "5d",
            "5M",
            "0s",
            "25h",
            "99999999999999999999s",
            "5mü",
        ] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert!(parse("18446744073709551615h").is_err());
    }
}
