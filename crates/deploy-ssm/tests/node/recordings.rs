//! Every recording of a real rollout, replayed through the scripts in virtual time: `date` and `sleep` are a clock in a file, kubectl answers
//! with what there was at that moment. The verdicts are those of the judge in Rust (deploy-core's `tests/replay`).

use std::time::Duration;

use deploy_core::manifest::Object;
use deploy_core::run::OnFailure;
use deploy_ssm::node::{Cause, Report, RunStatus, Source, Verb};
use serde_json::Value;

use crate::cluster::Replay;
use crate::harness::{Node, package};

/// Recording, and how it ends there: the reason's name; `None` is healthy, empty is neither.
const EXPECTED: &[(&str, Option<&str>)] = &[
    ("crash-loop", Some("ContainerExit")),
    ("daemonset-bad-image", Some("ImageNotFound")),
    ("daemonset-rollout", None),
    ("first-install-bad-image", Some("ImageNotFound")),
    ("healthy-rollout", None),
    ("image-not-found", Some("ImageNotFound")),
    ("job-fails", Some("JobFailed")),
    ("job-succeeds", None),
    ("missing-configmap", Some("MissingReference")),
    ("progress-deadline-exceeded", Some("ProgressDeadline")),
    ("readiness-never-passes", Some("")),
    ("registry-unreachable", Some("ImagePull")),
    ("statefulset-rollout", None),
    ("unschedulable", Some("Unschedulable")),
];

/// 07:50 on 21 November 2026, when the recordings begin by the cluster's clock.
const START: u64 = 1_795_247_400;

const DATE: &str = "#!/bin/sh\nread -r now <CLOCK\ncase $1 in +%s) echo \"$now\" ;; *) exec /bin/date -u -d \"@$now\" \"${2:-$1}\" ;; esac\n";
/// A tenth of a second is the command's own wait, and real.
const SLEEP: &str = "#!/bin/sh\ncase $1 in *.*) exec /bin/sleep 0.05 ;; esac\nread -r now <CLOCK\necho $((now + $1)) >CLOCK.new\nmv CLOCK.new CLOCK\n";

fn replayed(name: &str) -> (Node, Report) {
    let file = format!("{}/../deploy-core/tests/recordings/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{file}: {error}"));
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let apply = lines.iter().find(|line| line["type"] == "APPLY").expect("something is applied");
    let namespace = lines.iter().rev().find_map(|line| line["object"]["metadata"]["namespace"].as_str());
    let object = Object::new(apply["object"]["items"][0].clone()).expect("an object");
    let object = object.in_namespace(namespace.expect("they are of a namespace"));

    let node = Node::new();
    let clock = node.path("clock");
    let applied = Duration::from_secs_f64(apply["t"].as_f64().expect("a time"));
    std::fs::write(&clock, format!("{}\n", START + applied.as_secs() + 1)).expect("is written");
    for (tool, text) in [("date", DATE), ("sleep", SLEEP)] {
        node.tool(tool, &text.replace("CLOCK", &clock.to_string_lossy()));
    }
    node.world(|world| {
        world.replay = Some(Replay { file, clock: clock.to_string_lossy().into(), start: START });
    });
    let package = package(&object.value().to_string());
    let source = Source::Inline { bytes: package.bytes().to_vec(), sha256: package.sha256().to_owned() };
    let request = node.request(Verb::Deploy, "one").package(source).expect("a package");
    let request = request.timeout(Duration::from_secs(100)).on_failure(OnFailure::Leave);
    let report = node.run(&request).report();
    (node, report)
}

#[test]
fn every_recording_ends_as_the_judge_in_rust_says() {
    for (name, end) in EXPECTED {
        let (node, report) = replayed(name);
        let said = match &report.cause {
            None => None,
            Some(Cause::Failed { failures }) => Some(failures[0].reason.name()),
            Some(Cause::TimedOut { .. }) => Some(""),
            Some(other) => panic!("{name}: {other:?}\n{}", node.log("one")),
        };
        assert_eq!(said, *end, "{name}: {report:#?}\n{}", node.log("one"));
        let status = if end.is_none() { RunStatus::Healthy } else { RunStatus::Left };
        assert_eq!(report.status, status, "{name}");
    }
}
