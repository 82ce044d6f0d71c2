//! Which tags can go.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{place, time};
use crate::error::Result;
use crate::image::{Digest, Repository, Tag};
use crate::inventory::RunningImage;
use crate::manifest::ObjectId;
use crate::memory::MemoryInventory;
use crate::tag::retention::{InUse, RetentionPlan, RetentionPolicy, plan};

const NOON: &str = "2026-11-21T12:00:00Z";
const MAIN: &str = "scheme=branch.timestamp.sha";

fn repository() -> Repository {
    "registry.example/shop/api".parse().unwrap()
}

/// Tags as `TAG=IMAGE`; without the latter the tag is an image of its own.
fn tags(list: &str) -> Vec<(Tag, Digest)> {
    let read = |word: &str| {
        let (tag, image) = word.split_once('=').unwrap_or((word, word));
        (tag.parse().unwrap(), Digest::sha256(image.as_bytes()))
    };
    list.split_whitespace().map(read).collect()
}

fn runs(image: &str, digests: &[Digest]) -> RunningImage {
    let mut image = RunningImage::new(ObjectId::new("apps", "Deployment", Some("shop"), "api"), "api", image);
    image.digests = digests.iter().map(ToString::to_string).collect();
    image
}

fn planned(policy: &str, list: &str, in_use: &InUse) -> RetentionPlan {
    let policy: RetentionPolicy = policy.parse().unwrap_or_else(|error| panic!("{error}"));
    plan(&policy, &repository(), tags(list), in_use, time(NOON)).unwrap()
}

/// The rule of each tag, in the order of the tags.
fn rules(plan: &RetentionPlan) -> String {
    plan.decisions().iter().map(|decision| decision.fate.rule()).collect::<Vec<_>>().join(" ")
}

#[test]
fn rules_keep_what_they_name() {
    let check = |policy: &str, list: &str, expect: &str| {
        assert_eq!(rules(&planned(policy, list, &InUse::new())), expect, "{policy}");
    };
    let list = "dev.20261101-120000.aaaaaaa dev.20261120-120000.bbbbbbb latest \
                main.20261001-120000.ccccccc main.20261110-120000.ddddddd main.20261120-120000.eeeeeee v1.0.0";
    check(&format!("{MAIN} last=1"), list, "expired last unread expired expired last unread");
    check(&format!("{MAIN} last=2"), list, "last last unread expired last last unread");
    check(&format!("{MAIN} younger=2w"), list, "expired younger unread expired younger younger unread");
    check(&format!("{MAIN} younger=24h"), list, "expired expired unread expired expired expired unread");
    check(&format!("{MAIN} younger=25h"), list, "expired younger unread expired expired younger unread");
    check(&format!("{MAIN} last=1 younger=30d"), list, "younger last unread expired younger last unread");
    check(&format!("{MAIN} last=1 keep=all"), list, "all all unread all all all unread");
    check(
        &format!("{MAIN} last=1 scheme=semver keep=all"),
        list,
        "expired last unread expired expired last all",
    );
    check("scheme=semver last=1", "v1.0.0 v1.10.0 v1.9.0", "expired last expired");
    // By value, not by text.
    check("scheme=/(?<run>[0-9]+)/ last=1", "10 9", "last expired");
    check("scheme=/(?<n>[0-9]+)/ type=n:integer last=1", "10 9", "last expired");
    // Equal ones are told apart by their text, the same way every time.
    check(
        &format!("{MAIN} last=1"),
        "main.20261120-120000.aaaaaaa main.20261120-120000.bbbbbbb",
        "expired last",
    );
    // Every value of every text is a branch of its own.
    check("scheme={env}_{branch}.{run} last=1", "a_x.1 a_x.2 a_y.1 b_x.1", "expired last last last");
}

#[test]
fn what_cannot_be_judged_stays() {
    let check = |policy: &str, list: &str, expect: &str| {
        assert_eq!(rules(&planned(policy, list, &InUse::new())), expect, "{policy}");
    };
    // Signatures are of no scheme.
    let signature = format!("sha256-{}.sig", "a".repeat(64));
    check("scheme=/(?<x>.*)/ keep=all", &format!("{signature} x"), "unread all");
    // A time ahead of the clock is wrong, and must not push the others out.
    check(
        &format!("{MAIN} last=1"),
        "main.20261101-120000.aaaaaaa main.20261120-120000.bbbbbbb main.20991120-120000.ccccccc",
        "expired last future",
    );
    check(&format!("{MAIN} last=1"), "main.20261121-120400.aaaaaaa", "last");
    check(&format!("{MAIN} younger=1h"), "main.20261121-120600.aaaaaaa", "future");
    // An optional group that is not there.
    check(
        "scheme=/(?<branch>[a-z]+)(-(?<run>[0-9]+))?/ last=1",
        "main main-1 main-2",
        "unordered expired last",
    );
}

#[test]
fn what_is_in_use_stays() {
    let old = "main.20260101-120000.aaaaaaa";
    let list = format!("{old}=old main.20261120-120000.bbbbbbb other=old third=third");
    let check = |in_use: Result<InUse>, expect: &str| {
        let plan = planned(&format!("{MAIN} last=1"), &list, &in_use.unwrap());
        assert_eq!(plan.decisions()[0].to_string(), format!("{old} {expect}"));
    };
    let moved = Digest::sha256(b"moved");
    let runs = |image: &str, digests: &[Digest]| InUse::new().running(&[runs(image, digests)]);
    let running = "stays: it runs in Deployment shop/api";
    check(runs(&format!("registry.example/shop/api:{old}"), &[]), running);
    // Through a mirror, and where the tag was moved meanwhile.
    check(runs(&format!("127.0.0.1:5000/shop/api:{old}"), std::slice::from_ref(&moved)), running);
    check(runs(&format!("other/app@{}", Digest::sha256(b"old")), &[]), running);
    check(runs("shop/api:gone", &[moved, Digest::sha256(b"old")]), running);
    let kept = |image: &str| InUse::new().kept("shop", &[image.into()]);
    check(kept(&format!("registry.example/shop/api:{old}")), "stays: a way back in shop needs it");
    check(kept(&format!("a@{}", Digest::sha256(b"old"))), "stays: a way back in shop needs it");
    // What no scheme reads stays, and its image with it.
    check(Ok(InUse::new()), "stays: other stays, and is the same image");
    check(kept("shop/web:v1"), "stays: other stays, and is the same image");
}

#[test]
fn what_goes_goes_with_all_of_its_tags() {
    let list = "main.20260101-120000.aaaaaaa=one main.20260102-120000.aaaaaaa=one main.20260103-120000.bbbbbbb \
                main.20260104-120000.ccccccc";
    let plan = planned(&format!("{MAIN} last=1"), list, &InUse::new());
    let images: Vec<usize> = plan.images_going().values().map(Vec::len).collect();
    assert_eq!(plan.to_string(), "3 of 4 tags of registry.example/shop/api can go, with 2 images");
    assert_eq!(images.iter().sum::<usize>(), 3);
    let table = plan.table().to_string();
    assert!(
        table.contains(
            "\nmain.20260101-120000.aaaaaaa  goes   expired    number 4 of its branch, the newest first\n"
        ),
        "{table}"
    );
    let json = serde_json::to_value(&plan).unwrap();
    assert_eq!(
        (&json["going"], &json["images"], &json["tags"][3]["rule"]),
        (&3.into(), &2.into(), &"last".into())
    );
    let newest = planned(&format!("{MAIN} last=2 younger=2d"), list, &InUse::new());
    assert_eq!(
        newest.going().next().unwrap().fate.to_string(),
        "number 4 of its branch, the newest first, and 324d old"
    );
}

#[tokio::test]
async fn without_knowing_all_there_is_no_plan() {
    let policy: RetentionPolicy = "scheme=semver last=1".parse().unwrap();
    let twice = plan(&policy, &repository(), tags("v1=a v1=b"), &InUse::new(), time(NOON)).unwrap_err();
    assert!(twice.to_string().contains("the tag v1 is listed twice"), "{twice}");
    let check = |in_use: Result<InUse>, object: &str| {
        let error = in_use.unwrap_err().to_string();
        assert!(error.contains(object), "{error}");
    };
    check(InUse::new().running(&[runs("NOT AN IMAGE", &[])]), "read what runs Deployment shop/api: ");
    let mut odd = runs("shop/api:v1", &[]);
    odd.digests = vec!["sha256:1".into()];
    check(InUse::new().running(&[odd]), "read what runs Deployment shop/api: ");
    check(InUse::new().kept("shop", &["A:B:C".into()]), "read what a way back needs namespace shop: ");
    let inventory = MemoryInventory::new([runs("shop/api:1.0.1", &[])]).keeping("shop", "shop/api:1.0.0");
    let in_use = InUse::read(&inventory, &["shop".into()]).await.unwrap();
    assert_eq!(
        rules(&planned("scheme=semver last=1", "1.0.0 1.0.1 1.0.2 1.0.3", &in_use)),
        "needed runs expired last"
    );
}

#[test]
fn policies_read_back_and_mistakes_are_pointed_at() {
    let check = |text: &str, shown: &str| {
        let policy: RetentionPolicy = text.parse().unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(policy.to_string(), shown);
        assert_eq!(shown.parse::<RetentionPolicy>().unwrap(), policy);
    };
    check(" scheme=semver   keep=all ", "scheme=semver keep=all");
    check("scheme=branch.timestamp.sha younger=2w last=3", "scheme=branch.timestamp.sha last=3 younger=14d");
    check(
        "scheme='/(?<a>[a-z]+) (?<b>[0-9]+)/' type=b:integer last=1 scheme=sha keep=all",
        "scheme=\"/(?<a>[a-z]+) (?<b>[0-9]+)/\" type=b:integer last=1 scheme=sha keep=all",
    );
    check("scheme=run-timestamp younger=36h", "scheme=run-timestamp younger=36h");
    let fails = |text: &str, at: usize, what: &str| {
        let error = text.parse::<RetentionPolicy>().unwrap_err();
        assert!(place(&error).ends_with(&format!("| {}^", " ".repeat(at))), "{text}: {}", place(&error));
        assert!(error.to_string().contains(what), "{error}");
    };
    fails("", 0, "a policy begins with how tags are written");
    fails("last=1", 0, "before it must stand how tags are written");
    fails("scheme=semver", 7, "say which tags of the scheme semver are kept");
    fails("scheme=semver last=0", 14, "last keeps 1 to 1000000");
    fails("scheme=semver last=x", 19, "how many are kept is a number");
    fails("scheme=semver last=1 last=2", 21, "\"last\" stands here twice for one scheme");
    fails("scheme=semver keep=some", 19, "keep is all");
    fails("scheme=semver younger=1d", 14, "does not say when an image was built");
    fails("scheme=sha last=1", 11, "does not say which of its tags are the last");
    fails("scheme=run-timestamp younger=1m", 29, "an age is a number with h, d or w");
    fails("scheme=run-timestamp younger=0h", 21, "younger keeps 1h to 36525d");
    fails("scheme=run-timestamp younger=99999999d", 21, "younger keeps 1h to 36525d");
    fails("scheme={a:%Y}-{b:%Y} younger=1d", 21, "has several times");
    fails("scheme=semver keep=all scheme=semver last=1", 30, "stands here twice");
    fails("scheme=semver branch=main keep=all", 14, "no such word");
    fails("scheme=semver last~1", 18, "after \"last\" stands '='");
    fails("scheme=simver keep=all", 7, "no such tag scheme");
    fails("scheme=semver type=b:integer keep=all", 7, "types are for the groups of a regular expression");
    let early = RetentionPolicy::builder().keep_all().scheme("semver".parse().unwrap()).keep_all().build();
    assert!(early.unwrap_err().to_string().starts_with("retention policy: a policy begins with"));
}

/// Mostly tags that the policies read, of few images.
fn some_tags() -> impl Strategy<Value = Vec<(Tag, Digest)>> {
    let text = "(main|dev|a-b)\\.202(5|6)(01|10|11)(1|2)[0-9]-1[0-9]0000\\.[0-9a-f]{7}|v?[0-9]\\.[0-9]\\.[0-9](-rc\\.1)?|latest|x[0-9]";
    let tag = proptest::string::string_regex(text).unwrap();
    proptest::collection::btree_map(tag, 0_u8..12, 0..40).prop_map(|tags| {
        tags.into_iter().map(|(tag, image)| (tag.parse().unwrap(), Digest::sha256(&[image]))).collect()
    })
}

fn some_policy() -> impl Strategy<Value = RetentionPolicy> {
    let rules = proptest::sample::select(
        &["last=1", "last=3", "younger=24h", "younger=300d", "last=2 younger=10d", "keep=all"][..],
    );
    (rules, proptest::option::of(proptest::sample::select(&["last=1", "last=4", "keep=all"][..]))).prop_map(
        |(rules, semver)| {
            let semver = semver.map(|rule| format!(" scheme=semver {rule}")).unwrap_or_default();
            format!("{MAIN} {rules}{semver}").parse().unwrap()
        },
    )
}

proptest! {
    #[test]
    fn what_must_stay_stays(
        policy in some_policy(),
        tags in some_tags(),
        running in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
        kept in proptest::collection::vec(any::<prop::sample::Index>(), 0..4),
    ) {
        let at = |index: &prop::sample::Index| tags.get(index.index(tags.len().max(1)));
        let mut in_use = InUse::new();
        let (mut used_tags, mut used_digests) = (BTreeSet::new(), BTreeSet::new());
        for (tag, digest) in running.iter().filter_map(at) {
            in_use = in_use.running(&[runs("shop/web:v1", std::slice::from_ref(digest))]).unwrap();
            in_use = in_use.running(&[runs(&format!("shop/api:{tag}"), &[])]).unwrap();
            used_tags.insert(tag);
            used_digests.insert(digest);
        }
        for (tag, _) in kept.iter().filter_map(at) {
            in_use = in_use.kept("shop", &[format!("shop/api:{tag}")]).unwrap();
            used_tags.insert(tag);
        }
        let repository: Repository = "shop/api".parse().unwrap();
        let made = plan(&policy, &repository, tags.clone(), &in_use, time(NOON)).unwrap();
        prop_assert_eq!(made.decisions().len(), tags.len());
        let mut last: BTreeMap<String, Vec<&str>> = BTreeMap::new();
        let staying: BTreeSet<&Digest> =
            made.decisions().iter().filter(|one| one.fate.stays()).map(|one| &one.digest).collect();
        for one in made.decisions() {
            let gone = !one.fate.stays();
            prop_assert!(!(gone && used_tags.contains(&one.tag)), "{one} is in use");
            prop_assert!(!(gone && used_digests.contains(&one.digest)), "{one} is in use");
            prop_assert!(!(gone && staying.contains(&one.digest)), "the image of {one} has a tag that stays");
            let read = one.tag.as_str().rsplitn(3, '.').collect::<Vec<_>>();
            match read[..] {
                [_, time, branch] if time.len() == 15 => last.entry(branch.into()).or_default().push(time),
                _ => prop_assert!(!gone || one.tag.as_str().starts_with(['v', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9'])),
            }
            prop_assert!(!gone || policy.to_string().contains("scheme=semver last") || one.tag.as_str().contains('-'));
        }
        // The newest of each branch stays where any is counted.
        if policy.to_string().contains("sha last=") {
            for (branch, times) in last {
                let newest = times.iter().max().unwrap();
                let stays = made.decisions().iter().any(|one| {
                    one.fate.stays() && one.tag.as_str().starts_with(&format!("{branch}.{newest}"))
                });
                prop_assert!(stays, "nothing of {branch} at {newest}");
            }
        }
        // The order of the list is nothing; more in use is never less kept.
        let turned = tags.iter().rev().cloned();
        prop_assert_eq!(&plan(&policy, &repository, turned, &in_use, time(NOON)).unwrap(), &made);
        let alone = plan(&policy, &repository, tags, &InUse::new(), time(NOON)).unwrap();
        let going: BTreeSet<&Tag> = alone.going().map(|one| &one.tag).collect();
        prop_assert!(made.going().all(|one| going.contains(&one.tag)));
        prop_assert_eq!(&policy.to_string().parse::<RetentionPolicy>().unwrap(), &policy);
    }

    #[test]
    fn any_text_is_read_or_refused(text in "(scheme|last|younger|keep|type)?[=~! ]{0,2}[a-z0-9\"'{}.%-]{0,12}( \\PC{0,9}){0,3}") {
        if let Ok(policy) = text.parse::<RetentionPolicy>() {
            prop_assert_eq!(&policy.to_string().parse::<RetentionPolicy>().unwrap(), &policy);
        }
    }
}
