use super::{noon, policy};
use crate::error::ErrorKind;
use crate::memory::MemoryAncestry;
use crate::tag::{Context, History, Hold, Verdict, select};

const MAIN: &str = "scheme=branch.timestamp.sha branch=main";

/// The choice, or "none", and the rule of each tag.
fn choose(text: &str, tags: &[&str], context: &Context) -> (String, String) {
    let policy = policy(text);
    let selection = select(&policy, tags, context).unwrap_or_else(|error| panic!("{error}"));
    let choice = selection.choice().map_or("none", |tag| tag).to_owned();
    let rules: Vec<&str> = selection.verdicts().iter().map(|verdict| verdict.rule()).collect();
    assert_eq!(selection.chosen().is_ok(), rules.contains(&"chosen"));
    (choice, rules.join(" "))
}

fn check(text: &str, tags: &[&str], context: &Context, choice: &str, rules: &str) {
    assert_eq!(choose(text, tags, context), (choice.to_owned(), rules.to_owned()), "{text}");
    // Registries list in any order; the same is chosen.
    let mut turned = tags.to_vec();
    turned.reverse();
    assert_eq!(choose(text, &turned, context).0, choice, "{text}, from behind");
}

#[test]
fn the_newest_that_fits_wins() {
    let main = [
        "main.20261120-120000.aaaaaaa",
        "main.20261121-080000.bbbbbbb",
        "dev.20261121-090000.ccccccc",
        "latest",
    ];
    check(MAIN, &main, &noon(), main[1], "older chosen condition scheme");
    check("scheme=branch.timestamp.sha", &main, &noon(), main[2], "older older chosen scheme");
    check(
        "scheme=branch.timestamp.sha branch=main,dev",
        &main,
        &noon(),
        main[2],
        "older older chosen scheme",
    );
    check(
        "scheme=branch.timestamp.sha branch!=dev",
        &main,
        &noon(),
        main[1],
        "older chosen condition scheme",
    );
    check(
        "scheme=branch.timestamp.sha branch~m.* sha!=bbbbbbb0",
        &main,
        &noon(),
        main[0],
        "chosen condition condition scheme",
    );
    check("scheme=branch.timestamp.sha tag!~.*08.*", &main[..2], &noon(), main[0], "chosen condition");
    // By value, beyond what a float or 64 bits hold.
    let runs = [
        "9-20261101-000000",
        "10-20261101-000000",
        "36893488147419103232-20261101-000000",
        "36893488147419103233-20261101-000000",
    ];
    check("scheme=run-timestamp order=run", &runs, &noon(), runs[3], "older older older chosen");
    check("scheme={x} order=x", &["9", "10"], &noon(), "9", "chosen older");
    check(
        "scheme=sha order=lexical",
        &["aaaaaaa", "bbbbbbb", "v1"],
        &noon(),
        "bbbbbbb",
        "older chosen scheme",
    );
}

#[test]
fn a_branch_may_be_given_as_git_calls_it() {
    let long = format!("deep/{}", "x".repeat(90));
    let cut = format!("{}.20261101-000000.aaaaaaa", crate::tag::tag_safe(&long));
    let uncut = format!("{}.20261102-000000.aaaaaaa", long.replace('/', "-"));
    let tags = ["feature-a.b.20261101-000000.aaaaaaa", "feature-a.20261101-000000.aaaaaaa", &cut, &uncut];
    check(
        "scheme=branch.timestamp.sha branch=feature/a.b",
        &tags,
        &noon(),
        tags[0],
        "chosen condition condition condition",
    );
    check(
        &format!("scheme=branch.timestamp.sha branch={long}"),
        &tags,
        &noon(),
        &uncut,
        "condition condition older chosen",
    );
}

#[test]
fn versions_are_ordered_and_held_against_the_range() {
    let tags = ["v1.9.0", "v1.10.0", "2.0.0-rc.1", "2.0.0-rc.11", "2.0.0-rc.2", "1.2", "latest"];
    check(
        "scheme=semver",
        &tags,
        &noon(),
        "v1.10.0",
        "older chosen prerelease prerelease prerelease scheme scheme",
    );
    check(
        "scheme=semver range=<1.10",
        &tags,
        &noon(),
        "v1.9.0",
        "chosen range range range range scheme scheme",
    );
    check(
        "scheme=semver range=>=1-0",
        &tags,
        &noon(),
        "2.0.0-rc.11",
        "older older older chosen older scheme scheme",
    );
    check("scheme=semver range=3.x", &tags, &noon(), "none", "range range range range range scheme scheme");
}

#[test]
fn values_are_compared_by_what_they_mean() {
    let tags = ["v1.2.3", "1.2.3_b7", "v1.2.4"];
    check("scheme=semver version!=1.2.3,1.2.5", &tags, &noon(), "v1.2.4", "condition condition chosen");
    let tags = ["007-20261101-000000", "8-20261101-000000"];
    check("scheme=run-timestamp run=7", &tags, &noon(), tags[0], "chosen condition");
    let text = "scheme=run-timestamp timestamp=20261101-000000 run!=8";
    check(text, &tags, &noon(), tags[0], "chosen condition");
}

#[test]
fn ties_are_decided_by_the_text() {
    let tags =
        ["main.20261121-080000.aaaaaaa", "main.20261121-080000.ccccccc", "main.20261121-080000.bbbbbbb"];
    check(MAIN, &tags, &noon(), tags[1], "tied chosen tied");
    check(
        "scheme=semver",
        &["1.2.3", "v1.2.3", "1.2.3_b7", "1.2.2"],
        &noon(),
        "v1.2.3",
        "tied chosen tied older",
    );
    check(
        "scheme=run-timestamp order=run",
        &["7-20261101-000000", "007-20261102-000000"],
        &noon(),
        "7-20261101-000000",
        "chosen tied",
    );
    check("scheme=semver", &["1.2.3", "1.2.3"], &noon(), "1.2.3", "chosen tied");
}

#[test]
fn nothing_older_than_what_runs() {
    let tags = ["main.20261120-120000.aaaaaaa", "main.20261121-080000.bbbbbbb"];
    let running = |tag: &str| noon().running(tag);
    check(MAIN, &tags, &running(tags[0]), tags[1], "older chosen");
    check(MAIN, &tags, &running(tags[1]), tags[1], "downgrade chosen");
    // What runs is of another branch, is not listed any more, and is newer than all: a listing that lacks the newest deploys nothing older.
    let gone = running("hotfix.20261121-100000.ccccccc");
    check(MAIN, &tags, &gone, "none", "downgrade downgrade");
    check("scheme=branch.timestamp.sha downgrade=allow", &tags, &gone, tags[1], "older chosen");
    let policy = policy(MAIN);
    let error = select(&policy, &tags, &running("v1")).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert_eq!(
        error.to_string(),
        "select: what runs, \"v1\", cannot be compared: {sha} must be 7 to 40 (or 64) digits of 0-9 and a-f \
         (downgrade=allow takes a tag whatever runs)"
    );
}

#[test]
fn the_future_is_out_by_a_rule() {
    let tags =
        ["main.20261121-120459.aaaaaaa", "main.20261121-120501.bbbbbbb", "main.99991201-235959.ccccccc"];
    check(MAIN, &tags, &noon(), tags[0], "chosen future future");
    check(&format!("{MAIN} skew=10m"), &tags, &noon(), tags[1], "older chosen future");
    check(&format!("{MAIN} skew=0s"), &tags, &noon(), "none", "future future future");
    let edge = ["main.20261121-120500.aaaaaaa"];
    check(MAIN, &edge, &noon(), edge[0], "chosen");
    // Whatever orders: a time that cannot be is a clock that was wrong.
    check("scheme=branch.timestamp.sha order=lexical", &tags, &noon(), tags[0], "chosen future future");
    check("scheme={timestamp:%s}", &["1795262400", "1795262400000"], &noon(), "1795262400", "chosen scheme");
    let policy = policy(MAIN);
    let context = noon();
    let selection = select(&policy, &tags, &context).unwrap();
    assert_eq!(
        selection.why(1),
        "2026-11-21T12:05:01Z is 301 s after now, 2026-11-21T12:00:00Z; 300 s are allowed"
    );
}

#[test]
fn holds_are_honoured() {
    let tags = [
        "main.20261120-120000.aaaaaaa",
        "main.20261121-080000.bbbbbbb",
        "main.20261121-090000.bbbbbbb0",
        "main.20261121-100000.ccccccc",
    ];
    let image = || "shop/api".parse().unwrap();
    let past = |tag: &str| Hold::not_past(image(), "production", tag.parse().unwrap()).by("ann");
    let this = |tag: &str| Hold::not_this(image(), "production", tag.parse().unwrap()).by("run 7");
    check(MAIN, &tags, &noon().holds([past(tags[0])]), tags[0], "chosen held held held");
    check(MAIN, &tags, &noon().holds([this(tags[3])]), tags[2], "older older chosen held");
    // A rebuild of the same commit is the same, also where its tag abbreviates it less.
    check(MAIN, &tags[..3], &noon().holds([this(tags[1])]), tags[0], "chosen held held");
    check(MAIN, &tags, &noon().holds([past(tags[2]), this(tags[1])]), tags[0], "chosen held held held");
    // Past the hold there is something that runs already: nothing is chosen, until it is lifted.
    check(MAIN, &tags, &noon().running(tags[1]).holds([past(tags[0])]), "none", "downgrade held held held");
    let (policy, context) = (policy(MAIN), noon().holds([past("v1")]));
    let error = select(&policy, &tags, &context).unwrap_err();
    assert!(error.to_string().contains("the hold of ann cannot be compared"), "{error}");
    let many = noon().holds(std::iter::repeat_n(this("v1"), 256));
    assert!(select(&policy, &tags, &many).is_err(), "more than are counted");
}

#[test]
fn commits_decide_where_a_history_is_supplied() {
    let tags = ["sha-1111111", "sha-2222222", "sha-3333333"];
    let text = "scheme=sha-short order=ancestry";
    let line = |commits: &[&str]| noon().history(History::line(commits.iter().copied()));
    let whole = ["11111110000", "33333330000", "22222220000"];
    check(text, &tags, &line(&whole), "sha-2222222", "older chosen older");
    check(text, &tags, &line(&whole).running("sha-3333333"), "sha-2222222", "downgrade chosen older");
    let policy = policy(text);
    let refused = |context: &Context, what: &str| {
        let error = select(&policy, &tags, context).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(&noon(), "order=ancestry needs the history");
    // The newest commit is not known: the one before is not taken instead.
    refused(&line(&whole[..2]), "nothing is known of the commit 2222222 of the tag \"sha-2222222\"");
    refused(
        &line(&["11111110000", "22222220000", "33333330000", "33333331111"]),
        "nothing is known of the commit 3333333",
    );
    refused(&line(&whole).running("sha-4444444"), "what runs, \"sha-4444444\", cannot be compared");
}

#[tokio::test]
async fn an_ancestry_is_asked_once_for_what_is_needed() {
    let git = MemoryAncestry::line(["1111111a", "2222222a", "3333333a"])
        .commit("4444444a", ["1111111a"])
        .commit("5555555a", ["2222222a", "4444444a"]);
    let policy = policy("scheme=branch-sha branch=main order=ancestry");
    let tags = ["main-1111111", "main-2222222", "main-4444444", "main-5555555", "dev-9999999", "latest"];
    let ask = async |context: Context, head: &str| context.ask(&git, head, &policy, &tags).await;
    let context = ask(noon(), "5555555a").await.unwrap();
    let selection = select(&policy, &tags, &context).unwrap();
    assert_eq!(selection.chosen().unwrap(), &"main-5555555");
    assert_eq!(selection.verdicts()[2], Verdict::Elsewhere, "it came in by a merge");
    assert_eq!(selection.why(2), "its commit 4444444 is not on the line to 5555555a");
    // Whoever has not fetched the newest commit does not fall back to the one before.
    let error = ask(noon().running("main-7777777"), "5555555a").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let context = ask(noon().running("main-4444444"), "3333333a").await.unwrap();
    let error = select(&policy, &tags, &context).unwrap_err();
    assert!(error.to_string().contains("its commit 4444444 is not on the line to 3333333a"), "{error}");
}
