//! Markdown in whole parts: each is closed in itself, so that a page can end after any of them.

use crate::report::text;

/// Room that is kept for the last line.
const RESERVE: usize = 200;

/// A page of bounded size.
pub(super) struct Page {
    text: String,
    max: usize,
    left_out: usize,
}

impl Page {
    pub(super) fn new(max: usize) -> Self {
        Self { text: String::new(), max: max.saturating_sub(RESERVE), left_out: 0 }
    }

    /// Adds a part if there is room for the whole of it.
    pub(super) fn add(&mut self, part: &str) {
        let part = part.trim_end();
        if part.is_empty() {
            return;
        }
        if self.text.len() + part.len() + 2 > self.max {
            self.left_out += 1;
            return;
        }
        self.text.push_str(part);
        self.text.push_str("\n\n");
    }

    pub(super) fn finish(self) -> String {
        let mut text = self.text;
        if self.left_out > 0 {
            let parts = text::plural(self.left_out, "part");
            text.push_str(&format!("*There was no room for {parts} of this report.*\n\n"));
        }
        // What is appended next begins after an empty line.
        text
    }
}

/// Any text as Markdown that shows it: one line, every character that could be markup as an entity, which never is. It must not
/// stand first in a block, where `-` and `1.` mean something. Addresses are no links: not all that a pod says is to be followed.
pub(super) fn inline(text: &str) -> String {
    let text = text::line(text);
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let links = (c == ':' && chars.peek() == Some(&'/')) || (c == '.' && ends_with_www(&out));
        if links
            || matches!(
                c,
                '\\' | '`' | '*' | '_' | '~' | '[' | ']' | '<' | '>' | '&' | '|' | '#' | '!' | '$' | '@'
            )
        {
            out.push_str(&format!("&#{};", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

fn ends_with_www(text: &str) -> bool {
    text.len()
        .checked_sub(3)
        .and_then(|start| text.get(start..))
        .is_some_and(|end| end.eq_ignore_ascii_case("www"))
}

/// Any text in the type of code. A code span could not hold a `|` in a table.
pub(super) fn code(text: &str) -> String {
    format!("<code>{}</code>", inline(text))
}

/// Printable text as a block that is shown as it is.
pub(super) fn fence(language: &str, text: &str) -> String {
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or_default();
    let fence = "`".repeat(longest.max(2) + 1);
    format!("{fence}{language}\n{text}\n{fence}\n")
}

/// A part that is folded away; `title` and `body` are Markdown already.
pub(super) fn details(title: &str, body: &str) -> String {
    format!("<details><summary>{title}</summary>\n\n{}\n\n</details>\n", body.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let check = |text: &str, expect: &str| assert_eq!(inline(text), expect);
        check("image \"shop/api:v9\" not found", "image \"shop/api:v9\" not found");
        check("a|b`c\\", "a&#124;b&#96;c&#92;");
        check("x\n# y", "x &#35; y");
        check("<script>", "&#60;script&#62;");
        check("see https://x.io/a", "see https&#58;//x.io/a");
        check("at WWW.x.io", "at WWW&#46;x.io");
        assert_eq!(code("a_b"), "<code>a&#95;b</code>");
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence("text", "a"), "```text\na\n```\n");
        assert_eq!(fence("text", "a\n````\n</details>"), "`````text\na\n````\n</details>\n`````\n");
    }

    #[test]
    fn parts_are_whole_or_not_there() {
        let mut page = Page::new(RESERVE + 20);
        page.add("first");
        page.add(&details("x", "a long one that does not fit"));
        page.add("third");
        let text = page.finish();
        assert_eq!(text, "first\n\nthird\n\n*There was no room for 1 part of this report.*\n\n");
        assert!(text.len() <= RESERVE + 20);
    }
}
