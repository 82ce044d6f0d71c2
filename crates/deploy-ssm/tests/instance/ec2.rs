//! By name, which EC2 is asked for.

use deploy_ssm::instance::{Fleet, Instances};
use deploy_ssm::sim::{Node, Simulator};

use crate::double::Double;
use crate::{ONE, TWO, builder, check, found};

/// A page with these instances.
fn page(instances: &[(&str, &str)], next: &str) -> (u16, String) {
    let one = |(id, name): &(&str, &str)| {
        format!(
            "<item><instancesSet><item><instanceId>{id}</instanceId><privateIpAddress>10.1.2.3</privateIpAddress>\
             <tagSet><item><key>Name</key><value>{name}</value></item></tagSet></item></instancesSet></item>"
        )
    };
    let items: String = instances.iter().map(one).collect::<Vec<_>>().concat();
    let next = if next.is_empty() { String::new() } else { format!("<nextToken>{next}</nextToken>") };
    let xml = format!(
        "<DescribeInstancesResponse><reservationSet>{items}</reservationSet>{next}</DescribeInstancesResponse>"
    );
    (200, xml)
}

fn refused(status: u16, code: &str, message: &str) -> (u16, String) {
    let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
    (status, format!("<Response><Errors>{error}</Errors><RequestID>x</RequestID></Response>"))
}

/// What is found among two managed nodes where EC2 answers so; and how often it was asked.
async fn among(answers: Vec<(u16, String)>, fleet: bool) -> (String, usize) {
    let ssm = Simulator::builder().node(Node::new(ONE)).node(Node::new(TWO)).start().await.unwrap();
    let double = Double::answering(answers).await;
    let aws = builder(&ssm).ec2_endpoint(&double.url).build().unwrap();
    let mut meant = Instances::named("*k3s-master*").unwrap();
    if fleet {
        meant = meant.fleet(Fleet::default());
    }
    let said = found(&aws, meant).await;
    assert_eq!(aws.calls().of("DescribeInstances"), double.asked().len() as u64);
    for (signed, form) in double.asked() {
        check(&signed, &["AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/", "/us-east-1/ec2/aws4_request"]);
        check(
            &form,
            &[
                "Action=DescribeInstances&",
                "Value.1=%2Ak3s-master%2A&",
                "instance-state-name&Filter.2.Value.1=running",
            ],
        );
    }
    (said, double.asked().len())
}

#[tokio::test]
async fn a_running_instance_is_found_by_its_name() {
    let (said, _) = among(vec![page(&[(ONE, "shop-k3s-master-1")], "")], false).await;
    assert_eq!(said, "i-0123456789abcdef0 (shop-k3s-master-1, 10.1.2.3, Online)");
}

#[tokio::test]
async fn pages_are_followed_and_several_listed() {
    let pages =
        || vec![page(&[(ONE, "a-k3s-master")], "t/1"), page(&[], "t2"), page(&[(TWO, "b-k3s-master")], "")];
    let (said, asked) = among(pages(), false).await;
    check(&said, &["InvalidInput", "2 nodes match", "(a-k3s-master, ", "(b-k3s-master, "]);
    assert_eq!(asked, 3);
    let (said, _) = among(pages(), true).await;
    check(&said, &["a-k3s-master, 10.1.2.3, Online) + i-0123456789abcdef1"]);
}

#[tokio::test]
async fn what_runs_unmanaged_or_not_at_all_says_so() {
    let (said, _) = among(vec![page(&[("i-00000000000000000", "k3s-master")], "")], false).await;
    check(&said, &["NotFound", "\"k3s-master\" runs in EC2, but SSM does not manage it", "instance profile"]);
    let (said, _) = among(vec![page(&[], "")], false).await;
    check(&said, &["NotFound", "find us-east-1, node by name *k3s-master*", "no instance of that name runs"]);
}

#[tokio::test]
async fn refusals_of_ec2_are_told() {
    let message = "You are not authorized to perform this operation. User: arn:aws:iam::1:user/ci is not authorized to perform: \
                   ec2:DescribeInstances because no identity-based policy allows the ec2:DescribeInstances action";
    let (said, asked) = among(vec![refused(403, "UnauthorizedOperation", message)], false).await;
    check(&said, &["Forbidden", "\"arn:aws:iam::1:user/ci\" may not do ec2:DescribeInstances"]);
    assert_eq!(asked, 1);
    let (said, _) = among(vec![refused(400, "RequestExpired", "Request has expired.")], false).await;
    check(&said, &["Unauthorized", "expired"]);
    let (said, _) = among(vec![(200, "<html>".into())], false).await;
    check(&said, &["Internal: find node: EC2's answer cannot be read"]);
}

#[tokio::test]
async fn what_passes_is_sat_out() {
    let answers = vec![
        refused(503, "RequestLimitExceeded", "Request limit exceeded."),
        refused(500, "InternalError", "An internal error has occurred"),
        page(&[(ONE, "k3s-master")], ""),
    ];
    let (said, asked) = among(answers, false).await;
    check(&said, &["(k3s-master, "]);
    assert_eq!(asked, 3);
    let (said, asked) = among(vec![refused(503, "Unavailable", "The server is overloaded")], false).await;
    check(&said, &["Unavailable"]);
    assert_eq!(asked, 4);
}
