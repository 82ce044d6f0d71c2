//! What every [`AuditSink`] keeps to.

use std::future::Future;

use async_trait::async_trait;
use futures_util::future::join_all;

use super::run_all;
use crate::audit::{AuditRecord, AuditSink};
use crate::clock::Timestamp;

/// A record, and a sight of what it holds.
#[async_trait]
pub trait Fixture: Send + Sync {
    /// The sink.
    fn sink(&self) -> &dyn AuditSink;

    /// All lines, oldest first.
    async fn records(&self) -> Vec<AuditRecord>;
}

/// Makes a test of each clause: `audit_sink_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! audit_sink_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { audit_sink [
            a_line_is_kept_exactly
            lines_stand_in_their_order
            none_is_lost_of_many_at_once
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Fixture + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(audit_sink_conformance!(list), factory).await;
}

fn line(number: i64) -> AuditRecord {
    AuditRecord::new(Timestamp::from_unix_seconds(number), "ci", "deploy", format!("shop-{number}"))
        .in_environment("production")
        .because("two\nlines, \"quotes\" and a größe")
        .change(Some("v1".into()), Some("v2".into()))
        .fact("digest", "sha256:0")
}

/// What is read is what was recorded.
pub async fn a_line_is_kept_exactly(fixture: impl Fixture) {
    let bare = AuditRecord::new(Timestamp::UNIX_EPOCH, "", "", "");
    for record in [&line(1), &bare] {
        fixture.sink().record(record).await.expect("it can be recorded");
    }
    assert_eq!(fixture.records().await, [line(1), bare]);
}

/// Lines are added at the end, the same one twice if asked: without a run it repeats nothing.
pub async fn lines_stand_in_their_order(fixture: impl Fixture) {
    for number in [3, 1, 2, 2] {
        fixture.sink().record(&line(number)).await.expect("it can be recorded");
    }
    assert_eq!(fixture.records().await, [line(3), line(1), line(2), line(2)]);
}

/// Lines recorded at the same time are all there, whole.
pub async fn none_is_lost_of_many_at_once(fixture: impl Fixture) {
    let lines: Vec<AuditRecord> = (0..50).map(line).collect();
    for result in join_all(lines.iter().map(|line| fixture.sink().record(line))).await {
        result.expect("it can be recorded");
    }
    let mut records = fixture.records().await;
    records.sort_by_key(|record| record.at);
    assert_eq!(records, lines);
}
