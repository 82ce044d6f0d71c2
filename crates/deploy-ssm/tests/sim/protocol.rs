//! What the client understands of the answers.

use std::time::Duration;

use aws_sdk_ssm::error::ProvideErrorMetadata;
use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationError as GetError;
use aws_sdk_ssm::operation::send_command::SendCommandError as SendError;
use aws_sdk_ssm::types::{CommandFilter, CommandFilterKey, InstanceInformationStringFilter, Target};
use deploy_ssm::sim::{Node, Ping, Simulator};

use crate::support::{
    NODE, OTHER, client, client_in, command, ended, eventually, invocation, one_node, send, send_with,
};

#[tokio::test]
async fn a_script_runs_and_its_end_is_told() {
    let (_ssm, client) = one_node(|node| node).await;
    let id = send(&client, "echo out\necho err >&2\nexit 3").await;
    let end = ended(&client, &id).await;
    assert_eq!(end.response_code, 3);
    assert_eq!(end.status_details.as_deref(), Some("Failed"));
    assert_eq!(end.standard_output_content.as_deref(), Some("out\n"));
    assert_eq!(end.standard_error_content.as_deref(), Some("err\n"));
    let started: deploy_core::clock::Timestamp = end.execution_start_date_time.unwrap().parse().unwrap();
    assert!(started <= end.execution_end_date_time.unwrap().parse().unwrap());
}

#[tokio::test]
async fn a_command_is_told_as_it_was_sent() {
    let (_ssm, client) = one_node(|node| node).await;
    let sent =
        command(&client, "true").instance_ids(NODE).comment("deploy-ssm shop 1").timeout_seconds(60).send();
    let sent = sent.await.unwrap().command.unwrap();
    assert_eq!(sent.comment.as_deref(), Some("deploy-ssm shop 1"));
    assert_eq!(sent.timeout_seconds, Some(60));
    assert_eq!(sent.parameters.unwrap()["commands"], ["true"]);
    let spread = sent.expires_after.unwrap().secs() - sent.requested_date_time.unwrap().secs();
    assert_eq!(spread, 60);
    let id = sent.command_id.unwrap();
    ended(&client, &id).await;
    let listed = client.list_command_invocations().command_id(&id).details(true).send().await.unwrap();
    let [one] = listed.command_invocations() else { panic!("{listed:?}") };
    assert_eq!(one.command_plugins()[0].response_code, 0);
}

#[tokio::test]
async fn what_breaks_the_model_is_refused_as_aws_does() {
    let (ssm, client) = one_node(|node| node).await;
    ssm.add(Node::new(OTHER).ping(Ping::Inactive));
    ssm.add(Node::new("i-0123456789abcdef2").windows());
    let base = || command(&client, "true");
    let check = async |send: aws_sdk_ssm::operation::send_command::builders::SendCommandFluentBuilder,
                       code: &str| {
        let error = send.send().await.unwrap_err().into_service_error();
        assert_eq!(error.code(), Some(code), "{error:?}");
        error
    };
    let big = "x".repeat(64 * 1024);
    let error =
        check(base().instance_ids(NODE).parameters("commands", vec![big]), "MaxDocumentSizeExceeded").await;
    assert!(matches!(error, SendError::MaxDocumentSizeExceeded(_)));
    let error = check(base().instance_ids("i-00000000000000000"), "InvalidInstanceId").await;
    assert!(matches!(error, SendError::InvalidInstanceId(_)));
    check(base().instance_ids(OTHER), "InvalidInstanceId").await;
    let error = check(base().instance_ids("i-0123456789abcdef2"), "UnsupportedPlatformType").await;
    assert!(matches!(error, SendError::UnsupportedPlatformType(_)));
    let error = check(base().instance_ids(NODE).instance_ids(NODE), "DuplicateInstanceId").await;
    assert!(matches!(error, SendError::DuplicateInstanceId(_)));
    check(base(), "InvalidInstanceId").await;
    check(base().instance_ids(NODE).parameters("other", vec![]), "InvalidParameters").await;
    check(base().instance_ids(NODE).document_name("AWS-Other"), "InvalidDocument").await;
    for (seconds, is_taken) in [(29, false), (30, true), (2_592_000, true), (2_592_001, false)] {
        let sent = base().instance_ids(NODE).timeout_seconds(seconds).send().await;
        assert_eq!(sent.is_ok(), is_taken, "{seconds}");
    }
    check(base().instance_ids(NODE).comment("x".repeat(101)), "ValidationException").await;
    check(base().instance_ids(NODE).max_concurrency("0"), "ValidationException").await;
    check(base().instance_ids(NODE).max_errors("101%"), "ValidationException").await;
    let many = (0..51).map(|number| format!("i-{number:017x}")).collect();
    check(base().set_instance_ids(Some(many)), "ValidationException").await;
}

#[tokio::test]
async fn what_is_not_there_is_a_modelled_error() {
    let (_ssm, client) = one_node(|node| node).await;
    let id = "11111111-2222-4333-8444-555555555555";
    let error = client.get_command_invocation().command_id(id).instance_id(NODE).send().await.unwrap_err();
    assert!(matches!(error.into_service_error(), GetError::InvocationDoesNotExist(_)));
    let error = client.cancel_command().command_id(id).send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_command_id());
    let error = client.list_commands().next_token("x").send().await.unwrap_err();
    assert!(error.into_service_error().is_invalid_next_token());
}

#[tokio::test]
async fn commands_are_listed_newest_first_by_page_and_filter() {
    let (ssm, client) = one_node(|node| node).await;
    let mut ids = Vec::new();
    for number in 0..5 {
        ids.push(send_with(&client, "true", |send| send.comment(format!("run {number}"))).await);
    }
    for id in &ids {
        ended(&client, id).await;
    }
    let mut listed = Vec::new();
    let mut pages = client.list_commands().max_results(2).into_paginator().send();
    while let Some(page) = pages.next().await {
        listed.extend(page.unwrap().commands.unwrap().into_iter().filter_map(|command| command.command_id));
    }
    ids.reverse();
    assert_eq!(listed, ids);
    assert_eq!(ssm.count("ListCommands"), 3);
    let count = async |key, value: &str| {
        let filter = CommandFilter::builder().key(key).value(value).build().unwrap();
        client.list_commands().filters(filter).send().await.unwrap().commands().len()
    };
    assert_eq!(count(CommandFilterKey::InvokedAfter, "2026-01-01T00:00:00Z").await, 5);
    assert_eq!(count(CommandFilterKey::InvokedAfter, "2099-01-01T00:00:00Z").await, 0);
    assert_eq!(count(CommandFilterKey::InvokedBefore, "2026-01-01T00:00:00Z").await, 0);
    assert_eq!(count(CommandFilterKey::Status, "Success").await, 5);
    assert_eq!(count(CommandFilterKey::Status, "InProgress").await, 0);
    let one = client.list_commands().command_id(&ids[0]).send().await.unwrap();
    assert_eq!(one.commands()[0].comment.as_deref(), Some("run 4"));
}

#[tokio::test]
async fn nodes_are_described_by_page_and_filter() {
    let node = |number| Node::new(format!("i-{number:017x}")).tag("Role", "k3s");
    let builder = (0..12).fold(Simulator::builder(), |builder, number| builder.node(node(number)));
    let ssm =
        builder.node(Node::new("mi-0123456789abcdef0").name("cellar").ping(Ping::ConnectionLost)).start();
    let ssm = ssm.await.unwrap();
    let client = client(&ssm);
    let ask = |key: &str, value: &str| {
        let filter = InstanceInformationStringFilter::builder().key(key).values(value).build().unwrap();
        client.describe_instance_information().filters(filter)
    };
    let first = ask("tag:Role", "k3s").send().await.unwrap();
    assert_eq!(first.instance_information_list().len(), 10);
    let rest = ask("tag:Role", "k3s").set_next_token(first.next_token).send().await.unwrap();
    assert_eq!((rest.instance_information_list().len(), rest.next_token), (2, None));
    let lost = ask("PingStatus", "ConnectionLost").send().await.unwrap();
    let [lost] = lost.instance_information_list() else { panic!() };
    assert_eq!(
        (lost.name.as_deref(), lost.instance_id.as_deref()),
        (Some("cellar"), Some("mi-0123456789abcdef0"))
    );
    let ping = InstanceInformationStringFilter::builder().key("PingStatus").values("Online").build().unwrap();
    let both = ask("tag:Role", "k3s").filters(ping).send().await.unwrap_err().into_service_error();
    assert!(both.is_invalid_filter_key(), "{both:?}");
    let small = client.describe_instance_information().max_results(4).send().await.unwrap_err();
    assert_eq!(small.into_service_error().code(), Some("ValidationException"));
    let elsewhere = client_in(&ssm, "eu-west-1").describe_instance_information().send().await.unwrap();
    assert!(elsewhere.instance_information_list().is_empty());
}

#[tokio::test]
async fn targets_are_found_by_tag_and_judged_one_by_one() {
    let ssm = Simulator::builder()
        .node(Node::new(NODE).tag("Role", "k3s"))
        .node(Node::new(OTHER).tag("Role", "k3s").undeliverable())
        .node(Node::new("i-0123456789abcdef2").tag("Role", "db"))
        .start()
        .await
        .unwrap();
    let client = client(&ssm);
    let target = Target::builder().key("tag:Role").values("k3s").build();
    let sent = command(&client, "true").targets(target).send().await.unwrap().command.unwrap();
    assert_eq!(sent.target_count, 2);
    let id = sent.command_id.unwrap();
    ended(&client, &id).await;
    let other = client.get_command_invocation().command_id(&id).instance_id(OTHER).send().await.unwrap();
    assert_eq!(other.status_details.as_deref(), Some("Undeliverable"));
    let whole = client.list_commands().command_id(&id).send().await.unwrap();
    assert_eq!(whole.commands()[0].status.as_ref().unwrap().as_str(), "Success");
}

#[tokio::test]
async fn too_many_errors_end_the_command() {
    let id = |number: usize| format!("i-{number:017x}");
    let builder = (0..4).fold(Simulator::builder(), |builder, number| builder.node(Node::new(id(number))));
    let ssm = builder.start().await.unwrap();
    let client = client(&ssm);
    let all = (0..4).map(id).collect();
    let sent = command(&client, "exit 1").set_instance_ids(Some(all)).max_concurrency("1").max_errors("25%");
    let sent = sent.send().await.unwrap().command.unwrap().command_id.unwrap();
    let details = async |number| {
        let asked = client.get_command_invocation().command_id(&sent).instance_id(id(number));
        asked.send().await.unwrap().status_details.unwrap()
    };
    while details(3).await == "Pending" {
        tokio::task::yield_now().await;
    }
    let all = [details(0).await, details(1).await, details(2).await, details(3).await];
    assert_eq!(all, ["Failed", "Failed", "Terminated", "Terminated"]);
    assert_eq!(ssm.scripts().len(), 2);
}

#[tokio::test]
async fn output_is_empty_until_the_end_unless_told_otherwise() {
    let script = "echo first\ntouch said\nwhile [ ! -e go ]; do sleep 0.02; done";
    for tells in [false, true] {
        let folder = tempfile::tempdir().unwrap();
        let (_ssm, client) = one_node(|node| {
            let node = node.folder(folder.path());
            if tells { node.tells_while_running() } else { node }
        })
        .await;
        let id = send(&client, script).await;
        eventually("it is said", || folder.path().join("said").exists()).await;
        let mut seen = invocation(&client, &id).await;
        while tells && seen.standard_output_content.as_deref() == Some("") {
            tokio::time::sleep(Duration::from_millis(10)).await;
            seen = invocation(&client, &id).await;
        }
        assert_eq!(seen.response_code, -1);
        assert_eq!(seen.standard_output_content.as_deref(), Some(if tells { "first\n" } else { "" }));
        std::fs::write(folder.path().join("go"), "").unwrap();
        assert_eq!(ended(&client, &id).await.standard_output_content.as_deref(), Some("first\n"));
    }
}

#[tokio::test]
async fn parameters_are_kept_in_the_same_account() {
    let ssm = Simulator::builder().start().await.unwrap();
    let client = client(&ssm);
    let get = || client.get_parameter().name("/shop/image").send();
    assert!(get().await.unwrap_err().into_service_error().is_parameter_not_found());
    let put = client.put_parameter().name("/shop/image").value("v1").r#type("String".into());
    assert_eq!(put.send().await.unwrap().version, 1);
    assert_eq!(get().await.unwrap().parameter.unwrap().value.as_deref(), Some("v1"));
    assert_eq!((ssm.count("GetParameter"), ssm.count("PutParameter")), (2, 1));
}
