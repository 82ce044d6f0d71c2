use std::sync::Arc;

use async_trait::async_trait;

use super::time;
use crate::config::{ConfigCapabilities, ConfigStore, Edit, Entry, Note, PastEntry};
use crate::error::{ErrorKind, Result};
use crate::image::Repository;
use crate::memory::MemoryConfigStore;
use crate::tag::{Hold, Holds};

fn image(name: &str) -> Repository {
    name.parse().unwrap()
}

fn hold(tag: &str) -> Hold {
    let hold = Hold::not_past(image("shop/api"), "production", tag.parse().unwrap());
    hold.by("ann").at(time("2026-11-21T08:00:00Z")).because("1.2 loses orders")
}

#[tokio::test]
async fn held_until_lifted() {
    let store = Arc::new(MemoryConfigStore::new());
    let holds = Holds::new(store.clone(), "production/holds");
    assert!(holds.all().await.unwrap().is_empty());
    holds.place(hold("v1.1.0")).await.unwrap();
    holds.place(Hold::not_this(image("shop/web"), "production", "v3".parse().unwrap())).await.unwrap();
    holds.place(hold("v1.1.0").by("bob")).await.unwrap();
    let of_api = holds.of(&image("shop/api"), "production").await.unwrap();
    assert_eq!(of_api, [hold("v1.1.0").by("bob")], "the same hold again takes the place of the first");
    assert!(holds.of(&image("shop/api"), "staging").await.unwrap().is_empty());
    let lifted = holds.lift(&image("shop/api"), "production", "1.3 is out").await.unwrap();
    assert_eq!(lifted.len(), 1);
    assert_eq!(holds.all().await.unwrap().len(), 1, "others' holds stay");
    assert!(holds.lift(&image("shop/api"), "production", "again").await.unwrap().is_empty());
    let history = store.history("production/holds", 10).await.unwrap();
    assert_eq!(history.len(), 4);
    assert_eq!(history[0].note.as_deref(), Some("lift the holds on shop/api in production: 1.3 is out"));
    assert_eq!(
        history[3].note.as_deref(),
        Some("hold shop/api in production: not past v1.1.0 (ann at 2026-11-21T08:00:00Z: 1.2 loses orders)")
    );
}

#[tokio::test]
async fn what_is_stored_reads_as_this() {
    let store = Arc::new(MemoryConfigStore::new());
    Holds::new(store.clone(), "holds").place(hold("v1.1.0")).await.unwrap();
    let stored = store.get("holds").await.unwrap().unwrap().value;
    let expected = r#"[{"image":"shop/api","environment":"production","tag":"v1.1.0","extent":"notPast","by":"ann","at":"2026-11-21T08:00:00Z","why":"1.2 loses orders"}]"#;
    assert_eq!(stored, expected);
}

#[tokio::test]
async fn what_is_no_list_of_holds_is_an_error() {
    let store = Arc::new(MemoryConfigStore::new());
    let holds = Holds::new(store.clone(), "holds");
    let long = format!("[{}]", " ".repeat(2_000_000));
    let many = format!("[{}]", vec![serde_json::to_string(&hold("v1")).unwrap(); 2001].join(","));
    for text in ["", "null", "{}", "[{}]", &long, &many] {
        store.set(&[Edit::put("holds", text)], &Note::default()).await.unwrap();
        let error = holds.of(&image("shop/api"), "production").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().starts_with("read holds key \"holds\": "), "{error}");
        assert!(holds.place(hold("v1.1.0")).await.is_err(), "and is not written over");
    }
}

#[tokio::test]
async fn what_could_not_be_read_again_is_not_written() {
    let holds = Holds::new(Arc::new(MemoryConfigStore::new()), "holds");
    let error = holds.place(hold("v1").because("x".repeat(2_000_000))).await.unwrap_err();
    assert!(error.to_string().contains("give a shorter reason"), "{error}");
    assert!(holds.all().await.unwrap().is_empty());
}

/// Somebody else places a hold between each reading and writing.
struct Raced(MemoryConfigStore);

#[async_trait]
impl ConfigStore for Raced {
    fn describe(&self) -> String {
        self.0.describe()
    }

    fn capabilities(&self) -> ConfigCapabilities {
        self.0.capabilities()
    }

    async fn get(&self, key: &str) -> Result<Option<Entry>> {
        let entry = self.0.get(key).await?;
        let stands = entry.as_ref().map_or(0, |entry| entry.value.len());
        let other = serde_json::to_string(&[hold(&format!("v{stands}"))]).unwrap();
        self.0.set(&[Edit::put(key, other)], &Note::default()).await?;
        Ok(entry)
    }

    async fn set(&self, edits: &[Edit], note: &Note) -> Result<()> {
        self.0.set(edits, note).await
    }

    async fn history(&self, key: &str, limit: usize) -> Result<Vec<PastEntry>> {
        self.0.history(key, limit).await
    }
}

#[tokio::test]
async fn of_two_at_once_one_is_told() {
    let raced = Arc::new(Raced(MemoryConfigStore::new()));
    let holds = Holds::new(raced.clone(), "holds");
    for _ in 0..2 {
        let error = holds.place(hold("v1.1.0")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Conflict);
        assert!(error.to_string().contains("somebody else changed the holds meanwhile"), "{error}");
    }
    let error = holds.lift(&image("shop/api"), "production", "x").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
}
