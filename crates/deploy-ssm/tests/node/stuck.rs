//! Objects that cannot be deleted: they are told of, not taken for gone, and deleted by a later deployment.

use deploy_core::plan::Action;
use deploy_ssm::node::{Cause, Report, RunStatus, Verb};

use crate::harness::{Node, app};

const STUCK: &str = "ConfigMap./shop/stuck";

/// A ConfigMap that stays for as long as it has a finalizer.
fn with_stuck(image: &str) -> String {
    let stuck = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: stuck, namespace: shop, finalizers: [a.example/b]}\n";
    format!("{}---\n{stuck}", app(image))
}

fn unstick(node: &Node) {
    node.world(|world| {
        let metadata = world.objects.get_mut(STUCK).and_then(|object| object["metadata"].as_object_mut());
        metadata.expect("it stands").remove("finalizers");
    });
}

fn stands(node: &Node) -> bool {
    node.world(|world| world.objects.contains_key(STUCK))
}

fn deleted(report: &Report) -> Vec<String> {
    let gone = report.objects.iter().filter(|written| written.action == Action::Delete);
    gone.map(|written| written.object.to_string()).collect()
}

#[track_caller]
fn ended(node: &Node, report: &Report, status: RunStatus) {
    assert_eq!(report.status, status, "{report:#?}\n{}", node.log(&report.id));
}

/// The names of what could not be brought back.
fn left(report: &Report) -> Vec<&str> {
    let undo = report.undo.as_ref().expect("it was tried");
    undo.left.iter().map(|left| left.object.name.as_str()).collect()
}

#[test]
fn what_stays_on_the_way_back_is_not_told_as_deleted() {
    let node = Node::new();
    let report = node.deploy("one", &with_stuck("api:bad"));
    ended(&node, &report, RunStatus::UndoFailed);
    assert_eq!(left(&report), ["stuck"]);
    let events = node.events("one");
    let gone = events.iter().filter(|event| event["event"] == "restored" && event["action"] == "delete");
    let mut gone: Vec<_> = gone.map(|event| event["object"]["name"].as_str().expect("a name")).collect();
    gone.sort_unstable();
    assert_eq!(gone, ["api", "settings"]);
    assert!(!node.log("one").contains("shop/stuck is deleted"), "{}", node.log("one"));

    // The next one that prunes tries again.
    unstick(&node);
    let report = node.run(&node.deploy_request("two", &app("api:v1")).prune(true)).report();
    ended(&node, &report, RunStatus::Healthy);
    assert!(!stands(&node));
}

#[test]
fn what_could_not_be_pruned_is_pruned_by_the_next_deployment() {
    let node = Node::new();
    ended(&node, &node.deploy("one", &with_stuck("api:v1")), RunStatus::Healthy);
    let prune = |id: &str, image: &str| node.run(&node.deploy_request(id, &app(image)).prune(true)).report();
    let report = prune("two", "api:v2");
    ended(&node, &report, RunStatus::Healthy);
    assert_eq!(deleted(&report), [""; 0]);
    assert!(report.notes.iter().any(|note| note.contains("stuck")), "{report:?}");
    unstick(&node);
    let report = prune("three", "api:v3");
    ended(&node, &report, RunStatus::Healthy);
    assert_eq!(deleted(&report), ["ConfigMap shop/stuck"]);
    assert!(!stands(&node));
    assert_eq!(deleted(&prune("four", "api:v4")), [""; 0]);
}

#[test]
fn a_way_to_nothing_fails_if_something_stays() {
    let node = Node::new();
    ended(&node, &node.deploy("one", &with_stuck("api:v1")), RunStatus::Healthy);
    let nothing = |id: &str| node.run(&node.request(Verb::Rollback, id).number(0).prune(true)).report();
    let report = nothing("two");
    ended(&node, &report, RunStatus::UndoFailed);
    assert!(matches!(report.cause, Some(Cause::Error(_))), "{report:?}");
    assert_eq!(left(&report), ["stuck"]);
    unstick(&node);
    ended(&node, &nothing("three"), RunStatus::Healthy);
    assert!(node.world(|world| world.objects.is_empty()));
}
