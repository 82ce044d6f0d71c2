//! Real rollouts, as kubectl would have shown them.

use std::collections::BTreeMap;
use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::health::Patience;
use deploy_core::manifest::{Object, ObjectId};
use serde_json::Value;

use crate::node::{Node, Poll, verdicts};
use crate::twin::{Snapshot, compare};

/// Recording, the reason's name (`None`: healthy; empty: neither), and how many milliseconds after the apply the judge that watches knows it:
/// the table of deploy-core's `tests/replay`.
const EXPECTED: &[(&str, Option<&str>, u64)] = &[
    ("crash-loop", Some("ContainerExit"), 2_524),
    ("daemonset-bad-image", Some("ImageNotFound"), 3_313),
    ("daemonset-rollout", None, 3_887),
    ("first-install-bad-image", Some("ImageNotFound"), 534),
    ("healthy-rollout", None, 1_274),
    ("image-not-found", Some("ImageNotFound"), 505),
    ("job-fails", Some("JobFailed"), 12_843),
    ("job-succeeds", None, 2_837),
    ("missing-configmap", Some("MissingReference"), 5_522),
    ("progress-deadline-exceeded", Some("ProgressDeadline"), 5_406),
    ("readiness-never-passes", Some(""), 0),
    ("registry-unreachable", Some("ImagePull"), 60_471),
    ("statefulset-rollout", None, 7_335),
    ("unschedulable", Some("Unschedulable"), 30_092),
];

/// By the cluster's clock the recordings begin at 07:50.
const START: &str = "2026-11-21T07:50:00Z";

pub(crate) struct Recording {
    pub(crate) target: ObjectId,
    applied: Duration,
    lines: Vec<(Duration, String, Value)>,
}

impl Recording {
    pub(crate) fn read(name: &str) -> Self {
        let path = format!("{}/../deploy-core/tests/recordings/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
        let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
        let line = |line| {
            let mut line: Value = serde_json::from_str(line).expect("a line of a recording is JSON");
            let t = Duration::from_secs_f64(line["t"].as_f64().expect("t is a number"));
            (t, line["type"].as_str().unwrap_or_default().to_owned(), line["object"].take())
        };
        let lines: Vec<_> = text.lines().map(line).collect();
        let (applied, _, list) =
            lines.iter().find(|(_, kind, _)| kind == "APPLY").expect("something is applied");
        let namespace =
            lines.iter().rev().find_map(|(_, _, object)| object["metadata"]["namespace"].as_str());
        let object = Object::new(list["items"][0].clone()).expect("what is applied is an object");
        let target = object.in_namespace(namespace.expect("the recordings are of a namespace")).id();
        Self { target, applied: *applied, lines: lines.clone() }
    }

    /// What there was at `t`, as the API server lists it.
    fn at(&self, t: Duration) -> Vec<Value> {
        let mut objects = BTreeMap::new();
        for (_, kind, object) in self.lines.iter().take_while(|(at, ..)| *at <= t) {
            let id = (object["kind"].as_str(), object["metadata"]["name"].as_str());
            match kind.as_str() {
                "APPLY" => None,
                "DELETED" => objects.remove(&id),
                _ => objects.insert(id, object),
            };
        }
        objects.into_values().cloned().collect()
    }

    /// What there is at the end.
    pub(crate) fn end(&self) -> Vec<Value> {
        self.at(Duration::MAX)
    }

    /// At each line since the apply, and for as long as it can matter beyond.
    fn steps(&self) -> Vec<Duration> {
        let mut steps: Vec<Duration> =
            self.lines.iter().map(|(at, ..)| *at).filter(|at| *at > self.applied).collect();
        steps.dedup();
        let last = steps.last().copied().unwrap_or(self.applied);
        steps.extend([1, 2, 3, 4, 6, 11, 31, 61, 91].map(|more| last + Duration::from_secs(more)));
        steps
    }

    pub(crate) fn snapshots(&self, steps: &[Duration]) -> Vec<Snapshot> {
        let start: Timestamp = START.parse().expect("is a time");
        steps.iter().map(|t| (start + *t, self.at(*t))).collect()
    }
}

pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    EXPECTED.iter().map(|(name, ..)| *name)
}

/// At every step of every recording both judges say the same, word for word.
pub(crate) fn agree(awk: &str) {
    for name in names() {
        let recording = Recording::read(name);
        let snapshots = recording.snapshots(&recording.steps());
        if let Err(difference) = compare(awk, &Patience::default(), &[recording.target], &snapshots) {
            panic!("{name}: {difference}");
        }
    }
}

#[test]
fn every_step_of_every_recording_is_judged_as_in_rust() {
    agree("awk");
}

#[test]
fn polls_of_a_second_end_as_watches_do_and_at_most_one_poll_later() {
    for (name, end, known) in EXPECTED {
        let recording = Recording::read(name);
        let steps: Vec<Duration> =
            (1..100).map(|second| recording.applied + Duration::from_secs(second)).collect();
        let node = Node::new("awk", &Patience::default(), std::slice::from_ref(&recording.target));
        let polls = recording
            .snapshots(&steps)
            .iter()
            .map(|(now, objects)| Poll::of(*now, objects))
            .collect::<Vec<_>>();
        let said: Vec<_> = node.polls(&polls).iter().flat_map(|text| verdicts(text)).collect();
        let ended = said.iter().position(|said| said.state != "progressing");
        let reason =
            |index: usize| said[index].failure.as_ref().map(|failure| failure.reason.name().to_owned());
        match (ended, end) {
            (None, Some("")) => {}
            (Some(index), end) => {
                assert_eq!(reason(index).as_deref(), *end, "{name}");
                let at = u64::try_from(index + 1).expect("is small") * 1000;
                println!("{name}: by watches {known} ms, by polls {at} ms");
                assert!(at < known + 2_000, "{name}: {at} ms instead of {known}");
            }
            (None, _) => panic!("{name}: {:#?}", said.last()),
        }
    }
}
