//! What every [`Source`] keeps to.

use std::future::Future;

use async_trait::async_trait;

use super::{refused, run_all};
use crate::error::ErrorKind;
use crate::source::Source;

/// Makes sources.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// A source of one text, which errors call by a name that ends with `name`.
    async fn source(&self, name: &str, text: &str) -> Box<dyn Source>;
}

/// Makes a test of each clause: `source_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! source_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { source [
            objects_come_in_their_order
            the_same_input_yields_the_same_objects
            an_object_knows_where_it_was_read
            what_is_no_manifest_is_named_with_its_place
            no_manifests_are_an_error
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(source_conformance!(list), factory).await;
}

/// As a renderer writes it too: the lines are the same.
const TWO: &str = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: b\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\n";

/// The objects stand in the order in which they were written.
pub async fn objects_come_in_their_order(fixture: impl Fixture) {
    let source = fixture.source("app.yaml", TWO).await;
    let objects = source.load().await.expect("it can be read");
    let names: Vec<&str> = objects.iter().map(crate::manifest::Object::name).collect();
    assert_eq!(names, ["b", "a"]);
    assert!(!source.describe().is_empty());
}

/// Loading again yields the same.
pub async fn the_same_input_yields_the_same_objects(fixture: impl Fixture) {
    let source = fixture.source("app.yaml", TWO).await;
    let first = source.load().await.expect("it can be read");
    assert_eq!(source.load().await.expect("it can be read again"), first);
}

/// An object carries file, line and column.
pub async fn an_object_knows_where_it_was_read(fixture: impl Fixture) {
    let source = fixture.source("app.yaml", TWO).await;
    let objects = source.load().await.expect("it can be read");
    let origin = objects[1].origin().expect("it was read somewhere");
    assert!(origin.file.ends_with("app.yaml"), "{origin}");
    assert_eq!((origin.line, origin.column), (6, 1));
}

/// Bad input is an error that names file, line and column.
pub async fn what_is_no_manifest_is_named_with_its_place(fixture: impl Fixture) {
    for text in ["a: [1\n", "apiVersion: v1\nkind: ConfigMap\n", "just text\n"] {
        let source = fixture.source("app.yaml", text).await;
        let error = refused(source.load().await, ErrorKind::InvalidInput, text);
        assert!(error.to_string().contains("app.yaml:"), "{error}");
    }
}

/// A source without any manifests is an error, never an empty bundle.
pub async fn no_manifests_are_an_error(fixture: impl Fixture) {
    for text in ["", "---\n# nothing\n---\n"] {
        let source = fixture.source("app.yaml", text).await;
        refused(source.load().await, ErrorKind::InvalidInput, "a source without manifests");
    }
}
