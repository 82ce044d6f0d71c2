//! Commit messages and names of branches, from templates. Pure.

use std::fmt::Write as _;

use deploy_core::config::{Edit, Note};
use deploy_core::error::{Error, Result};
use deploy_core::image::Digest;

/// The most characters of a subject line that is made of keys.
const SUBJECT: usize = 72;

/// A text with places for a note's message and facts: `deploy({app}): {message}`. Two braces are one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

impl Template {
    pub(super) fn parse(text: &str) -> Result<Self> {
        let about = |why: &str| Error::invalid(why).on(format!("template {}", text.escape_debug()));
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '{' | '}' if chars.peek() == Some(&c) => {
                    chars.next();
                    plain.push(c);
                }
                '{' => {
                    let mut name = String::new();
                    loop {
                        match chars.next() {
                            Some('}') => break,
                            Some('{') | None => return Err(about("a brace is not closed")),
                            Some(c) => name.push(c),
                        }
                    }
                    if name.is_empty() {
                        return Err(about("there is no name in a pair of braces"));
                    }
                    parts.push(Part::Text(std::mem::take(&mut plain)));
                    parts.push(Part::Place(name));
                }
                '}' => return Err(about("a brace was not opened")),
                c => plain.push(c),
            }
        }
        parts.push(Part::Text(plain));
        Ok(Self(parts))
    }

    fn fill(&self, value: impl Fn(&str) -> Option<String>) -> Result<String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Place(name) => match value(name) {
                    Some(value) => out.push_str(&value),
                    None => {
                        return Err(Error::invalid(format!(
                            "the template wants \"{name}\", and the note has no such fact"
                        ))
                        .help("add the fact to the note"));
                    }
                },
            }
        }
        Ok(out)
    }

    /// A commit's message, with a trailer for each fact.
    pub(super) fn message(&self, edits: &[Edit], note: &Note) -> Result<String> {
        let value = |name: &str| match name {
            "message" => Some(said(edits, note)),
            name => fact(note, name).map(one_line),
        };
        let text = plain(&self.fill(value)?);
        let mut out = if text.is_empty() { subject(edits) } else { text };
        out.push('\n');
        let mut trailers = note.facts.iter().filter_map(|(name, value)| trailer(name, value)).peekable();
        if trailers.peek().is_some() {
            out.push('\n');
        }
        trailers.for_each(|line| out.push_str(&line));
        Ok(out)
    }

    /// A branch's name; what no branch may be called becomes a dash. `{change}` is the same for the same edits, and no others.
    pub(super) fn branch(&self, edits: &[Edit], note: &Note) -> Result<String> {
        self.fill(|name| match name {
            "change" => Some(change(edits)),
            "message" => Some(branch_part(note.message.lines().next().unwrap_or_default())),
            name => fact(note, name).map(branch_part),
        })
    }
}

fn fact<'a>(note: &'a Note, name: &str) -> Option<&'a str> {
    note.facts.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
}

/// What the note says, or else what is done.
fn said(edits: &[Edit], note: &Note) -> String {
    let text = plain(&note.message);
    if text.is_empty() { subject(edits) } else { text }
}

fn subject(edits: &[Edit]) -> String {
    let one = |edit: &Edit| match &edit.value {
        Some(value) => format!("Set {} to {}", one_line(&edit.key), one_line(value)),
        None => format!("Remove {}", one_line(&edit.key)),
    };
    match edits {
        [edit] if one(edit).chars().count() <= SUBJECT => one(edit),
        [edit] => format!("Set {}", one_line(&edit.key)),
        edits => format!("Set {} values", edits.len()),
    }
}

/// Without control characters but line ends, and without lines at either end.
fn plain(text: &str) -> String {
    let text: String = text.replace("\r\n", "\n").chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    let lines: Vec<&str> = text.lines().map(str::trim_end).collect();
    lines.join("\n").trim().to_owned()
}

fn one_line(text: &str) -> String {
    let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// `Git-Revision: 4f1c2d9`, in one line whatever the fact holds.
fn trailer(name: &str, value: &str) -> Option<String> {
    let words = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    let capital = |word: &str| {
        let (first, rest) = word.split_at(1);
        format!("{}{rest}", first.to_ascii_uppercase())
    };
    let token = words.map(capital).collect::<Vec<_>>().join("-");
    let value = one_line(value);
    (!token.is_empty() && !value.is_empty()).then(|| format!("{token}: {value}\n"))
}

fn branch_part(value: &str) -> String {
    let dashed: String =
        value.chars().map(|c| if c.is_ascii_alphanumeric() || "._/".contains(c) { c } else { '-' }).collect();
    let part = |part: &str| {
        let part = part.replace("..", "-");
        part.trim_matches(['.', '-']).trim_end_matches(".lock").to_owned()
    };
    dashed.split('/').map(part).filter(|part| !part.is_empty()).collect::<Vec<_>>().join("/")
}

fn change(edits: &[Edit]) -> String {
    let mut text = String::new();
    for edit in edits {
        // A String takes whatever is written.
        let _ = write!(text, "{:?}{:?}", edit.key, edit.value);
    }
    let digest = Digest::sha256(text.as_bytes());
    let hex = digest.as_str().trim_start_matches("sha256:");
    hex.get(..12).unwrap_or(hex).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn note() -> Note {
        Note::new("Deploy v2\n\nIt is faster.")
            .fact("image", "ghcr.io/acme/api:v2")
            .fact("git revision", "4f1c2d9")
    }

    #[test]
    fn a_message_has_a_subject_and_trailers() {
        let check = |template: &str, edits: &[Edit], note: &Note, expect: &str| {
            assert_eq!(Template::parse(template).unwrap().message(edits, note).unwrap(), expect);
        };
        let one = [Edit::put("shop#api", "v2")];
        let two = [Edit::put("shop#api", "v2"), Edit::remove("web#x")];
        let trailers = "Image: ghcr.io/acme/api:v2\nGit-Revision: 4f1c2d9\n";
        check("{message}", &one, &note(), &format!("Deploy v2\n\nIt is faster.\n\n{trailers}"));
        check(
            "deploy({git revision}): {{{message}}}",
            &one,
            &Note::new("a").fact("git revision", "b"),
            "deploy(b): {a}\n\nGit-Revision: b\n",
        );
        check("{message}", &one, &Note::default(), "Set shop#api to v2\n");
        check("{message}", &two, &Note::default(), "Set 2 values\n");
        check("{message}", &two[1..], &Note::default(), "Remove web#x\n");
        check("{message}", &[Edit::put("a#b", "x".repeat(99))], &Note::default(), "Set a#b\n");
        check("", &one, &Note::new("unused"), "Set shop#api to v2\n");
        let hostile = Note::new("a\0\u{1b}[31m\r\nb \n\n")
            .fact("x\nSigned-off-by", "1\nSigned-off-by: me")
            .fact("", "v")
            .fact("empty", " \n");
        check("{message}", &one, &hostile, "a[31m\nb\n\nX-Signed-Off-By: 1 Signed-off-by: me\n");
    }

    #[test]
    fn a_branch_gets_a_name_that_it_can_have() {
        let check = |template: &str, note: &Note, expect: &str| {
            assert_eq!(
                Template::parse(template).unwrap().branch(&[Edit::put("a#b", "c")], note).unwrap(),
                expect
            );
        };
        check("deploy/{image}", &note(), "deploy/ghcr.io/acme/api-v2");
        check("deploy/{change}", &note(), "deploy/dacd50d4329f");
        check("x-{v}", &Note::new("").fact("v", "-../.a..b~1.lock"), "x-a-b-1");
        check("{message}", &note(), "Deploy-v2");
    }

    #[test]
    fn bad_templates_are_refused() {
        for text in ["{", "}", "{}", "{a", "{a{b}}"] {
            assert!(Template::parse(text).is_err(), "{text}");
        }
        let error = Template::parse("{app}").unwrap().message(&[], &note()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the template wants \"app\", and the note has no such fact (add the fact to the note)"
        );
    }
}
