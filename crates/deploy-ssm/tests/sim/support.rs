//! A client and what the tests ask with it.

use std::time::Duration;

use aws_sdk_ssm::Client;
use aws_sdk_ssm::config::{BehaviorVersion, Credentials, Region, retry::RetryConfig};
use aws_sdk_ssm::operation::get_command_invocation::GetCommandInvocationOutput;
use aws_sdk_ssm::types::CommandInvocationStatus as Status;
use deploy_ssm::sim::{Node, Simulator};

pub(crate) const NODE: &str = "i-0123456789abcdef0";
pub(crate) const OTHER: &str = "i-0123456789abcdef1";

/// An emulator with one node, and a client that tries each call once.
pub(crate) async fn one_node(change: impl FnOnce(Node) -> Node) -> (Simulator, Client) {
    let ssm = Simulator::builder().node(change(Node::new(NODE))).start().await.unwrap();
    let client = client(&ssm);
    (ssm, client)
}

pub(crate) fn client(ssm: &Simulator) -> Client {
    client_in(ssm, "us-east-1")
}

pub(crate) fn client_in(ssm: &Simulator, region: &'static str) -> Client {
    let config = aws_sdk_ssm::Config::builder()
        .endpoint_url(ssm.url())
        .region(Region::new(region))
        .credentials_provider(Credentials::new("key", "secret", None, None, "test"))
        .behavior_version(BehaviorVersion::latest())
        .retry_config(RetryConfig::disabled())
        .http_client(aws_smithy_http_client::Builder::new().build_http())
        .build();
    Client::from_conf(config)
}

/// Sends a script to [`NODE`].
pub(crate) async fn send(client: &Client, script: &str) -> String {
    send_with(client, script, |send| send).await
}

type Send = aws_sdk_ssm::operation::send_command::builders::SendCommandFluentBuilder;

pub(crate) fn command(client: &Client, script: &str) -> Send {
    let lines: Vec<String> = script.lines().map(str::to_owned).collect();
    client.send_command().document_name("AWS-RunShellScript").parameters("commands", lines)
}

pub(crate) async fn send_with(client: &Client, script: &str, change: impl FnOnce(Send) -> Send) -> String {
    let sent = change(command(client, script).instance_ids(NODE)).send().await.unwrap();
    sent.command.unwrap().command_id.unwrap()
}

pub(crate) async fn invocation(client: &Client, id: &str) -> GetCommandInvocationOutput {
    client.get_command_invocation().command_id(id).instance_id(NODE).send().await.unwrap()
}

/// The invocation when it has one of these statuses. The emulator works in real time here: the machine's `sh` does.
pub(crate) async fn until(client: &Client, id: &str, statuses: &[Status]) -> GetCommandInvocationOutput {
    for _ in 0..1_000 {
        let now = invocation(client, id).await;
        if statuses.contains(now.status.as_ref().unwrap()) {
            return now;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{id} did not become {statuses:?}");
}

pub(crate) async fn ended(client: &Client, id: &str) -> GetCommandInvocationOutput {
    until(client, id, &[Status::Success, Status::Failed, Status::TimedOut, Status::Cancelled]).await
}

/// Waits until `is` holds; fails after ten seconds.
pub(crate) async fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    for _ in 0..1_000 {
        if is() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("never: {what}");
}

/// The answer to a GET, with its head.
pub(crate) async fn http_get(url: &str) -> String {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let (host, path) = url.strip_prefix("http://").unwrap().split_once('/').unwrap();
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let request = format!("GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}
