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

far_scenario!(every_request_fails_once, async |world| {
    let step = if world.env.embedded.is_some() { 1 } else { 4 };
    join_all(WAYS.iter().enumerate().map(async |(first, (fault, kinds))| {
        let first = if step == 1 { 0 } else { first % step };
        in_one_way(&world.beside().await, *fault, kinds, (first + 1..).step_by(step)).await;
    }))
    .await;
});

async fn in_one_way(world: &World, fault: Fault, kinds: &[ErrorKind], calls: impl Iterator<Item = usize>) {
    for number in calls {
        let image = ["api:v1", "api:v2"][number % 2];
        let manifests = small(image, &number.to_string()) + &secret("a");
        let (before, run) = (world.ssm.calls().len(), world.run());
        let id = run.id().clone();
        world.ssm.fail_call(before + number, fault);
        let ended = world.apply(world.target(), &manifests, run).await;
        world.ssm.heal();
        let calls = world.ssm.calls().split_off(before);
        let what = format!("{fault:?} at {number}: {:?}", calls.get(number - 1));
        // Before anything was handed over an error is all there is; after that it is the outcome's cause.
        let error = match ended {
            Ok(outcome) if outcome.status == Status::Healthy => None,
            Ok(outcome) => match outcome.cause {
                Some(Cause::Error { error }) => Some(error),
                _ => panic!("{what}: {outcome}"),
            },
            Err(error) => Some(error),
        };
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
        if calls.len() < number {
            break;
        }
    }
    world.swept(&world.target()).await;
}
