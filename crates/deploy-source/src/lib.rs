//! Where manifests come from, for the `deploy-core` engine.
//!
//! | source | reads | needs |
//! | --- | --- | --- |
//! | [`FileSource`] | files, directories, standard input, as `kubectl apply -f` | |
//! | [`HelmChart`] | a chart's folder or archive, with values, as `helm template`; also what a release records of it | `helm` |
//! | [`Kustomization`] | a folder with a `kustomization.yaml`, as `kubectl apply -k` | `kubectl` |
//!
//! Each is a [`Source`](deploy_core::source::Source). The programs are started without a shell, killed when nobody waits for them any more,
//! and bounded in time and output; a renderer in Rust would take their place behind the same trait.
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

mod chart;
mod files;
mod kustomize;
mod program;
mod walk;

pub use chart::{HOOK, HelmChart, MAX_CHART_BYTES, Rendered, split_hooks};
pub use deploy_program::MAX_OUTPUT;
pub use files::{FileSource, MAX_ENTRIES, MAX_FILES, MAX_TOTAL_BYTES};
pub use kustomize::Kustomization;
