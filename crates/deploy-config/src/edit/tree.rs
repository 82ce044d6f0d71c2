//! What all formats are read into: values, and where in the text each of them stands.

use std::ops::Range;

/// A node's place in its [`Tree`].
pub(super) type Id = usize;

/// The values of a text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tree {
    pub(super) nodes: Vec<Node>,
    /// The outermost values: one, but for YAML, which may hold several documents.
    pub(super) roots: Vec<Id>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Node {
    pub(super) kind: Kind,
    /// Its bytes: a scalar as written, without anchor and tag; of a flow collection, its brackets. Of any other
    /// collection only the start means something.
    pub(super) span: Range<usize>,
    /// Whether `&name` stands before it.
    pub(super) anchored: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar(Scalar),
    Map(Map),
    List(List),
    /// The anchored node that stands here too.
    Alias(Id),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Scalar {
    pub(super) text: String,
    pub(super) style: Style,
    /// As the parser names it; `None` where there is none.
    pub(super) tag: Option<String>,
}

/// How a scalar is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// Without quotes: what it means goes by its looks.
    Plain,
    /// Without quotes, and text whatever it looks like.
    Bare,
    /// As `Plain`, and it means nothing: `null`, `~`, or not even written.
    Null,
    Single,
    Double,
    /// A block, or text in three quotes.
    Block,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Map {
    pub(super) entries: Vec<(Id, Id)>,
    pub(super) layout: Layout,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct List {
    pub(super) items: Vec<Id>,
    pub(super) layout: Layout,
}

/// How a collection lies in the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layout {
    /// In brackets, with commas.
    Flow,
    /// An entry a line, or more lines.
    Block,
    /// A TOML table; an entry is put after the byte `end`, on a line of its own.
    Table { end: usize },
}

impl Tree {
    pub(super) fn add(&mut self, kind: Kind, span: Range<usize>) -> Id {
        self.nodes.push(Node { kind, span, anchored: false });
        self.nodes.len() - 1
    }

    /// The node `id`, which the tree itself gave out.
    pub(super) fn node(&self, id: Id) -> &Node {
        const NONE: &Node = &Node {
            kind: Kind::Scalar(Scalar { text: String::new(), style: Style::Null, tag: None }),
            span: 0..0,
            anchored: false,
        };
        self.nodes.get(id).unwrap_or(NONE)
    }

    pub(super) fn scalar(&self, id: Id) -> Option<&Scalar> {
        match &self.node(id).kind {
            Kind::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    pub(super) fn map(&self, id: Id) -> Option<&Map> {
        match &self.node(id).kind {
            Kind::Map(map) => Some(map),
            _ => None,
        }
    }

    /// What is read at `id`: of an alias, what it stands for.
    pub(super) fn resolve(&self, id: Id) -> Id {
        match self.node(id).kind {
            Kind::Alias(target) => target,
            _ => id,
        }
    }
}

impl Scalar {
    pub(super) fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, tag: None }
    }
}

/// The line of a byte, counted from 1.
pub(super) fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}
