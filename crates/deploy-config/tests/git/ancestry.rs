//! Histories as git knows them.

use std::fs;
use std::path::Path;

use deploy_config::git::{GitAncestry, Repository};
use deploy_core::ancestry::Ancestry;
use deploy_core::conformance;
use deploy_core::error::ErrorKind;

use crate::support::{Server, executable, git, plain};

/// The history of the suite: the first commit, two after it, and the merge of the second into the first of these.
struct History {
    ancestry: GitAncestry,
    commits: [String; 4],
    _server: Server,
}

impl conformance::ancestry::Fixture for History {
    fn ancestry(&self) -> &dyn Ancestry {
        &self.ancestry
    }

    fn commits(&self) -> [String; 4] {
        self.commits.clone()
    }

    fn unknown(&self) -> String {
        "0123456789abcdef0123456789abcdef01234567".to_owned()
    }
}

fn commit(folder: &Path, message: &str) -> String {
    git(folder, &["commit", "--quiet", "--allow-empty", "-m", message]);
    git(folder, &["rev-parse", "HEAD"])
}

/// A server whose `main` ends with a merge.
fn merged() -> (Server, [String; 4]) {
    let server = Server::new(&[]);
    let other = server.path("other");
    let first = git(&other, &["rev-parse", "HEAD"]);
    let left = commit(&other, "left");
    git(&other, &["switch", "--quiet", "--detach", &first]);
    let right = commit(&other, "right");
    git(&other, &["switch", "--quiet", "main"]);
    git(&other, &["merge", "--quiet", "--no-ff", "-m", "merge", &right]);
    let merge = git(&other, &["rev-parse", "HEAD"]);
    git(&other, &["push", "--quiet", "origin", "main"]);
    (server, [first, left, right, merge])
}

mod in_a_clone {
    use super::*;

    deploy_core::ancestry_conformance! {
        #[tokio::test]
        || async {
            let (server, commits) = merged();
            History { ancestry: GitAncestry::new(server.repository()), commits, _server: server }
        }
    }
}

mod in_a_work_tree {
    use super::*;

    deploy_core::ancestry_conformance! {
        #[tokio::test]
        || async {
            let (server, commits) = merged();
            let ancestry = GitAncestry::new(plain(Repository::work_tree(server.work_tree())));
            History { ancestry, commits, _server: server }
        }
    }
}

#[tokio::test]
async fn a_clone_looks_again_for_what_it_does_not_know() {
    let (server, [first, .., merge]) = merged();
    let ancestry = GitAncestry::new(server.repository());
    assert!(ancestry.is_ancestor(&first, &merge).await.unwrap());
    let later = commit(&server.path("other"), "later");
    git(&server.path("other"), &["push", "--quiet", "origin", "HEAD:refs/heads/elsewhere"]);
    assert!(ancestry.is_ancestor(&merge, &later).await.unwrap());
}

#[tokio::test]
async fn a_history_that_is_cut_off_gives_no_wrong_answer() {
    let (server, [first, left, right, merge]) = merged();
    let shallow = |depth: &str| {
        let path = server.path(depth);
        git(server.folder.path(), &["clone", "--quiet", &format!("--depth={depth}"), &server.url(), depth]);
        // Known, but not how they hang together.
        git(&path, &["fetch", "--quiet", "--depth=1", "origin", &left, &right, &first]);
        GitAncestry::new(plain(Repository::work_tree(path)))
    };
    let one = shallow("1");
    for (ancestor, descendant) in [(&first, &merge), (&left, &right)] {
        let error = one.is_ancestor(ancestor, descendant).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
        assert!(error.to_string().contains("git fetch --unshallow"), "{error}");
    }
    assert!(one.is_ancestor(&merge, &merge).await.unwrap());
    assert_eq!(one.order(&merge, std::slice::from_ref(&merge)).await.unwrap(), [Some(0)]);
    let error = one.order(&merge, &[merge.clone(), right.clone()]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    let two = shallow("2");
    assert!(!two.is_ancestor(&merge, &left).await.unwrap(), "it is the other way round");
    assert_eq!(two.order(&merge, &[left, merge.clone()]).await.unwrap(), [Some(0), Some(1)]);
}

#[tokio::test]
async fn names_that_are_no_commits() {
    let (server, [first, left, ..]) = merged();
    let work = server.work_tree();
    let ancestry = GitAncestry::new(plain(Repository::work_tree(&work)));
    for name in [
        "main",
        "HEAD",
        "",
        "-h",
        "--all",
        "abc",
        &first[..6],
        "HEAD~1",
        "0123456\n",
        "refs/heads/main",
        &"a".repeat(65),
    ] {
        let error = ancestry.is_ancestor(name, &left).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotFound, "{name}: {error}");
    }
    // A branch that is called like the beginning of a commit.
    git(&work, &["branch", &first[..8], &left]);
    let error = ancestry.is_ancestor(&first[..8], &left).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidInput, "a branch or tag is called so"));
    assert!(ancestry.is_ancestor(&first.to_uppercase(), &left).await.unwrap());
    // A tree's id is no commit's.
    let tree = git(&work, &["rev-parse", "HEAD^{tree}"]);
    assert_eq!(ancestry.is_ancestor(&tree, &left).await.unwrap_err().kind(), ErrorKind::NotFound);
}

/// Of so many commits two begin alike.
#[tokio::test]
async fn an_abbreviation_that_could_be_two_is_refused() {
    let server = Server::new(&[]);
    server.grow("many", 40_000);
    let mut ids = server.log("many", "%H");
    ids.sort();
    let twins = ids.windows(2).find(|pair| pair[0][..7] == pair[1][..7]).expect("two that begin alike");
    let ancestry = GitAncestry::new(plain(Repository::work_tree(server.work_tree())));
    let error = ancestry.is_ancestor(&twins[0][..7], &twins[1]).await.unwrap_err();
    assert_eq!((error.kind(), error.message()), (ErrorKind::InvalidInput, "more than one commit begins so"));
}

#[tokio::test]
async fn a_thousand_commits_are_two_runs() {
    let server = Server::new(&[]);
    server.grow("main", 1000);
    let program = server.path("counting");
    executable(&program, &format!("echo \"$1\" >> '{}'\nexec git \"$@\"", server.path("runs").display()));
    let ancestry = GitAncestry::new(plain(Repository::work_tree(server.work_tree())).program(program));
    let ids: Vec<String> = server.log("main", "%H").iter().map(|id| id[..12].to_owned()).collect();
    assert!(ancestry.is_ancestor(&ids[9], &ids[0]).await.unwrap());
    fs::remove_file(server.path("runs")).unwrap();
    let places = ancestry.order(&ids[0], &ids).await.unwrap();
    assert_eq!(places, (0..1001).rev().map(Some).collect::<Vec<_>>());
    assert_eq!(fs::read_to_string(server.path("runs")).unwrap(), "cat-file\nrev-list\n");
}
