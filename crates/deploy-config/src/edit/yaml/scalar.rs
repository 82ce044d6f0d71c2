//! How text is written so that every reader of YAML takes it for that text.

use std::fmt::Write as _;

use crate::edit::tree::Style;

/// `text` as a scalar on one line: in the `style` that stood there, where that can say it.
pub(in crate::edit) fn write(text: &str, style: Style) -> String {
    match style {
        Style::Plain | Style::Null if is_text(text) => text.to_owned(),
        Style::Single if text.chars().all(is_printable) => format!("'{}'", text.replace('\'', "''")),
        _ => double(text),
    }
}

/// Whether `text` without quotes is text to a reader of YAML 1.1 (as Kubernetes, Helm and Go read it) and of 1.2.
///
/// It takes less for text than these do, and what is not needed in a tag, a version, a path or a name it does not take.
pub(in crate::edit) fn is_text(text: &str) -> bool {
    let Some(&first) = text.as_bytes().first() else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_./@:+=".contains(&byte);
    (first.is_ascii_alphanumeric() || matches!(first, b'_' | b'/'))
        && text.bytes().all(plain)
        && !text.ends_with(':')
        && !is_word(text)
        && !is_number(text)
        && !is_date(text)
}

fn is_word(text: &str) -> bool {
    let words =
        ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf", "infinity", "none"];
    words.iter().any(|word| text.eq_ignore_ascii_case(word))
}

/// Anything that starts with a digit and holds what numbers hold only: `0x1f`, `1_000`, `1e3`, `12:30`, `0o7`.
fn is_number(text: &str) -> bool {
    let text = text.replace('_', "").to_ascii_lowercase();
    if !text.starts_with(|first: char| first.is_ascii_digit()) {
        return false;
    }
    let all = |rest: &str, fits: fn(&u8) -> bool| rest.as_bytes().iter().all(fits);
    for (prefix, fits) in [
        ("0x", u8::is_ascii_hexdigit as fn(&u8) -> bool),
        ("0o", u8::is_ascii_digit),
        ("0b", u8::is_ascii_digit),
    ] {
        if text.strip_prefix(prefix).is_some_and(|rest| all(rest, fits)) {
            return true;
        }
    }
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent = exponent.strip_prefix(['-', '+']).unwrap_or(exponent);
    // Three parts are no number, and every tag of a release has them; but seconds after a colon can have a fraction.
    let points = mantissa.bytes().filter(|byte| *byte == b'.').count();
    all(exponent, u8::is_ascii_digit)
        && all(mantissa, |byte| byte.is_ascii_digit() || matches!(byte, b'.' | b':'))
        && points < 2
}

/// What starts like a date.
fn is_date(text: &str) -> bool {
    let mut parts = text.splitn(3, '-');
    let digits = |part: Option<&str>, count: std::ops::RangeInclusive<usize>| {
        part.is_some_and(|part| count.contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit()))
    };
    digits(parts.next(), 4..=4)
        && digits(parts.next(), 1..=2)
        && parts.next().is_some_and(|rest| rest.starts_with(|first: char| first.is_ascii_digit()))
}

/// What may stand in quotes as it is. Marks that reverse the direction of reading may not.
fn is_printable(character: char) -> bool {
    match character {
        ' '..='~' => true,
        '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' => !matches!(
            character,
            '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}'
                | '\u{2066}'..='\u{2069}'
        ),
        _ => character > '\u{ffff}',
    }
}

fn double(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for character in text.chars() {
        let code = u32::from(character);
        // Writing to a String cannot fail.
        let _ = match character {
            '"' | '\\' => write!(out, "\\{character}"),
            '\n' => write!(out, "\\n"),
            '\r' => write!(out, "\\r"),
            '\t' => write!(out, "\\t"),
            _ if is_printable(character) => write!(out, "{character}"),
            _ if code <= 0xff => write!(out, "\\x{code:02x}"),
            _ => write!(out, "\\u{code:04x}"),
        };
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_that_looks_like_something_else_is_quoted() {
        for text in [
            "",
            "1",
            "1.10",
            "0123",
            "1e3",
            "0x1F",
            "0o17",
            "0b1",
            "1_000",
            "12:30",
            "12:30:45.5",
            "yes",
            "No",
            "ON",
            "y",
            "null",
            "~",
            "NaN",
            ".inf",
            "-1",
            "+1",
            "2026-11-21",
            "2026-1-2T03:04:05Z",
            "a: b",
            "a #b",
            "a:",
            "- a",
            "*a",
            "&a",
            "!a",
            "%a",
            "@a",
            "`a",
            "a,b",
            "[a]",
            "{a}",
            "größer",
            "=",
            "<<",
            "a b",
            " a",
            "a\nb",
            "123e45",
            "'a'",
        ] {
            assert!(write(text, Style::Plain).starts_with('"'), "{text:?}");
        }
        for text in [
            "v1",
            "1.25.3",
            "1.25-alpine",
            "main.20261121-101112.4f1c2d9",
            "4f1c2d9",
            "ghcr.io/acme/api:v1",
            "sha256:ab",
            "a=b",
            "20261121-101112",
            "/srv/x",
            "v1+build",
        ] {
            assert_eq!(write(text, Style::Plain), text);
        }
    }

    #[test]
    fn quotes_are_kept_where_they_can_say_it() {
        let check = |text: &str, style, expect: &str| assert_eq!(write(text, style), expect);
        check("v1", Style::Single, "'v1'");
        check("it's", Style::Single, "'it''s'");
        check("a\nb", Style::Single, "\"a\\nb\"");
        check("v1", Style::Double, "\"v1\"");
        check("a\"\\\u{7}\u{2028}", Style::Double, "\"a\\\"\\\\\\x07\\u2028\"");
    }
}
