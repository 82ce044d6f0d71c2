//! Image references, digests and tags (stage *image*), by Docker's grammar and normalisation.
//!
//! The grammar is that of `distribution/reference`, which Docker, containerd and CRI-O share. A short name is
//! completed as they do: `nginx` is `docker.io/library/nginx:latest`.
//!
//! ```
//! use deploy_core::image::Reference;
//!
//! let image: Reference = "nginx".parse()?;
//! assert_eq!(image.canonical(), "docker.io/library/nginx:latest");
//! assert_eq!(image.to_string(), "nginx:latest");
//!
//! let image: Reference = "localhost:5000/shop/api:v2".parse()?;
//! assert_eq!(image.repository().domain(), "localhost:5000");
//! assert_eq!(image.repository().path(), "shop/api");
//! assert_eq!(image.tag().map(|tag| tag.as_str()), Some("v2"));
//!
//! let error = "ghcr.io/Shop/api".parse::<Reference>().unwrap_err();
//! assert_eq!(
//!     error.to_string(),
//!     "invalid image reference \"ghcr.io/Shop/api\": the repository must be lowercase ('S' at character 9)"
//! );
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod digest;
mod reference;
mod repository;
mod tag;
#[cfg(test)]
mod tests;

pub use digest::Digest;
pub use reference::Reference;
pub use repository::Repository;
pub use tag::Tag;

/// The longest repository path, in bytes: Docker's limit, without the domain.
pub const MAX_REPOSITORY_LENGTH: usize = 255;

/// The longest tag, in bytes: Docker's limit.
pub const MAX_TAG_LENGTH: usize = 128;

/// The longest input read as a reference at all, in bytes: room for every part at its own limit.
const MAX_INPUT_LENGTH: usize = 1024;

/// What is wrong with a part of a reference, and at which byte of that part.
#[derive(Debug, PartialEq, Eq)]
struct Problem {
    what: String,
    at: Option<usize>,
}

impl Problem {
    fn new(what: impl Into<String>) -> Self {
        Self { what: what.into(), at: None }
    }

    fn at(what: impl Into<String>, at: usize) -> Self {
        Self { what: what.into(), at: Some(at) }
    }

    /// The same problem, of a part that starts at byte `offset` of the whole.
    fn after(self, offset: usize) -> Self {
        Self { at: self.at.map(|at| at + offset), ..self }
    }

    /// The error about the whole `input`, a `noun`, counting characters as its reader does.
    fn about(self, noun: &str, input: &str) -> crate::error::Error {
        let mut shown: String = input.chars().take(120).collect();
        if shown.len() < input.len() {
            shown.push('…');
        }
        let place = self.at.and_then(|at| {
            let character = input.get(at..)?.chars().next()?;
            Some(format!(" ({character:?} at character {})", input.get(..at)?.chars().count() + 1))
        });
        let place = place.unwrap_or_default();
        crate::error::Error::invalid(format!("invalid {noun} {shown:?}: {}{place}", self.what))
    }
}

/// `FromStr`, `Display` through `as_str`, and serde as a string, for a type that keeps its own text.
macro_rules! text_type {
    ($name:ident) => {
        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{self}")
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                self.as_str()
            }
        }

        impl TryFrom<String> for $name {
            type Error = crate::error::Error;

            fn try_from(text: String) -> crate::error::Result<Self> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.to_string()
            }
        }
    };
}
use text_type;
