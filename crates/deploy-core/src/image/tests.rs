use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What `distribution/reference` v0.6.0 says; see `tests/data/go/README.md`.
const DOCKER: &str = include_str!("../../tests/data/docker-references.json");

/// Docker's pattern takes the whole of it for a path without a domain, which nothing can pull.
const DIFFERENT: [&str; 1] = ["ho_st.io/a"];

#[test]
fn agrees_with_docker() {
    let rows: Vec<Value> = serde_json::from_str(DOCKER).unwrap();
    assert!(rows.len() > 120);
    let mut wrong = Vec::new();
    for row in rows {
        let input = row["in"].as_str().unwrap();
        let ours = input.parse::<Reference>().ok().map(|reference| reference.canonical());
        if (ours.as_deref() == row["canonical"].as_str()) == DIFFERENT.contains(&input) {
            wrong.push(format!("{input}: ours {ours:?}, Docker's {}", row["canonical"]));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn says_what_is_wrong_and_where() {
    let check = |input: &str, problem: &str| {
        let error = input.parse::<Reference>().expect_err(input).to_string();
        assert_eq!(error, format!("invalid image reference {input:?}: {problem}"));
    };
    check("", "it is empty");
    check("Nginx", "the repository must be lowercase ('N' at character 1)");
    check("ghcr.io/a/Bc:v1", "the repository must be lowercase ('B' at character 11)");
    check("nginx:", "the tag is empty");
    check("nginx:v 1", "it holds white space (' ' at character 8)");
    check("nginx:é", "a tag starts with a letter, a digit or '_' ('é' at character 7)");
    check("nginx:-a", "a tag starts with a letter, a digit or '_' ('-' at character 7)");
    check(
        "https://ghcr.io/a",
        "a reference has no scheme: leave out what is before \"//\" (':' at character 6)",
    );
    check("ghcr.io:x/a", "the registry's port must be a number (':' at character 8)");
    check("a@sha256:12", "a sha256 digest has 64 digits, not 2");
    check("a@md5:12", "the digest's algorithm must be sha256, sha384 or sha512");
    check("a//b", "the repository has an empty component: two slashes, or one at an end");
    check(
        "${IMAGE}",
        "a repository holds lowercase letters, digits, '.', '_', '-' and '/' only ('$' at character 1)",
    );
    let long = "a".repeat(5000);
    assert!(long.parse::<Reference>().unwrap_err().to_string().len() < 200);
}

#[test]
fn limits() {
    let check = |input: String, good: bool| assert_eq!(input.parse::<Reference>().is_ok(), good, "{input}");
    check(format!("a:{}", "t".repeat(128)), true);
    check(format!("a:{}", "t".repeat(129)), false);
    check(format!("ghcr.io/{}", "a".repeat(255)), true);
    check(format!("ghcr.io/{}", "a".repeat(256)), false);
    check("a".repeat(255 - "library/".len()), true);
    check("a".repeat(256 - "library/".len()), false);
}

#[test]
fn familiar_and_canonical() {
    let check = |input: &str, familiar: &str, canonical: &str| {
        let reference: Reference = input.parse().unwrap();
        assert_eq!((reference.familiar().as_str(), reference.canonical().as_str()), (familiar, canonical));
        assert_eq!(familiar.parse::<Reference>().unwrap(), reference);
        assert_eq!(canonical.parse::<Reference>().unwrap(), reference);
    };
    check("nginx", "nginx:latest", "docker.io/library/nginx:latest");
    check("index.docker.io/a/b:1", "a/b:1", "docker.io/a/b:1");
    check("localhost/a", "localhost/a:latest", "localhost/a:latest");
    check("docker.io/a.b/c", "docker.io/a.b/c:latest", "docker.io/a.b/c:latest");
    let digest = Digest::sha256(b"x");
    let pinned: Reference = format!("a:1@{digest}").parse().unwrap();
    assert_eq!(pinned.tag().map(Tag::as_str), Some("1"));
    assert_eq!(pinned.digest(), Some(&digest));
    assert_eq!(format!("a@{digest}").parse::<Reference>().unwrap().tag(), None);
}

#[test]
fn serde_as_a_string() {
    let reference: Reference = serde_json::from_str("\"nginx\"").unwrap();
    assert_eq!(serde_json::to_string(&reference).unwrap(), "\"nginx:latest\"");
    assert!(serde_json::from_str::<Tag>("\"a b\"").is_err());
    assert!(serde_json::from_str::<Digest>("\"sha256:1\"").is_err());
}

proptest! {
    #[test]
    fn arbitrary_text_never_panics(text in "\\PC{0,300}") {
        if let Ok(reference) = text.parse::<Reference>() {
            prop_assert_eq!(&reference.to_string().parse::<Reference>().unwrap(), &reference);
        }
        let _ = text.parse::<Digest>();
        let _ = text.parse::<Tag>();
    }

    #[test]
    fn what_is_shown_reads_back(
        text in "(([a-z0-9.:-]{1,9}|\\[[0-9:]{1,5}\\](:[0-9]{1,3})?|[A-Z][a-z]{0,3}|localhost)/)?[a-z0-9]{1,5}([._/-]{1,2}[a-z0-9]{1,5}){0,3}(:[A-Za-z0-9._-]{1,9})?(@sha256:[0-9a-f]{64})?"
    ) {
        if let Ok(reference) = text.parse::<Reference>() {
            for shown in [reference.to_string(), reference.canonical()] {
                prop_assert_eq!(&shown.parse::<Reference>().unwrap(), &reference);
            }
            let json = serde_json::to_string(&reference).unwrap();
            prop_assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), reference);
        }
    }
}
