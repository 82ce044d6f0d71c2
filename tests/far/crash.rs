//! The caller is killed at each of its requests to AWS: the node ends what it was given, whoever asks for it next hears how, and a sweep
//! finds the rest.

use std::sync::Arc;

use deploy_core::error::ErrorKind;
use deploy_core::health::Reason;
use deploy_core::outcome::Status;
use deploy_core::rollout::Rollout;
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::Observation;
use deploy_ssm::sim::Moment;
use futures_util::future::join_all;

use crate::app::{secret, small};
use crate::far_scenario;
use crate::world::World;

/// Kills happen side by side, so many at a time.
const LANES: usize = 4;

far_scenario!(an_upgrade_whose_caller_is_killed, async |world| {
    at_calls(&world, Status::Healthy).await;
});

far_scenario!(a_bad_image_whose_caller_is_killed, async |world| {
    at_calls(&world, Status::RolledBack).await;
});

/// On the embedded cluster at every call, on a live one at a sample of them.
async fn at_calls(world: &World, ends: Status) {
    let step = if world.env.embedded.is_some() { LANES } else { 3 * LANES };
    let lane = async |first: usize| {
        let world = world.beside().await;
        let mut lane = Lane { world: &world, ends, stands: "0".to_owned(), later: Vec::new() };
        lane.run((first..).step_by(step)).await;
    };
    join_all((1..=LANES).map(lane)).await;
}

struct Lane<'a> {
    world: &'a World,
    ends: Status,
    /// The setting that stands.
    stands: String,
    /// Deployments that are taken up only after the sweep, and whether they were sent.
    later: Vec<(DeploymentId, bool)>,
}

impl Lane<'_> {
    async fn run(&mut self, calls: impl Iterator<Item = usize>) {
        let (world, ends) = (self.world, self.ends);
        let manifests = small("api:v1", "0") + &secret("0");
        let outcome = world.apply(world.target(), &manifests, world.run()).await.unwrap();
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        let mut killed = 0;
        'calls: for call in calls {
            for moment in [Moment::Before, Moment::After] {
                if !self.is_killed(call, moment).await {
                    break 'calls;
                }
                killed += 1;
            }
        }
        assert!(killed > 0, "no call was met");
        world.swept(&world.target()).await;
        for (id, sent) in &self.later {
            expect(world, id, *sent, ends).await;
        }
        // Who takes up what is not there has left nothing, either.
        world.swept(&world.target()).await;
    }

    /// Whether there was such a call.
    async fn is_killed(&mut self, call: usize, moment: Moment) -> bool {
        let (world, is_good) = (self.world, self.ends == Status::Healthy);
        let image = match (is_good, call % 2) {
            (false, _) => "api:does-not-exist",
            (true, 0) => "api:v1",
            (true, _) => "api:v2",
        };
        let setting = format!("{call}-{moment:?}");
        let bundle = world.env.bundle(&(small(image, &setting) + &secret(&setting)));
        let (before, run) = (world.ssm.calls().len(), world.run());
        let id = run.id().clone();
        let rollout = Rollout::new(Arc::new(world.target()));
        let ended = world.ssm.killed_at(call, moment, rollout.run(&bundle, run)).await;
        let calls: Vec<String> =
            world.ssm.calls().split_off(before).into_iter().map(|call| call.operation).collect();
        let death = format!("{moment:?} the last of {calls:?}");
        let sends = calls.iter().position(|call| call == "SendCommand").map(|at| at + 1);
        // A call that is met before its effect has none.
        let sent = ended.is_some() || sends.is_some_and(|at| at < call || moment == Moment::After);
        if sent {
            world.node_is_done(&id).await;
        }
        if let Some(ended) = &ended {
            let outcome = ended.as_ref().unwrap();
            assert_eq!(outcome.status, self.ends, "{outcome}");
        }
        if sent && is_good {
            self.stands = setting;
        }
        let (stands, images) = world.stands().await;
        assert_eq!(stands.as_ref(), Some(&self.stands), "{death}");
        assert_eq!(images.len(), 1, "{death}");
        assert_ne!(images[0], "api:does-not-exist", "{death}");
        assert_eq!(world.recorded(&id).len(), usize::from(sent), "{death}");
        if call.is_multiple_of(2) {
            expect(world, &id, sent, self.ends).await;
        } else {
            self.later.push((id, sent));
        }
        ended.is_none()
    }
}

/// Takes the deployment up, as another process does.
async fn expect(world: &World, id: &DeploymentId, sent: bool, ends: Status) {
    let resumed = world.target().resume(&Run::new().with_id(id.clone())).await;
    match (sent, ends, resumed) {
        (false, _, Err(error)) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        (true, Status::Healthy, Ok(Observation::Healthy)) => {}
        (true, Status::RolledBack, Ok(observation @ Observation::Undone { .. })) => {
            let reason = &observation.failures()[0].reason;
            assert!(matches!(reason, Reason::ImageNotFound { .. }), "{reason:?}");
        }
        (sent, _, resumed) => panic!("{id}, sent: {sent}: {resumed:?}"),
    }
}
