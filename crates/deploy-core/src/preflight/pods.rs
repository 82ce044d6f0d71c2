//! What a bundle's pods ask for: which images, with which secrets, on which platforms. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

use super::UsedBy;
use super::ask::Ask;
use crate::error::{Error, Result};
use crate::manifest::{Bundle, ContainerImage, Object, images, pod_spec_pointer};
use crate::secret::SecretText;

const CONFIG: &str = ".dockerconfigjson";
const CONFIG_TYPE: &str = "kubernetes.io/dockerconfigjson";

/// A secret's namespace, empty where none is named, and name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct SecretId(pub(super) String, pub(super) String);

impl fmt::Display for SecretId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.0, self.1)
    }
}

/// Each image once for each set of secrets that it is pulled with, sorted.
pub(super) fn asks(bundle: &Bundle, platforms: &[String], with_secrets: bool) -> Result<Vec<Ask>> {
    let mut asks: BTreeMap<_, (BTreeSet<UsedBy>, BTreeSet<String>)> = BTreeMap::new();
    for object in bundle.objects().iter().chain(bundle.hooks()) {
        let Some(pod) = pod_spec_pointer(object) else { continue };
        let secrets = if with_secrets { pull_secrets(bundle, object, pod) } else { BTreeSet::new() };
        let needed = platforms.iter().filter(|platform| may_run_on(object, pod, platform));
        let needed: Vec<&String> = needed.collect();
        for ContainerImage { object, container, image, .. } in images(object)? {
            let (used_by, platforms) = asks.entry((image, secrets.clone())).or_default();
            used_by.insert(UsedBy { object, container });
            platforms.extend(needed.iter().copied().cloned());
        }
    }
    let asks = asks.into_iter().map(|((image, secrets), (used_by, platforms))| Ask {
        image,
        secrets: secrets.into_iter().collect(),
        platforms: platforms.into_iter().collect(),
        used_by: used_by.into_iter().collect(),
    });
    Ok(asks.collect())
}

/// Those that the pod names, or else those of its service account, as admission has it.
fn pull_secrets(bundle: &Bundle, object: &Object, pod: &str) -> BTreeSet<SecretId> {
    let namespace = object.namespace().unwrap_or_default();
    let named = names(object.get(&format!("{pod}/imagePullSecrets")), namespace);
    if !named.is_empty() {
        return named;
    }
    let account =
        object.get(&format!("{pod}/serviceAccountName")).and_then(Value::as_str).unwrap_or("default");
    let accounts = bundle.objects().iter().filter(|one| one.id().is("", "ServiceAccount"));
    let mut accounts = accounts.filter(|one| one.name() == account && one.namespace() == object.namespace());
    names(accounts.next().and_then(|account| account.get("/imagePullSecrets")), namespace)
}

fn names(list: Option<&Value>, namespace: &str) -> BTreeSet<SecretId> {
    let names = list.and_then(Value::as_array).into_iter().flatten();
    let names =
        names.filter_map(|one| one.get("name").and_then(Value::as_str)).filter(|name| !name.is_empty());
    names.map(|name| SecretId(namespace.to_owned(), name.to_owned())).collect()
}

/// Whether the pod's node selector lets it onto a node of this platform.
fn may_run_on(object: &Object, pod: &str, platform: &str) -> bool {
    let mut parts = platform.split('/');
    [("kubernetes.io~1os", parts.next()), ("kubernetes.io~1arch", parts.next())].into_iter().all(
        |(label, part)| {
            let selected = object.get(&format!("{pod}/nodeSelector/{label}")).and_then(Value::as_str);
            selected.is_none_or(|selected| Some(selected) == part)
        },
    )
}

/// What a pull secret of the bundle holds, if it has that secret.
///
/// # Errors
/// If it is no pull secret: the kubelet would read nothing from it.
pub(super) fn in_bundle(bundle: &Bundle, id: &SecretId) -> Result<Option<SecretText>> {
    let is_it = |one: &&Object| {
        one.name() == id.1 && one.namespace().unwrap_or_default() == id.0 && one.id().is("", "Secret")
    };
    let Some(secret) = bundle.objects().iter().find(is_it) else { return Ok(None) };
    let wrong = |what: String| {
        Error::invalid(what)
            .during("read the pull secret")
            .on(secret.id())
            .help("make it with: kubectl create secret docker-registry")
    };
    let kind = secret.get("/type").and_then(Value::as_str).unwrap_or("Opaque");
    if kind != CONFIG_TYPE {
        return Err(wrong(format!("its type is {kind}, not {CONFIG_TYPE}")));
    }
    let text = |map: &str| secret.get(map)?.get(CONFIG)?.as_str();
    if let Some(plain) = text("/stringData") {
        return Ok(Some(SecretText::new(plain)));
    }
    let encoded = text("/data").ok_or_else(|| wrong(format!("it holds no {CONFIG}")))?;
    let encoded: String = encoded.split_ascii_whitespace().collect();
    // The cause would quote a part of it.
    let plain = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let plain = plain.ok_or_else(|| wrong(format!("what is under {CONFIG} is no text in base64")))?;
    Ok(Some(SecretText::new(plain)))
}
