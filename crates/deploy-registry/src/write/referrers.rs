//! The index of what refers to a manifest, where the registry keeps none of its own.
//!
//! By the distribution specification, "Unavailable Referrers API": an index under the tag `<algorithm>-<digits>` of the subject, which clients keep.

use std::collections::BTreeMap;

use bytes::Bytes;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use serde::Serialize;

use super::remote::{Manifest, Remote};
use crate::content::{Content, Descriptor, OCI_INDEX};

/// How often the index is written: others may write it at the same time, and the last one wins.
const MAX_ATTEMPTS: usize = 5;

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Index<'a> {
    schema_version: u32,
    media_type: &'a str,
    manifests: &'a [Descriptor],
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: &'a BTreeMap<String, String>,
}

/// The tag of the index for a subject: its digest, cut to what a tag may have.
pub(super) fn tag(subject: &Digest) -> String {
    format!(
        "{}-{}",
        subject.algorithm().chars().take(32).collect::<String>(),
        subject.hex().chars().take(64).collect::<String>()
    )
}

/// Adds `referrer`, which is at `to` already, to the index of its subject.
pub(super) async fn note(to: &Remote, subject: &Digest, referrer: &Manifest) -> Result<()> {
    let tag = tag(subject);
    let entry = entry(referrer);
    for _ in 0..MAX_ATTEMPTS {
        // What cannot be read is not taken for empty: others' entries would be lost.
        let (mut manifests, annotations) = match to.find_manifest(&tag).await? {
            Some(found) if found.descriptor.media_type == OCI_INDEX => {
                (found.content.manifests, found.content.annotations)
            }
            Some(found) => {
                let message = format!("it is no index but {:?}", found.descriptor.media_type);
                return Err(Error::invalid(message)
                    .on(to.shown(&tag))
                    .help("delete this tag: it is in the way"));
            }
            None => (Vec::new(), BTreeMap::new()),
        };
        if manifests.iter().any(|known| known.digest == entry.digest) {
            return Ok(());
        }
        manifests.push(entry.clone());
        to.put_manifest(&tag, &index(&manifests, &annotations)?).await?;
    }
    let message = format!(
        "others write it at the same time: it has not kept {} after {MAX_ATTEMPTS} tries",
        entry.digest
    );
    Err(Error::new(ErrorKind::Conflict, message).on(to.shown(&tag)))
}

/// What the index says of a referrer.
fn entry(referrer: &Manifest) -> Descriptor {
    let annotations = &referrer.content.annotations;
    Descriptor {
        artifact_type: referrer.content.artifact_type.clone(),
        annotations: (!annotations.is_empty()).then(|| annotations.clone()),
        ..referrer.descriptor.clone()
    }
}

fn index(manifests: &[Descriptor], annotations: &BTreeMap<String, String>) -> Result<Manifest> {
    let index = Index { schema_version: 2, media_type: OCI_INDEX, manifests, annotations };
    let bytes = serde_json::to_vec(&index)
        .map_err(|error| Error::new(ErrorKind::Internal, "the index cannot be written").source(error))?;
    let content = Content::read(&bytes, Some(OCI_INDEX))?;
    Ok(Manifest { descriptor: Descriptor::new(OCI_INDEX, &bytes), bytes: Bytes::from(bytes), content })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tag_is_the_specifications() {
        let check = |digest: &str, expect: &str| assert_eq!(tag(&digest.parse().unwrap()), expect);
        let sha256 = "a".repeat(64);
        check(&format!("sha256:{sha256}"), &format!("sha256-{sha256}"));
        check(&format!("sha512:{}", "b".repeat(128)), &format!("sha512-{}", "b".repeat(64)));
    }
}
