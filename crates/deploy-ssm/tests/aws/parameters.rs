//! Parameter Store: the conformance suites, and what goes wrong with several writes.

use std::collections::BTreeMap;

use async_trait::async_trait;
use deploy_core::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Expect, Note, PastEntry};
use deploy_core::error::{ErrorKind, Result};
use deploy_core::secret::{SecretSource, SecretText};
use deploy_ssm::{Aws, ParameterStore};
use serde_json::json;

use crate::server::Fault;
use crate::stores::Store;

/// A store, and the server that it needs.
pub struct Kept<S>(pub ParameterStore, pub S);

#[async_trait]
impl<S: Send + Sync> ConfigStore for Kept<S> {
    fn describe(&self) -> String {
        ConfigStore::describe(&self.0)
    }
    fn capabilities(&self) -> ConfigCapabilities {
        self.0.capabilities()
    }
    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        ConfigStore::get(&self.0, key).await
    }
    async fn get_all(&self, keys: &[String]) -> Result<Vec<Option<Entry>>> {
        self.0.get_all(keys).await
    }
    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        self.0.set(edits, note).await
    }
    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.0.history(key, limit).await
    }
}

#[async_trait]
impl<S: Send + Sync> SecretSource for Kept<S> {
    fn describe(&self) -> String {
        SecretSource::describe(&self.0)
    }
    async fn get(&self, name: &str) -> Result<SecretText> {
        SecretSource::get(&self.0, name).await
    }
}

/// A path of its own in a store that others use too.
pub fn store_at(aws: &Aws) -> ParameterStore {
    ParameterStore::new(aws, &format!("/shop-{:08x}/prod", fastrand::u32(..))).unwrap()
}

/// The secrets that the suite wants, in secure parameters.
pub async fn secrets_at(aws: &Aws) -> ParameterStore {
    let store = store_at(aws).secure(None).empty_as("(empty)");
    let edits = [Edit::put("db-password", "correct horse"), Edit::put("empty", "")];
    store.set(&edits, &Note::new("for the suite")).await.unwrap();
    store
}

mod config {
    use super::*;

    deploy_core::config_store_conformance! { #[tokio::test] || async {
        let store = Store::start().await;
        Kept(store_at(&store.aws), store)
    } }
}

mod secure {
    use super::*;

    deploy_core::config_store_conformance! { #[tokio::test] || async {
        let store = Store::start().await;
        Kept(store_at(&store.aws).secure(Some("alias/shop")), store)
    } }
}

mod secrets {
    use super::*;

    deploy_core::secret_source_conformance! { #[tokio::test] || async {
        let store = Store::start().await;
        Kept(secrets_at(&store.aws).await, store)
    } }
}

async fn shop() -> (Store, ParameterStore) {
    let store = Store::start().await;
    let parameters = ParameterStore::new(&store.aws, "/shop").unwrap();
    (store, parameters)
}

async fn value(store: &ParameterStore, key: &str) -> Option<String> {
    ConfigStore::get(store, key).await.unwrap().map(|entry| entry.value)
}

async fn set(store: &ParameterStore, edits: &[Edit]) {
    store.set(edits, &Note::new("set")).await.unwrap();
}

#[tokio::test]
async fn ten_parameters_are_one_request() {
    let (server, store) = shop().await;
    let keys: Vec<String> = (0..25).map(|number| format!("k{number}")).collect();
    assert!(store.get_all(&keys).await.unwrap().iter().all(Option::is_none));
    assert_eq!(server.aws.calls().total(), 3);
    set(&store, &[Edit::put("k1", "v1"), Edit::put("k2", "v1")]).await;
    let counted: BTreeMap<_, _> =
        server.aws.calls().iter().map(|(name, count)| (name.to_owned(), count)).collect();
    let expected = [("GetParameters".to_owned(), 4), ("PutParameter".to_owned(), 2)];
    assert_eq!(counted, BTreeMap::from(expected));
}

#[tokio::test]
async fn history_has_the_notes_of_a_hundred_versions() {
    let (server, store) = shop().await;
    for number in 1..=120 {
        let note = Note::new(format!("release {number}")).fact("image", "api");
        store.set(&[Edit::put("tag", format!("v{number}"))], &note).await.unwrap();
    }
    let history = store.history("tag", 500).await.unwrap();
    assert_eq!(history.len(), 100);
    assert_eq!(history[0].value.as_deref(), Some("v120"));
    assert_eq!(history[0].note.as_deref(), Some("release 120 (image=api)"));
    assert!(history[0].at > history[99].at);
    assert_eq!(history[99].value.as_deref(), Some("v21"));
    assert_eq!(server.aws.calls().of("GetParameterHistory"), 2);
}

/// A parameter that was deleted and made anew has another version, though AWS counts from 1 again.
#[tokio::test]
async fn a_new_parameter_is_not_the_old_one() {
    let (_server, store) = shop().await;
    set(&store, &[Edit::put("tag", "v1")]).await;
    let seen = ConfigStore::get(&store, "tag").await.unwrap().unwrap().version;
    set(&store, &[Edit::remove("tag")]).await;
    set(&store, &[Edit::put("tag", "v1")]).await;
    let edit = Edit::put("tag", "v2").expecting(Expect::Version(seen));
    let error = store.set(&[edit], &Note::default()).await.expect_err("it is another one");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
}

fn denied() -> Fault {
    let body = json!({
        "__type": "AccessDeniedException",
        "Message": "User: arn:aws:iam::123456789012:user/ci is not authorized to perform: ssm:PutParameter on resource: \
                    arn:aws:ssm:eu-central-1:123456789012:parameter/shop/b because no identity-based policy allows it",
    });
    Fault::Answer(400, Vec::new(), body.to_string())
}

/// Where one write of a set is refused, those before it are taken back: changed, created, and deleted ones.
#[tokio::test]
async fn what_was_written_is_taken_back() {
    let (server, store) = shop().await;
    set(&store, &[Edit::put("a", "old"), Edit::put("z", "stays")]).await;
    server.server.after(2, "PutParameter", denied());
    let edits = [Edit::remove("z"), Edit::put("a", "new"), Edit::put("n", "new"), Edit::put("b", "new")];
    let error = store.set(&edits, &Note::default()).await.expect_err("the third is refused");
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    let text = error.to_string();
    assert!(
        text.starts_with("put parameter /shop/b: \"arn:aws:iam::123456789012:user/ci\" may not"),
        "{text}"
    );
    for (key, expected) in [("a", Some("old")), ("n", None), ("b", None), ("z", Some("stays"))] {
        assert_eq!(value(&store, key).await.as_deref(), expected, "{key}");
    }
    let history = store.history("a", 10).await.unwrap();
    assert_eq!(history[0].note.as_deref(), Some("taken back: another edit of the set failed"));

    // A removal that fails after another one.
    server.server.after(1, "DeleteParameter", denied());
    let error = store.set(&[Edit::remove("a"), Edit::remove("z")], &Note::default()).await;
    assert_eq!(error.expect_err("the second is refused").kind(), ErrorKind::Forbidden);
    assert_eq!(value(&store, "a").await.as_deref(), Some("old"));
    assert_eq!(value(&store, "z").await.as_deref(), Some("stays"));
}

#[tokio::test]
async fn what_cannot_be_taken_back_is_named() {
    let (server, store) = shop().await;
    server.server.after(1, "PutParameter", denied());
    server.server.next("DeleteParameter", denied());
    let error = store.set(&[Edit::put("a", "new"), Edit::put("b", "new")], &Note::default()).await;
    let error = error.expect_err("the second is refused, and the first stays");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown);
    assert!(error.to_string().contains("parameter /shop/a: "), "{error}");
    assert!(error.to_string().contains("could not be taken back"), "{error}");
}

/// What somebody else wrote over a write that is to be taken back stays.
#[tokio::test]
async fn others_values_are_not_taken_back() {
    let (server, store) = shop().await;
    server.server.after(1, "PutParameter", Fault::Silent);
    let edits = [Edit::put("a", "new"), Edit::put("b", "new")];
    let setting = async {
        let aws = crate::stores::builder()
            .ssm_endpoint(server.server.url())
            .request_timeout(std::time::Duration::from_millis(700));
        let store = ParameterStore::new(&aws.build().unwrap(), "/shop").unwrap();
        store.set(&edits, &Note::default()).await
    };
    let others = async {
        while value(&store, "a").await.is_none() {}
        server.put_by_hand("/shop/a", "by hand");
    };
    let (result, ()) = tokio::join!(setting, others);
    assert_eq!(result.expect_err("no answer").kind(), ErrorKind::OutcomeUnknown);
    assert_eq!(value(&store, "a").await.as_deref(), Some("by hand"));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let (server, store) = shop().await;
    server.server.next("PutParameter", Fault::Lost);
    set(&store, &[Edit::put("a", "v1")]).await;
    assert_eq!(server.aws.calls().of("PutParameter"), 1);
    server.server.next("PutParameter", Fault::Lost);
    set(&store, &[Edit::put("a", "v2")]).await;
    assert_eq!(store.history("a", 10).await.unwrap().len(), 2, "it was written once");
    server.server.next("PutParameter", Fault::Broken);
    let error = store.set(&[Edit::put("a", "v3")], &Note::default()).await.expect_err("not written");
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    assert_eq!(value(&store, "a").await.as_deref(), Some("v2"));
    server.server.next("DeleteParameter", Fault::Lost);
    let store = ParameterStore::new(
        &crate::stores::builder().ssm_endpoint(server.server.url()).build().unwrap(),
        "/shop",
    );
    set(&store.unwrap(), &[Edit::remove("a")]).await;
}

/// A write that AWS throttled was not made, and is sent again.
#[tokio::test]
async fn a_throttled_write_is_sent_again() {
    let server = Store::start().await;
    let aws = crate::stores::builder().ssm_endpoint(server.server.url()).build().unwrap();
    let store = ParameterStore::new(&aws, "/shop").unwrap();
    let body = json!({"__type": "ThrottlingException", "message": "Rate exceeded"}).to_string();
    server.server.next("PutParameter", Fault::Answer(400, Vec::new(), body));
    set(&store, &[Edit::put("a", "v1")]).await;
    assert_eq!(aws.calls().of("PutParameter"), 2);
    assert_eq!(store.history("a", 10).await.unwrap().len(), 1);
}

/// A secure parameter keeps its key, its type and its tier, whatever the store makes of new ones.
#[tokio::test]
async fn a_parameter_stays_of_its_kind() {
    let (server, store) = shop().await;
    let made = json!({"Name": "/shop/password", "Value": "x", "Type": "SecureString", "KeyId": "alias/own"});
    server.answer("PutParameter", &made);
    let made = json!({"Name": "/shop/hosts", "Value": "a,b", "Type": "StringList", "Tier": "Advanced"});
    server.answer("PutParameter", &made);
    set(&store, &[Edit::put("password", "y"), Edit::put("hosts", "a,b,c")]).await;
    let newest = |name: &str| {
        let history = server.answer("GetParameterHistory", &json!({"Name": name, "WithDecryption": true}));
        history["Parameters"][1].clone()
    };
    let password = newest("/shop/password");
    assert_eq!(
        [&password["Type"], &password["KeyId"], &password["Value"]],
        ["SecureString", "alias/own", "y"]
    );
    let hosts = newest("/shop/hosts");
    assert_eq!([&hosts["Type"], &hosts["Tier"]], ["StringList", "Advanced"]);
    set(&store.clone().secure(Some("alias/new")), &[Edit::put("fresh", "z")]).await;
    let fresh = server.answer("GetParameterHistory", &json!({"Name": "/shop/fresh"}));
    let fresh = &fresh["Parameters"][0];
    assert_eq!([&fresh["Type"], &fresh["KeyId"]], ["SecureString", "alias/new"]);
    assert_ne!(fresh["Value"], "z", "it is encrypted");
}

#[tokio::test]
async fn limits() {
    let (server, store) = shop().await;
    let check = async |store: &ParameterStore, value: String, text: &str| {
        let error = store.set(&[Edit::put("a", value)], &Note::default()).await.expect_err(text);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
        assert!(error.to_string().contains(text) && error.to_string().contains("/shop/a"), "{error}");
    };
    check(&store, String::new(), "cannot be empty").await;
    check(&store, "x".repeat(4097), "maximum parameter value of 4096").await;
    check(&store.clone().advanced(), "x".repeat(8193), "over the limit of 8192").await;
    set(&store.clone().advanced(), &[Edit::put("a", "x".repeat(8192))]).await;
    for key in ["", "/a", "a b", "a:1", "a//b"] {
        let error = ConfigStore::get(&store, key).await.expect_err(key);
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
    assert_eq!(server.aws.calls().of("PutParameter"), 2);
}
