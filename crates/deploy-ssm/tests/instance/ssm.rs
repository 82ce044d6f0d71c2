//! By id and by tag.

use deploy_ssm::instance::{Fleet, Instances, PingStatus};
use deploy_ssm::sim::{Fault, Node, Ping, Simulator};

use crate::{ONE, TWO, builder, check, found};

#[tokio::test]
async fn a_node_is_found_by_id_and_by_tags() {
    let node = Node::new(ONE).tag("Role", "k3s").tag("Env", "prod");
    let ssm = Simulator::builder().node(node).node(Node::new(TWO).tag("Role", "k3s")).start().await.unwrap();
    let aws = builder(&ssm).build().unwrap();
    let [node] = &Instances::id(ONE).unwrap().find(&aws).await.unwrap()[..] else { panic!() };
    assert_eq!((node.ping.clone(), node.platform.as_deref()), (PingStatus::Online, Some("Linux")));
    assert_eq!(node.agent_version.as_deref(), Some("3.3.987.0"));
    let by_tags = Instances::tag("Role", "k3s").unwrap().and_tag("Env", "prod").unwrap();
    check(&found(&aws, by_tags).await, &[ONE, "Online"]);
    assert_eq!(ssm.count("DescribeInstanceInformation"), 2);
}

#[tokio::test]
async fn what_cannot_be_used_says_why() {
    let lost = Node::new(ONE).tag("Role", "lost").ping(Ping::ConnectionLost);
    let gone = Node::new(TWO).tag("Role", "gone").ping(Ping::Inactive);
    let ssm = Simulator::builder().node(lost).node(gone).start().await.unwrap();
    ssm.add(Node::new("i-0123456789abcdef2").tag("Role", "windows").windows());
    let aws = builder(&ssm).build().unwrap();
    let tag = |value: &str| Instances::tag("Role", value).unwrap();
    check(
        &found(&aws, tag("lost")).await,
        &["Unavailable: find us-east-1, node i-0123456789abcdef0", "lost the connection", "ago)"],
    );
    check(&found(&aws, tag("gone")).await, &["Unavailable", "its agent is inactive"]);
    check(&found(&aws, tag("windows")).await, &["Unsupported", "it runs Windows"]);
    check(&found(&aws, tag("none")).await, &["NotFound", "tag Role=none", "the region"]);
    let unknown = Instances::id("i-00000000000000000").unwrap();
    check(&found(&aws, unknown).await, &["NotFound", "AmazonSSMManagedInstanceCore", "reaches SSM"]);
    let elsewhere = builder(&ssm).region("eu-west-1").build().unwrap();
    check(&found(&elsewhere, Instances::id(ONE).unwrap()).await, &["NotFound", "in this region"]);
}

#[tokio::test]
async fn several_are_an_error_that_lists_them_over_all_pages() {
    let node = |number: usize| Node::new(format!("i-{number:017x}")).tag("Role", "k3s");
    let builder_of =
        |count| (0..count).fold(Simulator::builder(), |builder, number| builder.node(node(number)));
    let ssm = builder_of(60).start().await.unwrap();
    let aws = builder(&ssm).build().unwrap();
    let by_tag = || Instances::tag("Role", "k3s").unwrap();
    check(
        &found(&aws, by_tag()).await,
        &["InvalidInput", "60 nodes match: i-00000000000000000 (", "and 50 more", "fleet"],
    );
    assert_eq!(ssm.count("DescribeInstanceInformation"), 2);
    check(&found(&aws, by_tag().fleet(Fleet::default())).await, &["60 nodes match, more than 50"]);

    let ssm = builder_of(3).start().await.unwrap();
    let aws = builder(&ssm).build().unwrap();
    assert_eq!(by_tag().fleet(Fleet::default()).find(&aws).await.unwrap().len(), 3);
    ssm.change("i-00000000000000001", |node| node.ping(Ping::ConnectionLost));
    check(
        &found(&aws, by_tag().fleet(Fleet::default())).await,
        &["Unavailable: find us-east-1, node i-00000000000000001"],
    );
}

#[tokio::test]
async fn refusals_are_told_and_throttling_is_sat_out() {
    let ssm = Simulator::builder().node(Node::new(ONE)).start().await.unwrap();
    let aws = builder(&ssm).build().unwrap();
    let one = || Instances::id(ONE).unwrap();
    ssm.fail_call(1, Fault::Throttled);
    ssm.fail_call(2, Fault::DropAfter);
    check(&found(&aws, one()).await, &[ONE, "Online"]);
    assert_eq!(ssm.calls().len(), 3);
    ssm.fail_from(4, Fault::AccessDenied);
    check(
        &found(&aws, one()).await,
        &["Forbidden", "ssm:DescribeInstanceInformation", "\"Effect\":\"Allow\""],
    );
    ssm.heal();
    ssm.fail_from(5, Fault::ExpiredToken);
    check(&found(&aws, one()).await, &["Unauthorized", "expired"]);
}
