use serde_json::{Value, json};

use super::{noon, policy};
use crate::error::ErrorKind;
use crate::tag::{Verdict, select};

const MAIN: &str = "scheme=branch.timestamp.sha branch=main";

#[test]
fn says_what_fell_out_and_what_came_nearest() {
    let policy = policy("scheme=branch.timestamp.sha branch=main sha!=aaaaaaa");
    let tags = [
        "main.20261119-080000.aaaaaaa",
        "main.20261120-080000.aaaaaaa",
        "dev.20261121-090000.ccccccc",
        "dev.20261121-100000.ccccccc",
        "latest",
        "main.20261122-090000.ccccccc",
    ];
    let context = noon();
    let selection = select(&policy, &tags, &context).unwrap();
    let error = selection.chosen().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(
        error.to_string(),
        "select: none of 6 tags fits: 1 in the future, 2 not sha!=aaaaaaa, 2 not branch=main, \
         1 not of the scheme branch.timestamp.sha; the nearest: \
         main.20261122-090000.ccccccc (2026-11-22T09:00:00Z is 75600 s after now, 2026-11-21T12:00:00Z; 300 s are allowed), \
         main.20261120-080000.aaaaaaa (sha is \"aaaaaaa\": not sha!=aaaaaaa), \
         main.20261119-080000.aaaaaaa (sha is \"aaaaaaa\": not sha!=aaaaaaa)"
    );
    let none: [&str; 0] = [];
    assert_eq!(
        select(&policy, &none, &context).unwrap().chosen().unwrap_err().to_string(),
        "select: there are no tags"
    );
}

#[test]
fn the_nearest_of_many_are_the_same_as_all_sorted() {
    let policy = policy(MAIN);
    let tags: Vec<String> = (0..1000)
        .map(|n: u32| match n % 3 {
            0 => format!("latest-{n}"),
            1 => format!("dev.2026{:02}{:02}-000000.aaaaaaa", 1 + n % 12, 1 + n * 7 % 28),
            _ => format!("main.2025{:02}{:02}-000000.aaaaaaa", 1 + n % 12, 1 + n * 7 % 28),
        })
        .collect();
    let context = noon();
    let selection = select(&policy, &tags, &context).unwrap();
    let all = selection.nearest(1000);
    assert_eq!(all.len(), 1000);
    assert_eq!(tags.get(all[0]), selection.choice());
    for count in [0, 1, 3, 40, 333, 999] {
        assert_eq!(selection.nearest(count), all[..count], "{count}");
    }
}

#[test]
fn a_verdict_is_small() {
    assert_eq!(size_of::<Verdict>(), 2, "a selection among a million tags keeps one of each");
}

#[test]
fn renders_as_a_table() {
    let policy = policy("scheme=semver range=\">=1.2 <2\"");
    let tags = ["v1.2.0", "v1.10.0", "v2.0.0", "latest", "1.10.0", "v1.9.0-rc.1", "a\u{1b}[31m"];
    let context = noon().running("v1.2.0");
    let selection = select(&policy, &tags, &context).unwrap();
    assert_eq!(
        selection.table(6).to_string(),
        "TAG               RULE        WHY\n\
         v1.10.0      in   chosen      the newest of 3 that are in: version v1.10.0, which 1 more has: the greater text is taken\n\
         1.10.0       in   tied        version 1.10.0 as well; of equal ones the greatest text is taken\n\
         v1.2.0       in   older       version v1.2.0 is older than the choice's\n\
         v1.9.0-rc.1  out  prerelease  a prerelease, and \">=1.2 <2\" names none\n\
         v2.0.0       out  range       not in \">=1.2 <2\"\n\
         latest       out  scheme      not of the scheme semver: {version} must be a version as v1.2.3 or 1.2.3-rc.1\n\
         and 1 more\n"
    );
    let all = selection.table(usize::MAX).to_string();
    assert!(all.contains("a\u{fffd}[31m") && !all.contains('\u{1b}') && !all.contains("more\n"), "{all}");
    assert_eq!(
        selection.to_string(),
        "v1.10.0: the newest of 3 that are in: version v1.10.0, which 1 more has: the greater text is taken"
    );
}

#[test]
fn serializes_with_a_reason_for_each_tag() {
    let policy = policy(MAIN);
    let tags = ["main.20261121-080000.aaaaaaa", "latest"];
    let context = noon().running(tags[0]);
    let selection = select(&policy, &tags, &context).unwrap();
    let expected: Value = json!({
        "policy": "scheme=branch.timestamp.sha branch=main order=timestamp",
        "now": "2026-11-21T12:00:00Z",
        "running": "main.20261121-080000.aaaaaaa",
        "choice": "main.20261121-080000.aaaaaaa",
        "why": "main.20261121-080000.aaaaaaa: the only one that is in: timestamp 2026-11-21T08:00:00Z; it runs already",
        "counts": [
            {"rule": "chosen", "what": "chosen", "count": 1},
            {"rule": "scheme", "what": "not of the scheme branch.timestamp.sha", "count": 1},
        ],
        "tags": [
            {"tag": tags[0], "in": true, "rule": "chosen", "why": "the only one that is in: timestamp 2026-11-21T08:00:00Z; it runs already"},
            {"tag": "latest", "in": false, "rule": "scheme", "why": "not of the scheme branch.timestamp.sha: {sha} must be 7 to 40 (or 64) digits of 0-9 and a-f"},
        ],
    });
    assert_eq!(serde_json::to_value(&selection).unwrap(), expected);
}
