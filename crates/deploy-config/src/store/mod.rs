//! Config stores over files that people own: one core, and a thin store for each kind of file.
//!
//! ```
//! use deploy_config::store::YamlFile;
//! use deploy_core::config::{ConfigStore, Edit, Note};
//!
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("shop.yaml");
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! std::fs::write(&path, "# shop\nimages:\n  api: v1 # by hand\n").unwrap();
//! let store = YamlFile::new(&path);
//! store.set(&[Edit::put("images.api", "v2")], &Note::new("deploy v2")).await?;
//! assert_eq!(std::fs::read_to_string(&path).unwrap(), "# shop\nimages:\n  api: v2 # by hand\n");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! ```
//!
//! # What all of them keep to
//!
//! - **All or nothing.** All edits of one set are one new text, held against the old one (see [`edit`](crate::edit)),
//!   and put in the file's place whole. The file's mode is kept, its owner where that is allowed; of a symbolic link the
//!   target is replaced. Other hard links to the file, and its extended attributes, stay with the old text.
//! - **One writer at a time.** A lock (on the temporary file beside, so that nothing is left behind) keeps other writers
//!   of this crate out, in other processes too. It is waited for. An editor knows of no lock: what it saved meanwhile is a
//!   [`Conflict`](deploy_core::error::ErrorKind::Conflict), and stays.
//! - **Versions.** A key's version is the digest of its value: other keys and comments do not change it, and a value
//!   that comes back has the version it had. It is no secret: who sees it can try values.
//! - **History** is the present value, and the note is not written: [`git`](crate::git) keeps both.
//! - **A file that is not there** has no values, and is made by the first edit, but for a kustomization.
//! - A call that is dropped may still do what it was to do, before any later call on the file.

mod core;
mod dotenv;
pub(crate) mod form;
mod helm;
mod image;
mod kind;
mod kustomize;
mod paths;
mod pulumi;
mod replace;
pub(crate) mod text;

pub use dotenv::DotenvFile;
pub use helm::HelmValues;
pub use kind::FileKind;
pub use kustomize::Kustomization;
pub use paths::{JsonFile, TomlFile, YamlFile};
pub use pulumi::PulumiStack;

/// Makes a store of a form: a file with keys of its own kind.
macro_rules! file_store {
    ($(#[$doc:meta])* $name:ident, $form:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name(pub(super) super::core::FileStore);

        impl $name {
            /// A store in the file at `path`.
            pub fn new(path: impl Into<std::path::PathBuf>) -> Self {
                Self(super::core::FileStore::new(path, $form))
            }
        }

        super::delegate!($name);
    };
}

/// Hands every method to the core.
macro_rules! delegate {
    ($name:ident) => {
        #[async_trait::async_trait]
        impl deploy_core::config::ConfigStore for $name {
            fn describe(&self) -> String {
                self.0.describe()
            }

            fn capabilities(&self) -> deploy_core::config::ConfigCapabilities {
                super::core::FileStore::capabilities()
            }

            async fn get(&self, key: &str) -> deploy_core::error::Result<Option<deploy_core::config::Entry>> {
                self.0.get(key).await
            }

            async fn get_all(
                &self,
                keys: &[String],
            ) -> deploy_core::error::Result<Vec<Option<deploy_core::config::Entry>>> {
                self.0.get_all(keys).await
            }

            async fn set(
                &self,
                edits: &[deploy_core::config::Edit],
                note: &deploy_core::config::Note,
            ) -> deploy_core::error::Result<()> {
                self.0.set(edits, note).await
            }

            async fn history(
                &self,
                key: &str,
                limit: usize,
            ) -> deploy_core::error::Result<Vec<deploy_core::config::PastEntry>> {
                self.0.history(key, limit).await
            }
        }
    };
}

use {delegate, file_store};
