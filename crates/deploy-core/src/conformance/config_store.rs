//! What every [`ConfigStore`] keeps to.
//!
//! The keys used are `app/tag`, `web/tag` and the like: a store whose keys have another form maps them in its factory.

use std::collections::BTreeSet;
use std::future::Future;

use super::{refused, run_all};
use crate::config::{ConfigStore, Edit, Entry, Expect, Note, Version};
use crate::error::ErrorKind;

/// Makes a test of each clause: `config_store_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! config_store_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { config_store [
            none_at_first
            what_is_set_is_got
            several_are_read_in_their_order
            a_change_makes_a_new_version
            the_same_value_makes_no_new_version
            expecting_absence
            expecting_a_version
            expecting_a_value
            all_or_nothing
            a_key_twice_is_refused
            no_edits_are_fine
            removed_is_gone
            the_newest_is_first_in_history
            one_of_two_at_once_wins
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: ConfigStore + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(config_store_conformance!(list), factory).await;
}

async fn set(store: &impl ConfigStore, edits: &[Edit]) {
    store.set(edits, &Note::new("for the suite")).await.expect("it can be set");
}

async fn get(store: &impl ConfigStore, key: &str) -> Option<Entry> {
    store.get(key).await.expect("it can be read")
}

async fn value(store: &impl ConfigStore, key: &str) -> Option<String> {
    get(store, key).await.map(|entry| entry.value)
}

/// The edit must be refused as a conflict that names its key, and change nothing.
async fn conflicts(store: &impl ConfigStore, edit: Edit) {
    let before = get(store, &edit.key).await;
    let error = refused(
        store.set(std::slice::from_ref(&edit), &Note::default()).await,
        ErrorKind::Conflict,
        "the edit",
    );
    assert!(error.to_string().contains(&edit.key), "the error must name the key: {error}");
    assert_eq!(get(store, &edit.key).await, before, "a refused edit changed something");
}

/// A key that was never set has no value and no history.
pub async fn none_at_first(store: impl ConfigStore) {
    assert_eq!(get(&store, "app/tag").await, None);
    assert!(store.history("app/tag", 10).await.expect("it can be read").is_empty());
}

/// Several keys at once are what each of them is.
pub async fn several_are_read_in_their_order(store: impl ConfigStore) {
    set(&store, &[Edit::put("app/tag", "v1"), Edit::put("web/tag", "v2")]).await;
    let keys = ["web/tag", "app/none", "app/tag", "web/tag"].map(str::to_owned);
    let all = store.get_all(&keys).await.expect("they can be read");
    let mut each = Vec::new();
    for key in &keys {
        each.push(get(&store, key).await);
    }
    assert_eq!(all, each);
    assert!(store.get_all(&[]).await.expect("none is fine").is_empty());
}

/// Values come back as they were, whatever they look like to YAML or a shell.
pub async fn what_is_set_is_got(store: impl ConfigStore) {
    for text in
        ["v1", "1.10", "0123", "yes", "null", "a: b # c", "sha256:ab", "\"quoted\"", "$HOME 'x'", "größer"]
    {
        set(&store, &[Edit::put("app/tag", text)]).await;
        assert_eq!(value(&store, "app/tag").await.as_deref(), Some(text));
    }
}

/// Another value is another version.
pub async fn a_change_makes_a_new_version(store: impl ConfigStore) {
    let mut versions = Vec::new();
    for text in ["v1", "v2", "v3"] {
        set(&store, &[Edit::put("app/tag", text)]).await;
        let version = get(&store, "app/tag").await.expect("just set").version;
        assert!(!versions.contains(&version), "{version} stood before");
        versions.push(version);
    }
}

/// Setting what stands is no change.
pub async fn the_same_value_makes_no_new_version(store: impl ConfigStore) {
    set(&store, &[Edit::put("app/tag", "v1"), Edit::put("web/tag", "v1")]).await;
    let before = get(&store, "app/tag").await;
    set(&store, &[Edit::put("app/tag", "v1"), Edit::put("web/tag", "v2")]).await;
    assert_eq!(get(&store, "app/tag").await, before);
    let history = store.history("app/tag", 10).await.expect("it can be read");
    assert_eq!(history.len(), 1, "the same value stands in the history twice");
}

/// [`Expect::Absent`] holds for a key without a value only.
pub async fn expecting_absence(store: impl ConfigStore) {
    set(&store, &[Edit::put("app/tag", "v1").expecting(Expect::Absent)]).await;
    conflicts(&store, Edit::put("app/tag", "v2").expecting(Expect::Absent)).await;
    conflicts(&store, Edit::put("app/tag", "v1").expecting(Expect::Absent)).await;
}

/// [`Expect::Version`] holds for the version that stands only.
pub async fn expecting_a_version(store: impl ConfigStore) {
    conflicts(&store, Edit::put("app/tag", "v1").expecting(Expect::Version(Version::new("0")))).await;
    set(&store, &[Edit::put("app/tag", "v1")]).await;
    let first = get(&store, "app/tag").await.expect("just set").version;
    set(&store, &[Edit::put("app/tag", "v2").expecting(Expect::Version(first.clone()))]).await;
    conflicts(&store, Edit::put("app/tag", "v3").expecting(Expect::Version(first))).await;
    assert_eq!(value(&store, "app/tag").await.as_deref(), Some("v2"));
}

/// [`Expect::Value`] holds for the value that stands only.
pub async fn expecting_a_value(store: impl ConfigStore) {
    conflicts(&store, Edit::put("app/tag", "v1").expecting(Expect::Value(String::new()))).await;
    set(&store, &[Edit::put("app/tag", "v1")]).await;
    set(&store, &[Edit::put("app/tag", "v2").expecting(Expect::Value("v1".into()))]).await;
    conflicts(&store, Edit::put("app/tag", "v3").expecting(Expect::Value("v1".into()))).await;
}

/// One expectation that does not hold keeps all edits from being made, those before it too.
pub async fn all_or_nothing(store: impl ConfigStore) {
    set(&store, &[Edit::put("app/tag", "v1"), Edit::put("web/tag", "v1")]).await;
    let edits = [
        Edit::put("app/tag", "v2"),
        Edit::put("web/tag", "v2").expecting(Expect::Value("v0".into())),
        Edit::put("job/tag", "v2"),
    ];
    refused(store.set(&edits, &Note::default()).await, ErrorKind::Conflict, "the set of edits");
    assert_eq!(value(&store, "app/tag").await.as_deref(), Some("v1"));
    assert_eq!(value(&store, "web/tag").await.as_deref(), Some("v1"));
    assert_eq!(value(&store, "job/tag").await, None);
}

/// A key that is named twice is no set of edits, even with the same value.
pub async fn a_key_twice_is_refused(store: impl ConfigStore) {
    let edits = [Edit::put("app/tag", "v1"), Edit::put("app/tag", "v1")];
    refused(store.set(&edits, &Note::default()).await, ErrorKind::InvalidInput, "a key named twice");
    assert_eq!(value(&store, "app/tag").await, None);
}

/// An empty set of edits is made at once.
pub async fn no_edits_are_fine(store: impl ConfigStore) {
    set(&store, &[]).await;
}

/// A removed key has no value, can be set again, and need not be there; a store without removal refuses.
pub async fn removed_is_gone(store: impl ConfigStore) {
    set(&store, &[Edit::put("app/tag", "v1"), Edit::put("web/tag", "v1")]).await;
    if !store.capabilities().removal {
        let result = store.set(&[Edit::remove("app/tag")], &Note::default()).await;
        refused(result, ErrorKind::Unsupported, "a removal");
        assert_eq!(value(&store, "app/tag").await.as_deref(), Some("v1"));
        return;
    }
    set(&store, &[Edit::remove("app/tag")]).await;
    assert_eq!(value(&store, "app/tag").await, None);
    assert_eq!(value(&store, "web/tag").await.as_deref(), Some("v1"));
    set(&store, &[Edit::remove("app/tag")]).await;
    conflicts(&store, Edit::remove("app/tag").expecting(Expect::Value("v1".into()))).await;
    set(&store, &[Edit::put("app/tag", "v2").expecting(Expect::Absent)]).await;
    assert_eq!(value(&store, "app/tag").await.as_deref(), Some("v2"));
}

/// History starts with what stands, goes back as far as asked, and without the capability no further.
pub async fn the_newest_is_first_in_history(store: impl ConfigStore) {
    for text in ["v1", "v2", "v3"] {
        set(&store, &[Edit::put("app/tag", text)]).await;
    }
    set(&store, &[Edit::put("web/tag", "v9")]).await;
    let present = get(&store, "app/tag").await.expect("just set").version;
    let history = store.history("app/tag", 10).await.expect("it can be read");
    let values: Vec<_> = history.iter().filter_map(|past| past.value.as_deref()).collect();
    assert_eq!(history[0].version, present, "the first is what stands");
    if store.capabilities().history {
        assert_eq!(values, ["v3", "v2", "v1"]);
        let versions: BTreeSet<String> = history.iter().map(|past| past.version.to_string()).collect();
        assert_eq!(versions.len(), 3, "each has its own version");
        assert_eq!(store.history("app/tag", 2).await.expect("it can be read").len(), 2);
    } else {
        assert_eq!(values, ["v3"]);
    }
    assert!(store.history("app/tag", 0).await.expect("it can be read").is_empty());
}

/// Of two that expect the same version at the same time, one gets a conflict.
pub async fn one_of_two_at_once_wins(store: impl ConfigStore) {
    set(&store, &[Edit::put("app/tag", "v1")]).await;
    let seen = get(&store, "app/tag").await.expect("just set").version;
    let edit = |text: &str| [Edit::put("app/tag", text).expecting(Expect::Version(seen.clone()))];
    let (left, right, note) = (edit("left"), edit("right"), Note::default());
    let results = tokio::join!(store.set(&left, &note), store.set(&right, &note));
    let stands = match results {
        (Ok(()), Err(error)) | (Err(error), Ok(())) if error.kind() != ErrorKind::Conflict => {
            panic!("not a conflict: {error}")
        }
        (Ok(()), Err(_)) => "left",
        (Err(_), Ok(())) => "right",
        (left, right) => panic!("one must win: {left:?}, {right:?}"),
    };
    assert_eq!(value(&store, "app/tag").await.as_deref(), Some(stands));
}
