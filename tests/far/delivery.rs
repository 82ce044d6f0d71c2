//! Commands that come twice, agents that start anew, answers that are lost, nodes without power, cancels, and two callers at once.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::{Cause, Outcome, Status};
use deploy_core::run::{Cancel, DeploymentId, Policy, Run};
use deploy_core::target::Observation;
use deploy_ssm::SsmK3s;
use deploy_ssm::sim::{Fault, Lost, Node, Ping, Restart, Twice};

use crate::app::{secret, small};
use crate::far_scenario;
use crate::world::{NODE, World};

/// The target, with and without a bucket.
fn both(world: &World) -> [SsmK3s; 2] {
    [world.target(), world.inline().build().unwrap()]
}

/// Begins a deployment that does not come to an end by itself, and waits until it has written.
async fn stuck(world: &World, run: Run) -> tokio::task::JoinHandle<deploy_core::error::Result<Outcome>> {
    let bundle = world.env.bundle(&stuck_app());
    let (target, id) = (world.target(), run.id().clone());
    let rollout = deploy_core::rollout::Rollout::new(Arc::new(target));
    let task = tokio::spawn(async move { rollout.run(&bundle, run).await });
    written(world, &id).await;
    task
}

async fn written(world: &World, id: &DeploymentId) {
    let events = world.on_node("runs").join(id.as_str()).join("events.jsonl");
    let written = async || std::fs::read_to_string(&events).is_ok_and(|text| text.contains("\"Deployment\""));
    world.env.eventually("the Deployment is written", written).await;
}

/// It never gets ready.
fn stuck_app() -> String {
    let probe = ", readinessProbe: {httpGet: {path: /nowhere, port: 8080}, periodSeconds: 1}}]";
    small("api:v2", "stuck").replace("api:v2}]", &format!("api:v2{probe}"))
}

far_scenario!(a_command_that_comes_twice, async |world| {
    for (number, twice) in [Twice::Together, Twice::Afterwards].into_iter().enumerate() {
        world.ssm.change(NODE, |node| node.delivers_twice(twice));
        let run = world.run();
        let id = run.id().clone();
        let scripts = world.ssm.scripts().len();
        let outcome = world.apply(world.target(), &small("api:v1", &number.to_string()), run).await.unwrap();
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let ended = async || {
            let scripts = world.ssm.scripts().split_off(scripts);
            scripts.len() == 2 && scripts.iter().all(|script| script.ended.is_some())
        };
        world.env.eventually("both ended", ended).await;
        assert_eq!(world.recorded(&id).len(), 1);
    }
    assert_eq!(world.env.replica_sets().await, 1);
});

far_scenario!(an_agent_that_starts_anew, async |world| {
    for (number, how) in [Restart::KillsScripts, Restart::LeavesScripts].into_iter().enumerate() {
        for target in both(&world) {
            let run = world.run();
            let id = run.id().clone();
            let manifests = small(["api:v1", "api:v2"][number % 2], "a");
            let restart = async {
                written(&world, &id).await;
                world.ssm.restart_agent(NODE, how);
            };
            let (outcome, ()) = tokio::join!(world.apply(target, &manifests, run), restart);
            let outcome = outcome.unwrap();
            assert_eq!(outcome.status, Status::Healthy, "{how:?}: {outcome}");
            assert_eq!(world.recorded(&id).len(), 1, "{how:?}");
        }
    }
    assert_eq!(world.env.replica_sets().await, 2);
    world.swept(&world.target()).await;
});

far_scenario!(an_end_that_is_not_told, async |world| {
    // With a bucket nobody needs SSM for the end.
    world.ssm.change(NODE, |node| node.loses_the_end(Lost::Forever));
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");

    // Without one the agent tells it when it starts anew.
    world.ssm.change(NODE, |node| node.loses_the_end(Lost::UntilRestart));
    let run = world.run();
    let id = run.id().clone();
    let inline = world.inline().build().unwrap();
    let restart = async {
        // Before its end the agent would begin anew.
        let ended = async || {
            let scripts = world.ssm.scripts();
            scripts.len() == 2 && scripts.iter().all(|script| script.ended.is_some())
        };
        world.env.eventually("the script has ended", ended).await;
        world.ssm.restart_agent(NODE, Restart::KillsScripts);
    };
    let manifests = small("api:v2", "b");
    let (outcome, ()) = tokio::join!(world.apply(inline, &manifests, run), restart);
    let outcome = outcome.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.recorded(&id).len(), 1);
});

far_scenario!(an_end_that_is_never_told_is_not_guessed, async |world| {
    world.ssm.change(NODE, |node| node.loses_the_end(Lost::Forever));
    let policy = Policy::default().timeout(Duration::from_secs(1)).rollback_timeout(Duration::from_secs(1));
    let run = world.run().policy(policy).cancelled_by(Cancel::new());
    let id = run.id().clone();
    let manifests = small("api:v1", "a");
    let following = world.apply(world.inline().build().unwrap(), &manifests, run);
    // Nobody waits for the bound of some minutes here.
    assert!(tokio::time::timeout(Duration::from_secs(8), following).await.is_err(), "it is followed on");
    assert_eq!(world.recorded(&id).len(), 1);
});

far_scenario!(a_command_that_is_not_delivered_says_so_at_once, async |world| {
    world.ssm.change(NODE, Node::undeliverable);
    // With a Secret, which is not left in the bucket.
    let with_secret = small("api:v1", "a") + &secret("a");
    for (target, manifests) in both(&world).into_iter().zip([with_secret, small("api:v1", "a")]) {
        let refused = world.refused(target, &manifests, world.run());
        // Its bound is some minutes away.
        let error = tokio::time::timeout(Duration::from_secs(30), refused).await.expect("it is told at once");
        assert_eq!(error.kind(), ErrorKind::Unavailable, "{error}");
        let told = error.to_string();
        assert!(told.contains("Undeliverable") && told.contains(NODE), "{told}");
        assert_eq!(world.storage.objects(), [""; 0]);
    }
    assert_eq!(world.ssm.scripts(), []);
});

far_scenario!(a_node_that_loses_its_power, async |world| {
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let policy = Policy::default().timeout(Duration::from_secs(15)).rollback_timeout(Duration::from_secs(15));
    let run = world.run().policy(policy);
    let id = run.id().clone();
    let task = stuck(&world, run).await;
    task.abort();
    world.ssm.crash(NODE);
    world.ssm.change(NODE, |node| node.ping(Ping::Online));
    // The agent runs again what was in progress. Whoever asks how it went is told, and the next deployment goes on from there.
    let third = small("api:v1", "c");
    let resumed = world.target().cancel(&Run::new().with_id(id.clone())).await.unwrap();
    assert!(matches!(resumed, Observation::Undone { .. } | Observation::Cancelled), "{resumed:?}");
    assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]));
    let outcome = world.apply(world.target(), &third, world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.stands().await, (Some("c".into()), vec!["api:v1".to_owned()]));
    assert_eq!(world.recorded(&id).len(), 1);
    world.swept(&world.target()).await;
});

far_scenario!(a_cancel_goes_back, async |world| {
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");

    // By the run's own cancel.
    let cancel = Cancel::new();
    let task = stuck(&world, world.run().cancelled_by(cancel.clone())).await;
    cancel.cancel();
    let outcome = task.await.unwrap().unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]));

    // By another process.
    let run = world.run();
    let id = run.id().clone();
    let task = stuck(&world, run).await;
    let cancelled = world.target().cancel(&Run::new().with_id(id.clone())).await.unwrap();
    let Observation::Undone { cause, .. } = cancelled else { panic!("{cancelled:?}") };
    assert!(matches!(*cause, Cause::Cancelled), "{cause}");
    let outcome = task.await.unwrap().unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    let resumed = world.target().resume(&Run::new().with_id(id)).await.unwrap();
    assert!(matches!(resumed, Observation::Undone { .. }), "{resumed:?}");
    assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]));
    world.swept(&world.target()).await;
});

/// Asserts that nothing was begun, or that all of it is back.
async fn is_as_before(world: &World, outcome: &Outcome) {
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]), "{outcome}");
    assert_eq!(world.env.replica_sets().await, 1, "{outcome}");
    assert_eq!(world.storage.objects(), [""; 0], "{outcome}");
}

far_scenario!(a_cancel_before_the_command_arrives, async |world| {
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let secret = secret("b");
    let cases = both(&world).into_iter().zip([secret.as_str(), ""]);
    for (target, more) in cases {
        world.ssm.change(NODE, |node| node.picks_up_after(Duration::from_secs(3)));
        let (cancel, before) = (Cancel::new(), world.ssm.scripts().len());
        let run = world.run().cancelled_by(cancel.clone());
        let id = run.id().clone();
        let manifests = stuck_app() + more;
        let stopped = async {
            let sent = world.ssm.count("SendCommand");
            world.env.eventually("it is sent", async || world.ssm.count("SendCommand") > sent).await;
            cancel.cancel();
        };
        let (outcome, ()) = tokio::join!(world.apply(target, &manifests, run), stopped);
        is_as_before(&world, &outcome.unwrap()).await;
        assert_eq!(world.ssm.scripts().len(), before + 1, "only the one that asks to stop");
        assert_eq!(world.recorded(&id), [""; 0]);
        world.ssm.change(NODE, |node| node.picks_up_after(Duration::ZERO));
    }
});

far_scenario!(a_cancel_before_the_command_has_unpacked, async |world| {
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let tools = tempfile::tempdir().unwrap();
    let mktemp = tools.path().join("mktemp");
    world.ssm.change(NODE, |node| node.path_in_front(tools.path().to_str().unwrap()));
    let manifests = stuck_app();
    for target in both(&world) {
        // The first one, which is the deployment's, takes its time.
        let mark = tools.path().join("first");
        let text = format!(
            "#!/bin/sh\nif mkdir {} 2>/dev/null; then sleep 4; fi\nPATH=${{PATH#*:}} exec mktemp \"$@\"\n",
            mark.display()
        );
        std::fs::write(&mktemp, text).unwrap();
        std::fs::set_permissions(&mktemp, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let cancel = Cancel::new();
        let stopped = async {
            world.env.eventually("it has begun", async || mark.exists()).await;
            cancel.cancel();
        };
        let run = world.run().cancelled_by(cancel.clone());
        let (outcome, ()) = tokio::join!(world.apply(target, &manifests, run), stopped);
        let outcome = outcome.unwrap();
        assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
        assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]), "{outcome}");
        assert_eq!(world.storage.objects(), [""; 0], "{outcome}");
        std::fs::remove_dir(&mark).unwrap();
    }
});

far_scenario!(a_cancel_that_cannot_be_sent_is_sent_again, async |world| {
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let cancel = Cancel::new();
    let task = stuck(&world, world.run().cancelled_by(cancel.clone())).await;
    world.ssm.fail_operation("SendCommand", 0, 1, Fault::AccessDenied);
    cancel.cancel();
    let outcome = task.await.unwrap().unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    assert_eq!(world.stands().await, (Some("a".into()), vec!["api:v1".to_owned()]));
});

far_scenario!(another_process_cancels_before_the_command_arrives, async |world| {
    world.ssm.change(NODE, |node| node.picks_up_after(Duration::from_secs(3)));
    let (run, sent) = (world.run(), world.ssm.count("SendCommand"));
    let id = run.id().clone();
    let stopped = async {
        world.env.eventually("it is sent", async || world.ssm.count("SendCommand") > sent).await;
        world.target().cancel(&Run::new().with_id(id.clone())).await
    };
    let manifests = stuck_app() + &secret("b");
    let (outcome, cancelled) = tokio::join!(world.apply(world.target(), &manifests, run), stopped);
    assert!(matches!(cancelled, Ok(Observation::Cancelled)), "{cancelled:?}");
    let outcome = outcome.unwrap();
    assert!(matches!(outcome.cause, Some(Cause::Cancelled)), "{outcome}");
    assert_eq!(world.stands().await, (None, Vec::new()));
    world.swept(&world.target()).await;
});

far_scenario!(two_callers_at_once, async |world| {
    let first = world.run();
    let id = first.id().clone();
    let task = stuck(&world, first).await;
    for target in both(&world) {
        let second = world.run();
        let error = world.refused(target, &small("api:v1", "b"), second).await;
        assert_eq!(error.kind(), ErrorKind::Locked, "{error}");
        assert!(error.to_string().contains(id.as_str()), "{error}");
    }
    world.target().cancel(&Run::new().with_id(id)).await.unwrap();
    let outcome = task.await.unwrap().unwrap();
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    // A first install leaves nothing.
    assert_eq!(world.stands().await, (None, Vec::new()));
    world.swept(&world.target()).await;
});
