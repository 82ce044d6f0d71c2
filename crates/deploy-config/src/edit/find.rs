//! Where a path leads in a tree, and what an edit there would change besides.

use deploy_core::error::{Error, Result};

use super::path::{KeyPath, Step};
use super::tree::{Id, Kind, Layout, Map, Style, Tree, line};

/// The most maps that one key is looked for in through merge keys: they can repeat each other without end.
const MAX_MERGED: usize = 10_000;

/// Where a path leads.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) place: Place,
    /// The nodes passed, the outermost first; an alias, then what it stands for.
    trail: Vec<Id>,
    /// The value of the merge key that the path goes through.
    merged: Option<Id>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Place {
    /// It is there: an entry of the map `parent`, by number, or an item of a list.
    Here { id: Id, parent: Option<(Id, usize)> },
    /// It is not; the steps from number `taken` on lead nowhere. `at` is `None` in a text without values.
    Missing { at: Option<Id>, taken: usize },
}

/// What one step finds.
enum Next {
    Found { id: Id, parent: Option<(Id, usize)>, merged: Option<Id> },
    Missing,
}

impl Tree {
    /// Follows `path`. The tree's `text` is for the lines in errors.
    pub(super) fn walk(&self, text: &str, path: &KeyPath) -> Result<Walk> {
        let (mut current, mut taken) = match self.document(text, path)? {
            Ok(start) => start,
            Err(nothing) => return Ok(nothing),
        };
        let mut walk =
            Walk { place: Place::Here { id: current, parent: None }, trail: vec![current], merged: None };
        for step in path.steps().iter().skip(taken) {
            let at = self.resolve(current);
            if at != current {
                walk.trail.push(at);
            }
            match self.step(text, at, step)? {
                Next::Found { id, parent, merged } => {
                    walk.merged = walk.merged.or(merged);
                    walk.place = Place::Here { id, parent };
                    walk.trail.push(id);
                    current = id;
                }
                Next::Missing => {
                    walk.place = Place::Missing { at: Some(at), taken };
                    return Ok(walk);
                }
            }
            taken += 1;
        }
        let at = self.resolve(current);
        if at != current {
            walk.trail.push(at);
        }
        Ok(walk)
    }

    /// The value at `path`; `None` where there is none, or null.
    pub(super) fn value(&self, text: &str, path: &KeyPath) -> Result<Option<String>> {
        let Place::Here { id, .. } = self.walk(text, path)?.place else { return Ok(None) };
        self.value_at(text, id, None)
    }

    /// The value of `key` in the map `id`; of the scalar `id` itself without one.
    pub(super) fn value_at(&self, text: &str, id: Id, key: Option<&str>) -> Result<Option<String>> {
        let id = match key {
            None => id,
            Some(key) => match self.step(text, self.resolve(id), &Step::Key(key.to_owned()))? {
                Next::Found { id, .. } => id,
                Next::Missing => return Ok(None),
            },
        };
        let id = self.resolve(id);
        match self.scalar(id) {
            Some(scalar) if scalar.style == Style::Null => Ok(None),
            Some(scalar) if scalar.tag.as_deref() == Some(super::dotenv::REFERENCE) => {
                let at = line(text, self.node(id).span.start);
                Err(Error::invalid(format!(
                    "line {at} refers to other variables: only a shell can say its value"
                ))
                .help("write the value out, or put it in single quotes"))
            }
            Some(scalar) => Ok(Some(scalar.text.clone())),
            None => Err(self.unfit(text, id, "a value")),
        }
    }

    /// The document that the path is about, and the steps that took.
    fn document(&self, text: &str, path: &KeyPath) -> Result<Result<(Id, usize), Walk>> {
        let full = self.full_roots();
        let nothing = |at| Walk { place: Place::Missing { at, taken: 0 }, trail: Vec::new(), merged: None };
        match full.as_slice() {
            [] if self.roots.len() > 1 => Err(Error::invalid("all its documents are empty")),
            [] => Ok(Err(nothing(self.roots.first().copied()))),
            [one] => Ok(Ok((*one, 0))),
            several => match path.steps().first() {
                Some(Step::Index(index)) => match several.get(*index) {
                    Some(id) => Ok(Ok((*id, 1))),
                    None => Err(Error::invalid(format!("it has only {} documents", several.len()))),
                },
                Some(Step::Item { field, value }) => match self.item(text, several, field, value)? {
                    Some((_, id)) => Ok(Ok((id, 1))),
                    None => Err(Error::invalid(format!("no document has {field}={value}"))),
                },
                _ => Err(Error::invalid(format!(
                    "it holds several documents, at lines {}",
                    self.lines(text, several)
                ))
                .help("say which: [0].key or [kind=Service].key")),
            },
        }
    }

    /// The documents that hold something.
    pub(super) fn full_roots(&self) -> Vec<Id> {
        let is_null = |id: &Id| self.scalar(*id).is_some_and(|scalar| scalar.style == Style::Null);
        self.roots.iter().copied().filter(|id| !is_null(id)).collect()
    }

    fn step(&self, text: &str, at: Id, step: &Step) -> Result<Next> {
        let found = |id, parent| Ok(Next::Found { id, parent, merged: None });
        match (&self.node(at).kind, step) {
            (Kind::Scalar(scalar), _) if scalar.style == Style::Null => Ok(Next::Missing),
            (Kind::Map(map), Step::Key(name)) => self.entry(text, at, map, name),
            (Kind::List(list), Step::Index(index)) => match list.items.get(*index) {
                Some(id) => found(*id, None),
                None => Ok(Next::Missing),
            },
            (Kind::List(list), Step::Item { field, value }) => {
                match self.item(text, &list.items, field, value)? {
                    Some((_, id)) => found(id, None),
                    None => Ok(Next::Missing),
                }
            }
            (_, Step::Key(_)) => Err(self.unfit(text, at, "a map")),
            (_, _) => Err(self.unfit(text, at, "a list")),
        }
    }

    fn entry(&self, text: &str, at: Id, map: &Map, name: &str) -> Result<Next> {
        let mut own = None;
        for (index, (key, value)) in map.entries.iter().enumerate() {
            if self.merges(*key) || self.scalar(self.resolve(*key)).is_none_or(|scalar| scalar.text != name) {
                continue;
            }
            if let Some((_, _, first)) = own.replace((index, *value, *key)) {
                let lines = self.lines(text, &[first, *key]);
                return Err(Error::invalid(format!("the key {name:?} stands twice, at lines {lines}")));
            }
        }
        let merged = map.entries.iter().enumerate().filter(|(_, (key, _))| self.merges(*key));
        for (index, (_, value)) in merged {
            let mut budget = MAX_MERGED;
            let Some(hidden) = self.merged(*value, name, &mut budget, 0)? else { continue };
            match own {
                None => return Ok(Next::Found { id: hidden, parent: None, merged: Some(*value) }),
                // YAML lets the written key win; the reader that Kubernetes uses lets the later one win.
                Some((written, _, key)) if written < index => {
                    let lines = self.lines(text, &[key, *value]);
                    return Err(Error::invalid(format!(
                        "the key {name:?} is written and merged after that, at lines {lines}"
                    ))
                    .help("tools disagree on which wins: write << first"));
                }
                Some(_) => {}
            }
        }
        Ok(match own {
            Some((index, id, _)) => Next::Found { id, parent: Some((at, index)), merged: None },
            None => Next::Missing,
        })
    }

    /// Whether this key is a merge key.
    pub(super) fn merges(&self, key: Id) -> bool {
        self.scalar(key)
            .is_some_and(|scalar| scalar.style == Style::Plain && scalar.text == "<<" && scalar.tag.is_none())
    }

    /// `name` in what a merge key brings; of several maps the first wins.
    fn merged(&self, from: Id, name: &str, budget: &mut usize, depth: usize) -> Result<Option<Id>> {
        *budget = budget.saturating_sub(1);
        if *budget == 0 || depth > super::MAX_DEPTH {
            return Err(Error::invalid("its merge keys repeat too many maps"));
        }
        match &self.node(self.resolve(from)).kind {
            Kind::Map(map) => {
                for (key, value) in &map.entries {
                    if !self.merges(*key)
                        && self.scalar(self.resolve(*key)).is_some_and(|scalar| scalar.text == name)
                    {
                        return Ok(Some(*value));
                    }
                }
                for (_, value) in map.entries.iter().filter(|(key, _)| self.merges(*key)) {
                    if let Some(id) = self.merged(*value, name, budget, depth + 1)? {
                        return Ok(Some(id));
                    }
                }
                Ok(None)
            }
            Kind::List(list) => {
                for item in &list.items {
                    if let Some(id) = self.merged(*item, name, budget, depth + 1)? {
                        return Ok(Some(id));
                    }
                }
                Ok(None)
            }
            _ => Ok(None),
        }
    }

    /// The one map among `items` whose `field` is `value`.
    fn item(&self, text: &str, items: &[Id], field: &str, value: &str) -> Result<Option<(usize, Id)>> {
        let fits = |id: Id| {
            self.map(self.resolve(id)).is_some_and(|map| {
                map.entries.iter().any(|(key, found)| {
                    self.scalar(*key).is_some_and(|key| key.text == field)
                        && self
                            .scalar(self.resolve(*found))
                            .is_some_and(|found| found.text == value && found.style != Style::Null)
                })
            })
        };
        let mut all = items.iter().copied().enumerate().filter(|(_, id)| fits(*id));
        let first = all.next();
        match (first, all.next()) {
            (Some((_, first)), Some((_, second))) => {
                let lines = self.lines(text, &[first, second]);
                Err(Error::invalid(format!("several items have {field}={value}, at lines {lines}")))
            }
            _ => Ok(first),
        }
    }

    fn unfit(&self, text: &str, at: Id, wanted: &str) -> Error {
        let node = self.node(at);
        let kind = match &node.kind {
            Kind::Scalar(_) => "a value",
            Kind::Map(_) => "a map",
            Kind::List(_) => "a list",
            Kind::Alias(_) => "an alias",
        };
        Error::invalid(format!("line {} holds {kind}, not {wanted}", line(text, node.span.start)))
    }

    /// The lines of nodes, for a message.
    pub(super) fn lines(&self, text: &str, ids: &[Id]) -> String {
        let lines: Vec<String> =
            ids.iter().take(8).map(|id| line(text, self.node(*id).span.start).to_string()).collect();
        lines.join(" and ")
    }

    /// That an edit where `walk` ended changes nothing elsewhere.
    pub(super) fn guard(&self, text: &str, walk: &Walk) -> Result<()> {
        let refused = |what: &str, ids: &[Id]| {
            Err(Error::invalid(format!("{what}, lines {}: an edit would change both", self.lines(text, ids)))
                .help("edit the anchored value by hand, or write the value out"))
        };
        for id in &walk.trail {
            if let Kind::Alias(target) = self.node(*id).kind {
                return refused("the value is an alias of another", &[*id, target]);
            }
        }
        if let Some(merge) = walk.merged {
            let sources = match &self.node(merge).kind {
                Kind::List(list) => list.items.clone(),
                _ => vec![merge],
            };
            let mut ids = vec![merge];
            ids.extend(sources.iter().map(|id| self.resolve(*id)).filter(|id| *id != merge));
            return refused("the value comes from a merge key", &ids);
        }
        let anchored: Vec<Id> = walk.trail.iter().copied().filter(|id| self.node(*id).anchored).collect();
        if anchored.is_empty() {
            return Ok(());
        }
        for (id, node) in self.nodes.iter().enumerate() {
            if let Kind::Alias(target) = node.kind
                && anchored.contains(&target)
            {
                return refused("the value is repeated elsewhere by an alias", &[target, id]);
            }
        }
        Ok(())
    }

    /// The last byte of a node, and of all in it.
    pub(super) fn end(&self, text: &str, id: Id) -> usize {
        let node = self.node(id);
        let (layout, inner) = match &node.kind {
            Kind::Map(map) => (
                map.layout,
                map.entries.last().map(|(key, value)| self.end(text, *key).max(self.end(text, *value))),
            ),
            Kind::List(list) => (list.layout, list.items.last().map(|item| self.end(text, *item))),
            Kind::Scalar(scalar) if scalar.style == Style::Block => {
                return super::yaml::block_end(text, &node.span);
            }
            Kind::Scalar(_) | Kind::Alias(_) => return node.span.end,
        };
        match (layout, inner) {
            (Layout::Block, Some(end)) => end,
            _ => node.span.end,
        }
    }
}
