//! Checks of pages that know the markup we write and take all else for text that got through.

/// The tags that HTML does not close.
const VOID: [&str; 1] = ["meta"];
const TAGS: [&str; 35] = [
    "html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "h1", "h2",
    "h3", "p", "span", "strong", "small", "code", "pre", "dl", "dt", "dd", "div", "ul", "li", "details",
    "summary", "table", "thead", "tbody", "tr", "th", "td", "svg", "g",
];
const SHAPES: [&str; 3] = ["rect", "line", "text"];
const ATTRIBUTES: [&str; 22] = [
    "class",
    "charset",
    "http-equiv",
    "content",
    "name",
    "lang",
    "scope",
    "title",
    "open",
    "width",
    "height",
    "x",
    "y",
    "x1",
    "x2",
    "y1",
    "y2",
    "dx",
    "rx",
    "text-anchor",
    "role",
    "aria-label",
];

/// The text that the page shows, if it is whole and has no tag or attribute but ours.
pub(super) fn html_text(page: &str) -> Result<String, String> {
    let mut rest = page.strip_prefix("<!DOCTYPE html>").ok_or("no doctype")?;
    let (mut open, mut shown): (Vec<&str>, String) = (Vec::new(), String::new());
    while let Some(start) = rest.find('<') {
        let (text, tag) = rest.split_at(start);
        shown += &plain(text, &open)?;
        let end = tag.find('>').ok_or("a tag without an end")?;
        let inner = tag.get(1..end).unwrap_or_default();
        rest = tag.get(end + 1..).unwrap_or_default();
        if let Some(name) = inner.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let name = inner.split(' ').next().unwrap_or_default();
        if !TAGS.contains(&name) && !SHAPES.contains(&name) {
            return Err(format!("<{inner}> is none of ours"));
        }
        attributes(inner.get(name.len()..).unwrap_or_default())?;
        if !VOID.contains(&name) {
            open.push(name);
        }
    }
    shown += &plain(rest, &open)?;
    if open.is_empty() { Ok(shown) } else { Err(format!("{open:?} are not closed")) }
}

fn plain(text: &str, open: &[&str]) -> Result<String, String> {
    if open.last() == Some(&"style") {
        return Ok(String::new());
    }
    if text.contains(['>', '"', '\'', '\0', '\u{1b}']) {
        return Err(format!("not escaped: {text}"));
    }
    let entities = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
    let names = text.split('&').skip(1).all(|rest| {
        entities.iter().any(|(entity, _)| entity.get(1..).is_some_and(|entity| rest.starts_with(entity)))
    });
    if !names {
        return Err(format!("not escaped: {text}"));
    }
    Ok(entities.iter().fold(text.to_owned(), |text, (entity, c)| text.replace(entity, c)))
}

fn attributes(text: &str) -> Result<(), String> {
    let mut rest = text;
    while !rest.is_empty() {
        let (name, value) = rest.trim_start().split_once("=\"").ok_or(format!("an attribute of {text}"))?;
        let (value, after) = value.split_once('"').ok_or(format!("a value of {text}"))?;
        if !ATTRIBUTES.contains(&name) || value.contains(['<', '\0', '\u{1b}']) {
            return Err(format!("{name}={value}"));
        }
        rest = after;
    }
    Ok(())
}

/// Whether every fence and every `<details>` is closed, every row has its cells, and no tag but ours stands outside of fences.
pub(super) fn markdown_is_balanced(page: &str) -> Result<(), String> {
    let (mut fence, mut details, mut cells): (Option<String>, i32, Option<usize>) = (None, 0, None);
    for line in page.split('\n') {
        if line.contains(|c: char| c.is_control() && c != '\t') {
            return Err(format!("a control character in {line:?}"));
        }
        let ticks: String = line.chars().take_while(|c| *c == '`').collect();
        if let Some(open) = &fence {
            if ticks.len() >= open.len() && ticks == line.trim_end() {
                fence = None;
            }
            continue;
        }
        if ticks.len() >= 3 {
            fence = Some(ticks);
            continue;
        }
        if line.contains(['`', '\\', '*', '_', '~']) && !line.starts_with("*There was no room") {
            return Err(format!("not escaped: {line}"));
        }
        let mut text = line.to_owned();
        for tag in
            ["<details>", "<summary>", "</summary>", "</details>", "<code>", "</code>", "<b>", "</b>", "<br>"]
        {
            text = text.replace(tag, "");
        }
        if text.contains('<') {
            return Err(format!("not escaped: {line}"));
        }
        details += i32::from(line.starts_with("<details>")) - i32::from(line.starts_with("</details>"));
        if !(0..=1).contains(&details) {
            return Err("<details> in <details>, or not open".to_owned());
        }
        let count = line.starts_with('|').then(|| line.matches('|').count());
        if let (Some(before), Some(now)) = (cells, count)
            && before != now
        {
            return Err(format!("{now} bars after {before}: {line}"));
        }
        if count.is_none() && line.contains('|') {
            return Err(format!("not escaped: {line}"));
        }
        cells = count;
    }
    if fence.is_some() || details != 0 {
        return Err(format!("open at the end: fence {fence:?}, details {details}"));
    }
    Ok(())
}
