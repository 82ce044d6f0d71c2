//! Git killed at each of its runs, before it did anything or after it was done; answers that were lost.

use std::fs;
use std::time::Duration;

use deploy_config::git::Repository;
use deploy_core::config::{Edit, Expect};
use deploy_core::error::ErrorKind;

use crate::support::{Server, executable, git, plain, put, set, value, yaml};

/// A program in git's place that is killed at its run number `at`, before or after it did what it was to do.
fn killed_at(server: &Server, at: usize, after: bool) -> std::path::PathBuf {
    let count = server.path("count");
    let _ = fs::remove_file(&count);
    let act = if after { "git \"$@\"" } else { ":" };
    let script = format!(
        "echo >> '{count}'\nif [ $(wc -l < '{count}') = {at} ]; then {act}; kill -9 $$; fi\nexec git \"$@\"",
        count = count.display()
    );
    let program = server.path("killed");
    executable(&program, &script);
    program
}

/// Kills a change at every run of git, until one comes through, and has a new store finish it.
async fn at_every_step(repository: impl Fn(&Server) -> Repository, check: impl Fn(&Server)) {
    for after in [false, true] {
        let mut at = 1;
        loop {
            let server = Server::new(&[("shop.yaml", "tag: v1\n"), ("web.yaml", "tag: v1\n")]);
            let before = server.count();
            let edits = [put("shop#tag", "v2"), put("web#tag", "v2")];
            let store = yaml(repository(&server).program(killed_at(&server, at, after))).build().unwrap();
            let result = set(&store, &edits).await;
            let died = fs::read_to_string(server.path("count")).unwrap().len() >= at;
            let both = [server.file("main", "shop.yaml"), server.file("main", "web.yaml")];
            assert!(
                both == ["tag: v1", "tag: v1"] || both == ["tag: v2", "tag: v2"],
                "run {at}: half of it: {both:?}"
            );
            if let Err(error) = &result {
                assert!(died, "run {at}: {error}");
                assert!(error.to_string().contains("signal 9"), "run {at}: {error}");
            } else {
                assert_eq!(both, ["tag: v2", "tag: v2"], "run {at}: it said that it was done");
            }
            set(&yaml(repository(&server)).build().unwrap(), &edits)
                .await
                .unwrap_or_else(|error| panic!("run {at}: {error}"));
            assert_eq!(server.count(), before + 1, "run {at} killed, after={after}");
            assert_eq!(server.file("main", "shop.yaml"), "tag: v2");
            check(&server);
            if !died {
                break;
            }
            at += 1;
        }
        assert!(at > 10, "every run was tried, not only {at}");
    }
}

#[tokio::test]
async fn a_clone_is_killed_at_every_step() {
    at_every_step(Server::repository, |_| {}).await;
}

#[tokio::test]
async fn a_work_tree_is_killed_at_every_step() {
    let tree = |server: &Server| {
        if !server.path("work").exists() {
            server.work_tree();
        }
        plain(Repository::work_tree(server.path("work")))
    };
    let check = |server: &Server| {
        let work = server.path("work");
        // Pushed by the first run, which had no time to follow: the next change, or a pull, brings it there.
        if git(&work, &["rev-parse", "HEAD"]) != git(&server.bare(), &["rev-parse", "main"]) {
            git(&work, &["pull", "--quiet", "--ff-only", "origin", "main"]);
        }
        assert_eq!(git(&work, &["status", "--porcelain"]), "");
        assert_eq!(fs::read_to_string(work.join("shop.yaml")).unwrap(), "tag: v2\n");
    };
    at_every_step(tree, check).await;
}

/// A program in git's place that does something about its first push.
fn first_push(server: &Server, script: &str) -> Repository {
    let seen = server.path("seen");
    let script = format!(
        "if [ \"$1\" = push ] && ! [ -e '{seen}' ]; then touch '{seen}'; {script}; fi\nexec git \"$@\"",
        seen = seen.display()
    );
    executable(&server.path("wrapped"), &script);
    server.repository().program(server.path("wrapped"))
}

/// The first push goes wrong so; whatever the answer was, the change must have arrived once.
async fn arrives_once(script: &str, timeout: u64) {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let before = server.count();
    let repository = first_push(&server, script).timeout(Duration::from_secs(timeout));
    // Made anew, the expectation would not hold.
    let edit = Edit::put("shop#tag", "v2").expecting(Expect::Value("v1".into()));
    let result = set(&yaml(repository).build().unwrap(), &[edit]).await;
    assert!(result.is_ok(), "{script}: {result:?}");
    assert_eq!(
        (server.count(), server.file("main", "shop.yaml")),
        (before + 1, "tag: v2".to_owned()),
        "{script}"
    );
}

#[tokio::test]
async fn a_lost_answer_is_looked_up() {
    let lost = "echo 'error: RPC failed; curl 56 Recv failure: Connection reset by peer' >&2; exit 1";
    arrives_once(&format!("git \"$@\" >/dev/null 2>&1; {lost}"), 120).await;
    arrives_once(lost, 120).await;
}

/// The time is long enough for every other run, on a machine that has much else to do.
#[tokio::test]
async fn an_answer_that_does_not_come_is_looked_up() {
    let arrived = arrives_once("git \"$@\" >/dev/null 2>&1; exec sleep 600", 20);
    tokio::join!(arrived, arrives_once("exec sleep 600", 20));
}

#[tokio::test]
async fn a_lost_answer_is_looked_up_though_others_went_on() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let before = server.count();
    let other = server.path("other");
    let script = format!(
        "git \"$@\" >/dev/null 2>&1; (unset $(git rev-parse --local-env-vars); cd '{}' && git fetch --quiet origin main && \
         git reset --quiet --hard FETCH_HEAD && echo 'tag: v9' > shop.yaml && git commit --quiet -am theirs && \
         git push --quiet origin HEAD:main); echo 'fatal: the remote end hung up unexpectedly' >&2; exit 128",
        other.display()
    );
    set(&yaml(first_push(&server, &script)).build().unwrap(), &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(server.count(), before + 2, "ours once, and theirs");
    assert_eq!(server.file("main", "shop.yaml"), "tag: v9", "what they wrote on top of ours stands");
}

#[tokio::test]
async fn what_cannot_be_looked_up_is_unknown() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let away = format!(
        "git \"$@\" >/dev/null 2>&1; mv '{}' '{}'; echo 'fatal: the remote end hung up unexpectedly' >&2; exit 128",
        server.bare().display(),
        server.path("away").display()
    );
    let error =
        set(&yaml(first_push(&server, &away)).build().unwrap(), &[put("shop#tag", "v2")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{error}");
    fs::rename(server.path("away"), server.bare()).unwrap();
    assert_eq!(value(&server.store(), "shop#tag").await.as_deref(), Some("v2"));
}
