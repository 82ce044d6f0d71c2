//! Looks at a text that was read, for those who know what to look for.

use deploy_core::error::{Error, Result};

use super::find::Place;
use super::format::Reading;
use super::path::{KeyPath, Step};
use super::tree::{Id, Kind, Tree};

/// The most places that are found.
const MAX_PLACES: usize = 10_000;

impl Reading<'_> {
    /// Whether the first `length` steps of `path` lead to a map that has `key`.
    pub(crate) fn has(&self, path: &KeyPath, length: usize, key: &str) -> bool {
        let steps = path.steps().iter().take(length).cloned();
        let Ok(Ok(walk)) = KeyPath::new(steps).map(|path| self.tree.walk(self.text, &path)) else {
            return false;
        };
        let Place::Here { id, .. } = walk.place else { return false };
        self.tree.map(self.tree.resolve(id)).is_some_and(|map| {
            map.entries.iter().any(|(name, _)| self.tree.scalar(*name).is_some_and(|name| name.text == key))
        })
    }

    /// The way to every map that is written out and has `key`.
    pub(crate) fn maps_with(&self, key: &str) -> Result<Vec<(KeyPath, Id)>> {
        self.places(|tree, _, id| {
            tree.map(id).is_some_and(|map| {
                map.entries.iter().any(|(name, _)| tree.scalar(*name).is_some_and(|name| name.text == key))
            })
        })
    }

    /// The way to every scalar that is written out, of the keys that fit.
    pub(crate) fn scalars_at(&self, fits: impl Fn(&str) -> bool) -> Result<Vec<(KeyPath, Id)>> {
        self.places(|tree, step, id| {
            matches!(step, Crumb::Key(key) if fits(key)) && tree.scalar(id).is_some()
        })
    }

    /// The value of `key` in the map `id`; of the scalar `id` itself without one.
    pub(crate) fn value_at(&self, id: Id, key: Option<&str>) -> Result<Option<String>> {
        self.tree.value_at(self.text, id, key)
    }

    fn places(&self, wanted: impl Fn(&Tree, Crumb<'_>, Id) -> bool) -> Result<Vec<(KeyPath, Id)>> {
        let mut found = Vec::new();
        let full = self.tree.full_roots();
        for (index, root) in full.iter().enumerate() {
            let mut way = if full.len() > 1 { vec![Crumb::Index(index)] } else { Vec::new() };
            self.collect(*root, &mut way, &wanted, &mut found)?;
        }
        Ok(found)
    }

    fn collect<'a>(
        &'a self,
        id: Id,
        way: &mut Vec<Crumb<'a>>,
        wanted: &impl Fn(&Tree, Crumb<'_>, Id) -> bool,
        found: &mut Vec<(KeyPath, Id)>,
    ) -> Result<()> {
        if let Some(last) = way.last()
            && wanted(&self.tree, *last, id)
        {
            if found.len() >= MAX_PLACES {
                return Err(Error::invalid(format!("more than {MAX_PLACES} places could be meant")));
            }
            found.push((KeyPath::new(way.iter().map(Crumb::step))?, id));
        }
        let mut enter = |crumb: Crumb<'a>, id: Id| {
            way.push(crumb);
            let entered = self.collect(id, way, wanted, found);
            way.pop();
            entered
        };
        match &self.tree.node(id).kind {
            Kind::Map(map) => map.entries.iter().try_for_each(|(key, value)| match self.tree.scalar(*key) {
                Some(key) => enter(Crumb::Key(&key.text), *value),
                None => Ok(()),
            }),
            Kind::List(list) => {
                let mut items = list.items.iter().enumerate();
                items.try_for_each(|(index, item)| enter(Crumb::Index(index), *item))
            }
            Kind::Scalar(_) | Kind::Alias(_) => Ok(()),
        }
    }
}

/// A step that borrows: most ways lead to nothing wanted.
#[derive(Clone, Copy)]
enum Crumb<'a> {
    Key(&'a str),
    Index(usize),
}

impl Crumb<'_> {
    fn step(&self) -> Step {
        match self {
            Self::Key(key) => Step::Key((*key).to_owned()),
            Self::Index(index) => Step::Index(*index),
        }
    }
}
