//! Tools that fail or hang in between: no verdict is made up, and the way back is gone all the same.

use std::time::Duration;

use deploy_ssm::node::{Cause, RunStatus, Verb};
use serde_json::json;

use crate::cluster::Fault;
use crate::harness::{Node, app};

/// A Deployment `shop/web`, written once `shop/api` is healthy.
fn behind(image: &str) -> String {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop",
            "annotations": {"config.kubernetes.io/depends-on": "apps/namespaces/shop/Deployment/api"}},
        "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "web"}}, "template": {"metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{"name": "api", "image": image}]}}}});
    format!("{}---\n{deployment}\n", app("api:v1"))
}

/// An awk that is killed when it is called like this for this time and the next ones.
fn awk_dies(node: &Node, like: &str, at: u32, times: u32) {
    let count = node.path("judged");
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *'{like}'*) n=$(($(cat {0} 2>/dev/null || echo 0) + 1)); echo $n >{0}\n\
         if [ $n -ge {at} ] && [ $n -lt {1} ]; then exit 137; fi ;; esac\nexec /usr/bin/awk \"$@\"\n",
        count.display(),
        at + times
    );
    node.tool("awk", &script);
}

#[test]
fn a_judge_that_is_killed_has_found_nothing_healthy() {
    let check = |at: u32, times: u32, image: &str, seconds: u64, status: RunStatus| {
        let node = Node::new();
        awk_dies(&node, "judge.awk -v now", at, times);
        let request = node.deploy_request("one", &behind(image)).timeout(Duration::from_secs(seconds));
        let report = node.run(&request).report();
        assert_eq!(report.status, status, "{at}: {report:#?}\n{}", node.log("one"));
        let there = node.world(|world| world.objects.len());
        assert_eq!(there, if status == RunStatus::Healthy { 3 } else { 0 }, "{at}: {}", node.log("one"));
    };
    // While the first is followed, and once more after that.
    check(1, 1, "web:v1", 30, RunStatus::Healthy);
    // Of all, while the tally of the first is there.
    check(2, 1, "web:bad", 30, RunStatus::Undone);
    // Never again.
    check(2, 100, "web:v1", 4, RunStatus::Undone);
}

#[test]
fn a_way_back_without_an_awk_is_not_told_as_gone() {
    for like in ["good[$5, $4, $6, $7] = 1; next", "list[$4] = list[$4]", "$1 == \"present\" && $8"] {
        let node = Node::new();
        awk_dies(&node, like, 1, 1);
        let report = node.deploy("one", &app("api:bad"));
        assert_eq!(report.status, RunStatus::UndoFailed, "{like}: {report:#?}\n{}", node.log("one"));
        let undo = report.undo.expect("it was tried");
        assert!(undo.notes.iter().any(|note| note.contains("awk")), "{like}: {undo:?}");
    }
    for like in ["part == \"late\"", "list[$4] = list[$4]"] {
        let node = Node::new();
        node.deploy("one", &app("api:v1"));
        awk_dies(&node, like, 1, 1);
        let nothing = node.request(Verb::Rollback, "two").number(0).prune(true);
        let report = node.run(&nothing).report();
        assert_eq!(report.status, RunStatus::UndoFailed, "{like}: {report:#?}\n{}", node.log("two"));
    }
}

#[test]
fn a_shell_that_ends_early_goes_back() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    std::fs::rename(node.path("bin/kubectl"), node.path("real")).expect("is moved");
    // What cannot be opened for writing ends a POSIX shell: so it is after the second stage, until the way back.
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *' apply '*) echo >>{0}; case $(wc -l <{0}) in 2) mkdir poll.json ;; 3) /bin/rmdir poll.json ;; esac ;; esac\n\
         exec {1} \"$@\"\n",
        node.path("applied").display(),
        node.path("real").display()
    );
    node.tool("kubectl", &script);
    let report = node.deploy("two", &app("api:v2"));
    assert_eq!(report.status, RunStatus::Undone, "{report:#?}\n{}", node.log("two"));
    let Some(Cause::Error(error)) = &report.cause else { panic!("{report:?}") };
    assert!(error.message.contains("ended early"), "{error:?}");
    assert_eq!(node.image().as_deref(), Some("api:v1"));
}

#[test]
fn logs_that_do_not_come_do_not_hold_up_the_way_back() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    node.world(|world| world.faults.push(Fault::slow("logs", 25_000)));
    let request = node.deploy_request("two", &app("api:slow")).timeout(Duration::from_secs(2));
    let report = node.run(&request).report();
    assert_eq!(report.status, RunStatus::Undone, "{report:#?}\n{}", node.log("two"));
    assert!(node.world(|world| world.calls.iter().any(|call| call.starts_with("logs"))));
    let took = report.ended.since(report.started);
    assert!(took < Duration::from_secs(25), "{took:?}");
}

#[test]
fn an_apply_that_hangs_is_ended_with_the_time() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    node.world(|world| world.faults.push(Fault { times: Some(1), ..Fault::slow("apply", 25_000) }));
    let request = node.deploy_request("two", &app("api:v2")).timeout(Duration::from_secs(2));
    let report = node.run(&request).report();
    assert_eq!(report.status, RunStatus::Undone, "{report:#?}\n{}", node.log("two"));
    let Some(Cause::Error(error)) = &report.cause else { panic!("{report:?}") };
    assert_eq!(error.kind, "timeout", "{error:?}");
    assert_eq!(node.image().as_deref(), Some("api:v1"));
    let took = report.ended.since(report.started);
    assert!(took < Duration::from_secs(25), "{took:?}");
}
