//! By commits: one pipeline writes the tag to Git, another one, started by that commit, deploys what Git says.
//!
//! ```sh
//! cargo run --example gitops
//! ```

mod world;

use std::error::Error;
use std::sync::Arc;

use deploy_core::promotion::{Environment, Form, Promotion};
use deploy_core::run::Run;
use world::{REGISTRY, World, rollout, show};

// [readme]
/// What both pipelines know of dev.
fn dev(world: &World) -> Result<Environment, Box<dyn Error>> {
    Ok(Environment::new("dev", world.config()?)
        .writes("api", "dev#image.tag", Form::Tag)
        .policy("scheme=branch.timestamp.sha branch=main".parse()?)
        .namespace("shop"))
}

/// Started by the build: finds the newest image and commits its tag. Nothing is deployed from here.
fn commit(world: &World) -> Result<Promotion, Box<dyn Error>> {
    Ok(shop(world)?.environment(dev(world)?))
}

/// Started by the commit: `deploy("dev")` brings to the cluster what Git says.
fn deploy(world: &World) -> Result<Promotion, Box<dyn Error>> {
    Ok(shop(world)?.environment(dev(world)?.deploys(rollout(&world.dev), world.manifests())))
}
// [/readme]

fn shop(world: &World) -> Result<Promotion, Box<dyn Error>> {
    let registry = Arc::clone(&world.registry);
    Ok(Promotion::new("shop", registry).image("api", format!("{REGISTRY}/api").parse()?))
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::new(&["api"]).await?;
    world.push(&["api"], "main.20261121-080000.4f1c2d9")?;
    show(&commit(&world)?.run(Run::new()).await?);
    show(&[deploy(&world)?.deploy("dev", Run::new()).await?]);
    world.show_log()
}
