//! What a chart brings besides its manifests: what a release records of it.
//!
//! ```
//! use deploy_core::chart::Chart;
//!
//! let chart = Chart::new("shop", "1.2.0").app_version("4f1c2d9");
//! assert_eq!(chart.to_string(), "shop-1.2.0");
//! ```

use std::fmt;

use serde_json::{Map, Value};

/// A chart as it was rendered. `Debug` shows its name and version: values may be secret.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct Chart {
    /// What `Chart.yaml` says, in its own words: `apiVersion`, `name`, `version`, `appVersion` …
    pub metadata: Map<String, Value>,
    /// The chart's own values.
    pub defaults: Map<String, Value>,
    /// The values that were given.
    pub values: Map<String, Value>,
    /// What it tells who installed it.
    pub notes: String,
}

impl Chart {
    /// A chart of which only the name and the version are known. No values, no notes.
    pub fn new(name: impl Into<String>, version: impl Into<String>) -> Self {
        let metadata = [("apiVersion", "v2".to_owned()), ("name", name.into()), ("version", version.into())];
        Self {
            metadata: metadata.into_iter().map(|(key, text)| (key.to_owned(), text.into())).collect(),
            defaults: Map::new(),
            values: Map::new(),
            notes: String::new(),
        }
    }

    /// Sets the version of what it deploys.
    #[must_use]
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.metadata.insert("appVersion".to_owned(), version.into().into());
        self
    }

    /// Sets [`Chart::metadata`].
    #[must_use]
    pub fn metadata(mut self, metadata: Map<String, Value>) -> Self {
        self.metadata = metadata;
        self
    }

    /// Sets [`Chart::defaults`].
    #[must_use]
    pub fn defaults(mut self, defaults: Map<String, Value>) -> Self {
        self.defaults = defaults;
        self
    }

    /// Sets [`Chart::values`].
    #[must_use]
    pub fn values(mut self, values: Map<String, Value>) -> Self {
        self.values = values;
        self
    }

    /// Sets [`Chart::notes`].
    #[must_use]
    pub fn notes(mut self, notes: impl Into<String>) -> Self {
        self.notes = notes.into();
        self
    }

    /// A text of its metadata, as in `version`; nothing where there is none.
    pub fn text(&self, field: &str) -> Option<&str> {
        self.metadata.get(field)?.as_str().filter(|text| !text.is_empty())
    }
}

/// Its name and version, as in `shop-1.2.0`.
impl fmt::Display for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text("name").unwrap_or("unnamed"))?;
        self.text("version").map_or(Ok(()), |version| write!(f, "-{version}"))
    }
}

impl fmt::Debug for Chart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chart({self})")
    }
}
