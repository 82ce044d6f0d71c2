//! What every [`SecretSource`] keeps to.

use std::future::Future;

use super::{refused, run_all};
use crate::error::ErrorKind;
use crate::secret::SecretSource;

/// Makes a test of each clause: `secret_source_conformance! { #[tokio::test] || async { … } }`.
///
/// The source must hold `db-password` = `correct horse` and `empty` = the empty text, and nothing else.
#[macro_export]
macro_rules! secret_source_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { secret_source [
            a_secret_comes_back_exactly
            an_unknown_one_is_not_found
            nothing_shows
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: SecretSource + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(secret_source_conformance!(list), factory).await;
}

/// The text is the one that was put there, an empty one too.
pub async fn a_secret_comes_back_exactly(source: impl SecretSource) {
    assert_eq!(source.get("db-password").await.expect("it is there").reveal(), "correct horse");
    assert_eq!(source.get("empty").await.expect("it is there").reveal(), "");
}

/// A secret that is not there is an error that names it.
pub async fn an_unknown_one_is_not_found(source: impl SecretSource) {
    let error = refused(source.get("db-user").await, ErrorKind::NotFound, "a secret that is not there");
    assert!(error.to_string().contains("db-user"), "{error}");
}

/// Neither the source's description nor a secret's `Debug` shows a value.
pub async fn nothing_shows(source: impl SecretSource) {
    let secret = source.get("db-password").await.expect("it is there");
    let shown = format!("{} {secret:?}", source.describe());
    assert!(!shown.contains("correct horse"), "{shown}");
}
