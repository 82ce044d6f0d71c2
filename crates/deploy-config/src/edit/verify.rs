//! Whether a text reads as it should: the same values, but for what was asked for.

use std::borrow::Cow;

use deploy_core::error::{Error, ErrorKind, Result};

use super::tree::{Id, Kind, Layout, Scalar, Style, Tree};

/// Holds what `actual` says against `expected`, comments and ways of writing aside.
pub(super) fn verify(expected: &Tree, actual: &Tree) -> Result<()> {
    let comparison =
        Comparison { expected, actual, expected_anchors: anchors(expected), actual_anchors: anchors(actual) };
    let same = match (expected.roots.as_slice(), actual.roots.as_slice()) {
        // The last key of a text is gone, or the first one came.
        ([one], []) | ([], [one]) => is_empty(expected, *one) || is_empty(actual, *one),
        ([left], [right]) if is_empty(expected, *left) => is_empty(actual, *right),
        (left, right) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| comparison.same(*left, *right))
        }
    };
    if same {
        return Ok(());
    }
    // Nothing is lost: the edit is not made. That a text can be such is not its owner's mistake.
    Err(Error::new(
        ErrorKind::Unsupported,
        "the edit would change more than was asked for, so it is not made",
    )
    .help("edit it by hand"))
}

/// Whether the outermost entry `index` of `expected` is all that `actual` says. There are no anchors in either of them.
pub(super) fn same_entry(expected: &Tree, index: usize, actual: &Tree) -> bool {
    let of = |tree: &Tree| tree.roots.first().and_then(|root| tree.map(*root)).map(|map| map.entries.clone());
    let (Some(left), Some(right)) = (of(expected), of(actual)) else { return false };
    let comparison =
        Comparison { expected, actual, expected_anchors: Vec::new(), actual_anchors: Vec::new() };
    match (left.get(index), right.as_slice()) {
        (Some(left), [right]) => comparison.same_entry(*left, *right),
        _ => false,
    }
}

fn anchors(tree: &Tree) -> Vec<Id> {
    tree.nodes.iter().enumerate().filter(|(_, node)| node.anchored).map(|(id, _)| id).collect()
}

struct Comparison<'a> {
    expected: &'a Tree,
    actual: &'a Tree,
    /// In the order of the text: the n-th anchor of one is the n-th of the other.
    expected_anchors: Vec<Id>,
    actual_anchors: Vec<Id>,
}

impl Comparison<'_> {
    fn same(&self, left: Id, right: Id) -> bool {
        let (before, after) = (self.expected.node(left), self.actual.node(right));
        if before.anchored != after.anchored {
            return false;
        }
        match (&before.kind, &after.kind) {
            (Kind::Scalar(before), Kind::Scalar(after)) => same_scalar(before, after),
            (Kind::List(before), Kind::List(after)) => {
                before.items.len() == after.items.len()
                    && before.items.iter().zip(&after.items).all(|(left, right)| self.same(*left, *right))
            }
            (Kind::Map(before), Kind::Map(after)) => {
                let left = entries(self.expected, &before.entries);
                let right = entries(self.actual, &after.entries);
                left.len() == right.len()
                    && left.iter().enumerate().all(|(index, entry)| {
                        // Nearly always at the same place: only TOML's tables come in another order.
                        let near = right.iter().skip(index).take(2);
                        near.chain(right.iter()).any(|other| self.same_entry(*entry, *other))
                    })
            }
            (Kind::Alias(left), Kind::Alias(right)) => {
                let left = self.expected_anchors.binary_search(left);
                left.is_ok() && left == self.actual_anchors.binary_search(right)
            }
            _ => false,
        }
    }

    fn same_entry(&self, left: (Id, Id), right: (Id, Id)) -> bool {
        self.same(left.0, right.0) && self.same(left.1, right.1)
    }
}

fn is_empty(tree: &Tree, id: Id) -> bool {
    match &tree.node(id).kind {
        Kind::Scalar(scalar) => scalar.style == Style::Null,
        Kind::Map(map) => entries(tree, &map.entries).is_empty(),
        _ => false,
    }
}

/// A TOML table that is only implied by its entries ends with the last of them.
fn entries<'a>(tree: &Tree, all: &'a [(Id, Id)]) -> Cow<'a, [(Id, Id)]> {
    let implied = |id: Id| {
        tree.map(id).is_some_and(|map| map.entries.is_empty() && matches!(map.layout, Layout::Table { .. }))
    };
    if all.iter().any(|(_, value)| implied(*value)) {
        all.iter().copied().filter(|(_, value)| !implied(*value)).collect()
    } else {
        all.into()
    }
}

fn same_scalar(before: &Scalar, after: &Scalar) -> bool {
    let plain = |scalar: &Scalar| match scalar.style {
        // What is surely text means the same with and without quotes.
        Style::Plain if scalar.tag.is_none() && super::yaml::is_text(&scalar.text) => Style::Double,
        Style::Plain if scalar.tag.as_deref().is_some_and(super::yaml::is_text_tag) => Style::Double,
        Style::Plain | Style::Null => scalar.style,
        Style::Bare | Style::Single | Style::Double | Style::Block => Style::Double,
    };
    before.text == after.text
        && before.tag == after.tag
        && (before.style == after.style || plain(before) == plain(after))
}
