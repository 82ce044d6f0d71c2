//! What a revision is made of.

use deploy_core::error::Result;
use serde::Serialize;
use serde_json::{Map, Value};

use super::record::Hook;
use super::revision::ReleaseRevision;
use super::said::Reader;
use super::store::Entry;

/// A revision with its manifest, values, notes and hooks. Any of them may hold secrets: `Debug` shows which revision it is.
#[derive(Clone, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct ReleaseContent {
    /// Which revision it is, and how it stands.
    pub revision: ReleaseRevision,
    /// YAML documents, each headed by the template that it came from.
    pub manifest: String,
    /// The values that were given.
    pub values: Map<String, Value>,
    /// What the chart tells who installed it.
    pub notes: String,
    /// The manifests of its hooks.
    pub hooks: Vec<String>,
    #[serde(skip)]
    defaults: Map<String, Value>,
}

impl ReleaseContent {
    pub(super) fn of(entry: &Entry) -> Result<Self> {
        let record = entry.record()?;
        let revision = ReleaseRevision::of_record(entry, &record, &mut Reader::default());
        let defaults = record.chart.get("values").and_then(Value::as_object).cloned().unwrap_or_default();
        let hooks = record.hooks.into_iter().map(|Hook { manifest, .. }| manifest).collect();
        Ok(Self {
            revision,
            manifest: record.manifest,
            values: record.config,
            notes: record.info.notes,
            hooks,
            defaults,
        })
    }

    /// All values: those that were given over the chart's own (`helm get values --all`). A null that was given takes the chart's away.
    #[must_use]
    pub fn all_values(&self) -> Map<String, Value> {
        let mut all = self.defaults.clone();
        lay_over(&mut all, &self.values);
        all
    }
}

impl std::fmt::Debug for ReleaseContent {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReleaseContent").field("revision", &self.revision).finish_non_exhaustive()
    }
}

fn lay_over(values: &mut Map<String, Value>, given: &Map<String, Value>) {
    for (name, value) in given {
        match (values.get_mut(name), value) {
            (_, Value::Null) => drop(values.remove(name)),
            (Some(Value::Object(values)), Value::Object(given)) => lay_over(values, given),
            _ => drop(values.insert(name.clone(), value.clone())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_lie_over_the_charts() {
        let check = |defaults: Value, given: Value, expected: Value| {
            let mut all = defaults.as_object().unwrap().clone();
            lay_over(&mut all, given.as_object().unwrap());
            assert_eq!(Value::from(all), expected);
        };
        check(json!({"a": 1, "b": 2}), json!({"b": 3}), json!({"a": 1, "b": 3}));
        check(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"c": 3}}), json!({"a": {"b": 1, "c": 3}}));
        check(json!({"a": {"b": 1, "c": 2}}), json!({"a": {"c": null}}), json!({"a": {"b": 1}}));
        check(json!({"a": {"b": 1}}), json!({"a": "text"}), json!({"a": "text"}));
        check(json!({"a": [1]}), json!({"a": [2]}), json!({"a": [2]}));
        check(json!({}), json!({"a": null}), json!({}));
    }
}
