//! The application, deployed again and again.

use deploy_core::outcome::Status;
use deploy_tests::reasons;

use crate::far_scenario;

fn running(image: &str) -> Vec<String> {
    vec![image.to_owned(); 4]
}

far_scenario!(install_upgrade_and_a_bad_image, async |world| {
    let outcome = world.deploy(world.target(), "api:v1", "a").await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.stands().await, (Some("a".into()), running("api:v1")));

    let outcome = world.deploy(world.target(), "api:v2", "b").await;
    assert_eq!(outcome.status, Status::Healthy, "{outcome}");
    assert_eq!(world.stands().await, (Some("b".into()), running("api:v2")));

    let outcome = world.deploy(world.target(), "api:does-not-exist", "c").await;
    assert_eq!(outcome.status, Status::RolledBack, "{outcome}");
    assert_eq!(reasons(&outcome)[0], "ImageNotFound", "{outcome}");
    assert_eq!(world.stands().await, (Some("b".into()), running("api:v2")));
    assert!(world.storage.objects().is_empty(), "{:?}", world.storage.objects());
});
