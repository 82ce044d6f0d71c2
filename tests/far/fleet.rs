//! Several nodes, each judged by itself.

use std::path::PathBuf;
use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_ssm::sim::Node;
use deploy_ssm::{Fleet, Instances, SsmK3s};

use crate::app::small;
use crate::far_scenario;

far_scenario!(a_fleet_is_judged_node_by_node, async |world| {
    // What kubectl is called is on one of them alone; they share the folder of the state, as if asked twice.
    let tools = tempfile::tempdir().unwrap();
    let kubectl = tools.path().join("their-kubectl");
    let world_kubectl = PathBuf::from(&world.kubectl);
    std::os::unix::fs::symlink(&world_kubectl, &kubectl).unwrap();
    let path = tools.path().to_str().unwrap();
    let ids = ["i-00000000000000001", "i-00000000000000002"];
    let good = |id: &str| Node::new(id).path_in_front(path);
    let fleet = Fleet::default();
    let world = world.beside_with(ids.iter().map(|id| good(id)).collect()).await;
    let target = SsmK3s::builder(&world.aws, "shop", Instances::ids(ids).unwrap().fleet(fleet))
        .kubectl("their-kubectl")
        .kubeconfig(world.env.kubeconfig())
        .state_dir(world.state.path().to_str().unwrap())
        .build()
        .unwrap();
    let outcome = world.apply(target.clone(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.ssm.count("SendCommand"), 1);

    world.ssm.add(Node::new(ids[1]));
    let run = world.run();
    let id = run.id().clone();
    let error = world.refused(target, &small("api:v1", "b"), run).await;
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    let told = error.to_string();
    assert!(
        told.contains("their-kubectl is not on the node") && told.contains(ids[1]) && !told.contains(ids[0]),
        "{told}"
    );
    // The other one has kept what it was given.
    assert_eq!(world.recorded(&id).len(), 1);
    assert_eq!(world.stands().await, (Some("b".into()), vec!["api:v1".to_owned()]));
});

far_scenario!(nodes_that_are_not_tried_after_a_failure_are_not_waited_for, async |world| {
    let ids = ["i-00000000000000001", "i-00000000000000002", "i-00000000000000003"];
    let world = world.beside_with(ids.iter().map(|id| Node::new(*id)).collect()).await;
    let fleet = Fleet::default().max_concurrency("1".parse().unwrap()).unwrap();
    let target = SsmK3s::builder(&world.aws, "shop", Instances::ids(ids).unwrap().fleet(fleet))
        .kubectl("/nowhere/kubectl")
        .state_dir(world.state.path().to_str().unwrap())
        .build()
        .unwrap();
    let manifests = small("api:v1", "a");
    let refused = world.refused(target, &manifests, world.run());
    // Their bound is some minutes away.
    let error =
        tokio::time::timeout(Duration::from_secs(30), refused).await.expect("they are told of at once");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(world.ssm.scripts().len(), 1, "the others were not tried");
});
