//! Several nodes, each judged by itself.

use std::path::PathBuf;
use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::{Cause, Status};
use deploy_core::run::Cancel;
use deploy_ssm::sim::Node;
use deploy_ssm::{Fleet, Instances, SsmK3s, SsmK3sBuilder};

use crate::app::{secret, small};
use crate::far_scenario;
use crate::storage::BUCKET;
use crate::world::World;

const IDS: [&str; 3] = ["i-00000000000000001", "i-00000000000000002", "i-00000000000000003"];

/// Another world with three nodes, who share the folder of the state; the target is all of them, one at a time.
async fn one_by_one(world: &World, more: impl Fn(SsmK3sBuilder) -> SsmK3sBuilder) -> (World, SsmK3s) {
    let world = world.beside_with(IDS.iter().map(|id| Node::new(*id)).collect()).await;
    let fleet = Fleet::default().max_concurrency("1".parse().unwrap()).unwrap();
    let target = SsmK3s::builder(&world.aws, "shop", Instances::ids(IDS).unwrap().fleet(fleet))
        .kubectl(&world.kubectl)
        .kubeconfig(world.env.kubeconfig())
        .state_dir(world.state.path().to_str().unwrap());
    let target = more(target).build().unwrap();
    (world, target)
}

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
    let (world, target) = one_by_one(&world, |target| target.kubectl("/nowhere/kubectl")).await;
    let manifests = small("api:v1", "a");
    let refused = world.refused(target, &manifests, world.run());
    // Their bound is some minutes away.
    let error =
        tokio::time::timeout(Duration::from_secs(30), refused).await.expect("they are told of at once");
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
    assert_eq!(world.ssm.scripts().len(), 1, "the others were not tried");
});

far_scenario!(nothing_of_a_fleet_stays_in_the_bucket, async |world| {
    let (world, target) = one_by_one(&world, |target| target.bucket(BUCKET, "prod")).await;
    let manifests = small("api:v1", "a") + &secret("b");
    let (outcome, seen) = tokio::join!(world.apply(target.clone(), &manifests, world.run()), async {
        let is_there = async || world.storage.objects().iter().any(|key| key.ends_with("package.tar.gz"));
        world.env.eventually("the package is there", is_there).await;
        world.storage.objects()
    });
    let outcome = outcome.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    // Another deployment of the same bundle has another place.
    assert_eq!(seen, [format!("{BUCKET}/prod/shop/{}/package.tar.gz", outcome.deployment)]);
    assert_eq!(world.storage.objects(), [""; 0]);

    // What a caller that died left is swept, though a fleet cannot be asked as one.
    world.storage.put("prod/shop/dead/package.tar.gz");
    let orphans = target.orphans(Duration::ZERO, &world.run()).await.unwrap();
    let swept = target.sweep(orphans, &world.run()).await.unwrap();
    assert_eq!((swept.removed.len(), swept.left.len()), (1, 0), "{swept:?}");
    assert!(swept.gaps[0].contains("one node at a time"), "{swept:?}");
    assert_eq!(world.storage.objects(), [""; 0]);
});

far_scenario!(a_cancel_keeps_the_command_from_those_whose_turn_has_not_come, async |world| {
    let (world, target) = one_by_one(&world, |target| target).await;
    let cancel = Cancel::new();
    let run = world.run().cancelled_by(cancel.clone());
    let events = world.on_node("runs").join(run.id().as_str()).join("events.jsonl");
    let stopped = async {
        let written =
            async || std::fs::read_to_string(&events).is_ok_and(|text| text.contains("\"Deployment\""));
        world.env.eventually("the first one writes", written).await;
        cancel.cancel();
    };
    let manifests = small("api:does-not-answer", "a").replace(
        "api:does-not-answer}]",
        "api:v1, readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}}]",
    );
    let (outcome, ()) = tokio::join!(world.apply(target, &manifests, run), stopped);
    let outcome = outcome.unwrap();
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    assert_eq!(world.stands().await, (None, Vec::new()));
    let scripts = world.ssm.scripts();
    let begun: Vec<_> = scripts.iter().filter(|script| script.command == scripts[0].command).collect();
    assert_eq!(begun.len(), 1, "{scripts:?}");
});
