//! The outermost entries of a text that an edit changed, read again without the rest.
//!
//! Of a document that is a map in block style, an entry whose key stands at the start of a line is a text of its own. What comes before it
//! has ended there: nothing that is indented goes on at the start of a line, and a quote or a bracket that was open would have taken the key
//! in. So an entry that reads by itself as such entries do reads the same between the others; and these, whose bytes are the same, read as they
//! did. What could reach over a border is left to a reading of the whole: anchors, aliases, directives, marks of documents.

use std::ops::Range;

use super::parse::{check_size, parse};
use crate::edit::format::Draft;
use crate::edit::splice::{Splice, splice};
use crate::edit::tree::{Id, Kind, Layout, Node, Tree};
use crate::edit::{MAX_BYTES, MAX_VALUES, slice, verify};

/// What was read again of an edited text, and found to be as expected.
pub(in crate::edit) struct Parts {
    parts: Vec<Part>,
    /// How many nodes the tree of the old text has.
    read: usize,
}

/// An outermost entry in which splices are.
struct Part {
    /// Which one.
    index: usize,
    /// Its bytes in the old text, up to the next entry.
    bytes: Range<usize>,
    /// Its nodes in the old text's tree.
    nodes: Range<Id>,
    /// Its splices, by bytes of its own.
    splices: Vec<Splice>,
    /// What it is now: its length in bytes, and its tree.
    now: (usize, Tree),
}

/// Holds `new`, which is `text` with the draft's splices made, against what the draft expects.
///
/// `None` where it cannot be told by the entries that changed.
pub(in crate::edit) fn check(text: &str, new: &str, draft: &Draft) -> Option<Parts> {
    let Draft { expected, read, .. } = draft;
    if new.len() > MAX_BYTES || check_size(new).is_err() {
        return None;
    }
    let mut parts = parts(text, draft)?;
    let mut count = *read;
    for part in &mut parts {
        let own = splice(text.get(part.bytes.clone())?, &part.splices).ok()?;
        let last = part.bytes.end == text.len();
        if goes_on(&own) || own.split(['\n', '\r']).any(is_mark) || !(last || own.ends_with('\n')) {
            return None;
        }
        let tree = parse(&own).ok()?;
        count += tree.nodes.len();
        if count > MAX_VALUES || !stands_alone(&tree) || !verify::same_entry(expected, part.index, &tree) {
            return None;
        }
        part.now = (own.len(), tree);
    }
    Some(Parts { parts, read: *read })
}

/// The entries that the splices are in. `None` if a splice is in none or reaches over a border, if something else is to change, or an entry is
/// tied to others.
fn parts(text: &str, draft: &Draft) -> Option<Vec<Part>> {
    let Draft { splices, expected: tree, read, changed } = draft;
    let [root] = tree.roots.as_slice() else { return None };
    let map = tree.map(*root).filter(|map| map.layout == Layout::Block)?;
    let keys: Vec<(usize, Id)> =
        map.entries.iter().map(|(key, _)| (tree.node(*key).span.start, *key)).collect();
    // In the order of the text. A key that was added stands nowhere in it.
    let ordered = keys.windows(2).all(|pair| matches!(pair, [one, two] if one.0 < two.0 && one.1 < two.1));
    let first = keys.first().filter(|_| ordered && keys.iter().all(|(_, key)| key < read))?.0;
    if slice(text, 0..first).split(['\n', '\r']).any(|line| line.starts_with('%')) {
        return None;
    }
    let mut parts: Vec<Part> = Vec::new();
    let mut sorted: Vec<&Splice> = splices.iter().collect();
    sorted.sort_by_key(|splice| splice.range.start);
    for Splice { range, with } in sorted {
        let index = keys.partition_point(|(start, _)| *start <= range.start).checked_sub(1)?;
        let (start, id) = *keys.get(index)?;
        let (end, next) = keys.get(index + 1).copied().unwrap_or((text.len(), *read));
        if range.end > end {
            return None;
        }
        let own = Splice::new(range.start - start..range.end - start, with.clone());
        match parts.last_mut().filter(|part| part.index == index) {
            Some(part) => part.splices.push(own),
            None => parts.push(Part {
                index,
                bytes: start..end,
                nodes: id..next,
                splices: vec![own],
                now: (0, Tree::default()),
            }),
        }
    }
    let line_starts = |at: usize| at == 0 || at == text.len() || slice(text, at - 1..at) == "\n";
    let alone = |part: &Part| {
        line_starts(part.bytes.start)
            && line_starts(part.bytes.end)
            && !goes_on(slice(text, part.bytes.end..text.len()))
            && !tree.nodes.get(part.nodes.clone()).unwrap_or_default().iter().any(is_tied)
    };
    let own = |id: &Id| parts.iter().any(|part| part.nodes.contains(id));
    (changed.iter().all(own) && parts.iter().all(alone)).then_some(parts)
}

/// Whether a text would be the value of a `? key` before it.
fn goes_on(text: &str) -> bool {
    text.starts_with(':')
}

/// Whether a text is a map in block style from its first byte on, tied to nothing.
fn stands_alone(tree: &Tree) -> bool {
    let [root] = tree.roots.as_slice() else { return false };
    let Some(map) = tree.map(*root).filter(|map| map.layout == Layout::Block) else { return false };
    let first = map.entries.first().map(|(key, _)| tree.node(*key).span.start);
    *root == 0 && first == Some(0) && !tree.nodes.iter().any(is_tied)
}

fn is_tied(node: &Node) -> bool {
    node.anchored || matches!(node.kind, Kind::Alias(_))
}

/// What a line starts with that is about the document.
fn is_mark(line: &str) -> bool {
    line.starts_with("---") || line.starts_with("...") || line.starts_with(['%', '\u{feff}'])
}

impl Parts {
    /// The tree of the new text, made of the one that was expected.
    pub(in crate::edit) fn join(mut self, mut expected: Tree) -> Tree {
        // What was added to it stands in the parts, with its bytes.
        expected.nodes.truncate(self.read);
        let root = expected.roots.first().copied().unwrap_or_default();
        let mut out = Tree { nodes: Vec::with_capacity(expected.nodes.len() + 64), roots: Vec::new() };
        // How far ids and bytes after each part move: differences that wrap.
        let mut offsets: Vec<(Id, usize, usize)> = vec![(0, 0, 0)];
        for part in &self.parts {
            let (ids, bytes) = offsets.last().map_or((0, 0), |(_, ids, bytes)| (*ids, *bytes));
            let (length, tree) = &part.now;
            // Its own root falls away.
            let ids = ids.wrapping_add(tree.nodes.len() - 1).wrapping_sub(part.nodes.len());
            offsets.push((part.nodes.end, ids, bytes.wrapping_add(*length).wrapping_sub(part.bytes.len())));
        }
        let moved = |id: Id| {
            let at = offsets.partition_point(|(from, ..)| *from <= id).saturating_sub(1);
            offsets.get(at).map_or((0, 0), |(_, ids, bytes)| (*ids, *bytes))
        };
        let mut parts = self.parts.iter_mut().peekable();
        let (mut skipped, mut entries) = (0, Vec::new());
        for (id, node) in expected.nodes.into_iter().enumerate() {
            if let Some(part) = parts.next_if(|part| part.nodes.start == id) {
                skipped = part.nodes.end;
                let (start, base) = (part.bytes.start.wrapping_add(moved(id).1), out.nodes.len());
                let own = std::mem::take(&mut part.now.1);
                let entry = own.map(0).and_then(|map| map.entries.first()).copied().unwrap_or_default();
                entries.push((part.index, (entry.0 + base - 1, entry.1 + base - 1)));
                out.nodes.extend(
                    own.nodes.into_iter().skip(1).map(|node| shifted(node, |id| id + base - 1, start)),
                );
            }
            if id >= skipped {
                let of = |id: Id| id.wrapping_add(moved(id).0);
                out.nodes.push(shifted(node, of, moved(id).1));
            }
        }
        if let Some(Kind::Map(map)) = out.nodes.get_mut(root).map(|node| &mut node.kind) {
            for (index, entry) in entries {
                if let Some(old) = map.entries.get_mut(index) {
                    *old = entry;
                }
            }
        }
        out.roots.push(root);
        out
    }
}

/// A node at other ids and other bytes.
fn shifted(mut node: Node, id: impl Fn(Id) -> Id, bytes: usize) -> Node {
    match &mut node.kind {
        Kind::Map(map) => {
            for (key, value) in &mut map.entries {
                (*key, *value) = (id(*key), id(*value));
            }
        }
        Kind::List(list) => list.items.iter_mut().for_each(|item| *item = id(*item)),
        Kind::Alias(target) => *target = id(*target),
        Kind::Scalar(_) => {}
    }
    node.span = node.span.start.wrapping_add(bytes)..node.span.end.wrapping_add(bytes);
    node
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::edit::Format;
    use crate::edit::tree::{Scalar, Style};

    /// Puts `with` in the place of the scalar `id`: the new text, and what is found by its parts, if `value` is expected there.
    fn edited(text: &str, tree: &Tree, id: Id, with: &str, value: Option<&Scalar>) -> (String, Option<Tree>) {
        let mut draft = Draft::of(tree.clone());
        draft.splices.push(Splice::new(tree.node(id).span.clone(), with.to_owned()));
        draft.changed.push(id);
        let value = value.cloned().unwrap_or_else(|| Scalar::new(with, Style::Double));
        draft.expected.nodes[id].kind = Kind::Scalar(value);
        let new = splice(text, &draft.splices).unwrap();
        let parts = check(text, &new, &draft);
        (new, parts.map(|parts| parts.join(draft.expected)))
    }

    #[test]
    fn what_stands_alone_is_read_alone() {
        let check = |text: &str, path: &str, alone: bool| {
            let tree = Format::Yaml.read(text).unwrap().tree;
            let walk = tree.walk(text, &path.parse().unwrap()).unwrap();
            let crate::edit::find::Place::Here { id, .. } = walk.place else { panic!("{path} in {text}") };
            let (new, joined) = edited(text, &tree, id, "v2", None);
            assert_eq!(joined.is_some(), alone, "{path} in {text:?}");
            if let Some(joined) = joined {
                assert_eq!(joined, parse(&new).unwrap(), "{path} in {text:?}");
            }
        };
        for text in [
            "a: v1",
            "a: v1\n",
            "# of a\na: v1 # beside\n\nb: [1, {c: d}]\n",
            "b: 1\r\na: v1\r\nc: 2\r\n",
            "b: |\n  text\na: v1\nc: >-\n  text\n\n# end",
            "--- # a document\na: v1\nb: 2\n",
            "b: \"x\n y\"\na: v1\nc: &c {}\nd: *c\n",
            "größe: ä\na: ü\nb: ö\n",
        ] {
            check(text, "a", true);
        }
        check("b:\n  c:\n  - d: 1\n    e: f\na: 1\n", "b.c[0].e", true);
        for text in [
            "  a: v1\n  b: 2\n",
            "{a: v1}",
            "--- # a document\na: v1\n...\n",
            "%YAML 1.2\n---\na: v1\n",
            "a: &a v1\nb: *a\n",
            "? b\n: 1\n? a\n: v1\n",
            "a: 'v1'\n? [x]\n: y\n",
        ] {
            check(text, "a", false);
        }
        check("- a: v1\n", "[0].a", false);
    }

    /// Lines that open, close, continue and end things, at the start of a line and not.
    const LINES: [&str; 36] = [
        "a: 1", "b: \"x", "  y\"", "z\"", "c: [1,", "  2]", "3]", "d: |", "  text", "# c", "", "e: &x 1",
        "f: *x", "- i", "? q", ": r", "---", "...", "%TAG ! x", "'k': v", "g:", "  h: i", "  - j", "l: >-",
        "m: x # c", "n", "  more", "o: {p: q", "}", "s: 'it", "''s'", "\tt", "u: |+", "  - v: w", "    x: y",
        "<<: *x",
    ];

    const PUT: [&str; 18] = [
        "v2", "\"v2\"", "", "|\n  a\n", "v2\nw: 1", "\"v2", "'", "[", "{", "&x v2", "*x", "# c", "v2: w",
        "- v2", "v2\n---", "\n...\n", "v2\n  w", "!!str v2",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 4096, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_found_by_parts_is_found_by_the_whole(
            lines in prop::collection::vec(0..LINES.len(), 1..8),
            at in any::<prop::sample::Index>(),
            put in 0..PUT.len(),
            cut in any::<bool>(),
        ) {
            let mut text: String = lines.iter().flat_map(|line| [LINES[*line], "\n"]).collect();
            if cut {
                text.pop();
            }
            let Ok(tree) = parse(&text) else { return Ok(()) };
            let scalars: Vec<Id> = (0..tree.nodes.len()).filter(|id| tree.scalar(*id).is_some()).collect();
            if scalars.is_empty() {
                return Ok(());
            }
            let id = *at.get(&scalars);
            let (new, joined) = edited(&text, &tree, id, PUT[put], None);
            let whole = parse(&new);
            // What the whole has there is expected, and what it has not.
            let there = whole.as_ref().ok().and_then(|whole| whole.scalar(id)).cloned();
            let found = there.and_then(|there| edited(&text, &tree, id, PUT[put], Some(&there)).1);
            for joined in [joined, found].into_iter().flatten() {
                prop_assert_eq!(&joined, whole.as_ref().unwrap(), "{:?} => {:?}", &text, &new);
            }
        }
    }
}
