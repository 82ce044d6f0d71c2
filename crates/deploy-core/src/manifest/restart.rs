//! Workloads that restart when what they use changed.
//!
//! Kubernetes restarts nothing when a Secret or ConfigMap changes: environment variables stay as they were when the container started.
//! So a digest of what a pod template uses is written into it, as an annotation; another digest is another template, which rolls out.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::kinds::pod_spec_pointer;
use super::uses::{Keys, Used, Uses, uses};
use super::{Bundle, CONFIG_DIGEST, Object};
use crate::error::{Error, Result};
use crate::image::Digest;
use crate::secret::SecretText;

/// The shortest key that is taken, in bytes: what cannot be guessed.
const MIN_KEY: usize = 16;
/// The block of SHA-256, in bytes.
const BLOCK: usize = 64;

impl Bundle {
    /// The same bundle, whose workloads restart when a Secret or ConfigMap that they use changed: the annotation [`CONFIG_DIGEST`] on their
    /// pod templates is a digest of what they use. The same values make the same digest, and restart nothing.
    ///
    /// Only Secrets and ConfigMaps of this bundle count, in the workload's own namespace; what comes from elsewhere is not known here. Of
    /// one that is used by single keys (`secretKeyRef`, `items`) only these count. Containers of every kind are looked at, their `env` and
    /// `envFrom`, and volumes, projected ones too. Jobs, CronJobs and Pods stay as they are: a Job's template cannot be changed, and each
    /// Job reads what stands there when it starts. So do hooks.
    ///
    /// # Why a key
    /// Who may read a Deployment sees its annotations, and is mostly not meant to see Secrets. From a plain digest a short password is
    /// guessed in seconds. So digests are keyed (HMAC-SHA256, RFC 2104) with `key`: a random text of 16 bytes or more that only the
    /// deploying side knows, and that stays (`openssl rand -hex 32`, kept beside the other secrets). What is left: a reader sees *that*
    /// something changed, and when a former state came back. Another key restarts everything once.
    ///
    /// Without a key only ConfigMaps can be followed, with a plain digest.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) without a key, where a workload uses a Secret of the bundle; for a key that is too short.
    ///
    /// ```
    /// use deploy_core::manifest::{Bundle, CONFIG_DIGEST, SecretBuilder, read};
    /// use deploy_core::secret::SecretText;
    ///
    /// let api = b"
    /// apiVersion: apps/v1
    /// kind: Deployment
    /// metadata: {name: api}
    /// spec: {template: {spec: {containers: [{name: api, image: 'shop/api:v1', envFrom: [{secretRef: {name: db}}]}]}}}
    /// ";
    /// let digest = |password: &str| {
    ///     let secret = SecretBuilder::new("db").value("password", SecretText::new(password)).build()?;
    ///     let bundle = Bundle::builder().objects(read("api.yaml", api)?).objects([secret]).namespace("shop").build()?;
    ///     let bundle = bundle.restarting_on_change(Some(&SecretText::new("0123456789abcdef")))?;
    ///     let template = bundle.objects()[0].get("/spec/template/metadata/annotations").cloned();
    ///     Ok::<_, deploy_core::error::Error>(template.expect("it uses a Secret")[CONFIG_DIGEST].clone())
    /// };
    /// assert_eq!(digest("correct horse")?, digest("correct horse")?);
    /// assert_ne!(digest("correct horse")?, digest("battery staple")?);
    /// # Ok::<(), deploy_core::error::Error>(())
    /// ```
    pub fn restarting_on_change(self, key: Option<&SecretText>) -> Result<Self> {
        if key.is_some_and(|key| key.reveal().len() < MIN_KEY) {
            return Err(Error::invalid(format!("the key of the digests is shorter than {MIN_KEY} bytes"))
                .help("make one with: openssl rand -hex 32"));
        }
        let namespace = self.namespace().map(str::to_owned);
        let sources = Sources::of(&self);
        let mut digests = BTreeMap::new();
        for (index, object) in self.objects().iter().enumerate() {
            let Some(pointer) = restarting_template(object) else { continue };
            let Some(spec) = object.get(&format!("{pointer}/spec")) else { continue };
            let place = object.namespace().or(namespace.as_deref());
            if let Some(digest) =
                sources.digest(place, &uses(spec), key).map_err(|error| error.on(object.id()))?
            {
                digests.insert(index, (pointer, digest));
            }
        }
        self.map_objects(|index, object| match digests.remove(&index) {
            Some((pointer, digest)) => object.edit(|value| annotate(value, pointer, &digest)),
            None => Ok(object),
        })
    }
}

/// Where the pod template is, of objects that replace their pods when it changes.
fn restarting_template(object: &Object) -> Option<&'static str> {
    let stays =
        matches!((object.group(), object.kind()), ("" | "batch", "Pod" | "PodTemplate" | "Job" | "CronJob"));
    pod_spec_pointer(object).filter(|_| !stays)?.strip_suffix("/spec")
}

fn annotate(value: &mut Value, template: &str, digest: &Digest) {
    let mut at = value.pointer_mut(template);
    for field in ["metadata", "annotations"] {
        at = at.map(|value| &mut value[field]);
        // The API server takes null for none, and so it is.
        if let Some(map) = at.as_deref_mut().filter(|map| map.is_null()) {
            *map = Value::Object(serde_json::Map::new());
        }
        if at.as_deref().is_some_and(|map| !map.is_object()) {
            return;
        }
    }
    if let Some(annotations) = at {
        annotations[CONFIG_DIGEST] = digest.as_str().into();
    }
}

/// What can be used, by namespace, kind and name.
struct Sources<'a>(BTreeMap<(Option<&'a str>, &'a str, &'a str), &'a Object>);

impl<'a> Sources<'a> {
    fn of(bundle: &'a Bundle) -> Self {
        let is_source =
            |object: &&Object| object.group().is_empty() && matches!(object.kind(), "Secret" | "ConfigMap");
        let key =
            |object: &'a Object| (object.namespace().or(bundle.namespace()), object.kind(), object.name());
        Self(bundle.objects().iter().filter(is_source).map(|object| (key(object), object)).collect())
    }

    /// The digest of what is used and known; `None` if there is nothing.
    fn digest(
        &self,
        namespace: Option<&str>,
        uses: &Uses,
        key: Option<&SecretText>,
    ) -> Result<Option<Digest>> {
        let mut hash = Keyed::new(key.map(SecretText::reveal));
        let mut found = false;
        for ((used, name), keys) in uses {
            let Some(object) = self.0.get(&(namespace, used.kind(), name.as_str())) else { continue };
            if key.is_none() && *used == Used::Secret {
                return Err(Error::invalid(format!("it uses {}, and there is no key for the digest", object.id()))
                    .help("hand in a random text of 16 bytes or more that stays secret: a plain digest of a short password can be guessed"));
            }
            found = true;
            hash.part(used.kind().as_bytes());
            hash.part(name.as_bytes());
            let data = data(object, *used);
            let all: BTreeSet<&str> = data.keys().copied().collect();
            let counted: BTreeSet<&str> = match keys {
                Keys::All => all,
                Keys::Some(keys) => keys.iter().map(String::as_str).collect(),
            };
            for key in counted {
                hash.part(key.as_bytes());
                match data.get(key) {
                    Some(value) => hash.part(value),
                    None => hash.nothing(),
                }
            }
            hash.nothing();
        }
        Ok(found.then(|| hash.finish()))
    }
}

/// The values as containers get them, however they are written.
fn data(object: &Object, used: Used) -> BTreeMap<&str, Vec<u8>> {
    // What is no base64 the API server refuses; its change is one all the same.
    let decoded = |text: &str| STANDARD.decode(text).unwrap_or_else(|_| text.as_bytes().to_vec());
    let plain = |text: &str| text.as_bytes().to_vec();
    let (binary, text) = match used {
        Used::Secret => ("/data", "/stringData"),
        Used::ConfigMap => ("/binaryData", "/data"),
    };
    let values = |pointer: &str| object.get(pointer).and_then(Value::as_object).into_iter().flatten();
    let mut data: BTreeMap<&str, Vec<u8>> =
        values(binary).filter_map(|(key, value)| Some((key.as_str(), decoded(value.as_str()?)))).collect();
    // `stringData` wins over `data`.
    data.extend(values(text).filter_map(|(key, value)| Some((key.as_str(), plain(value.as_str()?)))));
    data
}

/// A SHA-256 of parts, as HMAC if there is a key. Every part stands with its length, so that no two lists of parts read the same.
///
/// The crate hmac would bring two more below it; HMAC itself is two hashes.
struct Keyed {
    inner: Sha256,
    outer: Option<Sha256>,
}

impl Keyed {
    fn new(key: Option<&str>) -> Self {
        let Some(key) = key else { return Self { inner: Sha256::new(), outer: None } };
        let mut block = [0_u8; BLOCK];
        let hashed;
        let bytes = if key.len() > BLOCK {
            hashed = Sha256::digest(key);
            hashed.as_slice()
        } else {
            key.as_bytes()
        };
        for (to, from) in block.iter_mut().zip(bytes) {
            *to = *from;
        }
        let padded = |pad: u8| Sha256::new_with_prefix(block.map(|byte| byte ^ pad));
        Self { inner: padded(0x36), outer: Some(padded(0x5c)) }
    }

    fn part(&mut self, bytes: &[u8]) {
        self.inner.update((bytes.len() as u64 + 1).to_be_bytes());
        self.inner.update(bytes);
    }

    fn nothing(&mut self) {
        self.inner.update(0_u64.to_be_bytes());
    }

    fn finish(self) -> Digest {
        let inner = self.inner.finalize();
        match self.outer {
            None => Digest::from_sha256(inner.as_slice()),
            Some(mut outer) => {
                outer.update(inner);
                Digest::from_sha256(outer.finalize().as_slice())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, cases 1 and 2.
    #[test]
    fn keyed_is_hmac() {
        let check = |key: &str, text: &[u8], expect: &str| {
            let mut hash = Keyed::new(Some(key));
            hash.inner.update(text);
            assert_eq!(hash.finish().hex(), expect);
        };
        let first = "\u{b}".repeat(20);
        check(&first, b"Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
        let second = b"what do ya want for nothing?";
        check("Jefe", second, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
        // A key over a block: the RFC's own is no text, so this one is held against Python's hmac.
        check(&"k".repeat(131), b"x", "5e7df641fef282dee7244c5dd15b5bd8cf84ca3483ca5685fc31cef5dd361622");
    }

    #[test]
    fn no_two_lists_of_parts_read_the_same() {
        let digest = |parts: &[Option<&str>]| {
            let mut hash = Keyed::new(None);
            for part in parts {
                match part {
                    Some(part) => hash.part(part.as_bytes()),
                    None => hash.nothing(),
                }
            }
            hash.finish()
        };
        let lists: [&[Option<&str>]; 6] = [
            &[],
            &[Some("")],
            &[None],
            &[Some("ab")],
            &[Some("a"), Some("b")],
            &[Some("a"), None, Some("b")],
        ];
        for (index, left) in lists.iter().enumerate() {
            for right in &lists[index + 1..] {
                assert_ne!(digest(left), digest(right), "{left:?} {right:?}");
            }
        }
    }
}
