//! With a seed, on one thread and in paused time, everything repeats exactly: names, uids, times, versions, the order of events.

use std::time::Duration;

use deploy_sim::Fault;
use deploy_tests::{Env, deployment};
use tokio::runtime::Builder;

/// All that a run with faults told, and all that stands afterwards.
fn lived(seed: u64) -> (String, String) {
    let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        fastrand::seed(seed);
        let env = Env::embedded("repeat", seed).await;
        env.deploy(&deployment("api:v1")).await;
        let cluster = env.embedded.clone().expect("an embedded cluster");
        cluster.inject(Fault::overloaded(Duration::from_secs(1)).skip(7).times(2));
        cluster.inject(Fault::watch_broken(Duration::from_millis(150)));
        let outcome = env.deploy(&deployment("api:crash")).await;
        let mut standing = Vec::new();
        for (api_version, kind) in
            [("v1", "Event"), ("v1", "Pod"), ("apps/v1", "ReplicaSet"), ("apps/v1", "Deployment")]
        {
            standing.extend(env.all(api_version, kind).await);
        }
        let told = serde_json::to_string_pretty(&outcome).expect("JSON");
        (told, serde_json::to_string_pretty(&standing).expect("JSON"))
    })
}

#[test]
fn a_seed_repeats_a_run_exactly() {
    let (first, again, other) = (lived(7), lived(7), lived(8));
    for (first, again) in [(&first.0, &again.0), (&first.1, &again.1)] {
        let differing = first.lines().zip(again.lines()).find(|(first, again)| first != again);
        assert_eq!(differing, None);
        assert_eq!(first.len(), again.len());
    }
    assert_ne!(first.1, other.1, "another seed is another run");
}
