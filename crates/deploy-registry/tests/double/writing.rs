//! What the double does with what is written to it.

use deploy_core::image::Digest;

use super::images::{Images, Kept};
use super::{Asked, Reply};

/// How it behaves when it is written to.
#[derive(Default)]
pub struct Writing {
    /// It knows nothing of referrers: neither `OCI-Subject` nor the API.
    pub no_referrers: bool,
    /// The next answer to this method is lost, after what was asked is done.
    pub loses: Option<&'static str>,
    /// The answer to the write after so many is lost, after what was asked is done.
    pub loses_after: Option<usize>,
    uploads: usize,
}

impl Images {
    /// Answers what writes; `None` for what reads.
    pub(super) fn write(&mut self, asked: &Asked) -> Option<Reply> {
        let rest = asked.path.strip_prefix("/v2/")?;
        if self.writing.no_referrers && rest.contains("/referrers/") {
            return Some(Reply::new(404));
        }
        let reply = if let Some((repository, _)) = rest.split_once("/blobs/uploads/") {
            match asked.method.as_str() {
                "POST" => self.begin(repository, asked),
                "PUT" => self.upload(repository, asked),
                _ => Reply::new(405),
            }
        } else {
            let (repository, name) = rest.rsplit_once("/manifests/")?;
            match asked.method.as_str() {
                "PUT" => self.write_manifest(repository, name, asked),
                "DELETE" => self.kept.entry(repository.to_owned()).or_default().delete(name),
                _ => return None,
            }
        };
        let lost = self.writing.loses_after == Some(0);
        self.writing.loses_after = self.writing.loses_after.and_then(|writes| writes.checked_sub(1));
        if lost || self.writing.loses == Some(asked.method.as_str()) {
            self.writing.loses = None;
            return Some(Reply::breaks());
        }
        Some(reply)
    }

    fn begin(&mut self, repository: &str, asked: &Asked) -> Reply {
        if let (Some(digest), Some(from)) = (asked.parameter("mount"), asked.parameter("from")) {
            let digest: Digest = digest.parse().unwrap();
            let found = self.kept.get(&from).and_then(|kept| kept.blobs.get(&digest)).cloned();
            if let Some(bytes) = found {
                self.put_blob(repository, &bytes);
                return Reply::new(201).header("location", format!("/v2/{repository}/blobs/{digest}"));
            }
        }
        self.writing.uploads += 1;
        let path = format!("/v2/{repository}/blobs/uploads/{}?_state=a%3D", self.writing.uploads);
        Reply::new(202).header("location", path)
    }

    fn upload(&mut self, repository: &str, asked: &Asked) -> Reply {
        let found = Digest::sha256(&asked.body).to_string();
        if asked.parameter("digest") != Some(found) || asked.parameter("_state").as_deref() != Some("a=") {
            return Reply::json(r#"{"errors": [{"code": "DIGEST_INVALID", "message": "other bytes"}]}"#)
                .status(400);
        }
        self.put_blob(repository, &asked.body);
        Reply::new(201)
    }

    /// Refuses what refers to what is not there, as registries do.
    fn write_manifest(&mut self, repository: &str, name: &str, asked: &Asked) -> Reply {
        let json: serde_json::Value = serde_json::from_slice(&asked.body).unwrap();
        let kept = self.kept.entry(repository.to_owned()).or_default();
        let digests = |field: &str| {
            let listed = json[field].as_array().cloned().unwrap_or_default();
            listed
                .into_iter()
                .map(|one| one["digest"].as_str().unwrap().parse().unwrap())
                .collect::<Vec<Digest>>()
        };
        let config = json["config"]["digest"].as_str().map(|digest| digest.parse().unwrap());
        let blobs =
            digests("layers").into_iter().chain(config).all(|digest| kept.blobs.contains_key(&digest));
        let manifests = digests("manifests").iter().all(|digest| kept.manifests.contains_key(digest));
        // An index of referrers lists what is there as well.
        if !blobs || !manifests {
            return Reply::json(r#"{"errors": [{"code": "MANIFEST_BLOB_UNKNOWN", "message": "not there"}]}"#)
                .status(400);
        }
        let digest = Digest::sha256(&asked.body);
        let media_type = asked.headers["content-type"].to_str().unwrap().to_owned();
        kept.manifests.insert(digest.clone(), (media_type, asked.body.to_vec()));
        match name.parse::<Digest>() {
            Ok(name) => assert_eq!(name, digest),
            Err(_) => drop(kept.tags.insert(name.to_owned(), digest.clone())),
        }
        let reply = Reply::new(201).header("docker-content-digest", digest.as_str());
        match json["subject"]["digest"].as_str() {
            Some(subject) if !self.writing.no_referrers => reply.header("oci-subject", subject),
            _ => reply,
        }
    }
}

impl Kept {
    fn delete(&mut self, name: &str) -> Reply {
        let gone = match name.parse::<Digest>() {
            Ok(digest) => {
                self.tags.retain(|_, other| *other != digest);
                self.manifests.remove(&digest).is_some()
            }
            Err(_) => self.tags.remove(name).is_some(),
        };
        Reply::new(if gone { 202 } else { 404 })
    }
}
