//! By name, over moto's EC2: what is signed by hand is understood by what others wrote.

use deploy_ssm::instance::{Fleet, Instances};
use deploy_ssm::sim::{Node, Simulator};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::{builder, check, found};

/// Sends a form to EC2, and gives the answer with its head.
async fn ec2(endpoint: &str, form: &str) -> String {
    let address = endpoint.trim_start_matches("http://").trim_end_matches('/');
    let mut stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let scope = "Credential=AKIAIOSFODNN7EXAMPLE/20261122/us-east-1/ec2/aws4_request";
    let request = format!(
        "POST / HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         Authorization: AWS4-HMAC-SHA256 {scope}, SignedHeaders=host, Signature=0\r\nContent-Length: {}\r\n\r\n{form}",
        form.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    answer
}

/// Runs an instance of this name, and gives its id.
async fn run_instance(endpoint: &str, name: &str) -> String {
    let form = format!(
        "Action=RunInstances&Version=2016-11-15&ImageId=ami-12c6146b&MinCount=1&MaxCount=1&InstanceType=t3.micro\
         &TagSpecification.1.ResourceType=instance&TagSpecification.1.Tag.1.Key=Name&TagSpecification.1.Tag.1.Value={name}"
    );
    let answer = ec2(endpoint, &form).await;
    let (_, rest) = answer.split_once("<instanceId>").unwrap();
    rest.split_once('<').unwrap().0.to_owned()
}

#[tokio::test]
#[ignore = "needs moto: tests/peers/up"]
async fn wildcards_and_states_are_ec2s_own() {
    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where moto is")]
    let endpoint = std::env::var("MOTO_ENDPOINT").expect("MOTO_ENDPOINT: tests/peers/up prints it");
    let shop = format!("shop{:016x}", fastrand::u64(..));
    let one = run_instance(&endpoint, &format!("{shop}-k3s-master-1")).await;
    let stopped = run_instance(&endpoint, &format!("{shop}-k3s-master-0")).await;
    run_instance(&endpoint, &format!("{shop}-k3s-worker")).await;
    ec2(&endpoint, &format!("Action=StopInstances&Version=2016-11-15&InstanceId.1={stopped}")).await;

    let ssm = Simulator::builder().node(Node::new(&one)).start().await.unwrap();
    let aws = builder(&ssm).ec2_endpoint(&endpoint).build().unwrap();
    let named = |pattern: &str| Instances::named(format!("{shop}{pattern}")).unwrap();
    check(&found(&aws, named("*k3s-master*")).await, &[&one, "k3s-master-1, 10.", "Online"]);
    check(&found(&aws, named("-k3s-master-?")).await, &[&one]);
    check(&found(&aws, named("*k3s-slave*")).await, &["NotFound", "no instance of that name runs"]);

    let two = run_instance(&endpoint, &format!("{shop}-k3s-master-2")).await;
    check(&found(&aws, named("*k3s-master*")).await, &["2 nodes match", &one, &two, "not managed by SSM"]);
    ssm.add(Node::new(&two));
    check(&found(&aws, named("*k3s-master*").fleet(Fleet::default())).await, &[&one, &two]);
}
