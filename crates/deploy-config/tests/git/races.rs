//! Several stores at once, each with a clone of its own.

use deploy_core::config::{Edit, Expect};
use deploy_core::error::ErrorKind;

use crate::support::{Server, put, set, value, yaml};

const WRITERS: usize = 8;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn all_writers_arrive_once() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let before = server.count();
    let writers = (0..WRITERS).map(|number| {
        let store = server.store();
        tokio::spawn(async move {
            set(&store, &[put(&format!("shop#key{number}"), "v2")]).await.unwrap();
            store.last_commit().unwrap()
        })
    });
    let mut commits = Vec::new();
    for writer in writers.collect::<Vec<_>>() {
        commits.push(writer.await.unwrap().commit);
    }
    let log = server.log("main", "%H");
    assert_eq!(log.len(), before + WRITERS);
    assert!(commits.iter().all(|commit| log.contains(commit)), "{commits:?}");
    assert_eq!(server.file("main", "shop.yaml").lines().count(), 1 + WRITERS);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_that_expect_the_same_wins() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    let before = server.count();
    let writers = (0..4).map(|number| {
        let store = server.store();
        let edit = Edit::put("shop#tag", format!("by {number}")).expecting(Expect::Value("v1".into()));
        tokio::spawn(async move { set(&store, &[edit]).await })
    });
    let mut won = 0;
    for writer in writers.collect::<Vec<_>>() {
        match writer.await.unwrap() {
            Ok(()) => won += 1,
            Err(error) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
        }
    }
    assert_eq!((won, server.count()), (1, before + 1));
}

#[tokio::test]
async fn who_is_always_late_gives_up() {
    let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
    // Whatever is pushed, somebody else was there before.
    let git = "GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a git";
    let late = format!(
        "if [ \"$1\" = push ]; then (unset $(git rev-parse --local-env-vars); cd '{}' && \
         {git} update-ref refs/heads/main $({git} commit-tree -p main -m other 'main^{{tree}}')); fi\nexec git \"$@\"",
        server.bare().display()
    );
    crate::support::executable(&server.path("late"), &late);
    let store = yaml(server.repository().program(server.path("late"))).retries(3).build().unwrap();
    let error = set(&store, &[put("shop#tag", "v2")]).await.unwrap_err();
    assert_eq!(
        (error.kind(), error.retry()),
        (ErrorKind::Conflict, deploy_core::error::Retry::Exhausted),
        "{error}"
    );
    assert_eq!(server.count(), 2 + 4, "four tries, four others");
    assert_eq!(value(&server.store(), "shop#tag").await.as_deref(), Some("v1"));
}
