//! Random texts and random edits: the text reads as it should to the reader that Kubernetes' tools are held to, what was
//! not asked for stands byte for byte, and nothing panics.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]
#![allow(
    clippy::format_push_string,
    clippy::cast_possible_truncation,
    reason = "short beats fast in a generator"
)]

use deploy_config::edit::{Change, Format, KeyPath, Step};
use deploy_core::manifest::documents;
use proptest::prelude::*;
use serde_json::{Map, Value};

/// A document to be written.
#[derive(Clone, Debug)]
enum Shape {
    Scalar(usize),
    Map(Vec<Shape>, bool),
    List(Vec<Shape>, bool),
    /// A repetition of an anchored value before it, if there is one.
    Alias,
    /// A map that merges the last anchored map.
    Merging(Vec<Shape>),
}

/// Scalars as written; those after `FLOW` stand in no brackets.
const SCALARS: [&str; 20] = [
    "v1",
    "'it''s # no comment'",
    "\"a\\\"b # c: d\"",
    "1.10",
    "0123",
    "true",
    "null",
    "~",
    "''",
    "größer",
    "\"x y\"",
    "2026-11-21",
    "a-b_c",
    "'1.0'",
    "!!str 12",
    "&own x",
    "",
    "|\n  one\n   two # text\n\n  three",
    ">-\n  folded\n  text",
    "one\n  two",
];
const FLOW: usize = 16;

/// Writes a document with comments, and notes where everything stands.
#[derive(Default)]
struct Writer {
    text: String,
    scalars: Vec<Vec<Step>>,
    maps: Vec<Vec<Step>>,
    comments: usize,
    anchors: usize,
    map_anchor: Option<usize>,
    /// Decides of details, over and over.
    dice: Vec<u8>,
    rolled: usize,
}

impl Writer {
    fn roll(&mut self, of: u8) -> bool {
        self.rolled += 1;
        self.dice
            .get(self.rolled % self.dice.len().max(1))
            .is_some_and(|die| die.wrapping_add(self.rolled as u8) % of == 0)
    }

    fn comment(&mut self) -> String {
        if !self.roll(3) {
            return String::new();
        }
        self.comments += 1;
        format!("  # @{}", self.comments)
    }

    fn lines_between(&mut self, indent: usize) {
        if self.roll(5) {
            self.comments += 1;
            self.text += &format!("{}# @{}\n", " ".repeat(indent), self.comments);
        }
        if self.roll(7) {
            self.text += "\n";
        }
    }

    /// What stands after a colon or a dash, to the end of the line and below.
    fn value(&mut self, shape: &Shape, path: &mut Vec<Step>, indent: usize, in_list: bool) {
        match shape {
            Shape::Scalar(number) => {
                self.scalars.push(path.clone());
                let text = SCALARS[number % SCALARS.len()];
                let many = text.contains('\n');
                let pad = format!("\n{}", " ".repeat(indent));
                let text = text.replace('\n', &pad).replace(&format!("{pad}\n"), "\n\n");
                let comment = if many { String::new() } else { self.comment() };
                self.text += &format!("{}{text}{comment}\n", if text.is_empty() { "" } else { " " });
            }
            Shape::Map(inner, flow) if *flow || inner.is_empty() => {
                self.flow(shape, path);
                let comment = self.comment();
                self.text += &format!("{comment}\n");
            }
            Shape::List(inner, flow) if *flow || inner.is_empty() => {
                self.flow(shape, path);
                let comment = self.comment();
                self.text += &format!("{comment}\n");
            }
            Shape::Map(inner, _) => {
                let anchored = (self.roll(4) && !in_list).then(|| {
                    self.anchors += 1;
                    self.text += &format!(" &a{}", self.anchors);
                    self.anchors
                });
                let comment = self.comment();
                self.text += &format!("{comment}\n");
                self.entries(inner, path, indent);
                self.map_anchor = anchored.or(self.map_anchor);
            }
            Shape::Merging(inner) => {
                self.text += "\n";
                if let Some(anchor) = self.map_anchor {
                    self.text += &format!("{}<<: *a{anchor}\n", " ".repeat(indent));
                }
                self.entries(inner, path, indent);
            }
            Shape::List(inner, _) => {
                let comment = self.comment();
                self.text += &format!("{comment}\n");
                let indent = if self.roll(2) && !in_list { indent - 2 } else { indent };
                for (index, item) in inner.iter().enumerate() {
                    self.lines_between(indent);
                    self.text += &format!("{}-", " ".repeat(indent));
                    path.push(Step::Index(index));
                    self.item(item, path, indent + 2);
                    path.pop();
                }
            }
            Shape::Alias => match self.map_anchor {
                Some(anchor) => self.text += &format!(" *a{anchor}\n"),
                None => self.text += " none\n",
            },
        }
    }

    /// What stands after a dash: a map starts on the same line.
    fn item(&mut self, shape: &Shape, path: &mut Vec<Step>, indent: usize) {
        let Shape::Map(inner, false) = shape else { return self.value(shape, path, indent, true) };
        if inner.is_empty() {
            return self.value(shape, path, indent, true);
        }
        let from = self.text.len();
        self.entries(inner, path, indent);
        let written = self.text.split_off(from);
        let clean = written.trim_start_matches('\n');
        if clean.trim_start().starts_with('#') {
            self.text += "\n";
            self.text += clean;
        } else {
            self.text += " ";
            self.text += clean.trim_start();
        }
    }

    fn entries(&mut self, inner: &[Shape], path: &mut Vec<Step>, indent: usize) {
        self.maps.push(path.clone());
        for (index, value) in inner.iter().enumerate() {
            self.lines_between(indent);
            let name = format!("k{index}");
            self.text += &format!("{}{name}:", " ".repeat(indent));
            path.push(Step::Key(name));
            self.value(value, path, indent + 2, false);
            path.pop();
        }
    }

    fn flow(&mut self, shape: &Shape, path: &mut Vec<Step>) {
        match shape {
            Shape::Map(inner, _) | Shape::Merging(inner) => {
                self.maps.push(path.clone());
                self.text += " {";
                for (index, value) in inner.iter().enumerate() {
                    self.text += &format!("{}k{index}:", if index == 0 { "" } else { ", " });
                    path.push(Step::Key(format!("k{index}")));
                    self.flow(value, path);
                    path.pop();
                }
                self.text += "}";
            }
            Shape::List(inner, _) => {
                self.text += " [";
                for (index, value) in inner.iter().enumerate() {
                    self.text += if index == 0 { "" } else { "," };
                    path.push(Step::Index(index));
                    self.flow(value, path);
                    path.pop();
                }
                self.text += "]";
            }
            Shape::Scalar(number) => {
                self.scalars.push(path.clone());
                self.text += &format!(" {}", SCALARS[number % FLOW]);
            }
            Shape::Alias => self.text += " none",
        }
    }
}

fn shape() -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![8 => (0..SCALARS.len()).prop_map(Shape::Scalar), 1 => Just(Shape::Alias)];
    leaf.prop_recursive(4, 40, 5, |inner| {
        let some = || proptest::collection::vec(inner.clone(), 0..5);
        prop_oneof![
            4 => (some(), proptest::bool::weighted(0.2)).prop_map(|(inner, flow)| Shape::Map(inner, flow)),
            3 => (some(), proptest::bool::weighted(0.2)).prop_map(|(inner, flow)| Shape::List(inner, flow)),
            1 => some().prop_map(Shape::Merging),
        ]
    })
}

fn written() -> impl Strategy<Value = Writer> {
    let root = proptest::collection::vec(shape(), 1..6);
    (root, proptest::collection::vec(any::<u8>(), 16)).prop_map(|(root, dice)| {
        let mut writer = Writer { dice, ..Writer::default() };
        writer.entries(&root, &mut Vec::new(), 0);
        if writer.roll(3) {
            writer.text = writer.text.trim_end_matches('\n').to_owned();
        }
        if writer.roll(3) {
            writer.text = writer.text.replace('\n', "\r\n");
        }
        writer
    })
}

impl std::fmt::Debug for Writer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// As Kubernetes' tools read it; a text of nothing is an empty map.
fn read(text: &str) -> Value {
    let mut all = documents("x.yaml", text.as_bytes()).unwrap_or_else(|error| panic!("{error}:\n{text}"));
    all.pop().unwrap_or_else(|| Value::Object(Map::new()))
}

/// The change, made by hand.
fn make(value: &mut Value, path: &[Step], new: Option<&str>) {
    let Some((first, rest)) = path.split_first() else {
        *value = Value::from(new.unwrap());
        return;
    };
    if value.is_null() {
        *value = Value::Object(Map::new());
    }
    match first {
        Step::Key(key) if rest.is_empty() && new.is_none() => {
            value.as_object_mut().unwrap().remove(key);
        }
        Step::Key(key) => make(value.as_object_mut().unwrap().entry(key).or_insert(Value::Null), rest, new),
        Step::Index(index) => make(&mut value[*index], rest, new),
        _ => unreachable!(),
    }
}

/// The lines of `old` that are not in `new`, and those of `new` that are not in `old`, after equal ones at both ends.
fn differing<'a>(old: &'a str, new: &'a str) -> (Vec<&'a str>, Vec<&'a str>) {
    // A line that gains or loses its break only is no other line.
    let mut old: Vec<&str> = old.lines().collect();
    let mut new: Vec<&str> = new.lines().collect();
    while !old.is_empty() && old.first() == new.first() {
        old.remove(0);
        new.remove(0);
    }
    while !old.is_empty() && old.last() == new.last() {
        old.pop();
        new.pop();
    }
    (old, new)
}

fn comments(text: &str) -> Vec<&str> {
    text.split("# @").skip(1).map(|rest| rest.split(['\r', '\n']).next().unwrap()).collect()
}

/// What may be refused, though the text is good.
const REFUSALS: [&str; 8] = [
    "would be left empty",
    "that value would show",
    "an edit would change both",
    "a comment stands between",
    "null stands where",
    "null stands there",
    "is written and merged",
    "is not removed",
];

fn check(writer: &Writer, path: Vec<Step>, new: Option<&str>) {
    let text = &writer.text;
    let steps = path.clone();
    let path = KeyPath::new(path).unwrap();
    let was = match Format::Yaml.get(text, &path) {
        Ok(was) => was,
        Err(error) => {
            return assert!(new.is_none() || error.to_string().contains("holds"), "{path}: {error}\n{text}");
        }
    };
    let change = Change { path: path.clone(), value: new.map(str::to_owned) };
    let edited = match Format::Yaml.apply(text, &[change]) {
        Ok(edited) => edited,
        Err(error) => {
            let message = error.to_string();
            // A block at the very end has no last line break, and would get one.
            let cut_off =
                !text.ends_with('\n') && text.contains(['|', '>']) && message.contains("change more");
            assert!(
                cut_off || REFUSALS.iter().any(|known| message.contains(known)),
                "{path} = {new:?}: {error:?}\n{text}"
            );
            return;
        }
    };
    if was.as_deref() == new {
        assert_eq!(edited, *text);
        return;
    }
    let mut expected = read(text);
    make(&mut expected, &steps, new);
    assert_eq!(read(&edited), expected, "{path} = {new:?}\n{text}\n=>\n{edited}");
    let (old, lines) = differing(text, &edited);
    assert!(old.len() <= 8 && lines.len() <= 5, "{path} = {new:?}\n{text}\n=>\n{edited}");
    let lost = comments(text).into_iter().filter(|comment| !comments(&edited).contains(comment)).count();
    assert!(lost <= usize::from(new.is_none()), "{path} = {new:?}\n{text}\n=>\n{edited}");
    // Of one line without others, the break goes with it.
    assert!(!edited.contains('\n') || edited.contains("\r\n") == text.contains("\r\n"));
}

const VALUES: [&str; 10] =
    ["v2", "1.10", "yes", "null", "a: b # c", "it's", "", "two\nlines", "größer", "2026-11-21"];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_edit_does_what_was_asked(writer in written(), which in any::<prop::sample::Index>(), value in 0..VALUES.len()) {
        if !writer.scalars.is_empty() {
            check(&writer, which.get(&writer.scalars).clone(), Some(VALUES[value]));
        }
    }

    #[test]
    fn a_new_key_is_added(writer in written(), which in any::<prop::sample::Index>(), value in 0..VALUES.len(), deep in 0..3) {
        let mut path = which.get(&writer.maps).clone();
        path.extend((0..=deep).map(|at| Step::Key(format!("new{at}"))));
        check(&writer, path, Some(VALUES[value]));
    }

    #[test]
    fn a_removed_key_is_gone(writer in written(), which in any::<prop::sample::Index>()) {
        if !writer.scalars.is_empty() {
            check(&writer, which.get(&writer.scalars).clone(), None);
        }
    }

    #[test]
    fn any_text_is_edited_or_refused(
        text in "[-a-c:#&*!|>'\"{}\\[\\], \n\r\t?%@<=.é0-1$\\\\]{0,60}",
        path in "[a-c](\\.[a-c]|\\[0\\])?",
        value in proptest::option::of(any::<String>()),
    ) {
        let change = Change { path: path.parse().unwrap(), value };
        for format in [Format::Yaml, Format::Json, Format::Toml, Format::Dotenv] {
            if let Ok(edited) = format.apply(&text, std::slice::from_ref(&change)) {
                prop_assert_eq!(format.get(&edited, &change.path).unwrap(), change.value.clone());
            }
        }
    }
}
