//! The way forward, and its halves.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use deploy_core::config::{ConfigStore, Edit, Note};
use deploy_core::event::Recorder;
use deploy_core::guard::Answer;
use deploy_core::memory::{FixedCheck, MemoryConfigStore};
use deploy_core::promotion::{Environment, Form, Status, Wanted};
use deploy_core::run::Run;

use crate::world::{REPOSITORY, World};

#[tokio::test(start_paused = true)]
async fn goes_through_all_environments() {
    let world = World::new().await;
    world.push("v2.0.0");
    let recorder = Arc::new(Recorder::default());
    let promoted = world.promotion().run(Run::new().observer(recorder.clone())).await.unwrap();
    let said: Vec<String> = promoted.iter().map(ToString::to_string).collect();
    assert_eq!(said, ["dev: promoted api: v1.0.0 to v2.0.0", "production: promoted api: v1.0.0 to v2.0.0"]);
    assert_eq!(world.dev.says().await.as_deref(), Some("v2.0.0"));
    let pinned = world.production.store.get("api").await.unwrap().unwrap().value;
    assert_eq!(pinned, world.image("v2.0.0").await);
    assert_eq!(
        (world.dev.runs().as_deref(), world.production.runs().as_deref()),
        (Some("v2.0.0"), Some("v2.0.0"))
    );
    assert_eq!(world.recorded(), ["promote dev v2.0.0", "promote production v2.0.0"]);
    let record = &world.audit.records()[1];
    assert_eq!((record.who.as_str(), record.why.as_str()), ("a test", "the switch: it is on"));
    assert!(record.facts.iter().any(|(name, value)| name == "commit" && value == "commit of v2.0.0"));
    assert!(world.production.journal.is_empty());
    let events: Vec<String> = recorder.events().iter().map(|event| event.kind.to_string()).collect();
    for expected in ["production: api: v1.0.0 to v2.0.0", "asking the switch", "the switch: it is on"] {
        assert!(events.iter().any(|event| event == expected), "{events:#?}");
    }
    assert_eq!(promoted[1].grounds, [("the switch".to_owned(), "it is on".to_owned())]);
}

#[tokio::test(start_paused = true)]
async fn nothing_new_asks_and_writes_nothing() {
    let world = World::new().await;
    let promoted = world.run().await;
    assert!(promoted.iter().all(|each| each.status == Status::Unchanged));
    assert_eq!(promoted[1].to_string(), "production: nothing new");
    assert_eq!(world.gate.asked.load(Ordering::Relaxed), 0);
    assert!(world.recorded().is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_digest_that_dev_ran_with_goes_on_though_the_tag_moved() {
    let world = World::new().await;
    world.push("v2.0.0");
    let pinned = world.dev.written(&world.faults);
    let store = MemoryConfigStore::new();
    store.set(&[Edit::put("api", world.image("v1.0.0").await)], &Note::new("")).await.unwrap();
    let dev = Environment::new("test", Arc::new(store))
        .writes("api", "api", Form::Pinned)
        .policy("scheme=semver".parse().unwrap());
    drop(pinned);
    let promotion = world.over([dev, world.production.environment(&world.faults)]);
    promotion.promote("test", &Wanted::next(), Run::new()).await.unwrap();
    let seen = world.image("v2.0.0").await;
    world.registry.put(&format!("{REPOSITORY}:v2.0.0").parse().unwrap(), "another commit");
    assert_ne!(world.image("v2.0.0").await, seen);
    promotion.promote("production", &Wanted::next(), Run::new()).await.unwrap();
    assert_eq!(world.production.store.get("api").await.unwrap().unwrap().value, seen);
}

#[tokio::test(start_paused = true)]
async fn a_tag_that_was_asked_for() {
    let world = World::new().await;
    world.push("v2.0.0");
    world.push("v3.0.0");
    let promotion = world.promotion();
    let promoted = promotion.promote("dev", &Wanted::tags([("api", "v2.0.0")]), Run::new()).await.unwrap();
    assert_eq!((promoted.status, world.dev.runs().as_deref()), (Status::Promoted, Some("v2.0.0")));

    let older = Wanted::tags([("api", "v1.0.0")]);
    let error = promotion.promote("dev", &older, Run::new()).await.unwrap_err();
    assert!(error.to_string().contains("older than what runs, v2.0.0"), "{error}");
    let promoted = promotion.promote("dev", &older.even_older(), Run::new()).await.unwrap();
    assert_eq!((promoted.status, world.dev.runs().as_deref()), (Status::Promoted, Some("v1.0.0")));

    let typed = Wanted::tags([("api", "v2.0.1")]);
    let error = promotion.promote("dev", &typed, Run::new()).await.unwrap_err();
    assert_eq!(error.kind(), deploy_core::error::ErrorKind::NotFound);
    assert_eq!(error.advice(), Some("the nearest tags there are v2.0.0, v1.0.0, v3.0.0"));

    let none = promotion.promote("dev", &Wanted::tags([("web", "v1")]), Run::new()).await.unwrap_err();
    assert_eq!(none.to_string(), "dev has no image \"web\" (it has api)");
    let nowhere = promotion.promote("staging", &Wanted::next(), Run::new()).await.unwrap_err();
    assert_eq!(nowhere.advice(), Some("there are dev, production"));
}

#[tokio::test(start_paused = true)]
async fn production_takes_what_dev_has_and_nothing_else() {
    let world = World::new().await;
    world.push("v2.0.0");
    let promoted = world.promotion().promote("production", &Wanted::next(), Run::new()).await.unwrap();
    assert_eq!(promoted.status, Status::Unchanged);
    let promoted = world.promotion().promote("production", &Wanted::newest(), Run::new()).await.unwrap();
    assert_eq!(promoted.status, Status::Promoted);
    assert_eq!(
        (world.dev.runs().as_deref(), world.production.runs().as_deref()),
        (Some("v1.0.0"), Some("v2.0.0"))
    );
}

#[tokio::test(start_paused = true)]
async fn an_empty_value_is_a_place_for_one() {
    let world = World::new().await;
    world.push("v2.0.0");
    world.dev.write("").await;
    let promoted = world.promotion().promote("dev", &Wanted::next(), Run::new()).await.unwrap();
    assert_eq!(promoted.to_string(), "dev: promoted api: v2.0.0");
    assert_eq!(world.dev.says().await.as_deref(), Some("v2.0.0"));
}

#[tokio::test(start_paused = true)]
async fn the_halves_alone() {
    let world = World::new().await;
    world.push("v2.0.0");
    // One pipeline commits the tag …
    let committed = world.over([world.dev.written(&world.faults)]).run(Run::new()).await.unwrap();
    assert_eq!(committed[0].status, Status::Promoted);
    assert_eq!(
        (world.dev.says().await.as_deref(), world.dev.runs().as_deref()),
        (Some("v2.0.0"), Some("v1.0.0"))
    );
    // … and another one deploys what the commit says.
    let deployed = world.promotion().deploy("dev", Run::new()).await.unwrap();
    assert_eq!(deployed.to_string(), "dev: deployed api v2.0.0");
    assert_eq!(world.dev.runs().as_deref(), Some("v2.0.0"));
    assert_eq!(world.recorded(), ["promote dev v2.0.0", "deploy dev v2.0.0"]);
    let error = world.over([world.dev.written(&world.faults)]).deploy("dev", Run::new()).await.unwrap_err();
    assert_eq!(error.to_string(), "deploy: dev deploys nothing (give the environment a rollout)");
}

#[tokio::test(start_paused = true)]
async fn what_is_only_written_down_is_checked_too() {
    let world = World::new().await;
    world.push("v2.0.0");
    let no = FixedCheck::new("GET /version", Answer::No { why: "it still says v1.0.0".into() });
    let promotion = world.over([world.dev.written(&world.faults).check(Arc::new(no))]);
    let promoted = promotion.run(Run::new()).await.unwrap();
    assert_eq!(
        promoted[0].to_string().lines().next(),
        Some("dev: undone api: v1.0.0 to v2.0.0: check GET /version: it still says v1.0.0")
    );
    assert_eq!(world.dev.says().await.as_deref(), Some("v1.0.0"));
    assert_eq!(world.dev.held().await, ["v2.0.0"]);
}

#[tokio::test(start_paused = true)]
async fn several_images_go_together() {
    let world = World::empty();
    for (image, tags) in [("api", ["aaaaaaa", "bbbbbbb"]), ("web", ["aaaaaaa", "aaaaaaa"])] {
        for (hour, commit) in tags.iter().enumerate() {
            let tag = format!("registry.example/{image}:main.20261121-0{hour}0000.{commit}");
            world.registry.put(&tag.parse().unwrap(), commit);
        }
    }
    let store = MemoryConfigStore::new();
    let environment = Environment::new("dev", Arc::new(store.clone()))
        .writes("api", "api/tag", Form::Tag)
        .writes("api", "api/digest", Form::Digest)
        .writes("web", "web", Form::Image)
        .create_missing(true)
        .policy("scheme=branch.timestamp.sha branch=main".parse().unwrap());
    let promotion = world
        .over([environment])
        .image("api", "registry.example/api".parse().unwrap())
        .image("web", "registry.example/web".parse().unwrap());
    let promoted = promotion.run(Run::new()).await.unwrap();
    assert_eq!(promoted[0].git_revision.as_deref(), Some("aaaaaaa"));
    let value = async |key: &str| store.get(key).await.unwrap().unwrap().value;
    assert_eq!(value("api/tag").await, "main.20261121-000000.aaaaaaa");
    assert!(value("api/digest").await.starts_with("sha256:"));
    assert_eq!(value("web").await, "registry.example/web:main.20261121-010000.aaaaaaa");
    let record = &world.audit.records()[0];
    assert!(record.facts.contains(&("built".into(), "2026-11-21T01:00:00Z".into())), "{record:?}");
    assert_eq!(promotion.run(Run::new()).await.unwrap()[0].status, Status::Unchanged);
}

#[test]
fn can_be_sent_to_another_thread() {
    fn sent<T: Send>(_: &T) {}
    let world = World::empty();
    let promotion = world.promotion();
    sent(&promotion.run(Run::new()));
    sent(&promotion.deploy("dev", Run::new()));
}
