//! Several who work on one release at a time.

use std::time::Duration;

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_core::run::Policy;
use deploy_sim::Mortal;
use deploy_tests::{Env, deployment, scenario};
use futures_util::future::join_all;

use super::{config_maps, description, history, upgraded};

scenario!(of_eight_one_works_at_a_time, async |env| {
    let upgraders = (0..8).map(|number| {
        let env = env.clone();
        async move {
            let value = number.to_string();
            let release = env.release("app").holder(format!("runner-{number}"));
            loop {
                let bundle = env.bundle(&config_maps(&value, &["config", &format!("only-{value}")]));
                match release.upgrade(&bundle, env.run().0).await {
                    Ok(outcome) => {
                        assert_eq!(outcome.status, Status::Healthy, "{outcome}");
                        return outcome.revision.expect("a revision");
                    }
                    Err(error) => assert_eq!(error.kind(), ErrorKind::Locked, "{error}"),
                }
            }
        }
    });
    let mut revisions = join_all(upgraders).await;
    revisions.sort_unstable();
    assert_eq!(revisions, [1, 2, 3, 4, 5, 6, 7, 8], "none is lost, none is there twice");
    let newest = history(&env).await;
    let superseded = (1..8).rev().map(|number| format!("{number} superseded"));
    assert_eq!(newest, ["8 deployed".to_owned()].into_iter().chain(superseded).collect::<Vec<_>>());
    let value = env.get("v1", "ConfigMap", "config").await.expect("there")["data"]["value"].clone();
    let only = format!("only-{}", value.as_str().expect("text"));
    let left: Vec<String> = config_maps_of(&env).await;
    assert_eq!(left, ["config".to_owned(), only]);
});

async fn config_maps_of(env: &Env) -> Vec<String> {
    let maps = env.all("v1", "ConfigMap").await;
    let names = maps.iter().filter_map(|map| map["metadata"]["name"].as_str().map(str::to_owned));
    names.filter(|name| name != "kube-root-ca.crt").collect()
}

scenario!(one_that_works_is_named_to_the_other, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    let never = deployment("api:v1").replace("/healthz", "/nowhere");
    let (first, second) = (env.release("app").holder("runner-1"), env.release("app").holder("runner-2"));
    let run = env.run().0.policy(Policy::default().timeout(Duration::from_secs(15)));
    let slow = async { first.upgrade(&env.bundle(&never), run).await.expect("started") };
    let late = async {
        env.eventually("the first has begun", async || history(&env).await.len() == 2).await;
        let error = second.upgrade(&env.bundle(&config_maps("2", &["config"])), env.run().0).await;
        let error = error.expect_err("the first is at work");
        assert_eq!((error.kind(), error.holder()), (ErrorKind::Locked, Some("runner-1")), "{error}");
        assert!(error.to_string().contains(" since 20"), "{error}");
    };
    let (outcome, ()) = tokio::join!(slow, late);
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
});

scenario!(one_that_died_is_taken_over, async |env| {
    upgraded(&env, &config_maps("1", &["config", "old"])).await;
    let process = Mortal::until_killed();
    let dying = env.through(process.client(env.kube.clone()));
    let never = [deployment("api:v1").replace("/healthz", "/nowhere"), config_maps("2", &["config", "new"])];
    let bundle = env.bundle(&never.join("---\n"));
    let release = dying.release("app");
    let (run, recorder) = env.run();
    let kill = async {
        env.eventually("it writes", async || {
            recorder.events().iter().any(|event| event.kind.to_string().contains("api created"))
        })
        .await;
        process.kill();
    };
    let (ended, ()) = tokio::join!(process.until_death(release.upgrade(&bundle, run)), kill);
    assert!(ended.is_none());
    assert_eq!(history(&env).await, ["2 pending-upgrade", "1 deployed"]);
    let outcome = upgraded(&env, &config_maps("3", &["config"])).await;
    assert!(outcome.took < Duration::from_secs(40), "{outcome}");
    assert_eq!(history(&env).await, ["3 deployed", "2 failed", "1 superseded"]);
    assert!(description(&env, 2).await.starts_with("interrupted: "));
    assert_eq!(config_maps_of(&env).await, ["config"]);
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
});
