//! Merge keys: `<<: *defaults`.

use serde_json::{Map, Value};

use super::Repeated;
use super::compose::Composer;
use crate::error::Result;
use crate::manifest::places::{Mark, Path};

impl Composer<'_> {
    /// Merges a map, or a list of maps of which an earlier one wins, into `map`. A key written later wins by itself.
    pub(super) fn merge(
        &mut self,
        map: &mut Map<String, Value>,
        path: Path,
        value: Value,
        at: Mark,
    ) -> Result<()> {
        let merged = match value {
            Value::Object(merged) => vec![merged],
            Value::Array(list) => list
                .into_iter()
                .rev()
                .map(|item| match item {
                    Value::Object(merged) => Ok(merged),
                    _ => Err(self.source.error(at, "each item of a merge key's list must be a map")),
                })
                .collect::<Result<_>>()?,
            _ => return Err(self.source.error(at, "a merge key needs a map, or a list of maps")),
        };
        for (name, value) in merged.into_iter().flatten() {
            let path = path.key(&name);
            if self.repeated == Repeated::Refused
                && let Some(written) = self.keys.get(&path)
                && let Some(existing) = map.get(&name)
            {
                if *existing == value {
                    continue;
                }
                // YAML lets the written key win; the reader that Kubernetes uses lets the later one win.
                let written = written.origin(&self.source.name);
                let message =
                    format!("this merge key holds {name:?} too, which is written before it at {written}");
                return Err(self
                    .source
                    .error(at, message)
                    .help("tools disagree on which wins: write << first"));
            }
            self.places.push((path, at));
            map.insert(name, value);
        }
        Ok(())
    }
}
