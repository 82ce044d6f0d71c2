mod archive;

use std::path::PathBuf;

use deploy_core::error::{ErrorKind, Result};
use deploy_core::image::Digest;
use futures_util::TryStreamExt;

use super::Layout;
use crate::content::{Descriptor, OCI_MANIFEST};

/// A layout as files by name, to be written as a folder or as an archive.
#[derive(Clone)]
struct Sample(Vec<(String, Vec<u8>)>);

impl Sample {
    /// An image of two blobs, under these names.
    fn named(names: &[&str]) -> Self {
        let (config, layer) = (b"{}".as_slice(), vec![7; 700_000]);
        let mut files = vec![("oci-layout".to_owned(), br#"{"imageLayoutVersion": "1.0.0"}"#.to_vec())];
        let descriptors = names.iter().map(|name| {
            let manifest = serde_json::json!({
                "schemaVersion": 2,
                "config": Descriptor::new("application/vnd.oci.image.config.v1+json", config),
                "layers": [Descriptor::new("application/vnd.oci.image.layer.v1.tar", &layer)],
                "annotations": {"for": name},
            });
            let manifest = serde_json::to_vec(&manifest).unwrap();
            let mut descriptor = serde_json::to_value(Descriptor::new(OCI_MANIFEST, &manifest)).unwrap();
            descriptor["annotations"] = serde_json::json!({
                "org.opencontainers.image.ref.name": name,
                "io.containerd.image.name": format!("docker.io/library/{name}:v1"),
            });
            files.retain(|(other, _)| *other != blob(&Digest::sha256(&manifest)));
            files.push((blob(&Digest::sha256(&manifest)), manifest));
            descriptor
        });
        let index = serde_json::json!({ "schemaVersion": 2, "manifests": descriptors.collect::<Vec<_>>() });
        files.push(("index.json".to_owned(), serde_json::to_vec(&index).unwrap()));
        files.push((blob(&Digest::sha256(config)), config.to_vec()));
        files.push((blob(&Digest::sha256(&layer)), layer));
        Self(files)
    }

    fn with(mut self, name: &str, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.retain(|(other, _)| other != name);
        self.0.push((name.to_owned(), bytes.into()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.0.retain(|(other, _)| other != name);
        self
    }

    fn folder(&self) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        for (name, bytes) in &self.0 {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        }
        let path = folder.path().to_owned();
        (folder, path)
    }

    fn archive(&self) -> (tempfile::TempDir, PathBuf) {
        let mut builder = ::tar::Builder::new(Vec::new());
        for (name, bytes) in &self.0 {
            let mut header = ::tar::Header::new_ustar();
            header.set_size(bytes.len() as u64);
            builder.append_data(&mut header, format!("./{name}"), bytes.as_slice()).unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("x.tar");
        std::fs::write(&path, builder.into_inner().unwrap()).unwrap();
        (folder, path)
    }
}

fn blob(digest: &Digest) -> String {
    format!("blobs/sha256/{}", digest.hex())
}

/// All that an image refers to, read to the end.
async fn read_all(layout: &Layout, name: Option<&str>) -> Result<usize> {
    let (bytes, content) = layout.manifest(&layout.image(name)?.descriptor).await?;
    let mut read = bytes.len();
    for blob in &content.blobs {
        let parts: Vec<_> = layout.blob(blob).try_collect().await?;
        read += parts.iter().map(bytes::Bytes::len).sum::<usize>();
    }
    Ok(read)
}

/// In a folder and in an archive alike; of an error, what comes after the place.
async fn check(sample: Sample, name: Option<&str>, expect: Result<(), &str>) {
    for (_kept, path) in [sample.folder(), sample.archive()] {
        let read = async { read_all(&Layout::open(&path).await?, name).await };
        let found = read.await.map(|read| assert!(read > 700_000)).map_err(|error| {
            let place = path.display().to_string();
            let text = error.to_string();
            text.split_once(&format!("{place}: ")).map(|(_, text)| text.to_owned()).unwrap_or(text)
        });
        assert_eq!(found, expect.map_err(str::to_owned));
    }
}

#[tokio::test]
async fn an_image_is_chosen_by_its_name() {
    check(Sample::named(&["v1"]), None, Ok(())).await;
    check(Sample::named(&["v1"]), Some("v1"), Ok(())).await;
    check(Sample::named(&["v1", "v2"]), Some("v2"), Ok(())).await;
    check(Sample::named(&["v1", "v2"]), Some("docker.io/library/v2:v1"), Ok(())).await;
    check(Sample::named(&["v1", "v1"]), None, Ok(())).await;
    let several = "it has several images: \"v1\", \"v2\" (say which by its name)";
    check(Sample::named(&["v1", "v2"]), None, Err(several)).await;
    check(Sample::named(&["v1", "v2"]), Some("v3"), Err("it has no image \"v3\", but \"v1\", \"v2\"")).await;
    check(Sample::named(&[]), None, Err("it has no image")).await;
    check(Sample::named(&[]), Some("v1"), Err("it has no image \"v1\", but none at all")).await;
}

#[tokio::test]
async fn what_is_no_layout_is_said() {
    let sample = || Sample::named(&["v1"]);
    let plain = sample().without("oci-layout");
    check(plain.clone(), None, Err("it has no file \"oci-layout\": it is not an OCI image layout")).await;
    let docker = "this is docker save's format, not an OCI image layout (write one with docker buildx build --output type=oci,dest=FILE)";
    check(plain.with("manifest.json", "[]"), None, Err(docker)).await;
    check(sample().with("manifest.json", "[]"), None, Ok(())).await;
    check(sample().without("index.json"), None, Err("it has no index.json")).await;
    check(
        sample().with("oci-layout", r#"{"imageLayoutVersion": "2.0.0"}"#),
        None,
        Err("its layout version is \"2.0.0\", not 1.0.0"),
    )
    .await;
    check(
        sample().with("index.json", "nothing"),
        None,
        Err("index.json: it is not a manifest: expected ident at line 1 column 2"),
    )
    .await;
    check(sample().with("index.json", vec![b' '; 5 << 20]), None, Err("its index.json is larger than 4 MiB"))
        .await;
}

#[tokio::test]
async fn a_blob_is_what_its_digest_says() {
    let layer = vec![7; 700_000];
    let name = blob(&Digest::sha256(&layer));
    let sample = || Sample::named(&["v1"]);
    let lost = "it is not in the layout";
    check(sample().without(&name), None, Err(lost)).await;
    let shorter = "it has 5 bytes, its descriptor says 700000";
    check(sample().with(&name, "short"), None, Err(shorter)).await;
    let mut other = layer.clone();
    other[699_999] = 8;
    let found = format!("its content has the digest {}", Digest::sha256(&other));
    check(sample().with(&name, other), None, Err(&found)).await;
}

#[tokio::test]
async fn what_is_there_is_said_on_opening() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing.tar");
    let error = Layout::open(&missing).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        format!("read layout {}: it cannot be read: entity not found", missing.display())
    );
}
