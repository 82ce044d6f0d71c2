//! The small language of `--image` and `--fault`: words with values, `exits:1:2s,log:hello`.

use std::time::Duration;

const UNITS: [(&str, u64); 4] = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000)];
/// More than a year is none that anybody waits for.
const LONGEST_MS: u64 = 366 * 24 * 3_600_000;

/// The words of a text, each with what stands behind its first colon. A line of a log goes on to the next one, over commas.
pub(crate) fn words(text: &str) -> Vec<(&str, Option<&str>)> {
    let mut found = Vec::new();
    let mut rest = Some(text);
    while let Some(text) = rest {
        let is_log = text.trim_start().starts_with("log:");
        let end = if is_log { text.find(",log:") } else { text.find(',') };
        let (word, after) = end.map_or((text, None), |end| {
            let (word, after) = text.split_at(end);
            (word, after.strip_prefix(','))
        });
        rest = after;
        found.push(match word.split_once(':') {
            Some((word, value)) => (word.trim(), Some(value)),
            None => (word.trim(), None),
        });
    }
    found
}

/// A time like `500ms`, `2s`, `1m`.
///
/// # Errors
/// Anything else.
pub(crate) fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let factor = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, factor)| factor);
    let millis =
        number.parse::<u64>().ok().zip(factor).and_then(|(number, factor)| number.checked_mul(*factor));
    let is_time = factor.is_some() && !number.is_empty();
    match millis {
        Some(millis) if millis <= LONGEST_MS => Ok(Duration::from_millis(millis)),
        _ if is_time => Err(format!("\"{text}\" is too long: a year is the most")),
        _ => Err(format!("\"{text}\" is no time: write it like 500ms, 2s, 1m or 1h")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        for (text, millis) in [("500ms", 500), ("2s", 2_000), ("1m", 60_000), ("0s", 0), ("3h", 10_800_000)] {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in
            ["", "5", "s", "-1s", "1.5s", "1d", "99999999999999999999s", "18446744073709551615h", "9000h1"]
        {
            assert!(time(text).is_err(), "{text:?}");
        }
        assert!(time("9000h").unwrap_err().contains("too long"));
    }

    #[test]
    fn words_and_values() {
        let check = |text: &str, expect: &[(&str, Option<&str>)]| assert_eq!(words(text), expect, "{text}");
        check("exits:1:2s, runs", &[("exits", Some("1:2s")), ("runs", None)]);
        check("runs, log:a: b, c,log:d,", &[("runs", None), ("log", Some("a: b, c")), ("log", Some("d,"))]);
        check("", &[("", None)]);
    }
}
