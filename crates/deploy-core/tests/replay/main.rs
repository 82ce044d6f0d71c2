//! Every recording of a real rollout, replayed through the judge: event by event, with ticks of the clock between them
//! and for five minutes beyond.
//!
//! What is expected, and when, is the table [`EXPECTED`].

#![allow(clippy::expect_used, clippy::panic, reason = "a test may stop")]

mod harness;
mod hostile;

use std::collections::BTreeSet;
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::health::{Judge, Patience, Verdict, World};

use crate::harness::{Line, Replay, applied, folder, recording};

/// How a rollout ends.
#[derive(Clone, Copy, Debug, PartialEq)]
enum End {
    Healthy,
    /// Failed: the reason's name, and the sentence.
    Failed(&'static str, &'static str),
    /// Neither, for as long as the caller waits: what the caller would say then.
    Never(&'static str),
}

use End::{Failed, Healthy, Never};

/// Recording, how it ends, and how many milliseconds after the apply that is known under the default patience.
const EXPECTED: &[(&str, End, u128)] = &[
    (
        "crash-loop",
        Failed("ContainerExit", "container \"api\" of pod api-7b664dbcdc-dgf7h exits with code 1 (2 times)"),
        2_524,
    ),
    (
        "daemonset-bad-image",
        Failed(
            "ImageNotFound",
            "image \"127.0.0.1:5000/api:does-not-exist\" not found (container \"api\" of pod agent-h82k5)",
        ),
        3_313,
    ),
    ("daemonset-rollout", Healthy, 3_887),
    (
        "first-install-bad-image",
        Failed(
            "ImageNotFound",
            "image \"127.0.0.1:5000/api:does-not-exist\" not found (container \"api\" of pod api-7bc9b8bf6f-g4m6n)",
        ),
        534,
    ),
    ("healthy-rollout", Healthy, 1_274),
    (
        "image-not-found",
        Failed(
            "ImageNotFound",
            "image \"127.0.0.1:5000/api:does-not-exist\" not found (container \"api\" of pod api-7bc9b8bf6f-lnsxr)",
        ),
        505,
    ),
    (
        "job-fails",
        Failed(
            "JobFailed",
            "Job rec-job-fails/migrate failed (BackoffLimitExceeded) in container \"m\" of pod migrate-kzgfv: Job has \
             reached the specified backoff limit",
        ),
        12_843,
    ),
    ("job-succeeds", Healthy, 2_837),
    (
        "missing-configmap",
        Failed(
            "MissingReference",
            "ConfigMap \"nope\" not found (container \"api\" of pod api-7c5db6f99-7dj8x)",
        ),
        5_522,
    ),
    (
        "progress-deadline-exceeded",
        Failed(
            "ProgressDeadline",
            "Deployment rec-progress-deadline-exceeded/api made no progress within its deadline: container \"api\" \
             of pod api-6bd569f7b4-22r5j is not ready: Readiness probe failed: HTTP probe failed with statuscode: 404",
        ),
        5_406,
    ),
    (
        "readiness-never-passes",
        Never(
            "container \"api\" of pod api-6bd569f7b4-749r9 is not ready: Readiness probe failed: HTTP probe failed \
             with statuscode: 404",
        ),
        0,
    ),
    (
        // The third attempt begins in the recording and its end is not in it: 60 s after the first sign.
        "registry-unreachable",
        Failed(
            "ImagePull",
            "image \"127.0.0.1:5999/api:v1\" cannot be pulled, 2 attempts (container \"api\" of pod \
             api-6cc68bdf58-z9kcf): failed to pull and unpack image \"127.0.0.1:5999/api:v1\": failed to resolve \
             reference \"127.0.0.1:5999/api:v1\": failed to do request: Head \
             \"http://127.0.0.1:5999/v2/api/manifests/v1\": dial tcp 127.0.0.1:5999: connect: connection refused",
        ),
        60_471,
    ),
    ("statefulset-rollout", Healthy, 7_335),
    (
        "unschedulable",
        Failed("Unschedulable", "pod api-74fddb75b6-ztmhl cannot be scheduled: 1 Insufficient cpu"),
        30_092,
    ),
];

/// The recordings were made from 07:50 on 21 November 2026 on, by the cluster's clock.
const START: &str = "2026-11-21T07:50:00Z";

#[test]
fn every_recording_ends_as_it_must_and_when() {
    for (name, end, after) in EXPECTED {
        check(name, &recording(name), START, &Patience::default(), *end, *after);
    }
}

#[test]
fn no_recording_is_left_out() {
    let folder = std::fs::read_dir(folder()).expect("the folder of the recordings is there");
    let files = folder.map(|entry| entry.expect("is readable").file_name().into_string().expect("is UTF-8"));
    let files: BTreeSet<String> =
        files.filter_map(|file| file.strip_suffix(".jsonl").map(str::to_owned)).collect();
    assert_eq!(files, EXPECTED.iter().map(|(name, ..)| (*name).to_owned()).collect());
}

/// Two machines' clocks are never compared.
#[test]
fn the_clusters_clock_does_not_matter() {
    for start in ["2026-11-21T06:00:00Z", "2026-11-21T10:00:00Z"] {
        for (name, end, after) in EXPECTED {
            check(name, &recording(name), start, &Patience::default(), *end, *after);
        }
    }
}

#[test]
fn patience_decides_when() {
    let check = |name: &str, patience: Patience, reason: &str, after: u128| {
        let replay = Replay::of(&recording(name), START, patience);
        let (at, said) = replay.end();
        assert_eq!(
            (said.failure().map(|failure| failure.reason.name()), replay.after(at)),
            (Some(reason), after),
            "{name}"
        );
    };
    let patience = Patience::default;
    check(
        "image-not-found",
        patience().with_image_not_found(Duration::from_secs(20)),
        "ImageNotFound",
        20_505,
    );
    check("registry-unreachable", patience().with_pull_attempts(2), "ImagePull", 16_099);
    check("registry-unreachable", patience().with_pull(Duration::from_secs(10)), "ImagePull", 10_471);
    check("crash-loop", patience().with_container_ends(1), "ContainerExit", 1_489);
    check("crash-loop", patience().with_container_ends(3), "ContainerExit", 15_524);
    check(
        "missing-configmap",
        patience().with_missing_reference(Duration::from_secs(60)),
        "MissingReference",
        60_522,
    );
    check("unschedulable", patience().with_unschedulable(Duration::ZERO), "Unschedulable", 92);
    // Without a settling time the crashing container is taken for healthy: what the settling time is for.
    let hasty = Replay::of(&recording("crash-loop"), START, patience().with_settling(Duration::ZERO));
    assert_eq!((hasty.after(hasty.end().0), hasty.end().1.verdict), (1_238, Verdict::Healthy));
}

/// `status`, on what a recording left behind: everything is seen at once.
#[test]
fn what_is_seen_late_is_judged_at_once() {
    for (name, end, _) in EXPECTED {
        let lines = recording(name);
        let mut world = World::new();
        let now: Timestamp = "2026-11-21T12:00:00Z".parse().expect("is a time");
        for line in &lines {
            if line.kind == "DELETED" {
                world.remove(&line.object(), now);
            } else if line.kind != "APPLY" {
                world.upsert(line.object(), now);
            }
        }
        let said = Judge::default().judge(&applied(&lines), &world, now);
        match (name, end) {
            (_, Healthy) => assert!(said.is_healthy(), "{name}: {said:?}"),
            // By count or at once, where time need not pass.
            (
                &("crash-loop"
                | "daemonset-bad-image"
                | "first-install-bad-image"
                | "image-not-found"
                | "job-fails"
                | "progress-deadline-exceeded"),
                Failed(reason, _),
            ) => {
                assert_eq!(
                    said.failure().map(|failure| failure.reason.name()),
                    Some(*reason),
                    "{name}: {said:?}"
                );
            }
            (_, Failed(reason, _)) => {
                let suspect = said.suspect.as_ref().map(|failure| failure.reason.name());
                assert_eq!((said.verdict.clone(), suspect), (Verdict::Progressing, Some(*reason)), "{name}");
            }
            (_, Never(_)) => assert_eq!(said.verdict, Verdict::Progressing, "{name}"),
        }
    }
}

fn check(name: &str, lines: &[Line], start: &str, patience: &Patience, end: End, after: u128) {
    let replay = Replay::of(lines, start, patience.clone());
    let (at, last) = replay.end();
    for (moment, said) in &replay.said {
        let when = replay.after(*moment);
        match end {
            Healthy => assert!(said.failure().is_none(), "{name} failed at {when} ms: {said:?}"),
            Failed(..) => assert!(!said.is_healthy(), "{name} was healthy at {when} ms"),
            Never(_) => assert_eq!(said.verdict, Verdict::Progressing, "{name} ended at {when} ms: {said:?}"),
        }
        if *moment > at && last.is_healthy() {
            assert!(said.is_healthy(), "{name} was healthy and is not any more at {when} ms: {said:?}");
        }
    }
    match end {
        Healthy => assert_eq!((last.verdict, replay.after(at)), (Verdict::Healthy, after), "{name}"),
        Failed(reason, sentence) => {
            let failure = last.failure().unwrap_or_else(|| panic!("{name} does not fail: {last:?}"));
            assert_eq!((failure.reason.name(), replay.after(at)), (reason, after), "{name}");
            assert_eq!(failure.to_string(), sentence, "{name}");
        }
        Never(sentence) => {
            let suspect = last.suspect.map(|suspect| suspect.to_string());
            assert_eq!(suspect.as_deref(), Some(sentence), "{name}");
        }
    }
}
