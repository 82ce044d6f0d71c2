//! Each request to AWS fails once, in each way.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::{Cause, Status};
use deploy_core::run::Run;
use deploy_core::target::Observation;
use deploy_ssm::sim::Fault;
use futures_util::future::join_all;

use crate::app::{secret, small};
use crate::far_scenario;
use crate::world::World;

/// The ways, and what may come of each beside a good end.
const WAYS: &[(Fault, &[ErrorKind])] = &[
    (Fault::Throttled, &[]),
    (Fault::InternalError, &[]),
    (Fault::DropBefore, &[]),
    (Fault::DropAfter, &[]),
    (Fault::ExpiredToken, &[ErrorKind::Unauthorized]),
    (Fault::AccessDenied, &[ErrorKind::Forbidden]),
];

/// Which requests: the operation, and how many of it come before.
const REQUESTS: &[(&str, usize)] = &[
    ("DescribeInstanceInformation", 0),
    ("PutObject", 0),
    ("SendCommand", 0),
    ("GetObject", 0),
    ("GetObject", 1),
    ("GetObject", 3),
    ("GetCommandInvocation", 0),
    // Several objects are deleted at once.
    ("POST /deployments/", 0),
];

far_scenario!(every_request_fails_once, async |world| {
    let some = if world.env.embedded.is_some() { 1 } else { 3 };
    join_all(WAYS.iter().enumerate().map(async |(way, (fault, kinds))| {
        in_one_way(&world.beside().await, *fault, kinds, REQUESTS.iter().skip(way % some).step_by(some))
            .await;
    }))
    .await;
});

async fn in_one_way(
    world: &World,
    fault: Fault,
    kinds: &[ErrorKind],
    requests: impl Iterator<Item = &'static (&'static str, usize)>,
) {
    for (number, (operation, after)) in requests.enumerate() {
        let image = ["api:v1", "api:v2"][number % 2];
        let manifests = small(image, &number.to_string()) + &secret("a");
        let (before, run) = (world.ssm.calls().len(), world.run());
        let id = run.id().clone();
        world.ssm.fail_operation(operation, *after, 1, fault);
        let ended = world.apply(world.target(), &manifests, run).await;
        world.ssm.heal();
        let calls = world.ssm.calls().split_off(before);
        let what = format!("{fault:?} at {operation} after {after}");
        // Before anything was handed over an error is all there is; after that it is the outcome's cause.
        let error = match ended {
            Ok(outcome) if outcome.status == Status::Healthy => None,
            Ok(outcome) => match outcome.cause {
                Some(Cause::Error { error }) => Some(error),
                _ => panic!("{what}: {outcome}"),
            },
            Err(error) => Some(error),
        };
        // One that ends early looks at no command.
        let is_met = calls.iter().filter(|call| call.operation == *operation).count() > *after;
        assert!(is_met || *operation == "GetCommandInvocation", "{what}: {calls:?}");
        let sent = calls.iter().any(|call| call.operation == "SendCommand" && call.refused.is_none())
            || calls.iter().any(|call| call.operation == "SendCommand") && error.is_none();
        if let Some(error) = &error {
            assert!(kinds.contains(&error.kind()), "{what}: {:?} {error}", error.kind());
        }
        if sent {
            world.node_is_done(&id).await;
            let resumed = world.target().resume(&Run::new().with_id(id.clone())).await;
            assert!(matches!(resumed, Ok(Observation::Healthy)), "{what}: {resumed:?}");
            assert_eq!(world.stands().await, (Some(number.to_string()), vec![image.to_owned()]), "{what}");
        }
        assert_eq!(world.recorded(&id).len(), usize::from(sent), "{what}");
        assert!(world.env.replica_sets().await <= 2, "{what}: one for each template");
    }
    world.swept(&world.target()).await;
}

far_scenario!(a_lost_answer_that_cannot_be_looked_up_is_not_taken_for_unsent, async |world| {
    for (fault, image) in [(Fault::AccessDenied, "api:v1"), (Fault::ExpiredToken, "api:v2")] {
        let run = world.run();
        let id = run.id().clone();
        world.ssm.fail_operation("SendCommand", 0, 1, Fault::DropAfter);
        world.ssm.fail_operation("ListCommands", 0, 99, fault);
        // With a Secret, so that the node fetches the package.
        let error = world.refused(world.target(), &(small(image, "a") + &secret("a")), run).await;
        world.ssm.heal();
        assert_eq!(error.kind(), ErrorKind::OutcomeUnknown, "{fault:?}: {error}");
        let lookup = std::error::Error::source(&error).expect("why it could not be looked up").to_string();
        assert!(lookup.contains("list commands"), "{lookup}");
        // The node has it, and what it fetches is not taken away.
        world.node_is_done(&id).await;
        let resumed = world.target().resume(&Run::new().with_id(id)).await;
        assert!(matches!(resumed, Ok(Observation::Healthy)), "{fault:?}: {resumed:?}");
        assert_eq!(world.stands().await.1, [image]);
    }
});
