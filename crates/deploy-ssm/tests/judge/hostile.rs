//! What is no answer of kubectl's, or is one by an enemy: never called healthy, never broken output.

use deploy_core::clock::Timestamp;
use deploy_core::health::Patience;
use deploy_core::manifest::ObjectId;
use serde_json::json;

use crate::node::{Node, Poll, Said, listed, pods, verdicts};

fn now() -> Timestamp {
    "2026-01-01T01:00:00Z".parse().expect("is a time")
}

fn said(target: &ObjectId, text: &str) -> Said {
    let node = Node::new("awk", &Patience::default(), std::slice::from_ref(target));
    let out = node.polls(&[Poll { now: now(), text: text.to_owned() }]).concat();
    pods(&out);
    let mut all = verdicts(&out);
    assert_eq!(all.len(), 1, "{out}");
    all.remove(0)
}

fn bound() -> (ObjectId, String) {
    let claim = json!({
        "apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data", "namespace": "shop", "uid": "u"},
        "status": {"phase": "Bound"},
    });
    (ObjectId::new("", "PersistentVolumeClaim", Some("shop"), "data"), listed(&[claim]))
}

#[test]
fn an_answer_cut_anywhere_says_nothing() {
    let (target, text) = bound();
    assert_eq!(said(&target, &text).state, "healthy");
    let node = Node::new("awk", &Patience::default(), std::slice::from_ref(&target));
    let cuts: Vec<Poll> =
        (0..text.len() - 2).map(|end| Poll { now: now(), text: text[..end].to_owned() }).collect();
    for (end, out) in node.polls(&cuts).iter().enumerate() {
        assert_eq!(verdicts(out)[0].state, "progressing", "cut at {end}");
    }
}

#[test]
fn what_is_no_json_says_nothing() {
    let (target, text) = bound();
    let check = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        let said = said(&target, &text.replace(from, to));
        assert_eq!(
            (said.state.as_str(), said.progress.as_str()),
            ("progressing", "the cluster's answer could not be read"),
            "{to}"
        );
    };
    check("\"Bound\"", "Bound");
    check("\"Bound\"", "\"Bou\"nd\"");
    check("\"Bound\"", "\"Bound\\\"");
    check("\"Bound\"", "\"Bou\tnd\"");
    check("\"Bound\"", "\"Bou\\qnd\"");
    check("\"phase\": ", "phase: ");
    check("\"phase\": ", "");
    check("\"status\": {", "\"status\": [");
    check("\"kind\": \"List\"", "]");
    check(&text, "error: the server is currently unable to handle the request\n");
    check(&text, "");
    check(&text, "{}}\n");
    check(&text, &"{\n".repeat(100_000));
    check(&text, &format!("{{\n\"a\": \"{}\n", "x".repeat(3_000_000)));
}

#[test]
fn what_was_known_outlives_an_answer_that_cannot_be_read() {
    let (target, text) = bound();
    let node = Node::new("awk", &Patience::default(), std::slice::from_ref(&target));
    node.polls(&[Poll { now: now(), text: text.clone() }]);
    let before = std::fs::read_to_string(node.path().join("state")).expect("was written");
    assert!(before.contains('u'), "{before}");
    node.polls(&[Poll { now: now(), text: "{".into() }]);
    let after = std::fs::read_to_string(node.path().join("state")).expect("was written");
    let sorted = |text: &str| {
        let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
        lines.sort();
        lines
    };
    assert_eq!(sorted(&before), sorted(&after));
}

#[test]
fn several_answers_and_single_objects_are_read() {
    let (target, text) = bound();
    let empty = listed(&[]);
    assert_eq!(said(&target, &format!("{empty}{text}{empty}")).state, "healthy");
    let object = "{\n    \"apiVersion\": \"v1\",\n    \"kind\": \"PersistentVolumeClaim\",\n    \"metadata\": {\n        \"name\": \"data\",\n        \"namespace\": \"shop\"\n    },\n    \"status\": {\n        \"phase\": \"Bound\"\n    }\n}\n";
    assert_eq!(said(&target, object).state, "healthy");
}

#[test]
fn names_and_words_may_be_anything() {
    let enemy = "x\"}],\"V\\\t1\thealthy\n\u{0}\u{1b}é<script>&\u{2028}%s\\u0000";
    let pod = json!({
        "apiVersion": "v1", "kind": "Pod",
        "metadata": {"name": "p", "namespace": "shop", "uid": enemy, "labels": {enemy: enemy}, "annotations": {enemy: {"a": [enemy]}}},
        "spec": {"containers": [{"name": enemy, "image": enemy}], "nodeName": "n", "restartPolicy": "Always"},
        "status": {
            "phase": "Running", "reason": enemy, "message": enemy,
            "containerStatuses": [{"name": enemy, "state": {"waiting": {"reason": "ErrImagePull", "message": format!("{enemy}: not found")}}}],
        },
    });
    let event = json!({
        "apiVersion": "v1", "kind": "Event", "metadata": {"name": enemy, "namespace": "shop"}, "type": "Warning", "reason": "Failed",
        "message": format!("Failed to pull image {enemy}"),
        "involvedObject": {"uid": enemy, "kind": "Pod", "name": "p", "fieldPath": format!("spec.containers{{{enemy}}}")},
    });
    let said = said(&ObjectId::new("", "Pod", Some("shop"), "p"), &listed(&[pod, event]));
    let failure = said.failure.expect("has failed");
    assert_eq!((failure.reason.name(), failure.container.as_deref()), ("ImageNotFound", Some(enemy)));
    assert_eq!(failure.message, format!("{enemy}: not found"));
}

#[test]
fn a_huge_message_is_cut() {
    let claim = json!({
        "apiVersion": "shop.example/v1", "kind": "Thing", "metadata": {"name": "x", "uid": "u"},
        "status": {"conditions": [{"type": "Stalled", "status": "True", "message": "é\"".repeat(1_000_000)}]},
    });
    let said = said(&ObjectId::new("shop.example", "Thing", None, "x"), &listed(&[claim]));
    let failure = said.failure.expect("has failed");
    assert_eq!(failure.message.chars().count(), 512);
    assert!(failure.message.ends_with("\"…") || failure.message.ends_with("é…"));
}
