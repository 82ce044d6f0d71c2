//! Writing down what runs.

use deploy_core::inventory::RunningImage;
use deploy_core::manifest::ObjectId;
use deploy_core::memory::MemoryInventory;
use deploy_core::run::Run;

use crate::world::{REPOSITORY, World};

fn running(name: &str, tag: &str) -> RunningImage {
    let workload = ObjectId::new("apps", "Deployment", Some("shop"), name);
    RunningImage::new(workload, "api", format!("{REPOSITORY}:{tag}"))
}

#[tokio::test(start_paused = true)]
async fn shows_first_and_writes_when_asked() {
    let world = World::new().await;
    world.push("v0.9.0");
    let inventory = MemoryInventory::new([running("api", "v0.9.0"), running("worker", "v0.9.0")]);
    let promotion = world.promotion();
    let shown = promotion.sync("production", &inventory, "shop", false, &Run::new()).await.unwrap();
    assert!(!shown.written);
    assert_eq!(shown.differences.len(), 1);
    assert_eq!(shown.differences[0].written.as_ref().unwrap().tag().unwrap().as_str(), "v1.0.0");
    assert_eq!(world.production.says().await.as_deref(), Some("v1.0.0"));

    let written = promotion.sync("production", &inventory, "shop", true, &Run::new()).await.unwrap();
    assert!(written.written);
    assert_eq!(world.production.says().await.as_deref(), Some("v0.9.0"));
    assert_eq!(world.audit.records()[0].action, "sync");
    let again = promotion.sync("production", &inventory, "shop", true, &Run::new()).await.unwrap();
    assert!(again.differences.is_empty() && !again.written);
}

#[tokio::test(start_paused = true)]
async fn two_tags_at_once_are_refused_and_none_is_told() {
    let world = World::new().await;
    world.push("v0.9.0");
    let promotion = world.promotion();
    let both = MemoryInventory::new([running("api", "v0.9.0"), running("worker", "v1.0.0")]);
    let error = promotion.sync("dev", &both, "shop", true, &Run::new()).await.unwrap_err();
    assert!(error.to_string().contains("api runs as"), "{error}");
    let absent = promotion.sync("dev", &both, "elsewhere", true, &Run::new()).await.unwrap();
    assert_eq!(absent.absent, ["api"]);
}
