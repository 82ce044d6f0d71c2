//! The formats, and one way to edit them all.

use std::borrow::Cow;
use std::collections::BTreeSet;

use deploy_core::error::{Error, Result};

use super::find::{Place, Walk};
use super::fragment::Fragment;
use super::path::KeyPath;
use super::splice::{Splice, splice};
use super::tree::{Id, Kind, Layout, Scalar, Style, Tree, line};
use super::{MAX_BYTES, MAX_EDITS, MAX_VALUE_BYTES, dotenv, flow, json, toml, verify, yaml};

/// A format of texts that hold values under keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// YAML, of one document or several.
    Yaml,
    /// JSON, strictly.
    Json,
    /// TOML.
    Toml,
    /// Lines of `NAME=value`.
    Dotenv,
}

/// One value's change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Which value.
    pub path: KeyPath,
    /// What it shall be; `None` removes it.
    pub value: Option<String>,
}

impl Change {
    /// Sets the value at `path`.
    pub fn put(path: KeyPath, value: impl Into<String>) -> Self {
        Self { path, value: Some(value.into()) }
    }

    /// Removes the value at `path`, with its key.
    pub fn remove(path: KeyPath) -> Self {
        Self { path, value: None }
    }
}

/// A text that was read: for several looks at it.
#[derive(Debug)]
pub(crate) struct Reading<'a> {
    /// Without a byte order mark.
    pub(super) text: &'a str,
    pub(super) tree: Tree,
}

const BOM: &str = "\u{feff}";

impl Format {
    /// The value at `path`: text as it is read, anything else as it is written. `None` where there is none, or null.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for a text that cannot be read, a key that
    /// stands twice, a path that leads to a map or a list, or through a value.
    pub fn get(self, text: &str, path: &KeyPath) -> Result<Option<String>> {
        self.read(text)?.value(path)
    }

    /// The text with all changes made, read again and found to hold these changes and nothing else.
    ///
    /// What a value is already is no change, and so is removing what is not there.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) as for [`Format::get`]; for a change that would
    /// reach two places; for one that has no place; over one of the module's caps.
    /// [`Unsupported`](deploy_core::error::ErrorKind::Unsupported) for an edit after which the text would not read as
    /// it should.
    pub fn apply(self, text: &str, changes: &[Change]) -> Result<String> {
        let (text, _) = self.edit(text, self.read(text)?, changes)?;
        Ok(text)
    }

    /// As [`Format::apply`], of a `text` that was read; and what was read of the edited one.
    pub(crate) fn edit(self, text: &str, reading: Reading<'_>, changes: &[Change]) -> Result<(String, Tree)> {
        check(changes)?;
        let bom = if text.starts_with(BOM) { BOM } else { "" };
        let Reading { text, mut tree } = reading;
        let mut body = Cow::Borrowed(text);
        let (mut splices, mut later) = (Vec::new(), Vec::new());
        for change in changes {
            match self.in_place(&body, &tree, change).map_err(|error| about(error, change))? {
                Way::Nothing => {}
                Way::Later => later.push(change),
                Way::Now(id, splice) => splices.push((id, splice, change)),
            }
        }
        if !splices.is_empty() {
            let mut draft = Draft::of(tree);
            for (id, splice, change) in splices {
                set(&mut draft.expected, id, change.value.as_deref().unwrap_or_default());
                draft.changed.push(id);
                draft.splices.push(splice);
            }
            let (text, read) = self.make(&body, draft)?;
            (body, tree) = (Cow::Owned(text), read);
        }
        for change in later {
            let draft = self.moving(&body, tree, change).map_err(|error| about(error, change))?;
            let (text, read) = self.make(&body, draft).map_err(|error| about(error, change))?;
            (body, tree) = (Cow::Owned(text), read);
        }
        for change in changes {
            if tree.value(&body, &change.path)? != change.value {
                return Err(about(Error::invalid("another change of the same set undoes it"), change));
            }
        }
        Ok((format!("{bom}{body}"), tree))
    }

    pub(crate) fn read(self, text: &str) -> Result<Reading<'_>> {
        let text = text.strip_prefix(BOM).unwrap_or(text);
        if text.len() > MAX_BYTES {
            return Err(Error::invalid(format!("it is over {} MiB", MAX_BYTES / 1024 / 1024)));
        }
        let tree = match self {
            Self::Yaml => yaml::parse(text)?,
            Self::Json => json::parse(text)?,
            Self::Toml => toml::parse(text)?,
            Self::Dotenv => dotenv::parse(text)?,
        };
        Ok(Reading { text, tree })
    }

    /// Makes the splices, and holds the text against what was expected.
    fn make(self, text: &str, draft: Draft) -> Result<(String, Tree)> {
        let new = splice(text, &draft.splices)?;
        if self == Self::Yaml
            && let Some(parts) = yaml::part::check(text, &new, &draft)
        {
            let tree = parts.join(draft.expected);
            debug_assert!(
                self.read(&new).is_ok_and(|whole| verify::verify(&tree, &whole.tree).is_ok()),
                "the parts say what the whole says"
            );
            return Ok((new, tree));
        }
        let tree = self.read(&new).map_err(|error| {
            Error::invalid("the edited text could not be read, so it is not written").source(error)
        })?;
        verify::verify(&draft.expected, &tree.tree)?;
        let tree = tree.tree;
        Ok((new, tree))
    }

    /// How the change of a value that is there is made: where it stands.
    fn in_place(self, text: &str, tree: &Tree, change: &Change) -> Result<Way> {
        let walk = tree.walk(text, &change.path)?;
        if tree.value(text, &change.path)? == change.value {
            return Ok(Way::Nothing);
        }
        tree.guard(text, &walk)?;
        let (Some(value), Place::Here { id, .. }) = (&change.value, walk.place) else {
            return Ok(Way::Later);
        };
        let Some(scalar) = tree.scalar(id).filter(|scalar| scalar.style != Style::Null) else {
            return Ok(Way::Later);
        };
        let span = tree.node(id).span.clone();
        untagged(text, scalar, span.start)?;
        let range = if self == Self::Yaml && scalar.style == Style::Block {
            if yaml::has_header_comment(text, span.start) {
                return Err(Error::invalid("the comment beside it would be lost").help("edit it by hand"));
            }
            span.start..yaml::block_end(text, &span)
        } else {
            span
        };
        Ok(Way::Now(id, Splice::new(range, self.scalar(value, scalar.style))))
    }

    /// What is to be done for a change that adds or removes.
    fn moving(self, text: &str, tree: Tree, change: &Change) -> Result<Draft> {
        let walk = tree.walk(text, &change.path)?;
        tree.guard(text, &walk)?;
        let mut draft = Draft::of(tree);
        let Some(value) = &change.value else {
            self.removal(text, &mut draft, &walk)?;
            return match draft.expected.walk(text, &change.path)?.place {
                Place::Missing { .. } => Ok(draft),
                Place::Here { .. } => {
                    Err(Error::invalid("a merge key brings the key too, and that value would show")
                        .help("set it to what it shall be"))
                }
            };
        };
        if let Place::Here { id, parent } = walk.place {
            // Null, written or not.
            let Some((map, index)) = parent else {
                return Err(
                    Error::invalid("null stands there, in no map").help("write a value by hand first")
                );
            };
            let tree = &mut draft.expected;
            let key = tree.map(map).and_then(|map| map.entries.get(index)).map_or(0, |(key, _)| *key);
            if let Some(scalar) = tree.scalar(id) {
                untagged(text, scalar, tree.node(id).span.start)?;
            }
            draft.splices.push(yaml::replace(text, tree, key, id, self.scalar(value, Style::Plain))?);
            draft.changed.push(id);
            set(tree, id, value);
            return Ok(draft);
        }
        let Place::Missing { at, taken } = walk.place else { return Ok(draft) };
        let steps = change.path.steps().get(taken..).unwrap_or_default();
        let new = Fragment::nest(steps, value)?;
        draft.splices = self.insertion(text, &draft.expected, at, &new)?;
        draft.changed.extend(at);
        plant(&mut draft.expected, at, &new);
        Ok(draft)
    }

    fn insertion(self, text: &str, tree: &Tree, at: Option<Id>, value: &Fragment) -> Result<Vec<Splice>> {
        let kind = at.map(|id| (id, &tree.node(id).kind));
        match (kind, value) {
            (Some((id, Kind::Map(map))), Fragment::Map(entries)) => {
                let Some((name, value)) = entries.first() else { return Ok(Vec::new()) };
                match map.layout {
                    Layout::Flow => flow::add_entry(self, text, tree, id, map, name, value),
                    Layout::Table { end } => toml::add_entry(text, tree, id, map, end, name, value),
                    Layout::Block if self == Self::Dotenv => dotenv::add_entry(text, name, value),
                    Layout::Block => yaml::add_entry(text, tree, id, map, name, value),
                }
            }
            (Some((id, Kind::List(list))), Fragment::List(items)) => {
                let Some(item) = items.first() else { return Ok(Vec::new()) };
                match (list.layout, self) {
                    (Layout::Flow, _) => flow::add_item(self, text, tree, id, &list.items, item),
                    (_, Self::Yaml) => yaml::add_item(text, tree, id, list, item),
                    _ => Err(Error::invalid("no item can be added to this list").help("add it by hand")),
                }
            }
            (None | Some((_, Kind::Scalar(_))), _) if self == Self::Yaml => yaml::fill(text, tree, at, value),
            (Some((id, Kind::Scalar(_))), _) => {
                Ok(vec![Splice::new(tree.node(id).span.clone(), flow::write(self, value))])
            }
            (None, _) => Err(Error::invalid("it is empty")),
            (Some((id, _)), _) => Err(Error::invalid(format!(
                "line {} holds a map where the key has a list, or the other way round",
                line(text, tree.node(id).span.start)
            ))),
        }
    }

    fn removal(self, text: &str, draft: &mut Draft, walk: &Walk) -> Result<()> {
        let tree = &mut draft.expected;
        let Place::Here { id, parent } = walk.place else { return Ok(()) };
        let Some((owner, index)) = parent else {
            return Err(Error::invalid(
                "an item of a list is not removed: those after it would get other keys",
            )
            .help("edit it by hand"));
        };
        let Some(map) = tree.map(owner) else { return Ok(()) };
        draft.splices = match map.layout {
            Layout::Flow => flow::remove_entry(text, tree, owner, map, index, self != Self::Json)?,
            Layout::Block if self == Self::Yaml => yaml::remove_entry(text, tree, map, index)?,
            _ => vec![toml::remove_entry(text, tree, map, index)],
        };
        if let Some(node) = tree.nodes.get_mut(id) {
            node.anchored = false;
        }
        if let Some(Kind::Map(map)) = tree.nodes.get_mut(owner).map(|node| &mut node.kind) {
            map.entries.remove(index);
        }
        draft.changed.extend([owner, id]);
        Ok(())
    }

    /// `text` as a scalar: in the `style` that stood there, where that can say it.
    pub(super) fn scalar(self, text: &str, style: Style) -> String {
        match self {
            Self::Yaml => yaml::write(text, style),
            Self::Json => json::write(text),
            Self::Toml => toml::write(text, style),
            Self::Dotenv => dotenv::write(text, style),
        }
    }

    /// A key as it is written.
    pub(super) fn name(self, name: &str) -> String {
        match self {
            Self::Yaml => yaml::write(name, Style::Plain),
            Self::Json => json::write(name),
            Self::Toml => toml::name(name),
            Self::Dotenv => name.to_owned(),
        }
    }

    /// What stands between a key and its value.
    pub(super) fn colon(self) -> &'static str {
        match self {
            Self::Yaml | Self::Json => ": ",
            Self::Toml => " = ",
            Self::Dotenv => "=",
        }
    }
}

impl<'a> Reading<'a> {
    /// A text, and what was read of it.
    pub(crate) fn new(text: &'a str, tree: Tree) -> Self {
        Self { text: text.strip_prefix(BOM).unwrap_or(text), tree }
    }

    /// The value at `path`, as [`Format::get`] has it.
    pub(crate) fn value(&self, path: &KeyPath) -> Result<Option<String>> {
        self.tree.value(self.text, path)
    }
}

/// A change of a text that is to be made.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) splices: Vec<Splice>,
    /// The tree of the text as it should be then; the bytes of its nodes are still those of the old text.
    pub(super) expected: Tree,
    /// How many nodes the old tree had: those after them are added.
    pub(super) read: usize,
    /// Which of these are not what they were.
    pub(super) changed: Vec<Id>,
}

impl Draft {
    /// No change of a tree yet.
    pub(super) fn of(tree: Tree) -> Self {
        Self { splices: Vec::new(), read: tree.nodes.len(), expected: tree, changed: Vec::new() }
    }
}

/// How a change is made.
enum Way {
    Nothing,
    Now(Id, Splice),
    Later,
}

fn check(changes: &[Change]) -> Result<()> {
    if changes.len() > MAX_EDITS {
        return Err(Error::invalid(format!("there are more than {MAX_EDITS} edits")));
    }
    let mut seen = BTreeSet::new();
    for change in changes {
        if !seen.insert(change.path.to_string()) {
            return Err(about(Error::invalid("it is named twice"), change));
        }
        if change.value.as_ref().is_some_and(|value| value.len() > MAX_VALUE_BYTES) {
            return Err(about(Error::invalid(format!("its value is over {MAX_VALUE_BYTES} bytes")), change));
        }
    }
    Ok(())
}

fn about(error: Error, change: &Change) -> Error {
    error.on(format!("key \"{}\"", change.path))
}

fn untagged(text: &str, scalar: &Scalar, at: usize) -> Result<()> {
    match scalar.tag.as_deref() {
        None => Ok(()),
        Some(tag) if yaml::is_text_tag(tag) => Ok(()),
        Some(_) => Err(Error::invalid(format!(
            "the value at line {} has a tag that says what it is, and a new one is text",
            line(text, at)
        ))
        .help("remove the tag by hand first")),
    }
}

/// A value that replaces another, as it should be read.
fn set(tree: &mut Tree, id: Id, value: &str) {
    if let Some(node) = tree.nodes.get_mut(id) {
        let tag = match &node.kind {
            Kind::Scalar(scalar) => scalar.tag.clone(),
            _ => None,
        };
        node.kind = Kind::Scalar(Scalar { tag, ..Scalar::new(value, Style::Double) });
    }
}

/// What is added, as it should be read.
fn plant(tree: &mut Tree, at: Option<Id>, value: &Fragment) {
    let planted = value.plant(tree);
    let new = tree.node(planted).kind.clone();
    match (at.and_then(|at| tree.nodes.get_mut(at)).map(|node| &mut node.kind), new) {
        (Some(Kind::Map(map)), Kind::Map(new)) => map.entries.extend(new.entries),
        (Some(Kind::List(list)), Kind::List(new)) => list.items.extend(new.items),
        (Some(kind), new) => *kind = new,
        (None, _) => tree.roots.push(planted),
    }
}
