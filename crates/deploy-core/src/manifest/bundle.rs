//! The desired manifests with namespaces and images resolved.

use std::collections::{BTreeMap, HashMap};
use std::io;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::images::{ContainerImage, ImageOverride, images, pin, replace};
use super::kinds::{Scope, scope};
use super::order::{Stage, stages};
use super::size::check_size;
use super::{Object, ObjectId};
use crate::error::{Error, Result};
use crate::image::{Digest, Reference};

/// The desired manifests: each object once, namespaces defaulted, images replaced and every image checked.
///
/// Only the cluster knows whether a kind that is not Kubernetes' own is namespaced: such objects keep an empty
/// namespace until the adapter calls [`Bundle::settle`].
///
/// ```
/// use deploy_core::manifest::{Bundle, read};
///
/// let objects = read("api.yaml", b"
/// apiVersion: apps/v1
/// kind: Deployment
/// metadata: {name: api}
/// spec: {template: {spec: {containers: [{name: api, image: shop/api:v1}]}}}
/// ")?;
/// let bundle = Bundle::builder()
///     .objects(objects)
///     .namespace("shop")
///     .image("api=shop/api:v2".parse()?)
///     .build()?;
/// assert_eq!(bundle.objects()[0].id().to_string(), "Deployment shop/api");
/// assert_eq!(bundle.images()[0].image.to_string(), "shop/api:v2");
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Bundle {
    objects: Vec<Object>,
    hooks: Vec<Object>,
    namespace: Option<String>,
    images: Vec<ContainerImage>,
}

impl Bundle {
    /// A builder of a bundle.
    pub fn builder() -> BundleBuilder {
        BundleBuilder::default()
    }

    /// The objects, in the order they were given.
    pub fn objects(&self) -> &[Object] {
        &self.objects
    }

    /// The objects, given away.
    pub fn into_objects(self) -> Vec<Object> {
        self.objects
    }

    /// Helm's hooks, which only a release runs; see [`BundleBuilder::hooks`].
    pub fn hooks(&self) -> &[Object] {
        &self.hooks
    }

    /// The namespace that objects without one are for.
    pub fn namespace(&self) -> Option<&str> {
        self.namespace.as_deref()
    }

    /// The object of this identity.
    pub fn get(&self, id: &ObjectId) -> Option<&Object> {
        // The name first: it tells the most, and building an identity allocates.
        self.objects.iter().find(|object| object.name() == id.name && object.id() == *id)
    }

    /// Every container with its image, those of hooks too.
    pub fn images(&self) -> &[ContainerImage] {
        &self.images
    }

    /// The same bundle with the digest of each image beside its tag, as in `shop/api:v2@sha256:…`: what is deployed is then what was
    /// looked at, wherever the tag moves. Nothing else changes, and an image that has a digest keeps it.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if the digest of an image is not among `digests`.
    ///
    /// ```
    /// use deploy_core::image::Digest;
    /// use deploy_core::manifest::{Bundle, read};
    ///
    /// let pod = b"{apiVersion: v1, kind: Pod, metadata: {name: a}, spec: {containers: [{name: api, image: 'shop/api:v1'}]}}";
    /// let bundle = Bundle::builder().objects(read("pod.yaml", pod)?).build()?;
    /// let digest = Digest::sha256(b"the image");
    /// let digests = [("shop/api:v1".parse()?, digest.clone())].into();
    /// let pinned = bundle.pinned(&digests)?;
    /// assert_eq!(pinned.images()[0].image.to_string(), format!("shop/api:v1@{digest}"));
    /// # Ok::<(), deploy_core::error::Error>(())
    /// ```
    pub fn pinned(self, digests: &BTreeMap<Reference, Digest>) -> Result<Self> {
        let Self { mut objects, mut hooks, namespace, .. } = self;
        pin(&mut objects, digests)?;
        pin(&mut hooks, digests)?;
        Self::check(objects, hooks, namespace)
    }

    /// The stages in which the objects are written; see [`order`](super::order).
    ///
    /// # Errors
    /// As [`stages`].
    pub fn stages(&self) -> Result<Vec<Stage>> {
        stages(&self.objects)
    }

    /// The objects without a namespace whose kind is not Kubernetes' own: [`Bundle::settle`] decides about them.
    pub fn unsettled(&self) -> impl Iterator<Item = &Object> {
        self.objects.iter().filter(|object| object.namespace().is_none() && scope_of(object).is_none())
    }

    /// Defaults the namespace of the [unsettled](Bundle::unsettled) objects that `scope` says are namespaced.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if an object now stands twice in the bundle.
    pub fn settle(mut self, mut scope: impl FnMut(&Object) -> Scope) -> Result<Self> {
        let Some(namespace) = self.namespace.clone() else { return Ok(self) };
        let objects = std::mem::take(&mut self.objects).into_iter().map(|object| {
            let unsettled = object.namespace().is_none() && scope_of(&object).is_none();
            if unsettled && scope(&object) == Scope::Namespaced {
                object.in_namespace(&namespace)
            } else {
                object
            }
        });
        let objects = objects.collect();
        Self::check(objects, self.hooks, Some(namespace))
    }

    /// The same bundle with each object changed, by its place among them.
    pub(super) fn map_objects(
        mut self,
        mut change: impl FnMut(usize, Object) -> Result<Object>,
    ) -> Result<Self> {
        let objects = std::mem::take(&mut self.objects).into_iter().enumerate();
        let objects = objects.map(|(index, object)| change(index, object)).collect::<Result<_>>()?;
        Self::check(objects, self.hooks, self.namespace)
    }

    /// The sha256 of what is desired, hooks included, whatever the order of the objects and of their keys.
    pub fn digest(&self) -> Digest {
        let mut sorted: Vec<(ObjectId, &Object)> =
            self.objects.iter().chain(&self.hooks).map(|object| (object.id(), object)).collect();
        sorted.sort_by(|left, right| left.0.cmp(&right.0));
        let mut hash = Hash(Sha256::new());
        for (_, object) in sorted {
            write_canonical(object.value(), &mut hash);
            hash.0.update(b"\n");
        }
        Digest::from_sha256(hash.0.finalize().as_ref())
    }

    fn check(objects: Vec<Object>, hooks: Vec<Object>, namespace: Option<String>) -> Result<Self> {
        let mut seen: HashMap<ObjectId, usize> = HashMap::with_capacity(objects.len());
        let mut all_images = Vec::new();
        for (index, object) in objects.iter().enumerate() {
            if let Some(first) = seen.insert(object.id(), index) {
                let place = objects.get(first).and_then(Object::origin);
                let place = place.map(|place| format!(" (first at {place})")).unwrap_or_default();
                return Err(object.error(format!("{} stands twice in the bundle{place}", object.id())));
            }
            check_size(object)?;
            all_images.append(&mut images(object)?);
        }
        for hook in &hooks {
            check_size(hook)?;
            all_images.append(&mut images(hook)?);
        }
        Ok(Self { objects, hooks, namespace, images: all_images })
    }
}

/// Builds a [`Bundle`].
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct BundleBuilder {
    objects: Vec<Object>,
    hooks: Vec<Object>,
    namespace: Option<String>,
    images: Vec<ImageOverride>,
}

impl BundleBuilder {
    /// Adds objects.
    pub fn objects(mut self, objects: impl IntoIterator<Item = Object>) -> Self {
        self.objects.extend(objects);
        self
    }

    /// Adds Helm's hooks, with the same images put in place. Unlike objects, several may bear one name: a chart may have one for each event.
    /// Objects among the [`objects`](Self::objects) that are annotated `helm.sh/hook` are hooks for a release as well.
    pub fn hooks(mut self, hooks: impl IntoIterator<Item = Object>) -> Self {
        self.hooks.extend(hooks);
        self
    }

    /// The namespace of objects that name none and live in one; an object that names another keeps it.
    pub fn namespace(mut self, namespace: impl Into<String>) -> Self {
        self.namespace = Some(namespace.into());
        self
    }

    /// Adds an image to put in place of what the manifests say; of several for one container the last one counts.
    pub fn image(mut self, image: ImageOverride) -> Self {
        self.images.push(image);
        self
    }

    /// Builds the bundle.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput), naming the places: an object that stands twice
    /// (whatever the version of its API), an image that is no reference, an override that matches nothing, an
    /// object over [`MAX_OBJECT_BYTES`](super::MAX_OBJECT_BYTES) or [`MAX_DATA_BYTES`](super::MAX_DATA_BYTES), a namespace that is no name.
    pub fn build(self) -> Result<Bundle> {
        let Self { mut objects, hooks, namespace, images } = self;
        if let Some(namespace) = &namespace {
            check_namespace(namespace)?;
            for object in &mut objects {
                if object.namespace().is_none() && scope_of(object) == Some(Scope::Namespaced) {
                    object.set("/metadata", "namespace", Value::String(namespace.clone()));
                }
            }
        }
        let count = objects.len();
        objects.extend(hooks);
        replace(&mut objects, &images)?;
        let hooks = objects.split_off(count);
        Bundle::check(objects, hooks, namespace)
    }
}

fn scope_of(object: &Object) -> Option<Scope> {
    scope(object.group(), object.kind())
}

/// A DNS label (RFC 1123), which is what the API server takes.
fn check_namespace(namespace: &str) -> Result<()> {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    let good = (1..=63).contains(&namespace.len())
        && namespace.bytes().all(allowed)
        && !namespace.starts_with('-')
        && !namespace.ends_with('-');
    if good {
        return Ok(());
    }
    Err(Error::invalid(format!("{namespace:?} cannot be a namespace"))
        .help("use up to 63 lowercase letters, digits and '-', with a letter or digit at both ends"))
}

struct Hash(Sha256);

impl io::Write for Hash {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// JSON with sorted keys; `serde_json` sorts them by itself unless some crate of the program turns that off.
fn write_canonical(value: &Value, hash: &mut Hash) {
    match value {
        Value::Array(items) => {
            hash.0.update(b"[");
            for item in items {
                write_canonical(item, hash);
                hash.0.update(b",");
            }
            hash.0.update(b"]");
        }
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            hash.0.update(b"{");
            for (key, value) in entries {
                // A hash takes whatever it is given.
                let _ = serde_json::to_writer(&mut *hash, key);
                hash.0.update(b":");
                write_canonical(value, hash);
                hash.0.update(b",");
            }
            hash.0.update(b"}");
        }
        scalar => {
            let _ = serde_json::to_writer(hash, scalar);
        }
    }
}
