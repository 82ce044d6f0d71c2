//! The record in a file: its contract, its one chain, and what a killed writer leaves.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers too")]

use std::fs;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use deploy_config::audit::AuditFile;
use deploy_core::audit::chain::{self, MAX_BYTES, MAX_LINE_BYTES};
use deploy_core::audit::{AuditRecord, AuditSink, action, fact};
use deploy_core::clock::Timestamp;
use deploy_core::conformance;
use deploy_core::error::ErrorKind;

/// A record in a folder that goes with it.
struct Kept {
    file: AuditFile,
    folder: tempfile::TempDir,
}

impl Kept {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { file: AuditFile::new(folder.path().join("audit.jsonl")), folder }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("audit.jsonl")
    }

    async fn with(numbers: impl IntoIterator<Item = i64>) -> Self {
        let kept = Self::new();
        for number in numbers {
            kept.file.record(&record(number)).await.unwrap();
        }
        kept
    }

    async fn seconds(&self) -> Vec<i64> {
        self.file.read().await.unwrap().iter().map(|record| record.at.as_millis() / 1000).collect()
    }
}

#[async_trait]
impl conformance::audit_sink::Fixture for Kept {
    fn sink(&self) -> &dyn AuditSink {
        &self.file
    }

    async fn records(&self) -> Vec<AuditRecord> {
        self.file.verify(None).await.unwrap();
        self.file.read().await.unwrap()
    }
}

mod conforms {
    deploy_core::audit_sink_conformance! { #[tokio::test] || async { super::Kept::new() } }
}

fn record(number: i64) -> AuditRecord {
    AuditRecord::new(Timestamp::from_unix_seconds(number), "ci", action::PROMOTE, "shop")
        .in_environment("production")
        .fact(fact::RUN, format!("run-{number}"))
}

#[tokio::test]
async fn a_crash_at_any_byte_costs_no_line_that_was_kept() {
    let whole = fs::read(Kept::with(1..=3).await.path()).unwrap();
    let two = fs::read(Kept::with(1..=2).await.path()).unwrap().len();
    for cut in two..=whole.len() {
        let kept = Kept::new();
        fs::write(kept.path(), whole.get(..cut).unwrap()).unwrap();
        kept.file.record(&record(4)).await.unwrap();
        kept.file.verify(None).await.unwrap();
        let third = cut >= whole.len() - 1;
        assert_eq!(kept.seconds().await, if third { vec![1, 2, 3, 4] } else { vec![1, 2, 4] }, "at {cut}");
    }
}

#[tokio::test]
async fn what_a_crash_left_shows_until_it_is_mended() {
    let kept = Kept::with(1..=2).await;
    let mut bytes = fs::read(kept.path()).unwrap();
    bytes.extend([0; 300]);
    fs::write(kept.path(), &bytes).unwrap();
    assert_eq!(kept.seconds().await, [1, 2]);
    let error = kept.file.verify(None).await.unwrap_err().to_string();
    assert!(error.contains("audit.jsonl: line 3 is torn"), "{error}");
    kept.file.record(&record(3)).await.unwrap();
    assert_eq!(kept.file.verify(None).await.unwrap().lines(), 3);
}

#[tokio::test]
async fn a_run_that_was_taken_up_does_not_record_twice() {
    let kept = Kept::with([1, 2]).await;
    let mut again = record(1).because("taken up by another run");
    again.at = Timestamp::from_unix_seconds(9);
    kept.file.record(&again).await.unwrap();
    assert_eq!(kept.seconds().await, [1, 2]);
    let mut undone = record(1);
    undone.action = action::UNDO.into();
    for other in [undone, record(1).in_environment("staging")] {
        kept.file.record(&other).await.unwrap();
    }
    assert_eq!(kept.seconds().await, [1, 2, 1, 1]);
    // Its line was whole but for the break when it was killed.
    let bytes = fs::read(kept.path()).unwrap();
    fs::write(kept.path(), &bytes[..bytes.len() - 1]).unwrap();
    kept.file.record(&record(1).in_environment("staging")).await.unwrap();
    assert_eq!(fs::read(kept.path()).unwrap(), bytes);
}

#[test]
fn writers_make_one_chain() {
    let kept = Kept::new();
    std::thread::scope(|scope| {
        for writer in 0..4 {
            let path = kept.path();
            scope.spawn(move || {
                // A runtime and a value each, as processes have: only the lock on the file is common.
                let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
                let file = AuditFile::new(path);
                for number in 0..25 {
                    runtime.block_on(file.record(&record(writer * 100 + number))).unwrap();
                }
            });
        }
    });
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    assert_eq!(runtime.block_on(kept.file.verify(None)).unwrap().lines(), 100);
    let mut seconds = runtime.block_on(kept.seconds());
    seconds.sort_unstable();
    let expect: Vec<i64> =
        (0..4).flat_map(|writer| (0..25).map(move |number| writer * 100 + number)).collect();
    assert_eq!(seconds, expect);
}

#[tokio::test]
async fn a_changed_line_is_named_and_a_changed_end_is_not_added_to() {
    let kept = Kept::with(1..=3).await;
    let good = fs::read_to_string(kept.path()).unwrap();
    fs::write(kept.path(), good.replacen("run-2", "run-x", 1)).unwrap();
    for error in [kept.file.verify(None).await.map(drop), kept.file.read().await.map(drop)] {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains("line 2 was changed"), "{error}");
    }
    fs::write(kept.path(), good.replacen("run-3", "run-x", 1)).unwrap();
    let error = kept.file.record(&record(4)).await.unwrap_err();
    assert!(error.to_string().contains("its last line was changed"), "{error}");
}

#[tokio::test]
async fn the_end_is_anchored_by_a_head() {
    let kept = Kept::with(1..=3).await;
    let head = kept.file.verify(None).await.unwrap().head.unwrap();
    kept.file.record(&record(4)).await.unwrap();
    assert_eq!(kept.file.verify(Some(head.clone())).await.unwrap().lines(), 4);
    let text = fs::read_to_string(kept.path()).unwrap();
    let two: String = text.split_inclusive('\n').take(2).collect();
    fs::write(kept.path(), two).unwrap();
    let error = kept.file.verify(Some(head.clone())).await.unwrap_err().to_string();
    assert!(error.contains("the lines end before line 3, and there were 3"), "{error}");
    fs::remove_file(kept.path()).unwrap();
    assert!(kept.file.verify(Some(head)).await.is_err());
    assert_eq!(kept.file.verify(None).await.unwrap().lines(), 0);
}

#[tokio::test]
async fn what_is_no_record_is_refused_and_left_as_it_is() {
    let check = async |bytes: &[u8], says: &str| {
        let kept = Kept::new();
        fs::write(kept.path(), bytes).unwrap();
        let error = kept.file.record(&record(1)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(says), "{error}");
        assert_eq!(fs::read(kept.path()).unwrap(), bytes);
        assert!(kept.file.read().await.is_err());
    };
    check(b"image:\n  tag: v1\n", "its last line was changed").await;
    check(&vec![b'x'; MAX_LINE_BYTES + 2], "does not end with lines").await;
    check(&vec![b'x'; 3 * MAX_LINE_BYTES], "does not end with lines").await;
    let missing = AuditFile::new(Kept::new().path());
    assert_eq!(missing.record(&record(1)).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(missing.read().await.unwrap(), []);
    let long = record(1).because("x".repeat(MAX_LINE_BYTES));
    assert_eq!(Kept::new().file.record(&long).await.unwrap_err().kind(), ErrorKind::InvalidInput);
}

#[tokio::test]
async fn a_full_file_is_refused() {
    use std::io::{Seek, SeekFrom, Write};
    let kept = Kept::new();
    let line = chain::append(None, &record(1)).unwrap();
    let mut file = fs::File::create(kept.path()).unwrap();
    file.seek(SeekFrom::Start(MAX_BYTES - line.text.len() as u64 - 2)).unwrap();
    write!(file, "\n{}\n", line.text).unwrap();
    let error = kept.file.record(&record(2)).await.unwrap_err().to_string();
    assert!(error.contains("it is full: 256 MiB"), "{error}");
}

#[tokio::test]
async fn a_file_that_was_moved_away_begins_anew() {
    let kept = Kept::with(1..=2).await;
    let old = kept.folder.path().join("audit-1.jsonl");
    fs::rename(kept.path(), &old).unwrap();
    kept.file.record(&record(3)).await.unwrap();
    assert_eq!(kept.file.verify(None).await.unwrap().lines(), 1);
    assert_eq!(AuditFile::new(old).verify(None).await.unwrap().lines(), 2);
}

#[cfg(unix)]
#[tokio::test]
async fn only_its_owner_reads_it_and_links_are_followed() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
    let mode = |path: &Path| fs::metadata(path).unwrap().mode() & 0o777;
    let kept = Kept::with([1]).await;
    assert_eq!(mode(&kept.path()), 0o600);
    fs::set_permissions(kept.path(), fs::Permissions::from_mode(0o640)).unwrap();
    kept.file.record(&record(2)).await.unwrap();
    assert_eq!(mode(&kept.path()), 0o640);
    let link = kept.folder.path().join("link");
    symlink(kept.path(), &link).unwrap();
    AuditFile::new(&link).record(&record(3)).await.unwrap();
    assert_eq!(kept.seconds().await, [1, 2, 3]);
    let device = AuditFile::new("/dev/null");
    assert!(device.record(&record(1)).await.unwrap_err().to_string().contains("file system failed"));
    assert!(device.read().await.unwrap_err().to_string().contains("no regular file"));
}
