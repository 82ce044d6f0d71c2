use super::super::{Demand, judge};
use super::*;

fn reason(case: &str, demand: &Demand) -> String {
    let recorded = Recorded::of(case);
    let verdict = judge(&recorded.signed(), &recorded.image(), demand);
    format!("{}: {}", if verdict.is_met() { "yes" } else { "no" }, verdict.reason())
}

#[test]
fn what_cosign_signed_is_signed() {
    for (case, by) in [
        ("bundle", "p256"),
        ("bundle-twice", "p256"),
        ("bundle-twice", "other"),
        ("bundle-rsa", "rsa"),
        ("bundle-p384", "p384"),
        ("tag", "p256"),
        ("tag-twice", "p256"),
        ("tag-twice", "other"),
        ("tag-rsa", "rsa"),
        ("tag-p384", "p384"),
        ("referrer", "p256"),
    ] {
        for name in ["p256", "other", "rsa", "p384"] {
            let verdict = reason(case, &Demand::any_of([key(name)]));
            let expect = name == by || (case.ends_with("twice") && matches!(name, "p256" | "other"));
            assert_eq!(verdict.starts_with("yes: signed by"), expect, "{case} by {name}: {verdict}");
        }
    }
}

#[test]
fn an_attestation_is_no_signature() {
    let verdict = reason("attested", &Demand::any_of([key("p256")]));
    assert!(
        verdict.starts_with("no: one signature was found; none that counts is by p256 (sha256:"),
        "{verdict}"
    );
    assert!(verdict.contains("does not count: it is an attestation, and no signature"), "{verdict}");
}

#[test]
fn any_key_or_all_of_them() {
    let check = |case: &str, demand: &Demand, expect: bool| {
        let verdict = reason(case, demand);
        assert_eq!(verdict.starts_with("yes"), expect, "{verdict}");
    };
    for case in ["bundle-twice", "tag-twice"] {
        check(case, &Demand::all_of([key("p256"), key("other")]), true);
        check(case, &Demand::all_of([key("p256"), key("other"), key("rsa")]), false);
        check(case, &Demand::any_of([key("rsa"), key("other")]), true);
        check(case, &Demand::any_of([key("rsa"), key("p384")]), false);
        check(case, &Demand::any_of([]), false);
        check(case, &Demand::all_of([]), false);
        // Each key signed with another value.
        check(case, &Demand::any_of([key("p256"), key("other")]).annotation("env", "prod"), true);
        check(case, &Demand::all_of([key("p256"), key("other")]).annotation("env", "prod"), false);
    }
}

#[test]
fn annotations_must_be_what_is_demanded() {
    let check = |case: &str, name: &str, value: &str, expect: &str| {
        let verdict = reason(case, &Demand::any_of([key("p256")]).annotation(name, value));
        assert!(verdict.contains(expect), "{case}: {verdict}");
    };
    for case in ["bundle", "tag", "referrer"] {
        check(case, "env", "prod", "yes: signed by p256 (sha256:");
        check(case, "env", "dev", "does not count: env is \"prod\", not \"dev\"");
        check(case, "environment", "prod", "does not count: it has no environment");
    }
}

#[test]
fn the_repository_can_be_demanded() {
    let check = |case: &str, repository: &str, expect: &str| {
        let recorded = Recorded::of(case);
        let image = format!("{repository}@{}", recorded.image).parse().unwrap();
        let demand = Demand::any_of([key("p256")]).same_repository(true);
        let verdict = judge(&recorded.signed(), &image, &demand);
        assert!(verdict.reason().contains(expect), "{}", verdict.reason());
    };
    check("tag", "127.0.0.1:5000/cosign-data/tag", "signed by p256");
    check(
        "tag",
        "127.0.0.1:5000/cosign-data/other",
        "does not count: it is for \"127.0.0.1:5000/cosign-data/tag\"",
    );
    check(
        "bundle",
        "127.0.0.1:5000/cosign-data/bundle",
        "does not count: it does not say for which repository",
    );
}

#[test]
fn another_image_is_another_image() {
    for case in ["bundle", "tag", "referrer"] {
        let signed = Recorded::of(case).signed();
        let other = format!("registry.example/api@{}", Digest::sha256(b"another")).parse().unwrap();
        let verdict = judge(&signed, &other, &Demand::any_of([key("p256")]));
        assert!(
            !verdict.is_met() && verdict.reason().contains("it is of another image"),
            "{}",
            verdict.reason()
        );
        let nothing = "registry.example/api:v1".parse().unwrap();
        assert!(!judge(&signed, &nothing, &Demand::any_of([key("p256")])).is_met(), "a tag is no digest");
    }
}

#[test]
fn words_are_plain() {
    let demand = Demand::all_of([key("p256"), key("rsa")]).annotation("env", "prod");
    let names: Vec<_> = demand.keys().iter().map(ToString::to_string).collect();
    assert_eq!(demand.describe(), format!("signed by {} and {} with env=prod", names[0], names[1]));
    let verdict = judge(&[], &Recorded::of("tag").image(), &demand);
    assert_eq!(
        verdict.reason(),
        format!("no signature was found; none that counts is by {}, nor by {}", names[0], names[1])
    );
}
