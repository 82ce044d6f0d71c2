//! Reports of recorded rollouts, run through the driver, are what they were when somebody last looked at them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "these are tests, their helpers too")]

mod recorded;

use deploy_core::outcome::Status;
use deploy_core::report;

/// Compares with the file in `golden`, and leaves what was made beside the build for whoever looks.
fn check(name: &str, made: &str) {
    let made_at = format!("{}/{name}", env!("CARGO_TARGET_TMPDIR"));
    std::fs::write(&made_at, made).unwrap();
    let golden =
        std::fs::read_to_string(format!("{}/tests/report/golden/{name}", env!("CARGO_MANIFEST_DIR")));
    assert!(
        golden.is_ok_and(|golden| golden == made),
        "tests/report/golden/{name} differs from {made_at}: look at it, and copy it if it is right"
    );
}

#[tokio::test(start_paused = true)]
async fn recorded_rollouts_are_reported() {
    for (name, status) in [
        ("image-not-found", Status::RolledBack),
        ("crash-loop", Status::RolledBack),
        ("healthy-rollout", Status::Healthy),
    ] {
        let outcome = recorded::outcome(name).await;
        assert_eq!(outcome.status, status, "{outcome}");
        check(&format!("{name}.md"), &report::markdown(&outcome));
        check(&format!("{name}.html"), &report::html(&outcome));
    }
}
