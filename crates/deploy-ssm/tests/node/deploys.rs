//! Deployments to their end.

use deploy_ssm::node::{Cause, RunStatus};

use crate::harness::{Node, app};

#[test]
fn a_first_install_and_an_upgrade_are_healthy() {
    let node = Node::new();
    let report = node.deploy("one", &app("api:v1"));
    assert_eq!(report.status, RunStatus::Healthy, "{report:?}\n{}", node.log("one"));
    let report = node.deploy("two", &app("api:v2"));
    assert_eq!(report.status, RunStatus::Healthy, "{report:?}\n{}", node.log("two"));
    assert_eq!((report.number, report.previous), (Some(2), Some(1)));
    assert_eq!(node.image().as_deref(), Some("api:v2"));
}

#[test]
fn a_bad_image_is_undone() {
    let node = Node::new();
    node.deploy("one", &app("api:v1"));
    let report = node.deploy("two", &app("api:bad"));
    assert_eq!(report.status, RunStatus::Undone, "{report:?}\n{}", node.log("two"));
    let Some(Cause::Failed { failures }) = &report.cause else { panic!("{report:?}") };
    assert_eq!(failures[0].reason.name(), "ImageNotFound");
    assert_eq!(node.image().as_deref(), Some("api:v1"));
}
