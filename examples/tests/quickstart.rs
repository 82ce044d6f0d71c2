//! The quickstart as it is run: what it prints where there is no terminal, and how it exits.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking, and says why")]

use std::path::PathBuf;
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::time::timeout;

/// The built example: cargo puts it beside the folder of the tests.
fn program() -> PathBuf {
    let test = std::env::current_exe().expect("a path");
    let profile = test.ancestors().nth(2).expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(format!("quickstart{}", std::env::consts::EXE_SUFFIX));
    assert!(program.exists(), "build it first: cargo build --example quickstart");
    program
}

async fn quickstart(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).stdin(Stdio::null()).kill_on_drop(true);
    if environment.is_empty() {
        // Nothing of a cluster that happens to be at hand.
        command.env_clear();
    }
    timeout(Duration::from_secs(60), command.envs(environment.iter().copied()).output())
        .await
        .expect("less than a minute")
        .expect("it starts")
}

/// Asserts that the story was told to its end, and gives what was printed.
fn told(output: Output, registry: &str) -> String {
    let out = String::from_utf8(output.stdout).expect("UTF-8");
    let err = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{out}\n{err}");
    assert_eq!(err, "", "{out}");
    let verdicts: Vec<&str> = out.lines().filter(|line| line.starts_with("=> ")).collect();
    let [installed, upgraded, undone] = verdicts.as_slice() else { panic!("three deployments: {out}") };
    for healthy in [installed, upgraded] {
        assert!(healthy.starts_with("=> healthy after "), "{out}");
    }
    assert!(undone.starts_with("=> rolled back after "), "{out}");
    assert!(
        undone.contains(&format!("image \"{registry}/api:v2-oops\" not found (container \"api\"")),
        "{out}"
    );
    for step in ["api changed", "api: image ", "rolling back", "api restored", "the old state is back"] {
        assert!(out.contains(step), "no \"{step}\" in {out}");
    }
    assert!(out.contains("api:v1 → api:v2\n") && out.contains("api:v2 → api:v2-oops, and back\n"), "{out}");
    assert!(!out.contains('\u{1b}'), "no terminal, no escape sequences: {out:?}");
    out
}

#[tokio::test]
async fn needs_nothing() {
    let file = std::env::temp_dir().join(format!("quickstart-{}.html", std::process::id()));
    let path = file.to_str().expect("UTF-8");
    let out = told(quickstart(&["--report", path], &[]).await, "registry.example");
    // The pods of the timeline, each with its row: the old ones, the new ones, and the one that never ran.
    let rows: Vec<&str> = out.lines().filter(|line| line.starts_with("  api-")).collect();
    assert_eq!(rows.len(), 5, "{out}");
    assert_eq!(rows.iter().filter(|row| row.contains('●')).count(), 4, "{out}");
    assert_eq!(rows.iter().filter(|row| row.contains('✘')).count(), 1, "{out}");

    let page = std::fs::read_to_string(&file).expect("written");
    std::fs::remove_file(&file).expect("removed");
    assert!(page.starts_with("<!DOCTYPE html>") && page.contains("v2-oops"), "{page}");
}

#[tokio::test]
async fn says_what_is_missing() {
    let output = quickstart(&["--context", "nowhere"], &[("KUBECONFIG", ""), ("REGISTRY", "")]).await;
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{out}");
    assert!(out.contains("error: ") && out.contains("--registry"), "{out}");
}

#[tokio::test]
#[ignore = "needs a cluster: tests/cluster/up"]
async fn tells_the_same_on_a_real_cluster() {
    let registry = std::env::var_os("REGISTRY").expect("REGISTRY: tests/cluster/up");
    let registry = registry.to_str().expect("UTF-8");
    let out = told(quickstart(&["--context", "admin"], &[("REGISTRY", registry)]).await, registry);
    assert!(out.contains("\nRemoving the namespace quickstart-"), "{out}");
}
