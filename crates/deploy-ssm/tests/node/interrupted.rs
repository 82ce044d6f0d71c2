//! Commands delivered twice, killed, cancelled; units killed; two deployments at once.

use deploy_core::run::OnFailure;
use deploy_ssm::node::{Cause, NodeStatus, RunStatus, State, Verb};

use crate::cluster::Fault;
use crate::harness::{Node, app, until};

#[expect(clippy::disallowed_methods, reason = "what is tested is what a kill leaves")]
fn kill(target: &str) {
    let done = std::process::Command::new("kill").args(["-9", "--", target]).status().expect("kill runs");
    assert!(done.success(), "{target}");
}

/// Kills the unit of a run, and all that it started.
fn kill_unit(node: &Node, id: &str) {
    let folder = node.run_file(id, "node");
    let mut groups = Vec::new();
    for process in std::fs::read_dir("/proc").expect("processes").flatten() {
        let line = std::fs::read(process.path().join("cmdline")).unwrap_or_default();
        let stat = std::fs::read_to_string(process.path().join("stat")).unwrap_or_default();
        if String::from_utf8_lossy(&line).contains(&*folder.to_string_lossy())
            && String::from_utf8_lossy(&line).contains("\0run")
        {
            let group = stat
                .rsplit(')')
                .next()
                .and_then(|rest| rest.split_whitespace().nth(2))
                .expect("a group")
                .to_owned();
            groups.push(group);
        }
    }
    groups.dedup();
    assert!(!groups.is_empty(), "the unit lives");
    for group in groups {
        kill(&format!("-{group}"));
    }
}

fn applied(node: &Node, id: &str) {
    until("something is applied", || {
        std::fs::read_to_string(node.run_file(id, "events.jsonl"))
            .is_ok_and(|text| text.contains("\"Deployment\""))
    });
}

#[test]
fn a_command_delivered_twice_deploys_once() {
    let node = Node::new();
    let request = node.deploy_request("one", &app("api:v1"));
    let (first, second) = (node.start(&request), node.start(&request));
    let (first, second) = (node.end(first), node.end(second));
    assert_eq!(first.report().status, RunStatus::Healthy, "{first:?}");
    assert_eq!(first.stdout, second.stdout);
    let third = node.run(&request);
    assert_eq!(first.stdout, third.stdout);
    assert_eq!(
        node.world(|world| world.calls.iter().filter(|call| call.starts_with("apply")).count()),
        2,
        "one for each stage"
    );
}

#[test]
fn the_unit_goes_on_when_the_command_is_killed() {
    let node = Node::new();
    node.world(|world| world.faults.push(Fault::slow("apply", 700)));
    let child = node.start(&node.deploy_request("one", &app("api:v1")));
    until("the unit lives", || node.run_file("one", "events.jsonl").exists());
    kill(&format!("-{}", child.id()));
    drop(node.end(child));
    let ran = node.run(&node.request(Verb::Attach, "one"));
    assert_eq!(ran.report().status, RunStatus::Healthy, "{ran:?}");
}

#[test]
fn what_a_killed_unit_wrote_is_the_next_ones_to_undo() {
    let node = Node::new();
    let child = node.start(&node.deploy_request("one", &app("api:slow")));
    applied(&node, "one");
    kill_unit(&node, "one");
    let report = node.end(child).report();
    assert_eq!(report.status, RunStatus::Killed);
    let state = node.run(&node.request(Verb::Status, "")).answer::<NodeStatus>().run.expect("a run").state;
    assert_eq!(state, State::Died);

    // The next one fails, and nothing of both stays.
    let report = node.deploy("two", &app("api:bad"));
    assert_eq!(report.status, RunStatus::Undone, "{report:?}\n{}", node.log("two"));
    assert!(node.world(|world| world.objects.is_empty()), "{}", node.log("two"));
    assert_eq!(node.result("one").status, RunStatus::UndoFailed);
    let events = node.events("two");
    assert!(
        events.iter().any(|event| event["event"] == "recovering" && event["interrupted"] == "one"),
        "{events:?}"
    );
}

#[test]
fn what_stood_before_is_known_until_there_is_a_result() {
    let node = Node::new();
    node.world(|world| {
        let object = serde_json::json!({"apiVersion": "v1", "kind": "ConfigMap", "data": {"level": "debug"},
            "metadata": {"name": "settings", "namespace": "shop", "uid": "u", "resourceVersion": "5"}});
        world.objects.insert("ConfigMap./shop/settings".into(), object);
        world.version = 5;
    });
    let full = "case $* in 'result.full.json result.json') exit 1 ;; esac\nexec /bin/mv \"$@\"";
    node.tool("mv", &format!("#!/bin/sh\n{full}\n"));
    let request = node.deploy_request("one", &app("api:bad")).on_failure(OnFailure::Leave);
    assert_eq!(node.run(&request).report().status, RunStatus::Killed);
    node.link("mv", "/bin/mv");
    let report = node.deploy("two", &app("api:bad"));
    assert_eq!(report.status, RunStatus::Undone, "{report:?}\n{}", node.log("two"));
    let level = node.world(|world| world.objects["ConfigMap./shop/settings"].pointer("/data/level").cloned());
    assert_eq!(level, Some("debug".into()));
}

#[test]
fn a_killed_unit_can_be_deployed_again() {
    let node = Node::new();
    let request = node.deploy_request("one", &app("api:v1"));
    node.world(|world| world.faults.push(Fault { times: Some(1), ..Fault::slow("apply", 60_000) }));
    let child = node.start(&request);
    let applies = || node.world(|world| world.calls.iter().any(|call| call.starts_with("apply")));
    until("it applies", applies);
    kill_unit(&node, "one");
    assert_eq!(node.end(child).report().status, RunStatus::Killed);
    assert_eq!(node.run(&request).report().status, RunStatus::Healthy, "{}", node.log("one"));
}

#[test]
fn a_cancelled_deployment_goes_back() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    let child = node.start(&node.deploy_request("two", &app("api:slow")));
    applied(&node, "two");
    let ran = node.run(&node.request(Verb::Cancel, "two"));
    let report = ran.report();
    assert_eq!(report.status, RunStatus::Undone, "{report:?}");
    assert!(matches!(report.cause, Some(Cause::Cancelled)), "{report:?}");
    assert_eq!(node.end(child).stdout, ran.stdout);
    assert_eq!(node.image().as_deref(), Some("api:v1"));
    // After the end it changes nothing.
    assert_eq!(node.run(&node.request(Verb::Cancel, "one")).report().status, RunStatus::Healthy);
}

#[test]
fn another_deployment_of_the_app_is_refused() {
    let node = Node::new();
    let child = node.start(&node.deploy_request("one", &app("api:slow")));
    applied(&node, "one");
    let report = node.deploy("two", &app("api:v1"));
    assert_eq!(report.status, RunStatus::Refused);
    let Some(Cause::Error(error)) = &report.cause else { panic!("{report:?}") };
    assert_eq!(error.kind, "locked");
    assert!(error.message.contains("one"), "{error:?}");
    node.run(&node.request(Verb::Cancel, "one"));
    node.end(child);
}

#[test]
fn nobody_waits_for_what_is_not_there() {
    let node = Node::new();
    let report = node.run(&node.request(Verb::Attach, "none")).report();
    let Some(Cause::Error(error)) = &report.cause else { panic!("{report:?}") };
    assert_eq!(error.kind, "notFound");
}

#[test]
fn what_is_cancelled_before_it_comes_does_not_begin() {
    let node = Node::new();
    let cancelled = node.run(&node.request(Verb::Cancel, "one"));
    assert_eq!(cancelled.report().status, RunStatus::Cancelled, "{cancelled:?}");
    let ran = node.run(&node.deploy_request("one", &app("api:v1")));
    assert!(matches!(ran.report().cause, Some(Cause::Cancelled)), "{ran:?}");
    assert_eq!((ran.code, ran.stdout), (Some(1), cancelled.stdout));
    assert!(node.world(|world| world.calls.is_empty() && world.objects.is_empty()));
    let run = node.run(&node.request(Verb::Status, "one")).answer::<NodeStatus>().run.expect("a run");
    assert_eq!((run.state, run.status), (State::Ended, Some(RunStatus::Cancelled)));
    // Others go on.
    assert_eq!(node.deploy("two", &app("api:v1")).status, RunStatus::Healthy);
}

#[test]
fn what_is_cancelled_before_it_writes_does_not_begin() {
    let node = Node::new();
    node.world(|world| world.faults.push(Fault { times: Some(1), ..Fault::slow("get --raw", 1_500) }));
    let child = node.start(&node.deploy_request("one", &app("api:v1")));
    until("it asks", || node.world(|world| !world.calls.is_empty()));
    let report = node.run(&node.request(Verb::Cancel, "one")).report();
    assert_eq!(report.status, RunStatus::Cancelled, "{report:?}");
    node.end(child);
    assert!(node.world(|world| world.objects.is_empty()));
}
