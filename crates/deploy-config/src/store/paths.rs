//! YAML, JSON and TOML, by path.

use deploy_core::error::Result;

use super::file_store;
use super::form::Paths;
use crate::edit::{Format, KeyPath};

/// A file whose keys are paths ([`KeyPath`]).
#[derive(Debug)]
pub(super) struct ByPath(pub(super) Format);

impl Paths for ByPath {
    fn noun(&self) -> &'static str {
        match self.0 {
            Format::Json => "JSON file",
            Format::Toml => "TOML file",
            _ => "YAML file",
        }
    }

    fn format(&self) -> Format {
        self.0
    }

    fn empty(&self) -> &'static str {
        if self.0 == Format::Json { "{}\n" } else { "" }
    }

    fn path(&self, key: &str) -> Result<KeyPath> {
        key.parse()
    }
}

file_store! {
    /// A YAML file; keys are paths: `image.tag`, `services[name=api].image`, `[kind=Deployment].spec.paused`.
    YamlFile, ByPath(Format::Yaml)
}

file_store! {
    /// A JSON file; keys are paths: `image.tag`, `services[0].image`. Values are written as strings.
    JsonFile, ByPath(Format::Json)
}

file_store! {
    /// A TOML file; keys are paths: `image.tag`, `service[name=api].image`. Values are written as strings.
    TomlFile, ByPath(Format::Toml)
}
