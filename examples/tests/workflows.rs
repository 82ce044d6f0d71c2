//! The ways of working as they are run: what they print, and how they exit.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking, and says why")]

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// What the built example prints; cargo puts it beside the folder of the tests.
async fn run(name: &str, arguments: &[&str], environment: &[(&str, &str)], code: i32) -> Vec<String> {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --examples");
    let mut command = Command::new(program);
    command.args(arguments).envs(environment.iter().copied()).stdin(Stdio::null()).kill_on_drop(true);
    let output =
        timeout(Duration::from_secs(120), command.output()).await.expect("in time").expect("it starts");
    let (out, err) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(code), "{out}\n{err}");
    out.lines().map(str::to_owned).collect()
}

/// Every line of `expected` begins one that is printed, in this order, and nothing else is.
fn told(printed: &[String], expected: &[&str]) {
    assert_eq!(printed.len(), expected.len(), "{printed:#?}");
    for (line, expected) in printed.iter().zip(expected) {
        assert!(line.starts_with(expected), "{line:?} is not {expected:?}: {printed:#?}");
    }
}

const OLD: &str = "main.20261101-080000.1a2b3c4";
const NEW: &str = "main.20261121-080000.4f1c2d9";
const BAD: &str = "main.20261121-090000.0bad0ba";

#[tokio::test]
async fn sequential() {
    let printed = run("sequential", &[], &[("APPROVED_BY", "ann")], 0).await;
    told(
        &printed,
        &[
            &format!("dev: promoted api: {OLD} to {NEW}"),
            &format!("production: promoted api: {OLD} to {NEW}"),
            &format!("dev: undone api: {NEW} to {BAD}: Deployment shop/api: container \"api\" of pod"),
            "git log:",
            "  The shop",
            &format!("  Promote shop to dev: api: {OLD} to {NEW}"),
            &format!("  Promote shop to production: api: {OLD} to {NEW}"),
            &format!("  Promote shop to dev: api: {NEW} to {BAD}"),
            &format!("  Revert shop in dev: api: {NEW} to {BAD}"),
        ],
    );
    // Nobody, and somebody who may not.
    for who in [vec![], vec![("APPROVED_BY", "mallory")]] {
        let printed = run("sequential", &[], &who, 0).await;
        let expected = format!("production: refused api: {OLD} to {NEW}: gate ");
        assert!(printed.get(1).expect("two lines").starts_with(&expected), "{printed:#?}");
        assert!(!printed.iter().any(|line| line.contains("to production")), "{printed:#?}");
    }
}

#[tokio::test]
async fn gitops() {
    told(
        &run("gitops", &[], &[], 0).await,
        &[
            &format!("dev: promoted api: {OLD} to {NEW}"),
            &format!("dev: deployed api {NEW}"),
            "git log:",
            "  The shop",
            &format!("  Promote shop to dev: api: {OLD} to {NEW}"),
        ],
    );
}

#[tokio::test]
async fn manual() {
    let printed = run("manual", &["production", NEW], &[], 0).await;
    assert_eq!(printed.first(), Some(&format!("production: promoted api: {OLD} to {NEW}")));
    let printed = run("manual", &["dev", "main.20261121-080000.4f1c2d8"], &[], 1).await;
    let [line] = printed.as_slice() else { panic!("{printed:?}") };
    assert!(
        line.contains("no such image") && line.contains(&format!("nearest tags there are {NEW}")),
        "{line}"
    );
    let printed = run("manual", &["production", "try-it.20261121-090000.5a6b7c8"], &[], 1).await;
    let [line] = printed.as_slice() else { panic!("{printed:?}") };
    assert!(line.contains("branch is \"try-it\": not branch=main"), "{line}");
    let printed = run("manual", &["staging", NEW], &[], 1).await;
    assert!(printed.concat().contains("there are dev, production"), "{printed:?}");
}

#[tokio::test]
async fn hybrid() {
    let newest = "main.20261121-090000.5a6b7c8";
    told(
        &run("hybrid", &[], &[], 0).await,
        &[
            &format!("dev: promoted api: {OLD} to {NEW}"),
            &format!("dev: promoted api: {NEW} to {newest}"),
            &format!("production: promoted api: {OLD} to {newest}"),
            "git log:",
            "  The shop",
            &format!("  Promote shop to dev: api: {OLD} to {NEW}"),
            &format!("  Promote shop to dev: api: {NEW} to {newest}"),
            &format!("  Promote shop to production: api: {OLD} to {newest}"),
        ],
    );
}

#[tokio::test]
async fn monorepo() {
    told(
        &run("monorepo", &[], &[], 0).await,
        &[
            "dev: promoted 5 images to 4f1c2d9",
            "dev: promoted 5 images to 5a6b7c8",
            "git log:",
            "  The shop",
            "  Promote shop to dev: 5 images to 4f1c2d9",
            "  Promote shop to dev: 5 images to 5a6b7c8",
        ],
    );
}
