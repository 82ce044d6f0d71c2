//! What the double holds, and how it answers when it behaves.

use std::collections::BTreeMap;

use deploy_core::image::Digest;

use super::writing::Writing;
use super::{Asked, Reply};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// Repositories by their paths.
#[derive(Default)]
pub struct Images {
    pub(super) kept: BTreeMap<String, Kept>,
    pub writing: Writing,
}

#[derive(Default)]
pub(super) struct Kept {
    pub(super) tags: BTreeMap<String, Digest>,
    pub(super) manifests: BTreeMap<Digest, (String, Vec<u8>)>,
    pub(super) blobs: BTreeMap<Digest, Vec<u8>>,
}

/// An image to be pushed.
#[derive(Clone, Default)]
pub struct Image {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
    pub created: Option<String>,
}

impl Image {
    pub fn of_revision(revision: &str) -> Self {
        let labels = BTreeMap::from([("org.opencontainers.image.revision".to_owned(), revision.to_owned())]);
        Self { labels, ..Self::default() }
    }
}

impl Images {
    pub fn put_blob(&mut self, repository: &str, bytes: &[u8]) -> Digest {
        let digest = Digest::sha256(bytes);
        self.kept.entry(repository.to_owned()).or_default().blobs.insert(digest.clone(), bytes.to_vec());
        digest
    }

    pub fn put_manifest(
        &mut self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        json: &serde_json::Value,
    ) -> Digest {
        let bytes = json.to_string().into_bytes();
        let digest = Digest::sha256(&bytes);
        let kept = self.kept.entry(repository.to_owned()).or_default();
        kept.manifests.insert(digest.clone(), (media_type.to_owned(), bytes));
        if let Some(tag) = tag {
            kept.tags.insert(tag.to_owned(), digest.clone());
        }
        digest
    }

    pub fn put_image(&mut self, repository: &str, tag: Option<&str>, image: &Image) -> Digest {
        let config = serde_json::json!({
            "architecture": "arm64", "os": "linux", "variant": "v8", "created": image.created, "config": {"Labels": image.labels},
        });
        let config = config.to_string().into_bytes();
        let digest = self.put_blob(repository, &config);
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "layers": [], "annotations": image.annotations,
            "config": {"mediaType": CONFIG, "digest": digest, "size": config.len()},
        });
        self.put_manifest(repository, tag, MANIFEST, &manifest)
    }

    pub fn put_index(
        &mut self,
        repository: &str,
        tag: &str,
        manifests: &[serde_json::Value],
        annotations: &BTreeMap<String, String>,
    ) -> Digest {
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests, "annotations": annotations});
        self.put_manifest(repository, Some(tag), INDEX, &index)
    }

    /// An artifact with one layer that refers to `subject`.
    pub fn attach(
        &mut self,
        repository: &str,
        subject: &Digest,
        artifact_type: &str,
        content: &[u8],
    ) -> Digest {
        let layer = self.put_blob(repository, content);
        let empty = self.put_blob(repository, b"{}");
        let manifest = serde_json::json!({
            "schemaVersion": 2, "mediaType": MANIFEST, "artifactType": artifact_type,
            "config": {"mediaType": "application/vnd.oci.empty.v1+json", "digest": empty, "size": 2},
            "layers": [{"mediaType": artifact_type, "digest": layer, "size": content.len()}],
            "subject": {"mediaType": MANIFEST, "digest": subject, "size": 1},
        });
        self.put_manifest(repository, None, MANIFEST, &manifest)
    }

    /// What a repository has: its tags, how many manifests, how many blobs.
    pub fn holds(&self, repository: &str) -> (Vec<String>, usize, usize) {
        self.kept.get(repository).map_or_else(Default::default, |kept| {
            (kept.tags.keys().cloned().collect(), kept.manifests.len(), kept.blobs.len())
        })
    }

    pub fn tag(&self, repository: &str, tag: &str) -> Option<Digest> {
        self.kept.get(repository)?.tags.get(tag).cloned()
    }

    pub fn set_tag(&mut self, repository: &str, tag: &str, digest: &Digest) {
        let kept = self.kept.entry(repository.to_owned()).or_default();
        kept.tags.insert(tag.to_owned(), digest.clone());
    }

    pub(super) fn answer(&mut self, asked: &Asked) -> Reply {
        if let Some(reply) = self.write(asked) {
            return reply;
        }
        let Some(rest) = asked.path.strip_prefix("/v2/") else { return not_found("") };
        for part in ["/manifests/", "/blobs/", "/tags/", "/referrers/"] {
            if let Some((repository, name)) = rest.rsplit_once(part) {
                let Some(kept) = self.kept.get(repository) else { return not_found("NAME_UNKNOWN") };
                return match part {
                    "/manifests/" => kept.manifest(name, asked),
                    "/blobs/" => kept.blob(name),
                    "/tags/" => kept.list(repository, asked),
                    _ => kept.referrers(name, asked),
                };
            }
        }
        not_found("")
    }
}

impl Kept {
    fn manifest(&self, name: &str, asked: &Asked) -> Reply {
        let digest = name.parse().ok().or_else(|| self.tags.get(name).cloned());
        let found = digest.and_then(|digest| Some((self.manifests.get(&digest)?, digest)));
        let Some(((media_type, bytes), digest)) = found else { return not_found("MANIFEST_UNKNOWN") };
        let etag = format!("\"{digest}\"");
        if asked.headers.get("if-none-match").is_some_and(|value| value.to_str().unwrap() == etag) {
            return Reply::new(304);
        }
        let reply = Reply::new(200).header("content-type", media_type).header("etag", etag);
        reply.header("docker-content-digest", digest.as_str()).body(bytes.clone())
    }

    fn blob(&self, name: &str) -> Reply {
        match name.parse().ok().and_then(|digest: Digest| self.blobs.get(&digest)) {
            Some(bytes) => {
                Reply::new(200).header("content-type", "application/octet-stream").body(bytes.clone())
            }
            None => not_found("BLOB_UNKNOWN"),
        }
    }

    /// Pages of 50, with an opaque token for the next.
    fn list(&self, repository: &str, asked: &Asked) -> Reply {
        let from: usize =
            asked.parameter("token").map_or(0, |token| token.trim_start_matches("t-").parse().unwrap());
        let tags: Vec<_> = self.tags.keys().skip(from).take(50).collect();
        let reply = Reply::json(serde_json::json!({"name": repository, "tags": tags}).to_string());
        let next = from + tags.len();
        if next == self.tags.len() {
            return reply;
        }
        reply.header("link", format!("<{}?token=t-{next}>; rel=\"next\"", asked.path))
    }

    /// One a page.
    fn referrers(&self, subject: &str, asked: &Asked) -> Reply {
        let from: usize = asked.parameter("from").map_or(0, |from| from.parse().unwrap());
        let refer = self.manifests.iter().filter_map(|(digest, (media_type, bytes))| {
            let json: serde_json::Value = serde_json::from_slice(bytes).unwrap();
            (json["subject"]["digest"] == subject).then(|| {
                serde_json::json!({"mediaType": media_type, "digest": digest, "size": bytes.len(), "artifactType": json["artifactType"]})
            })
        });
        let all: Vec<_> = refer.collect();
        let page: Vec<_> = all.iter().skip(from).take(1).collect();
        let index = serde_json::json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": page});
        let reply = Reply::new(200).header("content-type", INDEX).body(index.to_string());
        if from + 1 < all.len() {
            return reply.header(
                "link",
                format!("<http://{}{}?from={}>; rel=\"next\"", asked.host, asked.path, from + 1),
            );
        }
        reply
    }
}

fn not_found(code: &str) -> Reply {
    Reply::json(serde_json::json!({"errors": [{"code": code, "message": "unknown"}]}).to_string()).status(404)
}
