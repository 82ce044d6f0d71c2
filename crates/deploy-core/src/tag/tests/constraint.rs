use serde_json::Value;

use super::points_at;
use crate::tag::VersionConstraint;

/// What `github.com/Masterminds/semver/v3` v3.5.0 says; see `tests/data/go/README.md`.
const MASTERMINDS: &str = include_str!("../../../tests/data/masterminds-constraints.json");

/// Where we differ, and why.
const DIFFERENT: [(&str, &str); 9] = [
    ("~0.0.0", "it takes every version, though its own table says >=0.0.0 <0.1.0"),
    ("^*", "it takes 0.0.0 only, though its own table says any"),
    ("<*", "nothing can be meant"),
    (">*", "nothing can be meant"),
    ("<=*", "it takes 0.0 only"),
    ("!=*", "it takes all but 0.0.0"),
    ("1.x.3", "it forgets the 3"),
    ("x.2.3", "it forgets the 2.3"),
    (">=1.0.0-0 !=1.2", "it takes the prereleases of 1.2"),
];

#[test]
fn agrees_with_masterminds() {
    let rows: Vec<Value> = serde_json::from_str(MASTERMINDS).unwrap();
    assert!(rows.len() > 120);
    let all: Vec<&str> =
        rows.iter().flat_map(|row| row["matches"].as_array().unwrap()).map(|v| v.as_str().unwrap()).collect();
    let mut versions = all;
    versions.sort_unstable();
    versions.dedup();
    assert!(versions.len() > 35, "some version is matched by no constraint");
    let mut wrong = Vec::new();
    for row in &rows {
        let input = row["in"].as_str().unwrap();
        let theirs: Vec<&str> =
            row["matches"].as_array().unwrap().iter().map(|v| v.as_str().unwrap()).collect();
        let theirs = (row["error"] != true).then_some(theirs);
        let ours = input.parse::<VersionConstraint>().ok().map(|constraint| {
            let mut ours: Vec<&str> =
                versions.iter().copied().filter(|version| constraint.matches(version)).collect();
            ours.sort_unstable();
            ours
        });
        let theirs = theirs.map(|mut theirs| {
            theirs.sort_unstable();
            theirs
        });
        let known = DIFFERENT.iter().any(|(constraint, _)| *constraint == input);
        if (ours == theirs) == known {
            wrong.push(format!("{input:?}: ours {ours:?}, theirs {theirs:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn points_at_what_is_wrong() {
    let check = |input: &str, at: usize, what: &str| {
        let error = input.parse::<VersionConstraint>().expect_err(input);
        assert!(error.to_string().contains(what), "{error}");
        assert!(points_at(&error, at), "{}", super::place(&error));
    };
    check("", 0, "a version is missing here");
    check(">=1.2 <", 7, "a version is missing here");
    check(">=1.2 <2 || ", 12, "a version is missing here");
    check(">=1.2 <two", 7, "\"two\" is no version");
    check(">=1.2<2", 5, "write a space");
    check("1.2.3.4", 0, "\"1.2.3.4\" is no version");
    check(">=1.2 1.x.3", 6, "after a wildcard");
    check(">*", 0, "a wildcard alone");
    check("1.2 - *", 6, "a wildcard alone");
    check(">=1.2 - 1.4", 8, "a range is two plain versions");
    check("1.2 || 1_2", 8, "cannot hold this");
    check("1.2\n", 3, "one line");
    check(&"1||".repeat(200), 512, "at most 512 bytes");
    check(&["1"; 40].join("||"), 96, "more than 32 alternatives");
}
