//! Layouts to push.

use deploy_core::image::Digest;
use deploy_registry::layout::Layout;
use serde_json::{Value, json};

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";

/// A layout in a folder, until it is dropped.
pub(crate) struct Sample {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) digest: Digest,
}

impl Sample {
    /// One image of a config and these layers.
    pub(crate) fn image(layers: &[&[u8]]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join("blobs/sha256")).unwrap();
        let mut sample = Self { folder, digest: Digest::sha256(b"") };
        let image = sample.add_image("amd64", layers);
        sample.finish(&image);
        sample
    }

    /// An image of a layer that registries do not keep, and that is nowhere.
    pub(crate) fn foreign() -> Self {
        let mut sample = Self::image(&[]);
        let config = sample.add(CONFIG, b"{}");
        let media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        let layer = json!({"mediaType": media_type, "digest": Digest::sha256(b"windows"), "size": 7, "urls": ["https://x.example/"]});
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
        let image = sample.add(MANIFEST, manifest.to_string().as_bytes());
        sample.finish(&image);
        sample
    }

    /// An image of a layer of so many bytes, all zero.
    pub(crate) fn large(size: u64) -> Self {
        let mut sample = Self::image(&[]);
        let path = sample.folder.path().join("large");
        std::fs::File::create(&path).unwrap().set_len(size).unwrap();
        let sum = crate::server::run("sha256sum", &[path.to_str().unwrap()]);
        let hex = sum.split(' ').next().unwrap();
        std::fs::rename(&path, sample.folder.path().join("blobs/sha256").join(hex)).unwrap();
        let config = sample.add(
            CONFIG,
            br#"{"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": []}}"#,
        );
        let layer = json!({"mediaType": LAYER, "digest": format!("sha256:{hex}"), "size": size});
        let manifest =
            json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": [layer]});
        let image = sample.add(MANIFEST, manifest.to_string().as_bytes());
        sample.finish(&image);
        sample
    }

    /// An index of two images that share a layer.
    pub(crate) fn index() -> Self {
        let mut sample = Self::image(&[]);
        let mut images = [
            sample.add_image("amd64", &[b"shared", b"one"]),
            sample.add_image("arm64", &[b"shared", b"two"]),
        ];
        for (image, architecture) in images.iter_mut().zip(["amd64", "arm64"]) {
            image["platform"] = json!({"os": "linux", "architecture": architecture});
        }
        let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": images});
        let index = sample.add(INDEX, index.to_string().as_bytes());
        sample.finish(&index);
        sample
    }

    pub(crate) async fn open(&self) -> Layout {
        Layout::open(self.folder.path()).await.unwrap()
    }

    pub(crate) fn blob(&self, bytes: &[u8]) -> std::path::PathBuf {
        self.folder.path().join("blobs/sha256").join(Digest::sha256(bytes).hex())
    }

    fn add(&self, media_type: &str, bytes: &[u8]) -> Value {
        std::fs::write(self.blob(bytes), bytes).unwrap();
        json!({"mediaType": media_type, "digest": Digest::sha256(bytes), "size": bytes.len()})
    }

    fn add_image(&mut self, architecture: &str, layers: &[&[u8]]) -> Value {
        let config = json!({"os": "linux", "architecture": architecture, "rootfs": {"type": "layers", "diff_ids":
            layers.iter().map(|layer| Digest::sha256(layer)).collect::<Vec<_>>()}});
        let config = self.add(CONFIG, config.to_string().as_bytes());
        let layers: Vec<Value> = layers.iter().map(|layer| self.add(LAYER, layer)).collect();
        let manifest = json!({"schemaVersion": 2, "mediaType": MANIFEST, "config": config, "layers": layers});
        self.add(MANIFEST, manifest.to_string().as_bytes())
    }

    fn finish(&mut self, root: &Value) {
        self.digest = root["digest"].as_str().unwrap().parse().unwrap();
        let mut root = root.clone();
        root["annotations"] = json!({"org.opencontainers.image.ref.name": "v1"});
        let index = json!({"schemaVersion": 2, "manifests": [root]});
        std::fs::write(self.folder.path().join("index.json"), index.to_string()).unwrap();
        std::fs::write(self.folder.path().join("oci-layout"), r#"{"imageLayoutVersion": "1.0.0"}"#).unwrap();
    }
}
