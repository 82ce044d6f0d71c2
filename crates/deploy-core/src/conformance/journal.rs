//! What every [`Journal`] keeps to.

use std::future::Future;

use serde_json::json;

use super::{refused, run_all};
use crate::clock::Timestamp;
use crate::error::ErrorKind;
use crate::journal::{Intent, Journal, Phase};
use crate::manifest::Object;
use crate::plan::{Snapshot, SnapshotEntry};
use crate::run::{DeploymentId, Run};

/// Makes a test of each clause: `journal_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! journal_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { journal [
            none_at_first
            comes_back_exactly
            the_last_one_saved_stands
            cleared_is_gone
            names_are_separate
            refuses_what_is_no_name
            many_objects_fit
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Journal + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(journal_conformance!(list), factory).await;
}

fn object(name: &str, value: &str) -> Object {
    let value = json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "shop", "managedFields": [{"manager": "x", "fieldsV1": {"f:data": {".": {}}}}]},
        "data": {"value": value, "empty": "", "null": null},
    });
    Object::new(value).expect("it is an object")
}

/// An intent with something of everything.
fn intent(value: &str) -> Intent {
    let live = object("app", value);
    let entry = |name: &str, before| SnapshotEntry {
        id: object(name, "").id(),
        api_version: "v1".to_owned(),
        before,
    };
    let before = Snapshot { entries: vec![entry("app", Some(live)), entry("new", None)] };
    let mut intent = Intent::new(&Run::new(), "sha256:0".to_owned(), before);
    intent.deployments.push(DeploymentId::from("second".to_owned()));
    intent.phase = Phase::RollingBack;
    intent.started = Timestamp::from_unix_seconds(1_795_250_000) + std::time::Duration::from_nanos(1);
    intent
}

async fn assert_kept(journal: &impl Journal, name: &str, intent: &Intent) {
    let found = journal.load(name).await.expect("it can be read").expect("it was saved");
    let text = |intent: &Intent| intent.to_bytes().expect("it can be written");
    assert_eq!(text(&found), text(intent), "what is loaded is not what was saved");
}

/// A name that nothing was saved under has none.
pub async fn none_at_first(journal: impl Journal) {
    assert!(journal.load("shop").await.expect("it can be read").is_none());
}

/// What is loaded is what was saved: objects with their managers, order, phase, and time.
pub async fn comes_back_exactly(journal: impl Journal) {
    let intent = intent("b25l");
    journal.save("shop", &intent).await.expect("it can be saved");
    assert_kept(&journal, "shop", &intent).await;
    assert_kept(&journal, "shop", &intent).await;
}

/// Saving takes the place of what was there, a longer record's too.
pub async fn the_last_one_saved_stands(journal: impl Journal) {
    let shorter = Intent::new(&Run::new(), "sha256:1".to_owned(), Snapshot::default());
    for intent in [intent("b25l"), shorter, intent("dHdv")] {
        journal.save("shop", &intent).await.expect("it can be saved");
        assert_kept(&journal, "shop", &intent).await;
    }
}

/// Clearing forgets; doing it again, or where there is nothing, is fine; and saving afterwards works.
pub async fn cleared_is_gone(journal: impl Journal) {
    journal.clear("shop").await.expect("none there is fine");
    journal.save("shop", &intent("b25l")).await.expect("it can be saved");
    journal.clear("shop").await.expect("it can be cleared");
    assert!(journal.load("shop").await.expect("it can be read").is_none(), "it was cleared");
    journal.clear("shop").await.expect("twice is fine");
    let again = intent("dHdv");
    journal.save("shop", &again).await.expect("it can be saved again");
    assert_kept(&journal, "shop", &again).await;
}

/// One name's record is not another's, however alike the names are.
pub async fn names_are_separate(journal: impl Journal) {
    let names = ["shop", "shop-2", "s", "2"];
    for name in names {
        journal.save(name, &intent(name)).await.expect("it can be saved");
    }
    journal.clear("shop").await.expect("it can be cleared");
    assert!(journal.load("shop").await.expect("it can be read").is_none());
    for name in &names[1..] {
        let found = journal.load(name).await.expect("it can be read").expect("it was saved");
        let value = found.before.entries[0].before.as_ref().and_then(|object| object.get("/data/value"));
        assert_eq!(value, Some(&json!(name)));
    }
}

/// What [`check_name`](crate::lock::check_name) refuses is refused by every call.
pub async fn refuses_what_is_no_name(journal: impl Journal) {
    for name in ["", "../shop", "Shop", "a/b", "a..b", "-a"] {
        refused(journal.load(name).await, ErrorKind::InvalidInput, name);
        refused(journal.save(name, &intent("b25l")).await, ErrorKind::InvalidInput, name);
        refused(journal.clear(name).await, ErrorKind::InvalidInput, name);
    }
}

/// A bundle of 200 objects of 1 KiB fits.
pub async fn many_objects_fit(journal: impl Journal) {
    let mut intent = intent("b25l");
    // Not the same over and over, which compresses to nothing.
    let text = |number: u32| {
        (0..1024_u32).map(|i| char::from(b'a' + (i.wrapping_mul(number + 7) % 23) as u8)).collect::<String>()
    };
    intent.before.entries = (0..200)
        .map(|number| {
            let object = object(&format!("app-{number}"), &text(number));
            SnapshotEntry { id: object.id(), api_version: "v1".to_owned(), before: Some(object) }
        })
        .collect();
    journal.save("shop", &intent).await.expect("it can be saved");
    assert_kept(&journal, "shop", &intent).await;
}
