//! Questions to a node.

use deploy_ssm::node::{Diagnosis, Health, History, NodeStatus, RunStatus, State, Sweep, Verb};

use crate::cluster::Fault;
use crate::harness::{Node, app};

#[test]
fn the_history_tells_of_all_that_ended() {
    let node = Node::new();
    let empty: History = node.run(&node.request(Verb::History, "")).answer();
    assert_eq!((empty.current, empty.kept.len(), empty.entries.len()), (None, 0, 0));
    node.run(&node.deploy_request("one", &app("api:v1")).git_revision("it's \"1\" \\ é"));
    node.deploy("two", &app("api:bad"));
    node.deploy("three", &app("api:v3"));
    let history: History = node.run(&node.request(Verb::History, "")).answer();
    let told: Vec<_> =
        history.entries.iter().map(|entry| (entry.number, entry.id.as_str(), entry.status)).collect();
    let expected = [
        (Some(1), "one", RunStatus::Healthy),
        (Some(2), "two", RunStatus::Undone),
        (Some(3), "three", RunStatus::Healthy),
    ];
    assert_eq!(told, expected);
    assert_eq!((history.current, &history.kept), (Some(3), &vec![1, 3]));
    assert_eq!(history.entries[0].git_revision.as_deref(), Some("it's \"1\" \\ é"));
    assert_eq!(history.entries[0].images, ["api:v1"]);
    assert!(history.entries[0].bundle.as_deref().is_some_and(|bundle| bundle.starts_with("sha256:")));
    assert!(
        history.entries[1].description.as_deref().is_some_and(|why| why.contains("not found")),
        "{history:?}"
    );
}

#[test]
fn torn_lines_are_left_out() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    let tear = |file: std::path::PathBuf, torn: &str| {
        let text = std::fs::read_to_string(&file).expect("is there");
        std::fs::write(file, text + torn).expect("is written");
    };
    let history = node.path("state").join("shop/history.jsonl");
    tear(
        history.clone(),
        "{\"number\":2,\"id\":\"x\",\"sta{\"number\":3,\"id\":\"y\",\"status\":\"healthy\"}\n",
    );
    tear(history, "{\"number\":2,\"id\":\"x\",\"sta");
    node.deploy("two", &app("api:v2"));
    let history: History = node.run(&node.request(Verb::History, "")).answer();
    let ids: Vec<_> = history.entries.iter().map(|entry| entry.id.as_str()).collect();
    assert_eq!(ids, ["one", "two"]);
    tear(node.run_file("two", "events.jsonl"), "{\"at\":\"2026-11-22T1");
    let status: NodeStatus = node.run(&node.request(Verb::Status, "two")).answer();
    assert!(status.run.is_some_and(|run| !run.events.is_empty()));
}

#[test]
fn the_status_tells_what_runs() {
    let node = Node::new();
    let status: NodeStatus = node.run(&node.request(Verb::Status, "")).answer();
    assert!(status.run.is_none() && status.current.is_none() && status.runs.is_empty());
    node.deploy("one", &app("api:v1"));
    let status: NodeStatus = node.run(&node.request(Verb::Status, "one")).answer();
    let run = status.run.expect("a run");
    assert_eq!((run.state, run.status, status.current), (State::Ended, Some(RunStatus::Healthy), Some(1)));
    assert!(run.events.iter().any(|event| event["event"] == "healthy"), "{run:?}");
}

#[test]
fn the_health_is_the_api_servers() {
    let node = Node::new();
    let health: Health = node.run(&node.request(Verb::Health, "")).answer();
    assert!(health.ready && health.message == "ok", "{health:?}");
    node.world(|world| {
        world.faults.push(Fault::always("get --raw", "[-]etcd \"failed\": \\ reason withheld\n"));
    });
    let health: Health = node.run(&node.request(Verb::Health, "")).answer();
    assert!(!health.ready && health.message.contains("[-]etcd \"failed\": \\ reason"), "{health:?}");
}

#[test]
fn a_diagnosis_has_gaps_rather_than_none() {
    let node = Node::new();
    node.world(|world| world.faults.push(Fault::always("get", "Unable to connect to the server\n")));
    let diagnosis: Diagnosis = node.run(&node.request(Verb::Diagnose, "")).answer();
    assert!(
        diagnosis.memory.total_kb > 0 && !diagnosis.disk.is_empty() && diagnosis.load.len() == 3,
        "{diagnosis:?}"
    );
    assert_eq!(diagnosis.gaps.len(), 3, "{diagnosis:?}");
    assert_eq!(diagnosis.kubectl.as_deref(), Some("v1.36.2"));
    node.without("kubectl");
    let diagnosis: Diagnosis = node.run(&node.request(Verb::Diagnose, "")).answer();
    assert_eq!(diagnosis.gaps, ["kubectl is not on the node"]);
}

#[test]
fn a_sweep_removes_ends_and_keeps_what_must_be_taken_over() {
    let node = Node::new();
    for id in ["one", "two", "three"] {
        node.deploy(id, &app(&format!("api:{id}")));
    }
    let runs = node.path("state").join("shop/runs");
    for (id, noted) in [("dead", "absent\tv1\tConfigMap\t\tshop\tx\t\t\n"), ("empty", "")] {
        std::fs::create_dir(runs.join(id)).expect("a folder");
        std::fs::write(runs.join(id).join("noted.tsv"), noted).expect("is written");
    }
    let sweep: Sweep = node.run(&node.request(Verb::Sweep, "").keep(1)).answer();
    let mut removed = sweep.removed;
    removed.sort();
    assert_eq!(removed, ["empty", "one", "two"]);
    assert_eq!(sweep.died, ["dead"]);
    assert!(runs.join("three/result.json").exists() && !runs.join("one").exists());
}

#[test]
fn a_sweep_keeps_as_many_as_the_deployments_did() {
    let node = Node::new();
    for id in ["one", "two", "three"] {
        node.run(&node.deploy_request(id, &app("api:v1")).keep(3));
    }
    let sweep: Sweep = node.run(&node.request(Verb::Sweep, "").keep(1)).answer();
    assert_eq!(sweep.removed, [""; 0]);
}
