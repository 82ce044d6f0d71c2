//! Where manifests come from: files and directories, for the `deploy-core` engine.
//!
//! ```
//! use deploy_core::source::Source;
//! use deploy_source::FileSource;
//!
//! # let folder = std::env::temp_dir().join(format!("deploy-source-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(folder.join("deploy/base")).unwrap();
//! # std::fs::write(folder.join("deploy/base/api.yaml"), "{apiVersion: v1, kind: Service, metadata: {name: api}}").unwrap();
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! # let path = folder.join("deploy");
//! # /*
//! let path = "deploy";
//! # */
//! let source = FileSource::new([path]).recursive(true);
//! let objects = source.load().await?;
//! assert_eq!(objects[0].id().to_string(), "Service api");
//! # Ok::<(), deploy_core::error::Error>(())
//! # }).unwrap();
//! # std::fs::remove_dir_all(folder).unwrap();
//! ```

mod files;
mod walk;

pub use files::{FileSource, MAX_ENTRIES, MAX_FILES, MAX_TOTAL_BYTES};
