//! What goes wrong around it: the disk, the API server, kubectl, the account.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::run::{Policy, Run};
use deploy_ssm::sim::{Fault, Ping};
use deploy_ssm::{Instances, SsmK3s};
use deploy_tests::{Port, reasons};

use crate::app::small;
use crate::far_scenario;
use crate::storage::BUCKET;
use crate::world::{NODE, World, account};

fn hasty(world: &World) -> Run {
    let policy = Policy::default().timeout(Duration::from_secs(8)).rollback_timeout(Duration::from_secs(8));
    world.run().policy(policy)
}

/// Asserts that this is refused with these words, and that nothing is left.
async fn check(world: &World, target: SsmK3s, run: Run, kind: ErrorKind, words: &[&str]) {
    let error = world.refused(target, &small("api:v1", "a"), run).await;
    world.ssm.heal();
    assert_eq!(error.kind(), kind, "{error}");
    let told = error.to_string();
    for word in words {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert_eq!(world.stands().await, (None, Vec::new()), "{told}");
    assert_eq!(world.storage.objects(), [""; 0], "{told}");
}

far_scenario!(a_clear_word_for_each_of_the_nodes_pains, async |world| {
    let both = |change: fn(deploy_ssm::SsmK3sBuilder) -> deploy_ssm::SsmK3sBuilder| {
        [change(world.inline()).build().unwrap(), change(world.inline().bucket(BUCKET, "")).build().unwrap()]
    };
    for target in both(|builder| builder.kubectl("/nowhere/kubectl")) {
        let words = ["/nowhere/kubectl is not on the node", NODE];
        check(&world, target, hasty(&world), ErrorKind::NotFound, &words).await;
    }
    for target in both(|builder| builder.kubeconfig("/nowhere/k3s.yaml")) {
        check(&world, target, hasty(&world), ErrorKind::Unavailable, &["API server", NODE]).await;
    }
    for target in both(|builder| builder.state_dir("/proc/nothing/can/be/here")) {
        check(&world, target, hasty(&world), ErrorKind::Unavailable, &["/proc/nothing/can/be/here", NODE])
            .await;
    }
    // A disk that is as good as full.
    let tools = tempfile::tempdir().unwrap();
    let df = tools.path().join("df");
    std::fs::write(&df, "#!/bin/sh\necho head\necho /dev/sda1 100000 99900 100 100% /\n").unwrap();
    std::fs::set_permissions(&df, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    world.ssm.change(NODE, |node| node.path_in_front(tools.path().to_str().unwrap()));
    for target in both(|builder| builder) {
        check(
            &world,
            target,
            hasty(&world),
            ErrorKind::Unavailable,
            &["only 100 KB are free", "make room", NODE],
        )
        .await;
    }
    // One where not even the scripts can be unpacked.
    let mktemp = tools.path().join("mktemp");
    std::fs::write(&mktemp, "#!/bin/sh\nexit 1\n").unwrap();
    std::fs::set_permissions(&mktemp, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    for target in both(|builder| builder) {
        let words = ["no temporary folder can be made", "is the disk full?", NODE];
        check(&world, target, hasty(&world), ErrorKind::Unavailable, &words).await;
    }
});

far_scenario!(a_clear_word_for_each_of_the_accounts_pains, async |world| {
    for (fault, kind, words) in [
        (Fault::ExpiredToken, ErrorKind::Unauthorized, &["expired"][..]),
        (Fault::AccessDenied, ErrorKind::Forbidden, &["ssm:DescribeInstanceInformation"]),
    ] {
        world.ssm.fail_from(world.ssm.calls().len() + 1, fault);
        check(&world, world.target(), hasty(&world), kind, words).await;
    }
    world.ssm.fail_operation("SendCommand", 0, 9, Fault::AccessDenied);
    check(&world, world.target(), hasty(&world), ErrorKind::Forbidden, &["ssm:SendCommand", NODE]).await;

    let elsewhere =
        account("us-west-2").ssm_endpoint(world.ssm.url()).s3_endpoint(&world.s3).build().unwrap();
    let target = SsmK3s::builder(&elsewhere, "shop", Instances::id(NODE).unwrap()).build().unwrap();
    check(&world, target, hasty(&world), ErrorKind::NotFound, &[NODE, "in this region"]).await;

    world.ssm.change(NODE, |node| node.ping(Ping::ConnectionLost));
    check(&world, world.target(), hasty(&world), ErrorKind::Unavailable, &[NODE, "ConnectionLost"]).await;
    assert_eq!(world.ssm.scripts(), []);
});

far_scenario!(a_node_that_is_gone_keeps_nobody_from_sweeping, async |world| {
    world.storage.put("prod/shop/dead/package.tar.gz");
    world.ssm.remove(NODE);
    let target = world.target();
    let orphans = target.orphans(Duration::ZERO, &world.run()).await.unwrap();
    assert_eq!(orphans.len(), 1, "{orphans:?}");
    let swept = target.sweep(orphans.clone(), &world.run()).await.unwrap();
    assert_eq!((swept.removed, swept.left.len()), (orphans, 0));
    assert!(swept.gaps[0].contains(NODE), "{:?}", swept.gaps);
    assert_eq!(world.storage.objects(), [""; 0]);
});

far_scenario!(an_api_server_that_is_slow, async |world| {
    let mut world = world.beside().await;
    let (down, delay) = (Duration::from_secs(4), Duration::from_millis(300));
    let port = Arc::new(Port::open_slow(world.env.kube.clone(), down, delay).await);
    let look = world.env.clone();
    world.env = look.at(&port);
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let outcome = world.apply(world.target(), &small("api:does-not-exist", "b"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome)[0], "ImageNotFound", "{outcome}");
    assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]));
});

/// A file system of 20 MB on the node, which is full as soon as kubectl has written.
#[tokio::test]
#[ignore = "needs root"]
async fn a_disk_that_fills_up_meanwhile() {
    deploy_tests::embedded("a_disk_that_fills_up_meanwhile", async |env| {
        let world = World::new(env).await;
        let place = tempfile::tempdir().unwrap();
        let disk = Mounted::new(place.path().to_str().unwrap());
        let target = |kubectl: &str| world.inline().state_dir(&disk.0).kubectl(kubectl).build().unwrap();
        let outcome = world.apply(target(&world.kubectl), &small("api:v1", "a"), world.run()).await.unwrap();
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");

        let tools = tempfile::tempdir().unwrap();
        let filling = tools.path().join("kubectl");
        let text = format!(
            "case \" $* \" in *' apply '*) [ -e {0}/filled ] || cat /dev/zero >{0}/filled 2>/dev/null ;; esac\nexec {1} \"$@\"\n",
            disk.0, world.kubectl
        );
        std::fs::write(&filling, text).unwrap();
        let kubectl = format!("sh {}", filling.display());
        let outcome =
            world.apply(target(&kubectl), &small("api:does-not-exist", "b"), world.run()).await.unwrap();
        assert_ne!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]), "{outcome}");

        let error = world.refused(target(&kubectl), &small("api:v1", "c"), world.run()).await;
        assert!(error.to_string().contains("KB are free"), "{error}");
        std::fs::remove_file(place.path().join("filled")).unwrap();
        let outcome = world.apply(target(&world.kubectl), &small("api:v2", "d"), world.run()).await.unwrap();
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    })
    .await;
}

struct Mounted(String);

impl Mounted {
    fn new(place: &str) -> Self {
        command("mount", &["-t", "tmpfs", "-o", "size=20m", "tmpfs", place]);
        Self(place.to_owned())
    }
}

impl Drop for Mounted {
    fn drop(&mut self) {
        command("umount", &["-l", &self.0]);
    }
}

#[expect(clippy::disallowed_methods, reason = "what is tested is a disk of its own")]
fn command(program: &str, arguments: &[&str]) {
    let done = std::process::Command::new(program).args(arguments).status().unwrap();
    assert!(done.success(), "{program} {arguments:?}: root may");
}
