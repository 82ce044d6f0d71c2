//! Text from a cluster made fit to be shown: it may hold anything.

use std::time::Duration;

/// The most characters of one line.
const MAX_LINE: usize = 1000;

/// `text` in one line of at most 1000 characters, without what a page could be disturbed by.
pub(super) fn line(text: &str) -> String {
    let text = printable(text);
    clip(text.split_whitespace().collect::<Vec<_>>().join(" "), MAX_LINE)
}

/// The last lines of `lines` that fit into `max` bytes, each clipped; and how many were left out.
pub(super) fn tail(lines: &[String], max: usize) -> (String, usize) {
    let (mut kept, mut size) = (Vec::new(), 0);
    for line in lines.iter().rev() {
        // What is one line to its writer may hold line breaks.
        let line = clip(printable(line), MAX_LINE);
        size += line.len() + 1;
        if size > max {
            break;
        }
        kept.push(line);
    }
    kept.reverse();
    (kept.join("\n"), lines.len() - kept.len())
}

/// The lines of `text` that fit into `max` bytes, clipped; and how many were left out.
pub(super) fn head(text: &str, max: usize) -> (String, usize) {
    let text = printable(text);
    let (mut kept, mut size) = (Vec::new(), 0);
    for line in text.lines() {
        let line = clip(line.to_owned(), MAX_LINE);
        size += line.len() + 1;
        if size > max {
            break;
        }
        kept.push(line);
    }
    (kept.join("\n"), text.lines().count() - kept.len())
}

/// At most `max` characters.
pub(super) fn clip(text: String, max: usize) -> String {
    match text.char_indices().nth(max) {
        None => text,
        Some(_) => text.chars().take(max.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// At most `max` characters, the end kept: it tells the pods of a workload apart.
pub(super) fn clip_start(text: &str, max: usize) -> String {
    let count = text.chars().count();
    if count <= max {
        return text.to_owned();
    }
    std::iter::once('…').chain(text.chars().skip(count + 1 - max)).collect()
}

/// `text` without terminal escapes; other control characters, and those that turn the direction of writing, become `�`.
pub(super) fn printable(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => match chars.peek() {
                Some('[') => {
                    chars.next();
                    // Up to the final byte (ECMA-48, 5.4); what is no part of a sequence ends it and stays.
                    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
                Some(']') => {
                    while chars.next_if(|c| !matches!(c, '\u{7}' | '\u{1b}' | '\n')).is_some() {}
                    chars.next_if_eq(&'\u{7}');
                }
                _ => {
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
            },
            '\r' if chars.peek() == Some(&'\n') => {}
            '\t' | '\n' => out.push(c),
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' => {
                out.push('\u{fffd}');
            }
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}

/// `0.42 s`, `12.3 s`, `2 min 5 s`, `1 h 2 min`.
pub(super) fn duration(duration: Duration) -> String {
    let hundredths = (duration.as_millis() + 5) / 10;
    let tenths = (duration.as_millis() + 50) / 100;
    let seconds = (duration.as_millis() + 500) / 1000;
    match seconds {
        _ if hundredths < 1000 => format!("{}.{:02} s", hundredths / 100, hundredths % 100),
        _ if tenths < 600 => format!("{}.{} s", tenths / 10, tenths % 10),
        0..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        _ => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
    }
}

/// `1 field`, `2 fields`.
pub(super) fn plural(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_disturbs_goes() {
        let check = |text: &str, expect: &str| assert_eq!(printable(text), expect);
        check("\u{1b}[31;1mred\u{1b}[0m", "red");
        check("\u{1b}]0;title\u{7}text\u{1b}", "text");
        check("\u{1b}]8;;http://x\u{1b}\\link", "link");
        check("a\0b\rc\r\nd\te", "a\u{fffd}b\u{fffd}c\nd\te");
        check("\u{202e}gpj.exe", "\u{fffd}gpj.exe");
        check("\u{1b}[31\u{e9}", "\u{e9}");
        assert_eq!(line("  a\n\n b\tc "), "a b c");
        assert_eq!(line(&"é".repeat(5000)).chars().count(), MAX_LINE);
    }

    #[test]
    fn keeps_the_end_of_a_log_and_of_a_name() {
        let lines: Vec<String> = (0..5).map(|n| format!("line {n}")).collect();
        assert_eq!(tail(&lines, 14), ("line 3\nline 4".into(), 3));
        assert_eq!(tail(&lines, 0), (String::new(), 5));
        assert_eq!(head("a\nb\nc", 4), ("a\nb".into(), 1));
        assert_eq!(clip_start("api-7b66-vnhj9", 6), "…vnhj9");
        assert_eq!(clip_start("é-é", 3), "é-é");
    }

    #[test]
    fn times_read_as_said() {
        let check = |millis, expect: &str| assert_eq!(duration(Duration::from_millis(millis)), expect);
        check(0, "0.00 s");
        check(1234, "1.23 s");
        check(9994, "9.99 s");
        check(9995, "10.0 s");
        check(59_949, "59.9 s");
        check(59_950, "1 min 0 s");
        check(125_000, "2 min 5 s");
        check(3_599_499, "59 min 59 s");
        check(3_599_500, "1 h 0 min");
        check(90_000_000, "25 h 0 min");
    }
}
