//! Builds go to dev by themselves; when production gets what dev has, a person decides.
//!
//! ```sh
//! cargo run --example hybrid
//! ```

mod world;

use std::error::Error;

use deploy_core::promotion::{Environment, Form, Promotion, Wanted};
use deploy_core::run::Run;
use deploy_core::tag::TagPolicy;
use world::{REGISTRY, World, rollout, show};

// [readme]
/// Both environments: what goes where is the caller's to say.
fn shop(world: &World) -> Result<Promotion, Box<dyn Error>> {
    let (config, main) = (world.config()?, "scheme=branch.timestamp.sha branch=main".parse::<TagPolicy>()?);
    let environment = |name: &str, cluster| {
        Environment::new(name, config.clone())
            .writes("api", format!("{name}#image.tag"), Form::Tag)
            .policy(main.clone())
            .deploys(rollout(cluster), world.manifests())
            .namespace("shop")
    };
    Ok(Promotion::new("shop", world.registry.clone())
        .image("api", format!("{REGISTRY}/api").parse()?)
        .environment(environment("dev", &world.dev))
        .environment(environment("production", &world.production)))
}
// [/readme]

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let world = World::new(&["api"]).await?;
    let shop = shop(&world)?;
    for tag in ["main.20261121-080000.4f1c2d9", "main.20261121-090000.5a6b7c8"] {
        // After each build …
        world.push(&["api"], tag)?;
        show(&[shop.promote("dev", &Wanted::newest(), Run::new()).await?]);
    }
    // … and once, when somebody runs it.
    show(&[shop.promote("production", &Wanted::next(), Run::new()).await?]);
    world.show_log()
}
