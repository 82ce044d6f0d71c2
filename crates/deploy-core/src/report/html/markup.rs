//! Elements that are always closed, and text that is always escaped.

/// An element of HTML or SVG.
pub(in crate::report) struct Element {
    name: &'static str,
    /// The start tag without its `>`, and what is in the element.
    start: String,
    body: String,
    void: bool,
}

pub(in crate::report) fn element(name: &'static str) -> Element {
    Element { name, start: format!("<{name}"), body: String::new(), void: false }
}

impl Element {
    pub(in crate::report) fn attribute(mut self, name: &'static str, value: &str) -> Self {
        self.start.push(' ');
        self.start.push_str(name);
        self.start.push_str("=\"");
        escape(value, &mut self.start);
        self.start.push('"');
        self
    }

    pub(in crate::report) fn class(self, class: &str) -> Self {
        self.attribute("class", class)
    }

    pub(in crate::report) fn text(mut self, text: &str) -> Self {
        escape(text, &mut self.body);
        self
    }

    /// Our own text, as it is.
    pub(super) fn raw(mut self, text: &'static str) -> Self {
        self.body.push_str(text);
        self
    }

    #[expect(clippy::needless_pass_by_value, reason = "a child is made where it is put")]
    pub(in crate::report) fn with(mut self, child: Self) -> Self {
        child.write(&mut self.body);
        self
    }

    pub(in crate::report) fn with_all(self, children: impl IntoIterator<Item = Self>) -> Self {
        children.into_iter().fold(self, Self::with)
    }

    /// One that HTML does not close, as `meta`.
    pub(super) fn void(mut self) -> Self {
        self.void = true;
        self
    }

    pub(super) fn render(self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        out.push_str(&self.start);
        out.push('>');
        if self.void {
            return;
        }
        out.push_str(&self.body);
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
        if matches!(
            self.name,
            "head" | "header" | "section" | "article" | "details" | "tr" | "p" | "li" | "div"
        ) {
            out.push('\n');
        }
    }
}

fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_no_markup() {
        let one = element("b").attribute("title", "\"><script>").text("<script>&'");
        assert_eq!(one.render(), "<b title=\"&quot;&gt;&lt;script&gt;\">&lt;script&gt;&amp;&#39;</b>");
        assert_eq!(element("meta").attribute("name", "x").void().render(), "<meta name=\"x\">");
    }
}
