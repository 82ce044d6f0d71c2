//! Scenarios that disturb the whole cluster: run them alone; a live one has to be that of `tests/cluster`.

#![allow(clippy::expect_used, reason = "a scenario ends by panicking, and says why")]

use std::time::Duration;

use deploy_core::event::Event;
use deploy_core::outcome::Status;
use deploy_tests::{Env, deployment, reasons, scenario};
use tokio::process::Command;

async fn restart_api_server(env: &Env) {
    if let Some(cluster) = &env.embedded {
        return cluster.down_for(Duration::from_secs(2));
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/cluster/apiserver");
    let status = Command::new(script).arg("restart").status().await.expect("tests/cluster/apiserver");
    assert!(status.success(), "the API server came back");
}

/// Deploys `manifests` and kills the API server as soon as they are written.
async fn disturbed(env: &Env, manifests: &str) -> deploy_core::outcome::Outcome {
    let (run, recorder) = env.run();
    let (rollout, bundle) = (env.rollout(), env.bundle(manifests));
    let disturb = async {
        let wrote = |event: &Event| event.kind.to_string().contains("api changed");
        env.eventually("the write", || async { recorder.events().iter().any(wrote) }).await;
        restart_api_server(env).await;
    };
    let (outcome, ()) = tokio::join!(rollout.run(&bundle, run.named("app")), disturb);
    outcome.expect("started")
}

mod the_api_server_restarts {
    use super::*;

    scenario!(in_mid_rollout, async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        let slow =
            deployment("api:v2").replace("periodSeconds: 1}", "periodSeconds: 1, initialDelaySeconds: 3}");
        let outcome = disturbed(&env, &slow).await;
        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
        assert_eq!(env.ready_images().await, ["api:v2", "api:v2"]);
        env.assert_no_records().await;
    });

    scenario!(while_it_fails, async |env| {
        assert_eq!(env.deploy(&deployment("api:v1")).await.status, Status::Healthy);
        let outcome = disturbed(&env, &deployment("api:does-not-exist")).await;
        assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
        assert_eq!(reasons(&outcome), ["ImageNotFound"]);
        assert_eq!(env.ready_images().await, ["api:v1", "api:v1"]);
        env.assert_no_records().await;
    });
}
