//! The stores over files: their contract, their files, their keys, and what is refused.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use deploy_config::store::{
    DotenvFile, HelmValues, JsonFile, Kustomization, PulumiStack, TomlFile, YamlFile,
};
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Expect, Note, PastEntry};
use deploy_core::error::{Error, ErrorKind, Result};
use tempfile::TempDir;

/// A folder with one file.
struct File(TempDir);

impl File {
    fn new(text: Option<&str>) -> Self {
        let file = Self(tempfile::tempdir().unwrap());
        if let Some(text) = text {
            fs::write(file.path(), text).unwrap();
        }
        file
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("file")
    }

    fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    fn names(&self) -> Vec<String> {
        let names = fs::read_dir(self.0.path()).unwrap();
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }
}

/// A store with the suite's keys, and where not every text is a value, with values in another form.
struct Mapped {
    store: Box<dyn ConfigStore>,
    key: fn(&str) -> String,
    /// Put before a value's hexadecimal digits, for a key.
    value: Option<fn(&str) -> String>,
    _file: File,
}

impl Mapped {
    fn put(&self, key: &str, value: &str) -> String {
        let Some(prefix) = self.value else { return value.to_owned() };
        let mut out = prefix(key);
        for byte in value.bytes() {
            write!(out, "{byte:02x}").unwrap();
        }
        out
    }

    fn got(&self, key: &str, value: &str) -> String {
        let Some(prefix) = self.value else { return value.to_owned() };
        let digits = value.strip_prefix(&prefix(key)).unwrap();
        let bytes =
            (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap());
        String::from_utf8(bytes.collect()).unwrap()
    }

    /// The suite looks for its own key in errors.
    fn named(&self, error: Error, edits: &[Edit]) -> Error {
        let text = error.to_string();
        match edits.iter().find(|edit| text.contains(&(self.key)(&edit.key))) {
            Some(edit) => Error::new(error.kind(), format!("{}: {text}", edit.key)),
            None => error,
        }
    }
}

#[async_trait]
impl ConfigStore for Mapped {
    fn describe(&self) -> String {
        self.store.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.store.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let entry = self.store.get(&(self.key)(key)).await?;
        Ok(entry.map(|entry| Entry { value: self.got(key, &entry.value), ..entry }))
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        let map = |edit: &Edit| {
            let mut mapped = edit.clone();
            mapped.key = (self.key)(&edit.key);
            mapped.value = edit.value.as_ref().map(|value| self.put(&edit.key, value));
            if let Expect::Value(value) = &edit.expect {
                mapped.expect = Expect::Value(self.put(&edit.key, value));
            }
            mapped
        };
        let mapped: Vec<Edit> = edits.iter().map(map).collect();
        self.store.set(&mapped, note).await.map_err(|error| self.named(error, edits))
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        let mut past = self.store.history(&(self.key)(key), limit).await?;
        for entry in &mut past {
            entry.value = entry.value.as_ref().map(|value| self.got(key, value));
        }
        Ok(past)
    }
}

/// The suite over a store, its file with this text or not there at first.
macro_rules! conformance {
    ($name:ident, $store:ident, $text:expr, $key:expr, $value:expr) => {
        mod $name {
            use super::*;

            deploy_core::config_store_conformance! {
                #[tokio::test]
                || async {
                    let file = File::new($text);
                    Mapped { store: Box::new($store::new(file.path())), key: $key, value: $value, _file: file }
                }
            }
        }
    };
}

fn dotted(key: &str) -> String {
    key.replace('/', ".")
}

fn variable(key: &str) -> String {
    key.replace('/', "_").to_uppercase()
}

const VALUES: &str = "# values\nother: 1 # one\n\napp:\n  x: 'y'\nweb: {}\n";

conformance!(yaml, YamlFile, Some(VALUES), dotted, None);
conformance!(yaml_not_there, YamlFile, None, dotted, None);
conformance!(json, JsonFile, Some("{\n  \"app\": {\n    \"x\": 1\n  }\n}\n"), dotted, None);
conformance!(json_not_there, JsonFile, None, dotted, None);
conformance!(toml, TomlFile, Some("x = 1\r\n\r\n[app]\r\n# here\r\n\r\n[web]\r\nx = 1"), dotted, None);
conformance!(toml_not_there, TomlFile, None, dotted, None);
conformance!(dotenv, DotenvFile, Some("# top\nexport X='y'\n"), variable, None);
conformance!(dotenv_not_there, DotenvFile, None, variable, None);
conformance!(helm, HelmValues, Some(VALUES), dotted, None);
conformance!(pulumi, PulumiStack, Some("config:\n  aws:region: eu\n"), |key| key.replace('/', ":"), None);
conformance!(pulumi_inner, PulumiStack, None, |key| format!("shop:images.{}", dotted(key)), None);
conformance!(
    kustomization,
    Kustomization,
    Some("resources: [a.yaml]\nimages:\n# ours\n- name: x\n  newTag: v1\n"),
    |key| format!("ghcr.io/{key}"),
    Some(|key| format!("example.org/{key}:v"))
);

fn put(key: &str, value: &str) -> Edit {
    Edit::put(key, value)
}

async fn set(store: &impl ConfigStore, edits: &[Edit]) -> Result<()> {
    store.set(edits, &Note::new("a test")).await
}

async fn value(store: &impl ConfigStore, key: &str) -> Option<String> {
    store.get(key).await.unwrap().map(|entry| entry.value)
}

async fn refused(store: &impl ConfigStore, edit: Edit, kind: ErrorKind, message: &str) {
    let error = set(store, &[edit]).await.unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(message), "{error}");
}

#[tokio::test]
async fn mode_owner_and_link_stay() {
    let file = File::new(Some("a: v1\n"));
    let link = file.0.path().join("link");
    symlink("file", &link).unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o640)).unwrap();
    let before = fs::metadata(file.path()).unwrap();
    set(&YamlFile::new(&link), &[put("a", "v2")]).await.unwrap();
    let after = fs::metadata(file.path()).unwrap();
    assert_eq!(file.text(), "a: v2\n");
    assert_eq!((after.mode(), after.uid(), after.gid()), (before.mode(), before.uid(), before.gid()));
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(file.names().len(), 2, "nothing is left beside: {:?}", file.names());
}

#[tokio::test]
async fn what_changes_nothing_does_not_touch_the_file() {
    let file = File::new(Some("a: 1.10\n"));
    let before = fs::metadata(file.path()).unwrap().ino();
    set(&YamlFile::new(file.path()), &[put("a", "1.10"), Edit::remove("b")]).await.unwrap();
    assert_eq!(fs::metadata(file.path()).unwrap().ino(), before);
    assert_eq!(file.names(), ["file"]);
}

#[tokio::test]
async fn what_a_killed_run_left_is_taken_over() {
    let file = File::new(Some("a: v1\n"));
    fs::write(file.0.path().join(".file.edit"), "a long text that was never put in place").unwrap();
    set(&YamlFile::new(file.path()), &[put("a", "v2")]).await.unwrap();
    assert_eq!((file.text().as_str(), file.names().len()), ("a: v2\n", 1));
}

#[tokio::test]
async fn a_refused_edit_leaves_the_file_alone() {
    let file = File::new(Some("a: &x v1\nb: *x\nc: 1\n"));
    let store = YamlFile::new(file.path());
    let error = set(&store, &[put("c", "2"), put("b", "v2")]).await.unwrap_err();
    let path = file.path();
    let message = format!(
        "edit {}, key \"b\": the value is an alias of another, lines 2 and 1: an edit would change both \
         (edit the anchored value by hand, or write the value out)",
        path.display()
    );
    assert_eq!(error.to_string(), message);
    assert_eq!((file.text().as_str(), file.names().len()), ("a: &x v1\nb: *x\nc: 1\n", 1));
}

#[tokio::test]
async fn a_wrong_key_is_shown_with_a_caret() {
    let file = File::new(Some("a: 1\n"));
    let error = YamlFile::new(file.path()).get("a..b").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(deploy_core::manifest::excerpt(&error).unwrap().to_string().ends_with("|   ^"));
}

#[tokio::test]
async fn bad_files_are_refused() {
    let check = async |bytes: &[u8], kind, message: &str| {
        let file = File::new(None);
        fs::write(file.path(), bytes).unwrap();
        refused(&YamlFile::new(file.path()), put("a", "1"), kind, message).await;
        assert_eq!(fs::read(file.path()).unwrap(), bytes);
    };
    check(b"a: \xff\n", ErrorKind::InvalidInput, "it is not UTF-8").await;
    check(b"a: [\n", ErrorKind::InvalidInput, "line 2").await;
    check(&vec![b' '; 16 * 1024 * 1024 + 1], ErrorKind::InvalidInput, "over 16 MiB").await;
    let folder = tempfile::tempdir().unwrap();
    let nowhere = YamlFile::new(folder.path().join("none").join("file"));
    refused(&nowhere, put("a", "1"), ErrorKind::NotFound, "no such folder").await;
    refused(&YamlFile::new(folder.path()), put("a", "1"), ErrorKind::InvalidInput, "it is a folder").await;
    symlink("/", folder.path().join(".file.edit")).unwrap();
    refused(&YamlFile::new(folder.path().join("file")), put("a", "1"), ErrorKind::Internal, "file system")
        .await;
}

/// Many writers in threads of their own, each of which must find what all before it wrote.
#[tokio::test]
async fn writers_wait_for_each_other() {
    let file = Arc::new(File::new(None));
    let writers = (0..40).map(|number| {
        let file = file.clone();
        tokio::spawn(async move {
            // A store of its own shares nothing with the others but the file.
            set(&YamlFile::new(file.path()), &[put(&format!("key{number}"), "v1")]).await.unwrap();
        })
    });
    for writer in writers.collect::<Vec<_>>() {
        writer.await.unwrap();
    }
    assert_eq!(file.text().lines().count(), 40);
    assert_eq!(file.names(), ["file"]);
}

#[tokio::test]
async fn pulumi() {
    let text = "encryptionsalt: v1:x\nconfig:\n  shop:tag: v1 # ours\n  shop:key:\n    secure: v1:y\n  shop:db:\n    password:\n      secure: v1:z\n    host: a\n";
    let file = File::new(Some(text));
    let store = PulumiStack::new(file.path());
    set(&store, &[put("shop:tag", "0123"), put("shop:db.host", "b"), put("shop:new.x", "1")]).await.unwrap();
    let expect = text
        .replace("v1 # ours", "\"0123\" # ours")
        .replace("host: a\n", "host: b\n  shop:new:\n    x: \"1\"\n");
    assert_eq!(file.text(), expect);
    for key in ["shop:key", "shop:key.secure", "shop:db.password", "shop:db.password.secure"] {
        refused(&store, put(key, "open"), ErrorKind::Forbidden, "the value is encrypted").await;
        refused(&store, Edit::remove(key), ErrorKind::Forbidden, "the value is encrypted").await;
        assert_eq!(store.get(key).await.unwrap_err().kind(), ErrorKind::Forbidden);
    }
    refused(&store, put("tag", "v2"), ErrorKind::InvalidInput, "its project is missing").await;
    assert_eq!(file.text(), expect);
    let new = File::new(None);
    set(&PulumiStack::new(new.path()), &[put("shop:tag", "v1")]).await.unwrap();
    assert_eq!(new.text(), "config:\n  shop:tag: v1\n");
}

#[tokio::test]
async fn kustomization() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let text = format!(
        "resources:\n- a.yaml\nimages:\n# the api\n- name: api\n  newName: ghcr.io/acme/api # where\n  newTag: v1\n- name: web\n  digest: {digest}\n"
    );
    let file = File::new(Some(&text));
    let store = Kustomization::new(file.path());
    assert_eq!(value(&store, "api").await.as_deref(), Some("ghcr.io/acme/api:v1"));
    assert_eq!(value(&store, "web").await, Some(format!("web@{digest}")));
    set(&store, &[put("api", "ghcr.io/acme/api:1.10"), put("web", "web:v2"), put("job", "x/job:v1")])
        .await
        .unwrap();
    let expect = text.replace("newTag: v1", "newTag: \"1.10\"").replace(
        &format!("  digest: {digest}\n"),
        "  newTag: v2\n- name: job\n  newName: x/job\n  newTag: v1\n",
    );
    assert_eq!(file.text(), expect);
    set(&store, &[put("api", &format!("api:v3@{digest}"))]).await.unwrap();
    assert_eq!(value(&store, "api").await, Some(format!("api:v3@{digest}")));
    assert!(!file.text().contains("acme"), "the other name went with the old value");
    refused(&store, put("api", "api"), ErrorKind::InvalidInput, "says nothing new").await;
    refused(&store, put("api", "a b"), ErrorKind::InvalidInput, "the value is no image").await;
    refused(&store, put("api:v1", "a:v1"), ErrorKind::InvalidInput, "no name of an image").await;
    let none = File::new(None);
    let store = Kustomization::new(none.path());
    assert_eq!(value(&store, "api").await, None);
    refused(&store, put("api", "api:v1"), ErrorKind::NotFound, "there is no such file").await;
    assert!(none.names().is_empty(), "{:?}", none.names());
    let bare = File::new(Some("resources:\n  - a.yaml\n"));
    set(&Kustomization::new(bare.path()), &[put("api", "api:v1")]).await.unwrap();
    assert_eq!(bare.text(), "resources:\n  - a.yaml\nimages:\n  - name: api\n    newTag: v1\n");
}

#[tokio::test]
async fn helm() {
    let digest = format!("sha256:{}", "ab".repeat(32));
    let text = "api:\n  image:\n    registry: ghcr.io # ours\n    repository: acme/api\n    tag: v1\n    digest: \"\"\n\
                worker:\n  image: {repository: ghcr.io/acme/worker, tag: '1.9'}\n\
                sidecarImage: docker.io/x/side:v1\njobs:\n- image: x/twice:v1\n- image: x/twice:v1\n";
    let file = File::new(Some(text));
    let store = HelmValues::new(file.path());
    assert_eq!(value(&store, "image=ghcr.io/acme/api").await.as_deref(), Some("ghcr.io/acme/api:v1"));
    set(
        &store,
        &[
            put("image=ghcr.io/acme/api", &format!("ghcr.io/acme/api:v2@{digest}")),
            put("image=ghcr.io/acme/worker", "ghcr.io/acme/worker:1.10"),
            put("image=docker.io/x/side", "docker.io/x/side:v2"),
            put("jobs[1].image", "x/other:v1"),
        ],
    )
    .await
    .unwrap();
    let expect = text
        .replace("tag: v1\n    digest: \"\"", &format!("tag: v2\n    digest: \"{digest}\""))
        .replace("'1.9'", "'1.10'")
        .replace("side:v1", "side:v2")
        .replace("twice:v1\n- image: x/twice:v1", "twice:v1\n- image: x/other:v1");
    assert_eq!(file.text(), expect);
    set(&store, &[put("image=ghcr.io/acme/api", "ghcr.io/acme/api:v3")]).await.unwrap();
    assert_eq!(value(&store, "api.image.digest").await.as_deref(), Some(""), "no old digest outlives a tag");
    let worker = format!("ghcr.io/acme/worker:v2@{digest}");
    set(&store, &[put("image=ghcr.io/acme/worker", &worker)]).await.unwrap();
    assert_eq!(value(&store, "worker.image.tag").await, Some(format!("v2@{digest}")));
    assert_eq!(value(&store, "image=ghcr.io/acme/worker").await, Some(worker));
    let twice = File::new(Some(text));
    let store = HelmValues::new(twice.path());
    let check = async |key: &str, value: &str, message: &str| {
        refused(&store, put(key, value), ErrorKind::InvalidInput, message).await;
    };
    check("image=x/twice", "x/twice:v2", "several places have this image: jobs[0].image, jobs[1].image")
        .await;
    check("image=x/none", "x/none:v2", "no place has this image").await;
    check("image=docker.io/x/side", "other:v2", "the value names another image").await;
}
