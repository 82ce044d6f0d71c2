//! One pipeline: a pushed image goes to dev by itself, and to production once a person says so.
//!
//! ```sh
//! APPROVED_BY=ann cargo run --example sequential
//! ```

mod world;

use std::error::Error;
use std::sync::Arc;

use deploy_core::clock::SystemClock;
use deploy_core::gate::approval::{ApprovalVariable, Approved, Approvers};
use deploy_core::promotion::{Environment, Form, Promotion};
use deploy_core::run::Run;
use deploy_core::tag::TagPolicy;
use world::{REGISTRY, World, rollout, show};

// [readme]
/// dev, then the approval of one of two people, then production.
fn pipeline(world: &World, approved_by: Option<String>) -> Result<Promotion, Box<dyn Error>> {
    let (config, main) = (world.config()?, "scheme=branch.timestamp.sha branch=main".parse::<TagPolicy>()?);
    let environment = |name: &str, cluster| {
        Environment::new(name, config.clone())
            .writes("api", format!("{name}#image.tag"), Form::Tag)
            .policy(main.clone())
            .deploys(rollout(cluster), world.manifests())
            .namespace("shop")
    };
    let said = ApprovalVariable::new("APPROVED_BY", approved_by).for_any_subject();
    let approval =
        Approved::new(Approvers::one_of(["ann", "bob"])?, Arc::new(said), Arc::new(SystemClock::new()));
    Ok(Promotion::new("shop", world.registry.clone())
        .image("api", format!("{REGISTRY}/api").parse()?)
        .environment(environment("dev", &world.dev))
        .environment(environment("production", &world.production).gate(Arc::new(approval))))
}
// [/readme]

#[tokio::main(flavor = "current_thread")]
#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::new(&["api"]).await?;
    let pipeline = pipeline(&world, std::env::var("APPROVED_BY").ok())?;
    world.push(&["api"], "main.20261121-080000.4f1c2d9")?;
    show(&pipeline.run(Run::new()).await?);
    // The next build does not start: dev goes back, its values too, and production never sees it.
    world.push(&["api"], "main.20261121-090000.0bad0ba")?;
    show(&pipeline.run(Run::new()).await?);
    world.show_log()
}
