use std::time::Duration;

use super::{points_at, policy};
use crate::tag::{Condition, FieldType, Order, TagPolicy, TagScheme};

#[test]
fn a_text_reads_as_what_is_built() {
    let scheme = |text: &str| text.parse::<TagScheme>().unwrap();
    let check = |text: &str, built: TagPolicy, shown: &str| {
        assert_eq!(policy(text), built, "{text}");
        assert_eq!(built.to_string(), shown);
        assert_eq!(policy(shown), built, "{shown}");
        let json = serde_json::to_string(&built).unwrap();
        assert_eq!(serde_json::from_str::<TagPolicy>(&json).unwrap(), built);
    };
    let main = || Condition::is("branch", "main");
    check(
        "scheme=branch.timestamp.sha branch=main order=timestamp",
        TagPolicy::builder(scheme("branch.timestamp.sha")).condition(main()).build().unwrap(),
        "scheme=branch.timestamp.sha branch=main order=timestamp",
    );
    check(
        "  scheme=semver\u{a0}range=\">=1.2 <2\" ",
        TagPolicy::builder(scheme("semver")).range(">=1.2 <2".parse().unwrap()).build().unwrap(),
        "scheme=semver range=\">=1.2 <2\" order=version",
    );
    check(
        "scheme=branch-sha order=ancestry branch='main' sha!=4f1c2d9 skew=2h downgrade=allow",
        TagPolicy::builder(scheme("branch-sha"))
            .condition(main())
            .condition(Condition::is("sha", "4f1c2d9").not())
            .order(Order::Ancestry)
            .skew(Duration::from_secs(7200))
            .allow_downgrade()
            .build()
            .unwrap(),
        "scheme=branch-sha branch=main sha!=4f1c2d9 order=ancestry skew=7200s downgrade=allow",
    );
    check(
        r#"scheme='/(?<build>\d+)-(?<at>\d+)"?/' type=build:integer type=at:%Y%m%d order=build tag!~".*-rc .*""#,
        TagPolicy::builder(
            TagScheme::regex(
                r#"(?<build>\d+)-(?<at>\d+)"?"#,
                [("build".to_owned(), FieldType::Integer), ("at".to_owned(), "%Y%m%d".parse().unwrap())],
            )
            .unwrap(),
        )
        .condition(Condition::matches("tag", ".*-rc .*").unwrap().not())
        .order(Order::Field("build".into()))
        .build()
        .unwrap(),
        r#"scheme='/(?<build>\d+)-(?<at>\d+)"?/' type=build:integer type=at:%Y%m%d tag!~".*-rc .*" order=build"#,
    );
    check(
        "scheme=sha order=lexical downgrade=never skew=300s",
        TagPolicy::builder(scheme("sha")).order(Order::Lexical).build().unwrap(),
        "scheme=sha order=lexical",
    );
}

#[test]
fn the_usual_order_is_time_then_version_then_integer() {
    let check = |text: &str, order: &str| assert_eq!(policy(text).order().to_string(), order, "{text}");
    check("scheme=branch.timestamp.sha", "timestamp");
    check("scheme=run-timestamp", "timestamp");
    check("scheme=semver", "version");
    check("scheme={version}_{run}", "version");
    check("scheme={branch}-{build:integer}", "build");
    check("scheme={a:%Y%m%d}-{b:integer}", "a");
}

#[test]
fn a_scheme_without_order_is_an_error() {
    for scheme in ["sha", "sha-short", "branch-sha", "{branch}"] {
        let error = format!("scheme={scheme}").parse::<TagPolicy>().unwrap_err();
        let message = error.to_string();
        assert!(message.contains("does not say what is newer: add order=ancestry"), "{message}");
        assert!(points_at(&error, "scheme=".len()), "{}", super::place(&error));
        assert!(TagPolicy::builder(scheme.parse().unwrap()).build().is_err());
    }
}

#[test]
fn points_at_what_is_wrong() {
    let check = |text: &str, at: usize, what: &str| {
        let error = text.parse::<TagPolicy>().expect_err(text);
        assert!(error.to_string().contains(what), "{error}");
        assert!(points_at(&error, at), "{}", super::place(&error));
    };
    check("", 0, "a policy says how tags are written");
    check("branch=main", 0, "a policy says how tags are written");
    check("scheme=semver range", 19, "a policy is made of words");
    check("scheme=semver =x", 14, "a policy is made of words");
    check("scheme=semver range=", 20, "a value is missing here");
    check("scheme=semver range=\"\"", 21, "a value is missing here");
    check("scheme=semver range=\">=1", 20, "this quote is not closed");
    check("scheme=semver range=\">=1\"x", 25, "a space must stand here");
    check("scheme=semver range=>=1\"", 23, "a quote stands around the whole value");
    check("scheme=semver range=\">=1.2 <two\"", 28, "\"two\" is no version");
    check("scheme=semver scheme=sha", 14, "\"scheme\" stands here twice");
    check("scheme~semver", 6, "stands '='");
    check(
        "scheme=semver branch=main",
        14,
        "the scheme semver has no field \"branch\"; it has version, and there is tag",
    );
    check("scheme=sha order=lexical range=1", 25, "a range needs a version");
    check("scheme=sha order=sha", 17, "a commit does not say what is newer");
    check("scheme=semver order=time", 20, "no such order; the scheme semver has the fields version");
    check("scheme=semver order=ancestry", 20, "the scheme semver has none");
    check("scheme={a:integer}-{b:integer}", 7, "say which decides: order=a or order=b");
    check("scheme=semver tag~\"a(\"", 20, "unclosed group");
    check("scheme=branch-sha order=lexical sha!=4f1c", 32, "sha cannot be \"4f1c\": it is 7 to 40");
    check("scheme=run-timestamp run=1,x", 21, "run cannot be \"x\": it is decimal digits");
    check("scheme=semver tag=a,,b", 18, "a value is missing here");
    check("scheme=semver skew=5", 19, "a number with s, m or h");
    check("scheme=semver skew=99999999999999999999h", 19, "a number with s, m or h");
    check("scheme=semver downgrade=yes", 24, "allow or never");
    check("scheme=/(?<a>.*)/ type=a", 23, "as in type=build:integer");
    check("scheme=/(?<a>.*)/ type=a:number", 25, "no such type");
    check("scheme=/(?<a>.*)/ type=b:text order=a", 8, "no group \"b\"");
    check("scheme=semver type=a:text", 7, "a template has its own");
    check("scheme={branch}{sha}", 15, "nothing says where {sha} ends");
    check("scheme=semver\torder=version", 13, "one line without control characters");
    check("scheme=semver größe=1", 16, "a policy is made of words");
    let many = format!("scheme=semver{}", " tag!=x".repeat(33));
    check(&many, 238, "at most 32 conditions");
    let error = format!("scheme=semver tag={}", "x".repeat(5000)).parse::<TagPolicy>().unwrap_err();
    assert!(error.to_string().contains("at most 4096 bytes") && error.to_string().len() < 200, "{error}");
    let built =
        TagPolicy::builder("semver".parse().unwrap()).condition(Condition::is("tag", "x".repeat(5000)));
    assert!(built.build().is_err(), "what cannot be written as text cannot be built");
    let quotes = TagPolicy::builder("semver".parse().unwrap()).condition(Condition::is("tag", "'\""));
    assert!(quotes.build().is_err());
}
