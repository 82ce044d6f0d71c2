//! What explains a failure.

use deploy_core::health::Patience;
use serde_json::{Value, json};

use crate::node::{Node, listed, verdicts};
use crate::recordings::Recording;

/// What awk gathers of a recording's end, with `log` as every log.
fn gathered(awk: &str, name: &str, log: &str) -> (String, Value) {
    let recording = Recording::read(name);
    let node = Node::new(awk, &Patience::default(), std::slice::from_ref(&recording.target));
    let last = recording.end();
    std::fs::write(node.path().join("poll.json"), listed(&last)).expect("is written");
    std::fs::create_dir(node.path().join("logs")).expect("is made");
    node.sh("$AWK -f rules.awk -f judge.awk -v now=1795249000.000 -v targets=targets <poll.json >verdicts");
    let gather =
        "$AWK -f json.awk -f rules.awk -f judge.awk -f evidence.awk -v targets=targets -v verdicts=verdicts";
    let wanted = node.sh(&format!("{gather} -v mode=logs <poll.json"));
    for line in wanted.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let ["L", namespace, pod, container, previous] = fields.as_slice() else { panic!("a log: {line}") };
        let file = format!("{namespace}_{pod}_{container}_{previous}");
        std::fs::write(node.path().join("logs").join(file), log).expect("is written");
    }
    let evidence = node.sh(&format!("{gather} -v mode=evidence -v logs=logs <poll.json"));
    let verdict = std::fs::read_to_string(node.path().join("verdicts")).expect("was written");
    assert_eq!(verdicts(&verdict).len(), 1);
    (wanted, serde_json::from_str(&evidence).expect("is JSON"))
}

#[test]
fn a_crash_is_explained_by_its_logs() {
    check_crash("awk");
}

pub(crate) fn check_crash(awk: &str) {
    let lines: Vec<String> = (0..30).map(|line| format!("line {line} \"<é>\" \\ \u{1}\n")).collect();
    let log = lines.concat();
    let (wanted, evidence) = gathered(awk, "crash-loop", &log);
    let logs: Vec<String> = ["dgf7h\tapi\t0", "dgf7h\tapi\t1", "vnhj9\tapi\t0", "vnhj9\tapi\t1"]
        .map(|log| format!("L\trec-crash-loop\tapi-7b664dbcdc-{log}"))
        .to_vec();
    assert_eq!(wanted.lines().collect::<Vec<_>>(), logs);
    assert_eq!(evidence["pods"].as_array().map(Vec::len), Some(2));
    let pod = &evidence["pods"][0];
    assert_eq!(pod["name"], "api-7b664dbcdc-dgf7h");
    assert_eq!(
        pod["state"],
        "Running: container \"api\" of pod api-7b664dbcdc-dgf7h exits with code 1 (4 times)"
    );
    let container = &pod["containers"][0];
    assert_eq!(
        (&container["name"], &container["ready"], &container["restarts"]),
        (&json!("api"), &json!(false), &json!(3))
    );
    assert_eq!(container["state"], "terminated: exit code 1 (Error)");
    let lines = container["log"].as_array().expect("a list");
    assert_eq!(
        (lines.len(), &lines[0], &lines[19]),
        (20, &json!("line 10 \"<é>\" \\ \u{1}"), &json!("line 29 \"<é>\" \\ \u{1}"))
    );
    assert_eq!(container["previousLog"], container["log"]);
    let events = evidence["events"].as_array().expect("a list");
    let told =
        |event: &&Value| event["reason"] == "BackOff" && event["object"]["name"] == "api-7b664dbcdc-dgf7h";
    let event = events.iter().find(told).expect("is told of");
    assert_eq!(event["object"]["kind"], "Pod");
    assert!(
        event["message"].as_str().expect("text").contains("Back-off restarting failed container"),
        "{event}"
    );
}

#[test]
fn what_never_started_has_no_log() {
    let (wanted, evidence) = gathered("awk", "image-not-found", "");
    assert_eq!(wanted, "");
    let pod = &evidence["pods"][0];
    assert_eq!(pod["containers"][0]["image"], "127.0.0.1:5000/api:does-not-exist");
    assert!(pod["state"].as_str().expect("text").contains("not found"), "{pod}");
    assert_eq!(evidence["events"][0]["reason"], "Failed");
}

#[test]
fn what_is_healthy_needs_no_explanation() {
    let (_, evidence) = gathered("awk", "job-succeeds", "");
    assert_eq!(evidence, json!({"pods": [], "events": [], "gaps": []}));
}
