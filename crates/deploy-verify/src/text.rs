//! Text of others in sentences of ours.

use std::iter;

/// At most `most` characters of a text, on one line and without what a terminal would obey.
pub(crate) fn shown(text: &str, most: usize) -> String {
    let mut shown = String::new();
    for (index, character) in text.trim().chars().enumerate() {
        if index == most {
            shown.push('…');
            break;
        }
        shown.push(if is_plain(character) { character } else { ' ' });
    }
    shown
}

/// At most `most` characters of the end of a text, its lines in one with `|` between them.
pub(crate) fn last(text: &str, most: usize) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let text: String = lines.join(" | ").chars().map(|c| if is_plain(c) { c } else { ' ' }).collect();
    let count = text.chars().count();
    if count <= most { text } else { iter::once('…').chain(text.chars().skip(count - most)).collect() }
}

/// Neither a control character nor one that turns the direction of what follows.
fn is_plain(character: char) -> bool {
    !character.is_control()
        && !matches!(character, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The first of them with `separator` in between, and how many more there are.
pub(crate) fn first(most: usize, separator: &str, items: impl ExactSizeIterator<Item = String>) -> String {
    let more = items.len().saturating_sub(most);
    let more = (more > 0).then(|| format!("and {more} more"));
    items.take(most).chain(more).collect::<Vec<_>>().join(separator)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_shown_on_one_line() {
        let check = |text: &str, expect: &str| assert_eq!(shown(text, 8), expect);
        check("libssl", "libssl");
        check(" a\nb\u{1b}[1m ", "a b [1m");
        check("12345678", "12345678");
        check("123456789", "12345678…");
        check("a\u{202e}b", "a b");
        check("", "");
    }

    #[test]
    fn the_end_is_shown_on_one_line() {
        let check = |text: &str, expect: &str| assert_eq!(last(text, 8), expect);
        check("", "");
        check("a\n\n  b\r\n", "a | b");
        check("1234567\n8", "…4567 | 8");
        check("\u{1b}[1mab", " [1mab");
        check("äöüäöüäöü", "…öüäöüäöü");
    }

    #[test]
    fn says_how_many_more() {
        let check = |most: usize, expect: &str| {
            assert_eq!(first(most, ", ", ["a", "b", "c"].map(String::from).into_iter()), expect);
        };
        check(3, "a, b, c");
        check(2, "a, b, and 1 more");
        check(0, "and 3 more");
    }
}
