//! Releases that go.

use deploy_core::error::ErrorKind;
use deploy_core::outcome::Status;
use deploy_k8s::ReleaseStatus;
use deploy_tests::{deployment, scenario};

use super::{config_maps, description, history, newest, there, upgraded};

scenario!(a_release_goes_with_all_that_is_its, async |env| {
    env.deploy(&config_maps("1", &["theirs"])).await;
    upgraded(&env, &[deployment("api:v1"), config_maps("1", &["config"])].join("---\n")).await;
    upgraded(&env, &[deployment("api:v2"), config_maps("2", &["config"])].join("---\n")).await;
    let outcome = env.release("app").uninstall(false, env.run().0).await.expect("started");
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(env.get("apps/v1", "Deployment", "api").await, None);
    assert_eq!((there(&env, "config").await, there(&env, "theirs").await), (false, true));
    let error = env.release("app").revisions().await.expect_err("no record is left");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    let error = env.release("app").uninstall(false, env.run().0).await.expect_err("it is gone");
    assert_eq!(error.kind(), ErrorKind::NotFound);
    env.assert_no_records().await;
});

scenario!(its_history_can_stay, async |env| {
    upgraded(&env, &config_maps("1", &["config"])).await;
    upgraded(&env, &config_maps("2", &["config"])).await;
    env.release("app").uninstall(true, env.run().0).await.expect("started");
    assert!(!there(&env, "config").await);
    assert_eq!(history(&env).await, ["2 uninstalled", "1 superseded"]);
    assert_eq!(description(&env, 2).await, "Uninstallation complete");
    let again = env.release("app").uninstall(true, env.run().0).await.expect_err("it is uninstalled");
    assert!(again.to_string().contains("uninstalled already"), "{again}");
    upgraded(&env, &config_maps("3", &["config"])).await;
    assert_eq!(newest(&env).await, ReleaseStatus::Deployed);
    assert_eq!(description(&env, 3).await, "Install complete");
    env.release("app").uninstall(true, env.run().0).await.expect("started");
    env.release("app").uninstall(false, env.run().0).await.expect("its history goes too");
    assert!(env.release("app").revisions().await.is_err());
});
