//! Five images of one repository: the newest commit of main of which all five are built goes to dev, in one commit and one rollout.
//!
//! ```sh
//! cargo run --example monorepo
//! ```

mod world;

use std::error::Error;

use deploy_core::promotion::{Environment, Form, Promotion};
use deploy_core::run::Run;
use world::{REGISTRY, World, rollout, show};

const SERVICES: [&str; 5] = ["api", "web", "worker", "mail", "search"];

// [readme]
/// All images or none, at one commit.
fn all(world: &World) -> Result<Promotion, Box<dyn Error>> {
    let mut dev = Environment::new("dev", world.config()?)
        .policy("scheme=branch.timestamp.sha branch=main".parse()?)
        .deploys(rollout(&world.dev), world.manifests())
        .namespace("shop");
    let mut shop = Promotion::new("shop", world.registry.clone());
    for name in SERVICES {
        dev = dev.writes(name, format!("dev#{name}.image.tag"), Form::Tag);
        shop = shop.image(name, format!("{REGISTRY}/{name}").parse()?);
    }
    Ok(shop.environment(dev))
}
// [/readme]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::new(&SERVICES).await?;
    world.push(&SERVICES, "main.20261121-080000.4f1c2d9")?;
    // A newer commit, of which one image is not built yet.
    world.push(&["api", "web", "worker", "mail"], "main.20261121-090000.5a6b7c8")?;
    show(&all(&world)?.run(Run::new()).await?);
    world.push(&["search"], "main.20261121-090100.5a6b7c8")?;
    show(&all(&world)?.run(Run::new()).await?);
    world.show_log()
}
