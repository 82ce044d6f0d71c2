//! What goes wrong between the caller and SSM.

use std::time::Duration;

use aws_sdk_ssm::error::{ProvideErrorMetadata, SdkError};
use deploy_ssm::sim::{Fault, Moment, Node, Simulator};

use crate::support::{NODE, client, command, ended, invocation, one_node, send};

#[tokio::test]
async fn a_command_is_not_seen_at_first() {
    let ssm = Simulator::builder()
        .node(Node::new(NODE))
        .invisible_calls(3)
        .unlisted_calls(1)
        .start()
        .await
        .unwrap();
    let client = client(&ssm);
    let id = send(&client, "true").await;
    let get = || client.get_command_invocation().command_id(&id).instance_id(NODE).send();
    assert!(get().await.unwrap_err().into_service_error().is_invocation_does_not_exist());
    let list = || client.list_command_invocations().command_id(&id).send();
    assert!(list().await.unwrap().command_invocations().is_empty());
    assert!(get().await.unwrap_err().into_service_error().is_invocation_does_not_exist());
    assert!(get().await.is_ok());
    assert!(client.list_commands().send().await.unwrap().commands().is_empty());
    assert_eq!(client.list_commands().send().await.unwrap().commands().len(), 1);

    let start = deploy_core::clock::SystemClock::new();
    let ssm = Simulator::builder().node(Node::new(NODE)).invisible_for(Duration::from_secs(30));
    let ssm = ssm.clock(std::sync::Arc::new(start)).start().await.unwrap();
    let client = crate::support::client(&ssm);
    let id = send(&client, "true").await;
    let get = || client.get_command_invocation().command_id(&id).instance_id(NODE).send();
    assert!(get().await.is_err());
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(30)).await;
    tokio::time::resume();
    assert!(get().await.is_ok());
}

#[tokio::test]
async fn calls_fail_as_aws_lets_them_fail() {
    let (ssm, client) = one_node(|node| node).await;
    let check = async |fault, code: &str, says: &str| {
        ssm.fail_operation("ListCommands", 0, 1, fault);
        let error = client.list_commands().send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some(code));
        assert!(error.message().unwrap_or_default().contains(says), "{error:?}");
        assert!(client.list_commands().send().await.is_ok());
    };
    check(Fault::Throttled, "ThrottlingException", "Rate exceeded").await;
    check(Fault::ExpiredToken, "ExpiredTokenException", "expired").await;
    check(
        Fault::AccessDenied,
        "AccessDeniedException",
        "not authorized to perform: ssm:ListCommands on resource",
    )
    .await;
    check(Fault::InternalError, "InternalServerError", "server side").await;
    check(Fault::Unavailable, "ServiceUnavailable", "unavailable").await;
    let refused: Vec<_> = ssm.calls().into_iter().filter_map(|call| call.refused).collect();
    assert_eq!(refused.len(), 5);
}

#[tokio::test]
async fn a_connection_breaks_before_or_after_the_effect() {
    for (fault, scripts) in [(Fault::DropBefore, 0), (Fault::DropAfter, 1)] {
        let (ssm, client) = one_node(|node| node).await;
        ssm.fail_call(1, fault);
        let error = command(&client, "true").instance_ids(NODE).send().await.unwrap_err();
        assert!(matches!(error, SdkError::DispatchFailure(_)), "{error:?}");
        assert_eq!(ssm.calls()[0].refused.as_deref(), Some("dropped"));
        let listed = client.list_commands().send().await.unwrap();
        assert_eq!(listed.commands().len(), scripts);
    }
}

#[tokio::test]
async fn every_third_call_is_throttled_and_all_from_the_tenth_until_healed() {
    let (ssm, client) = one_node(|node| node).await;
    ssm.fail_every(3, Fault::Throttled);
    ssm.fail_from(10, Fault::ExpiredToken);
    let mut failed = Vec::new();
    for number in 1..=11 {
        if client.list_commands().send().await.is_err() {
            failed.push(number);
        }
    }
    assert_eq!(failed, [3, 6, 9, 10, 11]);
    ssm.heal();
    assert!(client.list_commands().send().await.is_ok());
}

#[tokio::test]
async fn a_caller_is_killed_at_each_of_its_calls() {
    for (moment, commands) in [(Moment::Before, [0, 1, 1, 1]), (Moment::After, [1, 1, 1, 1])] {
        let (ssm, client) = one_node(|node| node).await;
        let mut killed = 0;
        for number in 1.. {
            let caller = async {
                let id = send(&client, "true").await;
                invocation(&client, &id).await;
                invocation(&client, &id).await;
            };
            let before = client.list_commands().send().await.unwrap().commands().len();
            let end = ssm.killed_at(number, moment, caller).await;
            let after = client.list_commands().send().await.unwrap().commands().len();
            assert_eq!(after - before, commands[number - 1], "{moment:?} {number}");
            if end.is_some() {
                break;
            }
            killed += 1;
        }
        assert_eq!(killed, 3);
    }
}

#[tokio::test]
async fn a_held_call_is_reached_and_never_answered() {
    let (ssm, client) = one_node(|node| node).await;
    let held = ssm.hold_call(1, Moment::After);
    let caller = tokio::spawn(command(&client, "true").instance_ids(NODE).send());
    held.reached().await;
    assert!(held.is_reached() && !caller.is_finished());
    caller.abort();
    let listed = client.list_commands().send().await.unwrap();
    ended(&client, listed.commands()[0].command_id().unwrap()).await;
}

#[tokio::test]
async fn calls_take_their_time() {
    let ssm = Simulator::builder().latency(Duration::from_millis(40)).start().await.unwrap();
    let client = client(&ssm);
    let start = tokio::time::Instant::now();
    client.list_commands().send().await.unwrap();
    assert!(start.elapsed() >= Duration::from_millis(40));
}
