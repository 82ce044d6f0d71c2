//! What is refused before anything is written.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use deploy_core::error::ErrorKind;
use deploy_core::memory::MemoryConfigStore;
use deploy_core::promotion::{Environment, Form, Promotion, Status, Wanted};
use deploy_core::run::Run;

use crate::world::{REPOSITORY, World};

#[tokio::test(start_paused = true)]
async fn a_gates_no_stops_before_anything_is_written() {
    let world = World::new().await;
    world.push("v2.0.0");
    world.gate.closed.store(true, Ordering::Relaxed);
    let promoted = world.run().await;
    assert_eq!(promoted[1].status, Status::Refused);
    assert_eq!(
        promoted[1].to_string(),
        "production: refused api: v1.0.0 to v2.0.0: gate the switch: it is off"
    );
    assert_eq!(world.production.says().await.as_deref(), Some("v1.0.0"));
    assert_eq!(world.recorded(), ["promote dev v2.0.0", "refuse production v2.0.0"]);
    world.gate.closed.store(false, Ordering::Relaxed);
    assert_eq!(world.run().await[1].status, Status::Promoted);
}

#[tokio::test(start_paused = true)]
async fn what_production_does_not_let_run() {
    let world = World::new().await;
    world.push("v2.0.0-rc.1");
    let dev =
        world.dev.environment(&world.faults).policy("scheme=semver range=\">=0.0.0-0\"".parse().unwrap());
    let production = world.production.environment(&world.faults).policy("scheme=semver".parse().unwrap());
    let promotion = world.over([dev, production]);
    let error = promotion.run(Run::new()).await.unwrap_err();
    assert_eq!(world.dev.runs().as_deref(), Some("v2.0.0-rc.1"));
    assert!(error.to_string().contains("v2.0.0-rc.1"), "{error}");
    assert_eq!((error.kind(), world.production.runs().as_deref()), (ErrorKind::NotFound, Some("v1.0.0")));
}

#[tokio::test(start_paused = true)]
async fn mistakes() {
    let world = World::new().await;
    let bare = || Environment::new("dev", Arc::new(MemoryConfigStore::new()));
    let semver = || "scheme=semver".parse().unwrap();
    let api = || bare().writes("api", "api", Form::Tag).policy(semver());
    let no_policy = bare().writes("api", "api", Form::Tag).create_missing(true);
    for (environments, why) in [
        (vec![], "it has no environment"),
        (vec![bare()], "nothing says where the images of dev are written down"),
        (
            vec![bare().writes("web", "web", Form::Tag)],
            "writes the image \"web\", which the promotion does not have",
        ),
        (vec![api().writes("api", "api", Form::Digest)], "writes the key \"api\" twice"),
        (vec![api(), api()], "the environment dev stands twice"),
        (vec![api().runs_as("Not a name")], "cannot name a run"),
        (vec![api()], "there is no key \"api\""),
        (vec![no_policy], "dev has no policy for api"),
    ] {
        let error = world.over(environments).run(Run::new()).await.unwrap_err();
        assert!(error.to_string().contains(why), "{error}");
    }
    let unknown = Promotion::new("shop", Arc::new(world.registry.clone()))
        .image("api", format!("{REPOSITORY}-x").parse().unwrap())
        .environment(api().create_missing(true));
    assert_eq!(unknown.run(Run::new()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test(start_paused = true)]
async fn dev_must_have_it_first() {
    let world = World::empty();
    let dev = world.dev.environment(&world.faults).create_missing(true);
    let production = world.production.environment(&world.faults).create_missing(true);
    let error =
        world.over([dev, production]).promote("production", &Wanted::next(), Run::new()).await.unwrap_err();
    assert_eq!(error.advice(), Some("promote it to dev first"));
}

#[tokio::test(start_paused = true)]
async fn what_is_written_is_hostile_until_read() {
    let world = World::new().await;
    world.push("v2.0.0");
    for text in [" ", "no tag", "v1\nv2", &"x".repeat(200)] {
        world.dev.write(text).await;
        let error = world.promotion().run(Run::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput, "{text}");
        assert!(error.to_string().contains("key \"api\""), "{error}");
    }
}
