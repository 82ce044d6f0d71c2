//! What agents do with scripts.

use std::time::Duration;

use aws_sdk_ssm::types::CommandInvocationStatus as Status;
use deploy_ssm::sim::{Lost, Node, Ping, Restart, Simulator, Twice};

use crate::support::{NODE, client, ended, eventually, invocation, one_node, send, send_with, until};

#[tokio::test]
async fn a_script_sees_the_nodes_own_world() {
    let (_ssm, client) = one_node(|node| node.path_in_front("/shims").env("KUBECONFIG", "/k")).await;
    let script = "#!/bin/sh
echo $PATH | cut -d: -f1
echo $KUBECONFIG $AWS_SSM_INSTANCE_ID ${CARGO-none}
[ \"$HOME\" = \"$PWD\" ] && echo home
[ $(ps -o sid= -p $$) = $(ps -o pgid= -p $$) ] && echo session";
    let id = send(&client, script).await;
    let end = ended(&client, &id).await;
    let expected = format!("/shims\n/k {NODE} none\nhome\nsession\n");
    assert_eq!(end.standard_output_content, Some(expected), "{:?}", end.standard_error_content);

    let (_ssm, client) = one_node(|node| node.without_home().path("/nowhere")).await;
    let id = send(&client, "echo ${HOME-none} $PATH; ls").await;
    let end = ended(&client, &id).await;
    assert_eq!((end.response_code, end.standard_output_content.as_deref()), (127, Some("none /nowhere\n")));
}

#[tokio::test]
async fn a_working_directory_is_taken() {
    let (_ssm, client) = one_node(|node| node).await;
    let id = send_with(&client, "pwd", |send| send.parameters("workingDirectory", vec!["/".into()])).await;
    assert_eq!(ended(&client, &id).await.standard_output_content.as_deref(), Some("/\n"));
    let id = send_with(&client, "pwd", |send| send.parameters("workingDirectory", vec!["/no".into()])).await;
    assert_eq!(ended(&client, &id).await.status, Some(Status::Failed));
}

#[tokio::test]
async fn exit_codes_are_read_as_the_agent_reads_them() {
    let (_ssm, client) = one_node(|node| node).await;
    let check = async |script: &str, status: Status, code: i32, details: &str| {
        let id = send(&client, script).await;
        let end = ended(&client, &id).await;
        assert_eq!((end.status.unwrap(), end.response_code), (status, code), "{script}");
        assert_eq!(end.status_details.as_deref(), Some(details), "{script}");
    };
    check("exit 0", Status::Success, 0, "Success").await;
    check("exit 1", Status::Failed, 1, "Failed").await;
    check("exit 137", Status::TimedOut, 137, "ExecutionTimedOut").await;
    check("kill -9 0", Status::Failed, -1, "Failed").await;
}

#[tokio::test]
async fn output_is_cut() {
    let (_ssm, client) = one_node(|node| node).await;
    let id =
        send(&client, "head -c 30000 /dev/zero | tr '\\0' x\nhead -c 9000 /dev/zero | tr '\\0' y >&2").await;
    let end = ended(&client, &id).await;
    let (out, err) = (end.standard_output_content.unwrap(), end.standard_error_content.unwrap());
    assert_eq!((out.len(), err.len()), (24_000, 8_000));
    assert!(out.ends_with("x--output truncated--") && err.ends_with("y--output truncated--"));
}

#[tokio::test]
async fn cancelling_kills_the_group_without_a_trap() {
    let folder = tempfile::tempdir().unwrap();
    let (_ssm, client) = one_node(|node| node.folder(folder.path())).await;
    let script = "trap 'echo trapped > trapped' TERM EXIT\nsetsid sh -c 'echo $$ > free; exec sleep 60' >/dev/null 2>&1 &\nsleep 60 &\necho $! > child\ntouch ready\nwait";
    let id = send(&client, script).await;
    let at = |name: &str| folder.path().join(name);
    eventually("ready", || at("ready").exists() && at("free").exists()).await;
    client.cancel_command().command_id(&id).send().await.unwrap();
    let end = until(&client, &id, &[Status::Cancelled]).await;
    assert_eq!(end.status_details.as_deref(), Some("Cancelled"));
    assert!(!at("trapped").exists());
    eventually("the child is gone", || !lives(&at("child"))).await;
    assert!(lives(&at("free")), "what left the group lives on");
}

#[tokio::test]
async fn what_is_pending_is_cancelled_at_once() {
    let (ssm, client) = one_node(|node| node.ping(Ping::ConnectionLost)).await;
    let id = send(&client, "true").await;
    client.cancel_command().command_id(&id).send().await.unwrap();
    assert_eq!(invocation(&client, &id).await.status, Some(Status::Cancelled));
    ssm.change(NODE, |node| node.ping(Ping::Online));
    let next = send(&client, "true").await;
    ended(&client, &next).await;
    assert_eq!(ssm.scripts().len(), 1);
}

#[tokio::test]
async fn the_execution_timeout_kills() {
    let folder = tempfile::tempdir().unwrap();
    let (_ssm, client) = one_node(|node| node.folder(folder.path())).await;
    let script = "touch ready\nsleep 60";
    let id = send_with(&client, script, |send| send.parameters("executionTimeout", vec!["5".into()])).await;
    eventually("ready", || folder.path().join("ready").exists()).await;
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(5)).await;
    tokio::time::resume();
    let end = ended(&client, &id).await;
    assert_eq!(
        (end.status, end.status_details.as_deref()),
        (Some(Status::TimedOut), Some("ExecutionTimedOut"))
    );
}

#[tokio::test]
async fn a_lost_node_is_waited_for_until_the_delivery_times_out() {
    let (_ssm, client) = one_node(|node| node.ping(Ping::ConnectionLost)).await;
    let id = send_with(&client, "true", |send| send.timeout_seconds(30)).await;
    assert_eq!(invocation(&client, &id).await.status, Some(Status::Pending));
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    let end = ended(&client, &id).await;
    assert_eq!(
        (end.status, end.status_details.as_deref()),
        (Some(Status::TimedOut), Some("DeliveryTimedOut"))
    );
}

#[tokio::test]
async fn details_are_spaced_where_asked_for() {
    let ssm = Simulator::builder().node(Node::new(NODE)).spaced_details().start().await.unwrap();
    let client = client(&ssm);
    let id = send(&client, "exit 137").await;
    assert_eq!(ended(&client, &id).await.status_details.as_deref(), Some("Execution Timed Out"));
}

#[tokio::test]
async fn a_delivery_may_come_twice() {
    let folder = tempfile::tempdir().unwrap();
    for twice in [Twice::Together, Twice::Afterwards] {
        let (ssm, client) = one_node(|node| node.folder(folder.path()).delivers_twice(twice)).await;
        let id = send(&client, "echo x >> runs").await;
        assert_eq!(ended(&client, &id).await.status, Some(Status::Success));
        let runs = || std::fs::read_to_string(folder.path().join("runs")).unwrap_or_default();
        eventually("it ran twice", || runs() == "x\nx\n").await;
        assert_eq!(ssm.scripts().len(), 2);
        std::fs::remove_file(folder.path().join("runs")).unwrap();
    }
}

#[tokio::test]
async fn a_lost_end_is_told_after_a_restart_or_never() {
    for (lost, is_told) in [(Lost::UntilRestart, true), (Lost::Forever, false)] {
        let (ssm, client) = one_node(|node| node.loses_the_end(lost)).await;
        let id = send(&client, "true").await;
        eventually("it ended", || ssm.scripts().first().is_some_and(|script| script.code == Some(0))).await;
        assert_eq!(invocation(&client, &id).await.status, Some(Status::InProgress));
        ssm.restart_agent(NODE, Restart::LeavesScripts);
        if is_told {
            assert_eq!(ended(&client, &id).await.status, Some(Status::Success));
        } else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(invocation(&client, &id).await.status, Some(Status::InProgress));
        }
        assert_eq!(ssm.scripts().len(), 1);
    }
}

#[tokio::test]
async fn a_child_that_holds_the_output_holds_the_command() {
    let script = "sh -c 'while [ ! -e go ]; do sleep 0.02; done' &\necho over > over";
    for waits in [true, false] {
        let folder = tempfile::tempdir().unwrap();
        let (_ssm, client) = one_node(|node| {
            let node = node.folder(folder.path());
            if waits { node } else { node.ends_with_the_script() }
        })
        .await;
        let id = send(&client, script).await;
        if waits {
            eventually("over", || folder.path().join("over").exists()).await;
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(invocation(&client, &id).await.status, Some(Status::InProgress));
            std::fs::write(folder.path().join("go"), "").unwrap();
        }
        assert_eq!(ended(&client, &id).await.status, Some(Status::Success));
    }
}

#[tokio::test]
async fn a_restarted_agent_runs_the_script_again() {
    let script = "echo x >> runs\nwhile [ ! -e go ]; do sleep 0.02; done\necho x >> ends";
    for (how, ends) in [(Restart::KillsScripts, "x\n"), (Restart::LeavesScripts, "x\nx\n")] {
        let folder = tempfile::tempdir().unwrap();
        let (ssm, client) = one_node(|node| node.folder(folder.path())).await;
        let id = send(&client, script).await;
        let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).unwrap_or_default();
        eventually("it runs", || read("runs") == "x\n").await;
        ssm.restart_agent(NODE, how);
        eventually("it runs again", || read("runs") == "x\nx\n").await;
        std::fs::write(folder.path().join("go"), "").unwrap();
        assert_eq!(ended(&client, &id).await.status, Some(Status::Success));
        eventually("all ended", || read("ends") == ends).await;
    }
}

#[tokio::test]
async fn a_crash_ends_all_that_the_node_runs() {
    let folder = tempfile::tempdir().unwrap();
    let (ssm, client) = one_node(|node| node.folder(folder.path())).await;
    let script = "setsid sh -c 'echo $$ > free; exec sleep 60' >/dev/null 2>&1 &\nif [ -e again ]; then exit 0; fi\nsleep 60";
    let id = send(&client, script).await;
    let free = folder.path().join("free");
    eventually("it runs", || lives(&free)).await;
    ssm.crash(NODE);
    eventually("it is gone", || !lives(&free)).await;
    std::fs::write(folder.path().join("again"), "").unwrap();
    assert_eq!(invocation(&client, &id).await.status, Some(Status::InProgress));
    ssm.change(NODE, |node| node.ping(Ping::Online));
    assert_eq!(ended(&client, &id).await.status, Some(Status::Success));
    eventually("it runs again", || lives(&free)).await;
    drop(ssm);
    eventually("nothing outlives the simulator", || !lives(&free)).await;
}

/// Whether the process whose id is in the file lives; a zombie does not.
fn lives(file: &std::path::Path) -> bool {
    let id = std::fs::read_to_string(file).unwrap_or_default();
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", id.trim())).unwrap_or_default();
    stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with('Z'))
}
