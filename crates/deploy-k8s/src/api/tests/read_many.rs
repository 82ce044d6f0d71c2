use std::collections::{BTreeMap, HashSet};
use std::pin::Pin;

use deploy_core::error::ErrorKind;

use super::{Page, Server, objects, place};
use crate::api::Read;
use crate::api::list::Seen;
use crate::api::read_many::asking_is_cheaper;

const REFUSED: Page = Page::Refused(403, r#"{"kind": "Status", "code": 403, "message": "may not list"}"#);

/// What `read_many` says of `names`: how many are there, missing, unreadable.
async fn read(server: &Server, names: &[String]) -> (usize, usize, usize) {
    let wanted: HashSet<&str> = names.iter().map(String::as_str).collect();
    // A target's steps are sent between threads.
    let read: Pin<Box<dyn Future<Output = _> + Send + '_>> = Box::pin(async {
        let cluster = server.cluster();
        cluster.read_many(&place(), &wanted).await
    });
    let read = read.await.unwrap();
    assert_eq!(read.len(), wanted.len());
    let mut count = BTreeMap::new();
    for (wanted, read) in &read {
        let what = match read {
            Read::There(text) => {
                let object = text.object(&place()).unwrap();
                assert_eq!(
                    (object.name(), object.kind(), object.api_version()),
                    (&**wanted, "ConfigMap", "v1")
                );
                "there"
            }
            Read::Missing => "missing",
            Read::Unreadable(error) => {
                assert_eq!(error.kind(), ErrorKind::Forbidden);
                "unreadable"
            }
        };
        *count.entry(what).or_insert(0) += 1;
    }
    let count = |what| count.get(what).copied().unwrap_or(0);
    (count("there"), count("missing"), count("unreadable"))
}

fn names(prefix: &str, count: usize) -> Vec<String> {
    objects(prefix, count, 0).map(|(name, _)| name).collect()
}

#[tokio::test]
async fn few_names_are_asked_for_one_by_one() {
    let server = Server::of(objects("a", 6, 0)).with(|state| {
        state.unreadable.insert("a-0001".to_owned());
    });
    assert_eq!(read(&server, &names("a", 8)).await, (5, 2, 1));
    assert_eq!((server.lists().len(), server.gets()), (0, 8));
    assert_eq!(read(&server, &[]).await, (0, 0, 0));
}

#[tokio::test]
async fn many_names_are_picked_out_of_a_list() {
    let check = async |there: usize, wanted: usize, requests: usize| {
        let server = Server::of(objects("kube-root-ca.crt", 1, 2000).chain(objects("a", there, 400)));
        let found = there.min(wanted);
        assert_eq!(read(&server, &names("a", wanted)).await, (found, wanted - found, 0));
        assert_eq!((server.lists().len(), server.gets()), (requests, 0), "{wanted} of {there}");
    };
    check(1000, 1000, 4).await;
    check(9, 9, 1).await;
    check(0, 1000, 1).await;
    check(700, 1000, 3).await;
    // Stops when it has them all.
    check(1000, 40, 1).await;
}

#[tokio::test]
async fn without_the_right_to_list_each_is_asked_for() {
    let unreadable = |server: Server| {
        server.with(|state| {
            state.unreadable.insert("a-0007".to_owned());
        })
    };
    let server = unreadable(Server::of(objects("a", 90, 0)).pages([REFUSED]));
    assert_eq!(read(&server, &names("a", 100)).await, (89, 10, 1));
    assert_eq!((server.lists().len(), server.gets()), (1, 100));

    let server = Server::of(objects("a", 9, 0)).pages([Page::Refused(405, "")]);
    assert_eq!(read(&server, &names("a", 9)).await, (9, 0, 0));

    // Taken away meanwhile: what came before it still counts.
    let server = unreadable(Server::of(objects("a", 90, 0)).pages([Page::Answered, REFUSED]));
    assert_eq!(read(&server, &names("a", 90)).await, (90, 0, 0));
    assert_eq!((server.lists().len(), server.gets()), (2, 40));
}

#[tokio::test]
async fn a_kind_that_is_not_served_has_no_objects() {
    let server = Server::of([]).pages([Page::Refused(404, "404 page not found")]);
    assert_eq!(read(&server, &names("a", 20)).await, (0, 20, 0));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn what_others_keep_there_is_not_read_at_any_price() {
    // In front of ours: the list is broken off, and ours are asked for.
    let server = Server::of(objects("a", 60, 200 << 10).chain(objects("b", 15, 100)));
    assert_eq!(read(&server, &names("b", 20)).await, (15, 5, 0));
    assert_eq!((server.lists().len(), server.gets()), (1, 20));
    assert!(server.read() < 1 << 20, "{} bytes", server.read());

    // Behind them: it is broken off, too, and nothing is missing.
    let server = Server::of(objects("a", 20, 100).chain(objects("b", 60, 200 << 10)));
    assert_eq!(read(&server, &names("a", 20)).await, (20, 0, 0));
    assert_eq!((server.lists().len(), server.gets()), (1, 0));
    assert!(server.read() < 1 << 20, "{} bytes", server.read());

    // One among very many of ours is not worth the trouble.
    let among = objects("a", 100, 400).chain(objects("b", 1, 10 << 20)).chain(objects("c", 900, 400));
    let wanted = [names("a", 100), names("c", 900)].concat();
    let server = Server::of(among);
    assert_eq!(read(&server, &wanted).await, (1000, 0, 0));
    assert!(server.requests().len() <= 6, "{:?}", server.requests());
}

#[tokio::test]
async fn a_long_list_of_others_is_left_for_asking() {
    let crowd = || Server::of(objects("a", 3000, 1000).chain(objects("b", 20, 1000)));
    let server = crowd();
    assert_eq!(read(&server, &names("b", 20)).await, (20, 0, 0));
    assert_eq!((server.lists().len(), server.gets()), (1, 20));

    // Where the server does not say how much is left it takes longer to notice.
    let server = crowd().with(|state| state.counts_remaining = false);
    assert_eq!(read(&server, &names("b", 20)).await, (20, 0, 0));
    assert_eq!((server.lists().len(), server.gets()), (3, 20));
    assert!(server.read() < 1_000_000, "{} bytes", server.read());

    // For as many as this the crowd is worth it.
    let server = crowd();
    assert_eq!(read(&server, &names("b", 300)).await, (20, 280, 0));
    assert_eq!((server.lists().len(), server.gets()), (8, 0));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_breaks_off_changes_nothing() {
    let server =
        Server::of(objects("a", 100, 1000)).pages([Page::Broken(30_000), Page::Answered, Page::Broken(7)]);
    assert_eq!(read(&server, &names("a", 100)).await, (100, 0, 0));
    assert_eq!((server.lists().len(), server.gets()), (4, 0));
}

#[tokio::test]
async fn a_list_whose_history_is_gone_still_brings_all() {
    let server = Server::of(objects("a", 100, 1000)).pages([Page::Answered, Page::Refused(410, "")]);
    assert_eq!(read(&server, &names("a", 110)).await, (100, 10, 0));
    assert!(server.requests().len() <= 15, "{:?}", server.requests());
}

#[tokio::test]
async fn a_broken_server_is_an_error() {
    for body in ["<html>", r#"{"items": [{"metadata": {"name": 7}}]}"#, r#"{"items": ["hunter2"]}"#] {
        let server = Server::of([]).pages([Page::Instead(body.to_owned())]);
        let wanted = names("a", 20);
        let wanted: HashSet<&str> = wanted.iter().map(String::as_str).collect();
        let error = server.cluster().read_many(&place(), &wanted).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
    }
}

#[test]
fn asking_or_listing() {
    const KIB: usize = 1 << 10;
    let check = |missing, items, bytes, kept_bytes, remaining, asking: bool| {
        let seen = Seen { items, bytes, kept: 0, kept_bytes };
        assert_eq!(
            asking_is_cheaper(missing, seen, remaining),
            asking,
            "{missing} missing, {kept_bytes} of {bytes} B in {items} wanted, {remaining:?} to come"
        );
    };
    // What is to come is ours, or little.
    check(950, 50, 50 * KIB, 50 * KIB, Some(950), false);
    check(950, 50, 50 * 900 * KIB, 50 * 900 * KIB, Some(950), false);
    check(1000, 50, 50 * KIB, 0, Some(5000), false);
    // What is to come is too much for what is missing.
    check(1000, 50, 50 * KIB, 0, Some(100_000), true);
    check(20, 50, 50 * 900 * KIB, 0, Some(150), true);
    check(1, 500, 500 * KIB, 499 * KIB, Some(500), true);
    check(0, 500, 500 * KIB, 500 * KIB, Some(33), true);
    check(0, 500, 500 * KIB, 500 * KIB, Some(32), false);
    // Not known: as much as came for nothing so far.
    check(20, 1, 900 * KIB, 0, None, true);
    check(1000, 1, 900 * KIB, 0, None, false);
    check(20, 50, 50 * 900 * KIB, 50 * 900 * KIB, None, false);
    // Nothing seen at all, and numbers that make no sense.
    check(20, 0, 0, 0, None, false);
    check(20, 0, 0, 0, Some(100), false);
    check(usize::MAX - 1, 1, usize::MAX, 0, Some(usize::MAX), false);
    check(0, 1, usize::MAX, 0, Some(usize::MAX), true);
}
