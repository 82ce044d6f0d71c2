//! The contract of config stores over a ConfigMap, and what it does beside others.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Expect, Note, PastEntry};
use deploy_core::conformance;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_k8s::ConfigMapStore;
use deploy_tests::{Env, scenario};
use futures_util::future::join_all;
use serde_json::json;

use super::bare;
use super::rooms::Rooms;

scenario!(config_in_a_config_map, async |env| {
    configs(&env, bare).await;
});

/// The suite over a store in a ConfigMap behind a layer.
pub(super) async fn configs<C: ConfigStore + 'static>(
    env: &Arc<Env>,
    layer: impl Fn(Arc<ConfigMapStore>) -> C,
) {
    let rooms = Rooms::of(env);
    conformance::config_store::run(async || {
        let room = rooms.another().await;
        Dotted(layer(Arc::new(ConfigMapStore::new(env.cluster.clone(), room, "versions"))))
    })
    .await;
    rooms.remove().await;
}

/// The suite's keys have a slash, which a key of a ConfigMap cannot.
struct Dotted<C>(C);

#[async_trait]
impl<C: ConfigStore> ConfigStore for Dotted<C> {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.0.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        self.0.get(&key.replace('/', ".")).await
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        let dotted = |edit: &Edit| {
            let mut edit = edit.clone();
            edit.key = edit.key.replace('/', ".");
            edit
        };
        let edited = self.0.set(&edits.iter().map(dotted).collect::<Vec<_>>(), note).await;
        edited.map_err(|error| {
            let text = error.to_string();
            match edits.iter().find(|edit| text.contains(&edit.key.replace('/', "."))) {
                Some(edit) => Error::new(error.kind(), format!("{}: {text}", edit.key)),
                None => error,
            }
        })
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.0.history(&key.replace('/', "."), limit).await
    }
}

fn store(env: &Env) -> ConfigMapStore {
    ConfigMapStore::new(env.cluster.clone(), &env.namespace, "versions")
}

scenario!(a_config_map_that_others_made_keeps_what_is_theirs, async |env| {
    let theirs = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions, labels: {team: shop}, annotations: {a: b}}\n\
                  data: {theirs: stays, api: v1}\nbinaryData: {bytes: eA==}\n";
    env.deploy(theirs).await;
    let (store, note) = (store(&env), Note::new("deploy"));
    store.set(&[Edit::put("api", "v2"), Edit::put("web", "v1")], &note).await.expect("set");
    let map = env.get("v1", "ConfigMap", "versions").await.expect("there");
    assert_eq!(map["data"], json!({"theirs": "stays", "api": "v2", "web": "v1"}));
    assert_eq!(map["binaryData"], json!({"bytes": "eA=="}));
    assert_eq!(map["metadata"]["labels"]["team"], "shop");
    assert_eq!(map["metadata"]["annotations"]["a"], "b");
    let owners = deploy_tests::managers(&map);
    let ours = owners.iter().find(|(manager, _)| manager == "deploy-core-config").expect("an owner");
    assert_eq!(ours.1, json!({"f:data": {"f:api": {}, "f:web": {}}}));
    store.set(&[Edit::remove("web"), Edit::remove("never")], &note).await.expect("set");
    let version =
        &env.get("v1", "ConfigMap", "versions").await.expect("there")["metadata"]["resourceVersion"];
    store.set(&[Edit::put("api", "v2"), Edit::remove("web")], &note).await.expect("no change");
    let after = env.get("v1", "ConfigMap", "versions").await.expect("there");
    assert_eq!(after["metadata"]["resourceVersion"], *version, "nothing was to be written");
    assert_eq!(after["data"], json!({"theirs": "stays", "api": "v2"}));
    let refused = store.get("bytes").await.expect_err("bytes are no text");
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
});

scenario!(writers_of_different_keys_all_succeed, async |env| {
    let store = store(&env);
    let note = Note::default();
    let writes = (0..8).map(|number| {
        let (store, note) = (store.clone(), &note);
        let edit = Edit::put(format!("app-{number}"), "v1").expecting(Expect::Absent);
        async move { store.set(&[edit], note).await }
    });
    for result in join_all(writes).await {
        result.expect("each has its own key");
    }
    let map = env.get("v1", "ConfigMap", "versions").await.expect("there");
    assert_eq!(map["data"].as_object().map(serde_json::Map::len), Some(8), "{map}");
});

scenario!(a_config_map_that_cannot_be_written_says_why, async |env| {
    let note = Note::default();
    let edit = [Edit::put("api", "v2")];
    let nowhere = ConfigMapStore::new(env.cluster.clone(), "not-there", "versions");
    assert_eq!(nowhere.get("api").await.expect("read"), None);
    let error = nowhere.set(&edit, &note).await.expect_err("no namespace");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("the namespace \"not-there\" must exist"), "{error}");
    env.deploy(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: versions}\nimmutable: true\ndata: {api: v1}\n",
    )
    .await;
    let error = store(&env).set(&edit, &note).await.expect_err("immutable");
    assert!(
        error.to_string().contains(&format!("ConfigMap {}/versions: it is immutable", env.namespace)),
        "{error}"
    );
    let large = ConfigMapStore::new(env.cluster.clone(), &env.namespace, "large");
    let value = "x".repeat(1 << 20);
    large.set(&[Edit::put("a", &value)], &note).await.expect("the most that fits");
    let error = large.set(&[Edit::put("b", "x")], &note).await.expect_err("too large");
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("1048577 bytes, over the limit of 1048576"), "{error}");
});
