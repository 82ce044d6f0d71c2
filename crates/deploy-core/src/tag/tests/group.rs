use super::{noon, policy};
use crate::error::ErrorKind;
use crate::tag::{Context, Hold, Member, TagPolicy, select_group};

const MAIN: &str = "scheme=branch.timestamp.sha branch=main";
const NAMES: [&str; 5] = ["api", "web", "worker", "cron", "docs"];

/// What is chosen for images with these tags, or the error.
fn choose(policy: &TagPolicy, context: &Context, images: &[&[&str]]) -> Result<Vec<String>, String> {
    let members: Vec<_> =
        NAMES.iter().zip(images).map(|(name, tags)| Member::new(name, policy, tags, context)).collect();
    let group = select_group(&members).map_err(|error| error.to_string())?;
    let chosen = group.chosen().map_err(|error| {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(group.images.iter().all(|(_, selection)| selection.choice().is_none()), "all or none");
        error.to_string()
    })?;
    assert_eq!(chosen.len(), images.len());
    Ok(chosen.into_iter().map(|(_, tag)| (*tag).to_owned()).collect())
}

fn check(text: &str, images: &[&[&str]], expected: &[&str]) {
    assert_eq!(choose(&policy(text), &noon(), images).unwrap(), expected);
    let mut turned = images.to_vec();
    turned.reverse();
    let mut expected = expected.to_vec();
    expected.reverse();
    assert_eq!(choose(&policy(text), &noon(), &turned).unwrap(), expected, "in another order");
}

#[test]
fn five_images_at_the_newest_commit_that_all_have() {
    let [a, b] = ["main.20261121-0800{n}0.aaaaaaa", "main.20261121-0900{n}0.bbbbbbb"];
    let all: Vec<[String; 2]> =
        (0..5).map(|n| [a, b].map(|tag| tag.replace("{n}", &n.to_string()))).collect();
    let tags: Vec<Vec<&str>> = all.iter().map(|tags| tags.iter().map(String::as_str).collect()).collect();
    let images: Vec<&[&str]> = tags.iter().map(Vec::as_slice).collect();
    let newest: Vec<&str> = tags.iter().map(|tags| tags[1]).collect();
    check(MAIN, &images, &newest);
    // One build of the newest commit is missing: all go to the one before.
    let mut late = images.clone();
    late[3] = &images[3][..1];
    let before: Vec<&str> = tags.iter().map(|tags| tags[0]).collect();
    check(MAIN, &late, &before);
}

#[test]
fn commits_may_be_abbreviated_differently() {
    check(
        MAIN,
        &[&["main.20261121-080000.aaaaaaa"], &["main.20261121-080100.aaaaaaa0123"]],
        &["main.20261121-080000.aaaaaaa", "main.20261121-080100.aaaaaaa0123"],
    );
    // `aaaaaaa` could be either of two: it is not guessed.
    let two: [&[&str]; 2] = [
        &["main.20261121-080000.aaaaaaa"],
        &["main.20261121-080100.aaaaaaa0", "main.20261121-080100.aaaaaaa1"],
    ];
    let error = choose(&policy(MAIN), &noon(), &two).unwrap_err();
    assert!(error.contains("aaaaaaa1 could be two commits"), "{error}");
}

#[test]
fn of_a_commit_built_twice_the_newest_is_taken() {
    let web =
        ["main.20261121-080100.aaaaaaa", "main.20261121-100000.aaaaaaa", "main.20261121-080200.aaaaaaa"];
    check(MAIN, &[&["main.20261121-080000.aaaaaaa"], &web], &["main.20261121-080000.aaaaaaa", web[1]]);
}

/// How new a commit is says its newest tag, and what a rebuild made newer is newer.
#[test]
fn the_newest_tag_of_a_commit_counts() {
    let api = ["main.20261121-090000.aaaaaaa", "main.20261121-085900.bbbbbbb"];
    let web = ["main.20261121-080000.aaaaaaa", "main.20261121-093000.bbbbbbb"];
    check(MAIN, &[&api, &web], &[api[1], web[1]]);
}

#[test]
fn without_commits_versions_tie_images_together() {
    check("scheme=semver", &[&["v1.2.0", "v1.3.0"], &["1.2.0", "1.1.0"]], &["v1.2.0", "1.2.0"]);
    // A version that begins as another is another.
    let images: [&[&str]; 2] = [&["1.2.0-rc"], &["1.2.0-rc.1"]];
    let error = choose(&policy("scheme=semver range=>=1-0"), &noon(), &images).unwrap_err();
    assert!(error.contains("1.2.0-rc.1 lacks api; 1.2.0-rc lacks web"), "{error}");
}

#[test]
fn names_what_is_missing() {
    let policy = policy(MAIN);
    let context = noon();
    let api = ["main.20261121-080000.aaaaaaa", "main.20261121-090000.bbbbbbb"];
    let web = ["main.20261121-080000.ccccccc", "dev.20261121-090000.bbbbbbb"];
    let members = [Member::new("api", &policy, &api, &context), Member::new("web", &policy, &web, &context)];
    let group = select_group(&members).unwrap();
    assert_eq!(
        group.chosen().unwrap_err().to_string(),
        "select: no commit is there for all of 2 images: bbbbbbb lacks web; ccccccc lacks api; aaaaaaa lacks web"
    );
    let (_, of_api) = &group.images[0];
    assert_eq!(of_api.why(1), "its commit is missing in web");
    assert_eq!(of_api.why(0), "its commit is missing in web");
    let (_, of_web) = &group.images[1];
    assert_eq!(of_web.why(1), "branch is \"dev\": not branch=main");
    let json = serde_json::to_value(&group).unwrap();
    assert_eq!(json["incomplete"][0]["missing"][0], "web");
    assert_eq!(json["images"][0][1]["tags"][1]["rule"], "incomplete");
    let error = choose(&policy, &context, &[&api, &["latest"]]).unwrap_err();
    assert!(error.contains("web: none of 1 tags fits: 1 not of the scheme branch.timestamp.sha"), "{error}");
}

#[test]
fn each_tag_has_its_reason() {
    let policy = policy(MAIN);
    let context = noon();
    let api = [
        "main.20261121-070000.0000000",
        "main.20261121-080000.aaaaaaa",
        "main.20261121-080000.aaaaaaa0",
        "main.20261121-090000.bbbbbbb",
    ];
    let web = ["main.20261121-070100.0000000", "main.20261121-080100.aaaaaaa"];
    let members = [Member::new("api", &policy, &api, &context), Member::new("web", &policy, &web, &context)];
    let group = select_group(&members).unwrap();
    let rules: Vec<&str> = group.images[0].1.verdicts().iter().map(|verdict| verdict.rule()).collect();
    assert_eq!(rules, ["older", "tied", "chosen", "incomplete"]);
    let why = |index: usize| group.images[0].1.why(index);
    assert_eq!(why(0), "older than the group's choice");
    assert_eq!(why(1), "timestamp 2026-11-21T08:00:00Z as well; of equal ones the greatest text is taken");
    assert_eq!(
        why(2),
        "of the newest commit that every image has: timestamp 2026-11-21T08:00:00Z, which 1 more has: the greater text is taken"
    );
    assert_eq!(why(3), "its commit is missing in web");
    assert_eq!(group.commit.as_deref(), Some("aaaaaaa0"));
    assert_eq!(
        group.to_string(),
        "aaaaaaa0: api:main.20261121-080000.aaaaaaa0 web:main.20261121-080100.aaaaaaa"
    );
}

#[test]
fn one_image_that_may_not_keeps_all_back() {
    let policy = policy(MAIN);
    let tags = ["main.20261121-080000.aaaaaaa", "main.20261121-090000.bbbbbbb"];
    let free = noon();
    let held =
        noon().holds([Hold::not_past("shop/web".parse().unwrap(), "production", tags[0].parse().unwrap())]);
    let newer = noon().running("main.20261121-083000.ddddddd");
    let choose = |web: &Context| {
        let members = [Member::new("api", &policy, &tags, &free), Member::new("web", &policy, &tags, web)];
        let group = select_group(&members).unwrap();
        group.chosen().map(|chosen| chosen[0].1.to_owned()).map_err(|error| error.to_string())
    };
    assert_eq!(choose(&free).unwrap(), tags[1]);
    assert_eq!(choose(&held).unwrap(), tags[0]);
    assert_eq!(choose(&newer).unwrap(), tags[1]);
    let both = newer.clone().holds(held.holds);
    assert!(choose(&both).unwrap_err().contains("bbbbbbb lacks web"));
}

#[test]
fn what_cannot_be_one_group_is_refused() {
    let (by_time, by_text) = (policy(MAIN), policy("scheme=branch.timestamp.sha order=lexical"));
    let neither = policy("scheme=run-timestamp");
    let context = noon();
    let tags: [&str; 0] = [];
    let refused = |policies: [&TagPolicy; 2], what: &str| {
        let members = [
            Member::new("api", policies[0], &tags, &context),
            Member::new("web", policies[1], &tags, &context),
        ];
        let error = select_group(&members).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    refused(
        [&by_time, &by_text],
        "image web: the policies of a group order by the same, but this one by lexical, and that of api by timestamp",
    );
    refused([&neither, &neither], "neither commit nor version");
    let none: [Member<'_, &str>; 0] = [];
    assert!(select_group(&none).unwrap().chosen().is_err(), "nothing is no group");
}
