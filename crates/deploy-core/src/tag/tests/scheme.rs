use super::{points_at, time};
use crate::error::ErrorKind;
use crate::tag::{FieldType, TagFields, TagScheme};

const SHA: &str = "4f1c2d90a1b2c3d4e5f60718293a4b5c6d7e8f90";
const SHA256: &str = "4f1c2d90a1b2c3d4e5f60718293a4b5c6d7e8f904f1c2d90a1b2c3d4e5f60718";

fn scheme(text: &str) -> TagScheme {
    text.parse().unwrap_or_else(|error| panic!("{error}"))
}

/// The fields of `tag` as one text, or why it is not of the scheme.
fn read(text: &str, tag: &str) -> String {
    match scheme(text).parse(tag) {
        Ok(parsed) => {
            parsed.fields().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
        }
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::InvalidInput);
            error.message().rsplit(": ").next().unwrap_or_default().to_owned()
        }
    }
}

#[test]
fn the_six_schemes_read_their_tags() {
    let check = |scheme: &str, tag: &str, expected: &str| assert_eq!(read(scheme, tag), expected, "{tag}");
    check("sha", SHA, &format!("sha={SHA}"));
    check("sha", SHA256, &format!("sha={SHA256}"));
    check("sha", "4f1c2d9", "sha=4f1c2d9");
    check("sha", "4f1c2d", "{sha} must be 7 to 40 (or 64) digits of 0-9 and a-f");
    check("sha", "4F1C2D9", "{sha} must be 7 to 40 (or 64) digits of 0-9 and a-f");
    check("sha", &SHA256[..50], "{sha} must be 7 to 40 (or 64) digits of 0-9 and a-f");
    check("sha-short", "sha-4f1c2d9", "sha=4f1c2d9");
    check("sha-short", "sha-4f1c2d90a", "sha=4f1c2d90a");
    check("sha-short", "4f1c2d9", "\"sha-\" is not where it must be");
    check("semver", "v1.4.2", "version=v1.4.2");
    check("semver", "1.5.0-rc.1", "version=1.5.0-rc.1");
    check("semver", "1.5.0-rc.1_build.7", "version=1.5.0-rc.1_build.7");
    check("semver", "2026.01.05", "version=2026.01.05");
    check("semver", "v1.4", "{version} must be a version as v1.2.3 or 1.2.3-rc.1");
    check("semver", "1.4.2.1", "{version} must be a version as v1.2.3 or 1.2.3-rc.1");
    check("semver", "1.4.2-rc.01", "{version} must be a version as v1.2.3 or 1.2.3-rc.1");
    check("semver", "latest", "{version} must be a version as v1.2.3 or 1.2.3-rc.1");
    check("run-timestamp", "812-20261121-075325", "run=812 timestamp=20261121-075325");
    check(
        "run-timestamp",
        "99999999999999999999999-20261121-075325",
        "run=99999999999999999999999 timestamp=20261121-075325",
    );
    check("run-timestamp", "x812-20261121-075325", "\"x\" is left over");
    check("run-timestamp", "812-20260230-075325", "{timestamp} must be a time as %Y%m%d-%H%M%S");
    check("run-timestamp", "-20261121-075325", "it is no tag");
    check("branch-sha", "main-4f1c2d9", "branch=main sha=4f1c2d9");
    check(
        "branch.timestamp.sha",
        "main.20261121-075325.4f1c2d9",
        "branch=main timestamp=20261121-075325 sha=4f1c2d9",
    );
}

#[test]
fn the_last_fields_are_taken_from_the_right() {
    let check = |scheme: &str, tag: &str, expected: &str| assert_eq!(read(scheme, tag), expected, "{tag}");
    check("branch-sha", "a-b.c-4f1c2d9", "branch=a-b.c sha=4f1c2d9");
    check("branch-sha", "4f1c2d9-0a1b2c3", "branch=4f1c2d9 sha=0a1b2c3");
    check("branch-sha", "a-4f1c2d9-0a1b2c3", "branch=a-4f1c2d9 sha=0a1b2c3");
    let twice = "a.20200101-000000.4f1c2d9.20261121-075325.0a1b2c3";
    check(
        "branch.timestamp.sha",
        twice,
        "branch=a.20200101-000000.4f1c2d9 timestamp=20261121-075325 sha=0a1b2c3",
    );
    check(
        "branch.timestamp.sha",
        "release-2.0.1.20261121-075325.4f1c2d9",
        "branch=release-2.0.1 timestamp=20261121-075325 sha=4f1c2d9",
    );
    // The first fields from the left, and the branch between.
    check("{run}-{branch}-{sha}", "77-1-x-4f1c2d9", "run=77 branch=1-x sha=4f1c2d9");
    check("{timestamp:%s}.{branch}", "1795247605.a.b", "timestamp=1795247605 branch=a.b");
    check("{timestamp:%Y%m%d}{branch}", "20261121x", "timestamp=20261121 branch=x");
    // Of two that may hold anything the right one ends at the nearest separator.
    check("{app}-{env}-{sha}", "shop-api-prod-4f1c2d9", "app=shop-api env=prod sha=4f1c2d9");
    check("{branch}_{version}", "a_b_1.2.3-rc.1", "branch=a_b version=1.2.3-rc.1");
}

#[test]
fn what_is_no_image_is_of_no_scheme() {
    let tag = format!("sha256-{SHA256}");
    for tag in [tag.clone(), format!("{tag}.sig"), format!("{tag}.att")] {
        assert_eq!(read("branch-sha", &tag), "it names an artifact of another image", "{tag}");
        assert_eq!(read("/(?<branch>.*)/", &tag), "it names an artifact of another image", "{tag}");
    }
    assert_eq!(read("branch-sha", &format!("sha256-{SHA}")), format!("branch=sha256 sha={SHA}"));
    let longer = format!("sha256-{SHA256}x");
    assert_eq!(read("{branch}", &longer), format!("branch={longer}"));
    for tag in ["", "é", "a b", "-a", ".a", &"a".repeat(129)] {
        assert_eq!(read("{branch}", tag), "it is no tag", "{tag}");
    }
}

#[test]
fn renders_what_a_build_knows() {
    let build = || {
        TagFields::new().sha(SHA).branch("feature/a-b.c").timestamp(time("2026-11-21T07:53:25.9Z")).run(812)
    };
    let only = |names: &[&str]| {
        let mut fields = TagFields::new();
        for name in names {
            fields = match *name {
                "sha" => fields.sha(SHA),
                "branch" => fields.branch("feature/a-b.c"),
                "run" => fields.run(812),
                _ => fields.timestamp(time("2026-11-21T07:53:25.9Z")),
            };
        }
        fields
    };
    let check = |text: &str, fields: TagFields, tag: &str| {
        assert_eq!(scheme(text).render(&fields).unwrap_or_else(|error| panic!("{error}")).as_str(), tag);
    };
    check("sha", only(&["sha"]), SHA);
    check("sha-short", only(&["sha"]), "sha-4f1c2d9");
    check("{sha:12}", only(&["sha"]), "4f1c2d90a1b2");
    check("run-timestamp", only(&["run", "timestamp"]), "812-20261121-075325");
    check("branch-sha", only(&["branch", "sha"]), &format!("feature-a-b.c-{SHA}"));
    check(
        "branch.timestamp.sha",
        only(&["branch", "timestamp", "sha"]),
        &format!("feature-a-b.c.20261121-075325.{SHA}"),
    );
    check("{branch}.{run}.{timestamp:%s}.{sha:7}", build(), "feature-a-b.c.812.1795247605.4f1c2d9");
    check("semver", TagFields::new().version("v1.2.3-rc.1+b.7"), "v1.2.3-rc.1_b.7");
    check("{env}_{build:integer}", TagFields::new().set("env", "prod/eu").set("build", "7"), "prod-eu_7");
}

#[test]
fn renders_nothing_that_would_not_be_read_again() {
    let check = |text: &str, fields: TagFields, what: &str| {
        let error = scheme(text).render(&fields).expect_err(text).to_string();
        assert!(error.starts_with("render tag scheme ") && error.contains(what), "{error}");
    };
    check("branch-sha", TagFields::new().branch("main"), "the field \"sha\" is missing");
    check("sha", TagFields::new().sha(SHA).run(7), "it has no field \"run\"");
    check("sha", TagFields::new().sha("HEAD"), "the field \"sha\" is \"HEAD\"; it must be 7 to 40");
    check("semver", TagFields::new().version("1.2"), "it must be a version");
    check("branch-sha", TagFields::new().branch("").sha(SHA), "it must be not empty");
    check(
        "run-timestamp",
        TagFields::new().run(1).set("timestamp", "now"),
        "it must be a time as %Y%m%d-%H%M%S",
    );
    check(
        "run-timestamp",
        TagFields::new().run(1).timestamp(time("1969-07-20T20:17:00Z")),
        "it must be a time",
    );
    check("{run}", TagFields::new().time("run", time("2026-11-21T07:53:25Z")), "it must be decimal digits");
    let two = TagFields::new().set("app", "shop").set("env", "a-b").sha(SHA);
    check("{app}-{env}-{sha}", two, "{app} is \"shop\", but");
    check(
        "{branch}-{sha}",
        TagFields::new().branch("sha256").sha(SHA256),
        "it names an artifact of another image",
    );
    let long = TagFields::new().set("a", "x".repeat(60)).set("b", "y".repeat(60)).sha(SHA);
    check("{a}-{b}-{sha}", long, "the tag is 162 bytes, over 128");
    let regex = scheme("/(?<sha>[0-9a-f]+)/").render(&TagFields::new().sha(SHA)).unwrap_err();
    assert_eq!(regex.kind(), ErrorKind::Unsupported);
}

#[test]
fn long_branches_stay_two() {
    let render = |branch: String| {
        let fields = TagFields::new().branch(branch).timestamp(time("2026-11-21T07:53:25Z")).sha(SHA);
        scheme("branch.timestamp.sha").render(&fields).unwrap().to_string()
    };
    let [one, other] = ["one", "other"].map(|end| render(format!("{}{end}", "deep/".repeat(30))));
    assert_ne!(one, other);
    assert_eq!(one.len(), 120);
    assert_eq!(one, render(format!("{}one", "deep/".repeat(30))), "it is always the same");
}

#[test]
fn a_text_is_a_name_or_a_template_or_a_regex() {
    let check = |text: &str, shown: &str| {
        let scheme = scheme(text);
        assert_eq!(scheme.to_string(), shown);
        assert_eq!(shown.parse::<TagScheme>().unwrap(), scheme);
    };
    check("{branch}.{timestamp:%Y%m%d-%H%M%S}.{sha}", "branch.timestamp.sha");
    check("{branch}-{sha:commit}", "branch-sha");
    check("{version:version}", "semver");
    check("{x:text}-{y:integer}-{z:%Y%m%d}", "{x}-{y:integer}-{z:%Y%m%d}");
    check("/(?<sha>[0-9a-f]{7})/", "/(?<sha>[0-9a-f]{7})/");
}

#[test]
fn a_regex_has_typed_groups_and_matches_the_whole_tag() {
    let types = [("build".to_owned(), FieldType::Integer)];
    let scheme = TagScheme::regex("(?<branch>[a-z]+)(-(?<build>\\d+))?|x", types).unwrap();
    let fields = |tag: &str| {
        scheme.parse(tag).map(|parsed| parsed.fields().map(|(_, value)| value.to_owned()).collect::<Vec<_>>())
    };
    assert_eq!(fields("main-7").unwrap(), ["main", "7"]);
    assert_eq!(fields("main").unwrap(), ["main"], "an optional group may be left out");
    assert!(fields("main-").is_err());
    assert!(fields("1main").is_err());
    assert!(fields("x1").is_err());
    let timed = TagScheme::regex("(?<timestamp>.*)", []).unwrap();
    assert!(timed.parse("20261121-075325").unwrap().timestamp().is_some());
    assert!(timed.parse("20261321-075325").is_err(), "a group of a type holds one");
}

#[test]
fn a_type_reads_as_it_shows() {
    for text in ["text", "integer", "version", "commit", "7", "40", "%Y%m%d-%H%M%S", "%s"] {
        assert_eq!(text.parse::<FieldType>().unwrap().to_string(), text);
    }
    for text in ["", "6", "41", "number", "%Q", "%"] {
        assert!(text.parse::<FieldType>().is_err(), "{text}");
    }
}

#[test]
fn points_at_what_is_wrong() {
    let check = |text: &str, at: usize, what: &str| {
        let error = text.parse::<TagScheme>().expect_err(text);
        assert!(error.to_string().contains(what), "{error}");
        assert!(points_at(&error, at), "{}", super::place(&error));
    };
    check("git", 0, "no such tag scheme; there are sha, sha-short, semver");
    check("{branch}-{sha", 9, "this '{' is not closed");
    check("{branch}/{sha}", 8, "a tag cannot hold '/'");
    check("{branch}-{branch}", 10, "\"branch\" stands here twice");
    check("{branch}-{}", 10, "a field has a name");
    check("{branch}-{a b}", 11, "letters, digits and '_' only");
    check("{order}", 1, "cannot be called \"order\"");
    check("{a:number}", 3, "no such type");
    check("{a:5}", 3, "7 to 40 digits");
    check("{branch}{sha}", 8, "nothing says where {sha} ends: write a separator before it");
    check("{branch}a{sha}", 9, "nothing says where {sha} ends");
    check("{run}1{branch}", 0, "nothing says where {run} ends: write a separator after it");
    check("{a}{b}", 3, "nothing says where {b} ends");
    check("{timestamp:%Y%m%d%H%M%N}", 21, "'%N' is not known");
    check("{timestamp:%m%d}", 11, "lacks %Y");
    check("{timestamp:%Y%m%H}", 11, "lacks %d");
    check("{timestamp:%Y%Y}", 13, "twice");
    check("{timestamp:%s-%Y}", 11, "%s is the whole time");
    check("{timestamp:%Y/%m}", 13, "a tag cannot hold '/'");
    check("{timestamp:%Y%}", 13, "ends with '%'");
    check("/(?<sha>[0-9/", 8, "unclosed character class");
    check("/(?<sha>a", 0, "between two slashes");
    check("/[0-9a-f]+/", 1, "no named group");
    check("/(?<tag>a)/", 4, "cannot be called \"tag\"");
    check("/(?<sha>a)(/", 10, "unclosed group");
    check("/(?x)(?<sha>a) # a/", 1, "cannot end with a comment");
    check("/(?<sha>(a{1000}){1000})/", 1, "too large when compiled");
    check(&format!("/(?<sha>{})/", "a".repeat(600)), 513, "at most 512 bytes");
    check(&"{a}".repeat(100), 256, "at most 256 bytes");
    check("{a}-{b}-{c}-{d}-{e}-{f}-{g}-{h}-{i}", 32, "at most 8 fields");
    let deep = format!("/(?<sha>{}a{})/", "(".repeat(60), ")".repeat(60));
    assert!(deep.parse::<TagScheme>().is_err(), "groups nested without end");
}
