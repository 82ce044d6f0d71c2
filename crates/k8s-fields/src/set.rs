//! Sets of paths, and their algebra.

use std::collections::{BTreeMap, btree_map};

use crate::{FieldPath, PathElement};

/// A set of paths: what FieldsV1 says that a manager owns.
///
/// A path in the set says nothing about the paths above and below it: owning `.spec.replicas` is not owning `.spec`.
///
/// ```
/// use k8s_fields::FieldSet;
///
/// let ours = FieldSet::from_json(r#"{"f:spec":{"f:replicas":{},"f:paused":{}}}"#)?;
/// let theirs = FieldSet::from_json(r#"{"f:spec":{"f:replicas":{}}}"#)?;
///
/// assert!(theirs.is_subset(&ours));
/// assert!(ours.contains(&".spec.replicas".parse()?));
/// assert!(!ours.contains(&".spec".parse()?));
/// assert_eq!(ours.difference(&theirs).to_json(), r#"{"f:spec":{"f:paused":{}}}"#);
/// let paths: Vec<String> = ours.iter().map(|path| path.to_string()).collect();
/// assert_eq!(paths, [".spec.paused", ".spec.replicas"]);
/// # Ok::<(), k8s_fields::ParseError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FieldSet {
    nodes: BTreeMap<PathElement, Node>,
}

/// One step of the tree that the paths share. Never empty: owned, or something below it is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Node {
    /// Whether the path that ends here is in the set.
    pub(crate) owned: bool,
    /// The paths that go on from here.
    pub(crate) below: FieldSet,
}

impl Node {
    pub(crate) fn is_empty(&self) -> bool {
        !self.owned && self.below.is_empty()
    }
}

impl FieldSet {
    /// The most levels that a set read from outside may have.
    pub const MAX_DEPTH: usize = 100;

    /// The most path elements that a set read from outside may have: more than fit an object of etcd's 1.5 MiB.
    pub const MAX_ELEMENTS: usize = 200_000;

    /// The empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether no path is in the set.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// Puts a path into the set. The empty path stands for the whole object, which nobody owns: it is left out.
    pub fn insert(&mut self, path: &FieldPath) {
        self.insert_elements(path.elements());
    }

    fn insert_elements(&mut self, path: &[PathElement]) {
        let Some((first, rest)) = path.split_first() else { return };
        let add = |node: &mut Node| {
            node.owned |= rest.is_empty();
            node.below.insert_elements(rest);
        };
        match self.nodes.get_mut(first) {
            Some(node) => add(node),
            None => {
                let mut node = Node::default();
                add(&mut node);
                self.nodes.insert(first.clone(), node);
            }
        }
    }

    /// Whether exactly this path is in the set.
    pub fn contains(&self, path: &FieldPath) -> bool {
        self.at(path.elements()).is_some_and(|node| node.owned)
    }

    /// The path in the set that is written like this. Conflicts name paths as text that cannot be parsed with certainty
    /// (names with dots are not quoted), but it can be found among the paths of the manager whom the conflict names.
    pub fn find(&self, text: &str) -> Option<FieldPath> {
        self.iter().find(|path| path.to_string() == text)
    }

    /// The paths that are in one set or the other.
    #[must_use]
    pub fn union(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a || b)
    }

    /// The paths that are in both sets.
    #[must_use]
    pub fn intersection(&self, other: &Self) -> Self {
        self.combine(other, |a, b| a && b)
    }

    /// The paths that are in this set and not in the other.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Self {
        let mut rest = self.clone();
        rest.subtract(other);
        rest
    }

    /// The paths that are in this set, and neither in the other nor below a path of it.
    #[must_use]
    pub fn without_subtrees(&self, roots: &Self) -> Self {
        let mut rest = Self::new();
        for (element, node) in &self.nodes {
            let kept = match roots.nodes.get(element) {
                None => node.clone(),
                Some(root) if root.owned => continue,
                Some(root) => Node { owned: node.owned, below: node.below.without_subtrees(&root.below) },
            };
            rest.put(element.clone(), kept);
        }
        rest
    }

    /// The paths that are in this set and above no path of the other. Removed from an object they take nothing of the other along.
    #[must_use]
    pub fn without_parents_of(&self, others: &Self) -> Self {
        let mut rest = Self::new();
        for (element, node) in &self.nodes {
            let kept = match others.nodes.get(element) {
                None => node.clone(),
                Some(other) => Node {
                    owned: node.owned && other.below.is_empty(),
                    below: node.below.without_parents_of(&other.below),
                },
            };
            rest.put(element.clone(), kept);
        }
        rest
    }

    /// Whether every path of this set is in the other.
    pub fn is_subset(&self, other: &Self) -> bool {
        self.nodes.iter().all(|(element, ours)| {
            let theirs = other.nodes.get(element);
            theirs.is_some_and(|theirs| (theirs.owned || !ours.owned) && ours.below.is_subset(&theirs.below))
        })
    }

    /// The paths, a parent before its children, in the API server's order.
    pub fn iter(&self) -> impl Iterator<Item = FieldPath> + '_ {
        Paths { levels: vec![self.nodes.iter()], path: Vec::new() }
    }

    /// Puts the other's paths into this set.
    pub(crate) fn unite(&mut self, other: Self) {
        for (element, theirs) in other.nodes {
            match self.nodes.get_mut(&element) {
                Some(ours) => {
                    ours.owned |= theirs.owned;
                    ours.below.unite(theirs.below);
                }
                None => drop(self.nodes.insert(element, theirs)),
            }
        }
    }

    /// Takes the other's paths out of this set.
    pub(crate) fn subtract(&mut self, other: &Self) {
        for (element, theirs) in &other.nodes {
            let Some(ours) = self.nodes.get_mut(element) else { continue };
            ours.owned &= !theirs.owned;
            ours.below.subtract(&theirs.below);
            if ours.is_empty() {
                self.nodes.remove(element);
            }
        }
    }

    /// Keeps of the first elements those of which `keep` holds, with all below them.
    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&PathElement, &mut Node) -> bool) {
        self.nodes.retain(|element, node| keep(element, node) && !node.is_empty());
    }

    fn combine(&self, other: &Self, keep: fn(bool, bool) -> bool) -> Self {
        let (keeps_ours, keeps_theirs) = (keep(true, false), keep(false, true));
        let mut result = Self::new();
        for (element, a) in &self.nodes {
            match other.nodes.get(element) {
                Some(b) => {
                    let node = Node { owned: keep(a.owned, b.owned), below: a.below.combine(&b.below, keep) };
                    result.put(element.clone(), node);
                }
                None if keeps_ours => result.put(element.clone(), a.clone()),
                None => {}
            }
        }
        if keeps_theirs {
            let only_theirs = other.nodes.iter().filter(|(element, _)| !self.nodes.contains_key(element));
            for (element, b) in only_theirs {
                result.put(element.clone(), b.clone());
            }
        }
        result
    }

    /// Sets one node; an empty one is left out.
    pub(crate) fn put(&mut self, element: PathElement, node: Node) {
        if !node.is_empty() {
            self.nodes.insert(element, node);
        }
    }

    pub(crate) fn get(&self, element: &PathElement) -> Option<&Node> {
        self.nodes.get(element)
    }

    pub(crate) fn at(&self, path: &[PathElement]) -> Option<&Node> {
        let (last, above) = path.split_last()?;
        let parent = above.iter().try_fold(self, |set, element| set.get(element).map(|node| &node.below));
        parent?.get(last)
    }

    pub(crate) fn field(&self, name: &str) -> Option<&Node> {
        self.nodes.get(&PathElement::field(name))
    }

    pub(crate) fn nodes(&self) -> btree_map::Iter<'_, PathElement, Node> {
        self.nodes.iter()
    }
}

impl<'a> FromIterator<&'a FieldPath> for FieldSet {
    fn from_iter<I: IntoIterator<Item = &'a FieldPath>>(paths: I) -> Self {
        let mut set = Self::new();
        paths.into_iter().for_each(|path| set.insert(path));
        set
    }
}

impl FromIterator<FieldPath> for FieldSet {
    fn from_iter<I: IntoIterator<Item = FieldPath>>(paths: I) -> Self {
        let mut set = Self::new();
        paths.into_iter().for_each(|path| set.insert(&path));
        set
    }
}

struct Paths<'a> {
    levels: Vec<btree_map::Iter<'a, PathElement, Node>>,
    path: Vec<PathElement>,
}

impl Iterator for Paths<'_> {
    type Item = FieldPath;

    fn next(&mut self) -> Option<FieldPath> {
        loop {
            let Some((element, node)) = self.levels.last_mut()?.next() else {
                self.levels.pop();
                continue;
            };
            self.path.truncate(self.levels.len() - 1);
            self.path.push(element.clone());
            self.levels.push(node.below.nodes.iter());
            if node.owned {
                return Some(self.path.iter().cloned().collect());
            }
        }
    }
}
