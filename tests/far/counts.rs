//! How many calls it takes.

use deploy_core::outcome::Status;

use crate::app::small;
use crate::far_scenario;

far_scenario!(two_calls_until_the_script_runs, async |world| {
    let outcome =
        world.apply(world.inline().build().unwrap(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let calls: Vec<String> = world.ssm.calls().into_iter().map(|call| call.operation).collect();
    assert_eq!(calls[..2], ["DescribeInstanceInformation", "SendCommand"]);
    assert!(calls[2..].iter().all(|call| call == "GetCommandInvocation"), "{calls:?}");
    assert_eq!(world.aws.calls().total(), calls.len() as u64);
});

far_scenario!(a_rollout_with_a_bucket_asks_ssm_rarely, async |world| {
    let before = world.aws.calls();
    let begun = tokio::time::Instant::now();
    let outcome = world.apply(world.target(), &small("api:v1", "a"), world.run()).await.unwrap();
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    let seconds = begun.elapsed().as_secs();
    let calls = world.aws.calls();
    let of = |operation: &str| calls.of(operation) - before.of(operation);
    assert_eq!((of("DescribeInstanceInformation"), of("SendCommand")), (1, 1));
    assert_eq!(of("PutObject"), 0, "it is small, and goes inline");
    // Every 5 s at first.
    assert!(of("GetCommandInvocation") <= seconds / 4 + 1, "{calls:?} in {seconds} s");
    assert_eq!(of("DeleteObjects"), 1);
});
