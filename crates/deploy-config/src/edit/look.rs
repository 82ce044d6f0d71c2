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
        self.places(|tree, step, id| matches!(step, Step::Key(key) if fits(key)) && tree.scalar(id).is_some())
    }

    /// The value of `key` in the map `id`; of the scalar `id` itself without one.
    pub(crate) fn value_at(&self, id: Id, key: Option<&str>) -> Result<Option<String>> {
        self.tree.value_at(self.text, id, key)
    }

    fn places(&self, wanted: impl Fn(&Tree, &Step, Id) -> bool) -> Result<Vec<(KeyPath, Id)>> {
        let mut found = Vec::new();
        let full = self.tree.full_roots();
        for (index, root) in full.iter().enumerate() {
            let mut steps = if full.len() > 1 { vec![Step::Index(index)] } else { Vec::new() };
            self.collect(*root, &mut steps, &wanted, &mut found)?;
        }
        Ok(found)
    }

    fn collect(
        &self,
        id: Id,
        steps: &mut Vec<Step>,
        wanted: &impl Fn(&Tree, &Step, Id) -> bool,
        found: &mut Vec<(KeyPath, Id)>,
    ) -> Result<()> {
        if let Some(last) = steps.last()
            && wanted(&self.tree, last, id)
        {
            if found.len() >= MAX_PLACES {
                return Err(Error::invalid(format!("more than {MAX_PLACES} places could be meant")));
            }
            found.push((KeyPath::new(steps.iter().cloned())?, id));
        }
        let inner: Vec<(Step, Id)> = match &self.tree.node(id).kind {
            Kind::Map(map) => {
                let named =
                    |(key, value): &(Id, Id)| Some((Step::Key(self.tree.scalar(*key)?.text.clone()), *value));
                map.entries.iter().filter_map(named).collect()
            }
            Kind::List(list) => {
                list.items.iter().enumerate().map(|(index, item)| (Step::Index(index), *item)).collect()
            }
            Kind::Scalar(_) | Kind::Alias(_) => Vec::new(),
        };
        for (step, id) in inner {
            steps.push(step);
            self.collect(id, steps, wanted, found)?;
            steps.pop();
        }
        Ok(())
    }
}
