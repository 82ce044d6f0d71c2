//! The record in notes.

use async_trait::async_trait;
use deploy_config::git::{GitNotes, Repository};
use deploy_core::audit::{AuditRecord, AuditSink};
use deploy_core::clock::Timestamp;
use deploy_core::conformance;
use deploy_core::error::ErrorKind;

use crate::support::{Server, git, git_output, plain};

struct Notes {
    sink: GitNotes,
    server: Server,
}

#[async_trait]
impl conformance::audit_sink::Fixture for Notes {
    fn sink(&self) -> &dyn AuditSink {
        &self.sink
    }

    async fn records(&self) -> Vec<AuditRecord> {
        lines(&self.server, "main")
    }
}

/// What git itself shows of a commit's note.
fn lines(server: &Server, commit: &str) -> Vec<AuditRecord> {
    let note = git(&server.bare(), &["notes", "--ref=deploy", "show", commit]);
    note.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

mod in_a_clone {
    use super::*;

    deploy_core::audit_sink_conformance! {
        #[tokio::test]
        || async {
            let server = Server::new(&[]);
            Notes { sink: GitNotes::new(server.repository()), server }
        }
    }
}

fn record(why: &str) -> AuditRecord {
    AuditRecord::new(Timestamp::UNIX_EPOCH, "ci", "deploy", "shop").because(why)
}

#[tokio::test]
async fn a_note_goes_to_the_commit_that_the_record_names() {
    let server = Server::new(&[("a", "1\n"), ("b", "1\n")]);
    let first = git(&server.bare(), &["rev-parse", "main~1"]);
    let sink = GitNotes::new(server.repository());
    sink.record(&record("one").fact("commit", &first)).await.unwrap();
    sink.record(&record("two")).await.unwrap();
    let why = |commit: &str| lines(&server, commit).into_iter().map(|record| record.why).collect::<Vec<_>>();
    assert_eq!((why(&first), why("main")), (vec!["one".to_owned()], vec!["two".to_owned()]));
    assert_eq!(server.count(), 2, "no commit changed");
    for bad in ["main", "1234567", "-x", ""] {
        let error = sink.record(&record("three").fact("commit", bad)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{error}");
    }
}

#[tokio::test]
async fn notes_of_others_stay() {
    let server = Server::new(&[]);
    let other = server.path("other");
    // Without a line end, and where git puts it.
    let first = serde_json::to_string(&record("theirs")).unwrap();
    git(&other, &["notes", "--ref=deploy", "add", "-m", &first, "HEAD"]);
    git(&other, &["push", "--quiet", "origin", "refs/notes/deploy"]);
    let tree = server.work_tree();
    let sink = GitNotes::new(plain(Repository::work_tree(&tree)));
    sink.record(&record("ours")).await.unwrap();
    let why: Vec<String> = lines(&server, "main").into_iter().map(|record| record.why).collect();
    assert_eq!(why, ["theirs", "ours"]);
    assert_eq!(git(&tree, &["status", "--porcelain"]), "");
    assert!(
        !git_output(&tree, &["rev-parse", "--verify", "refs/notes/deploy"]).status.success(),
        "the owner's notes are theirs"
    );
}

/// Two sinks know nothing of each other.
#[tokio::test]
async fn two_at_once_lose_nothing() {
    let server = Server::new(&[]);
    let [left, right] = [GitNotes::new(server.repository()), GitNotes::new(server.repository())];
    let write = async |sink: &GitNotes, who: &str| {
        for number in 0..5 {
            sink.record(&record(&format!("{who} {number}"))).await.unwrap();
        }
    };
    tokio::join!(write(&left, "left"), write(&right, "right"));
    let mut why: Vec<String> = lines(&server, "main").into_iter().map(|record| record.why).collect();
    why.sort();
    let expect: Vec<String> =
        ["left", "right"].iter().flat_map(|who| (0..5).map(move |n| format!("{who} {n}"))).collect();
    assert_eq!(why, expect);
}
