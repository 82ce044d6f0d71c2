//! A bundle as one file for the node: the same bundle gives the same bytes, on every machine.
//!
//! A gzipped tar of
//! - `stages/00.json`, `stages/01.json`, …: a `List` of the objects of each stage, in their order; Secrets are apart in
//!   `stages/00.secret.json`, so that what is told back of a package never holds one;
//! - `objects.tsv`: for each object its stage, whether the next stage waits for it, its version, kind, group, namespace and name;
//! - `meta.json`: the bundle's digest and its images.
//!
//! Images are in it as they will run: nothing is set afterwards, so that a deployment makes one revision of each workload.
//!
//! ```
//! use deploy_core::manifest::{Bundle, read};
//! use deploy_ssm::Package;
//!
//! let objects = read("app.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: app, namespace: shop}}")?;
//! let bundle = Bundle::builder().objects(objects).build()?;
//! let package = Package::new(&bundle)?;
//! assert_eq!(package, Package::new(&bundle)?);
//! assert!(!package.has_secrets());
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod archive;
mod scope;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fmt::Write as _;

use deploy_core::error::{Error, Result};
use deploy_core::image::Digest;
use deploy_core::manifest::order::Stage;
use deploy_core::manifest::{Bundle, Object};
use serde_json::{Value, json};

use self::archive::Archive;
pub(crate) use self::scope::ClusterScoped;

/// The most objects of a package.
const MAX_OBJECTS: usize = 5_000;
/// The most bytes of a package's files, unpacked: a small node holds several, and unpacks them to apply them.
const MAX_UNPACKED: usize = 16 << 20;

/// A bundle, packed. `Debug` shows no values.
#[derive(Clone, PartialEq, Eq)]
pub struct Package {
    bytes: Vec<u8>,
    sha256: String,
    secrets: Vec<String>,
}

impl Package {
    /// Packs `bundle`, whose objects all have their namespaces.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for an empty bundle, one over 5,000 objects or 16 MiB, with Helm's
    /// hooks (which a release runs), or whose order has a cycle.
    pub fn new(bundle: &Bundle) -> Result<Self> {
        check(bundle)?;
        let objects = bundle.objects();
        let stages = bundle.stages()?;
        let mut archive = Archive::new();
        archive.add("meta.json", meta(bundle).as_bytes())?;
        archive.add("objects.tsv", table(objects, &stages)?.as_bytes())?;
        let mut unpacked = 0;
        for (number, stage) in stages.iter().enumerate() {
            let (secrets, others): (Vec<&Object>, Vec<&Object>) = stage
                .objects
                .iter()
                .filter_map(|index| objects.get(*index))
                .partition(|object| is_secret(object));
            for (suffix, objects) in [("json", others), ("secret.json", secrets)] {
                if !objects.is_empty() {
                    let list = list(&objects)?;
                    unpacked += list.len();
                    if unpacked > MAX_UNPACKED {
                        return Err(too_large(&format!("more than {} MiB of manifests", MAX_UNPACKED >> 20)));
                    }
                    archive.add(&format!("stages/{number:02}.{suffix}"), &list)?;
                }
            }
        }
        let bytes = archive.finish()?;
        let sha256 = Digest::sha256(&bytes).hex().to_owned();
        let secrets = objects.iter().filter(|object| is_secret(object)).map(|object| object.id().to_string());
        Ok(Self { bytes, sha256, secrets: secrets.collect() })
    }

    /// The file.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The sha256 of the file, in hexadecimal.
    pub fn sha256(&self) -> &str {
        &self.sha256
    }

    /// Whether it holds Secrets: then it may not travel where it stays readable, as in a command's history.
    pub fn has_secrets(&self) -> bool {
        !self.secrets.is_empty()
    }

    /// The Secrets that it holds, by name.
    pub(crate) fn secrets(&self) -> &[String] {
        &self.secrets
    }
}

impl std::fmt::Debug for Package {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Package")
            .field("bytes", &self.bytes.len())
            .field("sha256", &self.sha256)
            .finish_non_exhaustive()
    }
}

fn check(bundle: &Bundle) -> Result<()> {
    if bundle.objects().is_empty() {
        return Err(Error::invalid("the bundle holds no objects")
            .help("check the paths that manifests are read from"));
    }
    if bundle.objects().len() > MAX_OBJECTS {
        return Err(too_large(&format!(
            "{} objects, of which a package holds {MAX_OBJECTS}",
            bundle.objects().len()
        )));
    }
    match bundle.hooks().first() {
        Some(hook) => Err(Error::invalid("Helm's hooks are not run on a far node")
            .on(hook.id().to_string())
            .help("render the chart without hooks, or release it where the API server can be reached")),
        None => Ok(()),
    }
}

fn too_large(what: &str) -> Error {
    Error::invalid(format!("the bundle is too large: {what}"))
        .help("deploy it in parts, under names of their own")
}

fn is_secret(object: &Object) -> bool {
    object.group().is_empty() && object.kind() == "Secret"
}

fn meta(bundle: &Bundle) -> String {
    let images: BTreeSet<String> = bundle.images().iter().map(|used| used.image.to_string()).collect();
    let meta = json!({"bundle": bundle.digest().to_string(), "images": images});
    format!("{meta}\n")
}

fn list(objects: &[&Object]) -> Result<Vec<u8>> {
    let items: Vec<&Value> = objects.iter().map(|object| object.value()).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "items": items});
    let mut bytes = serde_json::to_vec_pretty(&list)
        .map_err(|error| Error::invalid("the manifests cannot be written as JSON").source(error))?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn table(objects: &[Object], stages: &[Stage]) -> Result<String> {
    let mut table = String::new();
    for (number, stage) in stages.iter().enumerate() {
        for index in &stage.objects {
            let Some(object) = objects.get(*index) else { continue };
            let gate = u8::from(stage.await_ready.contains(index));
            let (group, namespace) = (object.group(), object.namespace().unwrap_or_default());
            let fields = [object.api_version(), object.kind(), group, namespace, object.name()];
            if let Some(bad) =
                fields.iter().find(|field| field.contains(|c: char| c.is_control() || c == '\\'))
            {
                return Err(Error::invalid(format!(
                    "\"{}\" cannot be part of an object's identity",
                    bad.escape_default()
                ))
                .on(object.id().to_string()));
            }
            // Writing to a string cannot fail.
            let _ = writeln!(table, "{number:02}\t{gate}\t{}", fields.join("\t"));
        }
    }
    Ok(table)
}
