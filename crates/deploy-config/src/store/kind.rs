//! The kinds of files, by name.

use super::dotenv::Variables;
use super::form::Form;
use super::helm::Values;
use super::kustomize::Images;
use super::paths::ByPath;
use super::pulumi::Stack;
use crate::edit::Format;

/// What a file is, and so which keys it has: those of the store of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileKind {
    /// As [`DotenvFile`](super::DotenvFile).
    Dotenv,
    /// As [`HelmValues`](super::HelmValues).
    HelmValues,
    /// As [`JsonFile`](super::JsonFile).
    Json,
    /// As [`Kustomization`](super::Kustomization).
    Kustomization,
    /// As [`PulumiStack`](super::PulumiStack).
    PulumiStack,
    /// As [`TomlFile`](super::TomlFile).
    Toml,
    /// As [`YamlFile`](super::YamlFile).
    Yaml,
}

impl FileKind {
    pub(crate) fn form(self) -> &'static dyn Form {
        match self {
            Self::Dotenv => &Variables,
            Self::HelmValues => &Values,
            Self::Json => &ByPath(Format::Json),
            Self::Kustomization => &Images,
            Self::PulumiStack => &Stack,
            Self::Toml => &ByPath(Format::Toml),
            Self::Yaml => &ByPath(Format::Yaml),
        }
    }
}
