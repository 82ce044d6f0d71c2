//! Bad input, each refused in its own words.

use std::os::unix::fs::symlink;

use deploy_config::git::{GitStore, Repository};
use deploy_config::store::FileKind;
use deploy_core::config::{ConfigStore, Edit, Expect};
use deploy_core::error::ErrorKind;

use crate::support::{Server, executable, git, plain, put, refused, set, yaml};

#[tokio::test]
async fn keys_and_values() {
    let pulumi = "config:\n  shop:key:\n    secure: v1:y\n";
    let server = Server::new(&[
        ("shop.yaml", "tag: v1\na: &x v1\nb: *x\n"),
        ("Pulumi.dev.yaml", pulumi),
        ("bad.yaml", "a: [\n"),
    ]);
    let store = GitStore::builder(server.repository())
        .files("*.yaml", FileKind::Yaml)
        .file("stack", "Pulumi.dev.yaml", FileKind::PulumiStack)
        .file("stack-as-text", "Pulumi.dev.yaml", FileKind::Yaml)
        .build()
        .unwrap();
    let before = server.count();
    let check = async |edit: Edit, kind, message: &str| refused(&store, edit, kind, message).await;
    check(put("tag", "v2"), ErrorKind::InvalidInput, "write it as file#key").await;
    check(put("../x#tag", "v2"), ErrorKind::InvalidInput, "no name of a file").await;
    check(put("stack#shop:key", "open"), ErrorKind::Forbidden, "the value is encrypted").await;
    check(put("shop#b", "v2"), ErrorKind::InvalidInput, "shop.yaml, key \"b\": the value is an alias").await;
    check(put("bad#a", "v2"), ErrorKind::InvalidInput, "bad.yaml").await;
    let unexpected = put("shop#gone", "v2").expecting(Expect::Value("v1".into()));
    check(unexpected, ErrorKind::Conflict, "key \"shop#gone\": it is not there, which was not expected")
        .await;
    let twice = [put("stack#shop:a", "1"), put("stack-as-text#a", "1")];
    assert_eq!(set(&store, &twice).await.unwrap_err().kind(), ErrorKind::InvalidInput);
    assert_eq!(store.get("stack#shop:key").await.unwrap_err().kind(), ErrorKind::Forbidden);
    assert_eq!(store.get("none#tag").await.unwrap(), None);
    assert_eq!(server.count(), before);
}

#[tokio::test]
async fn links_are_not_followed() {
    let server = Server::new(&[("real.yaml", "tag: v1\n")]);
    symlink("real.yaml", server.path("other").join("link.yaml")).unwrap();
    server.commit_files(&[], "a link");
    refused(
        &server.store(),
        put("link#tag", "v2"),
        ErrorKind::InvalidInput,
        "link.yaml: it is a symbolic link",
    )
    .await;
}

#[tokio::test]
async fn a_protected_branch_says_so_in_its_own_words() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    server.hook("pre-receive", "echo 'main is protected:' >&2\nprintf '\\033[31mask the owners' >&2\nexit 1");
    let error = set(&server.store(), &[put("shop#tag", "v2")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert_eq!(
        error.to_string(),
        format!(
            "commit to {}: the remote refused the push, pre-receive hook declined: main is protected: [31mask the owners \
             (see the branch's protection, or propose a branch per change)",
            server.url()
        )
    );
    assert_eq!(server.file("main", "shop.yaml"), "tag: v1");
}

#[tokio::test]
async fn no_such_repository_or_branch() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let check = async |repository: Repository, kind, message: &str| {
        refused(&yaml(repository).build().unwrap(), put("shop#tag", "v2"), kind, message).await;
    };
    check(server.repository().branch("none"), ErrorKind::NotFound, "branch none: there is no such branch")
        .await;
    let nowhere = plain(Repository::at(&format!("file://{}", server.path("none").display())));
    check(nowhere, ErrorKind::NotFound, "does not appear to be a git repository").await;
    check(plain(Repository::work_tree(server.path("none"))), ErrorKind::NotFound, "no such folder").await;
    let no_tree = tempfile::tempdir().unwrap();
    check(plain(Repository::work_tree(no_tree.path())), ErrorKind::NotFound, "not a git repository").await;
    let work = server.work_tree();
    check(plain(Repository::work_tree(&work)).remote("none"), ErrorKind::NotFound, "'none' does not appear")
        .await;
    let shell = plain(Repository::at("ext::sh -c touch% pwned"));
    check(shell, ErrorKind::Forbidden, "transport 'ext' not allowed").await;
    check(
        server.repository().program("no-such-git"),
        ErrorKind::NotFound,
        "it is not installed, or not in PATH",
    )
    .await;
}

#[tokio::test]
async fn only_versions_that_are_known_are_used() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let check = async |version: &str, message: &str| {
        let program = server.path(&version.replace(' ', "-"));
        executable(&program, &format!("echo '{version}'"));
        let store = yaml(server.repository().program(program)).build().unwrap();
        refused(&store, put("shop#tag", "v2"), ErrorKind::InvalidInput, message).await;
    };
    check("git version 2.30.9", "version 2.30 is too old").await;
    check("git version 4.0.0", "version 4.0 is newer than what is known to work").await;
    check("hello", "it does not say which version it is").await;
}

#[tokio::test]
async fn who_writes_must_be_known() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let nobody = Repository::at(&server.url())
        .variable("GIT_CONFIG_GLOBAL", "/dev/null")
        .config("user.useConfigOnly", "true");
    let store = yaml(nobody).build().unwrap();
    refused(&store, put("shop#tag", "v2"), ErrorKind::InvalidInput, "say who writes commits").await;
}

#[test]
fn builders_without_sense() {
    let server = Server::new(&[]);
    let check = |refused: deploy_core::error::Result<GitStore>, message: &str| {
        let error = refused.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(message), "{error}");
    };
    check(GitStore::builder(server.repository()).build(), "it has no files");
    check(yaml(server.repository()).push(false).build(), "what is not pushed from a temporary clone is lost");
    check(yaml(server.repository()).message("{").build(), "a brace is not closed");
    check(yaml(server.repository().branch("--force")).build(), "no name of a branch");
    check(yaml(server.repository()).file("x", "/etc/passwd", FileKind::Yaml).build(), "no path of a file");
    check(yaml(Repository::at("--upload-pack=touch")).build(), "no name of a repository");
    assert_eq!(git(&server.bare(), &["rev-list", "--count", "main"]), "1");
}
