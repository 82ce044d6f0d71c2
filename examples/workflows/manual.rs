//! By hand: `deploy-image-version ENV TAG`.
//!
//! ```sh
//! cargo run --example manual -- dev main.20261121-080000.4f1c2d9
//! cargo run --example manual -- dev main.20261121-080000.4f1c2d8    # a typing mistake costs nothing
//! ```

mod world;

use std::error::Error;
use std::process::ExitCode;

use clap::Parser;
use deploy_core::promotion::{Environment, Form, Promoted, Promotion, Wanted};
use deploy_core::run::Run;
use deploy_core::tag::TagPolicy;
use world::{REGISTRY, World, rollout, say, show};

/// Deploys a version of the api to an environment, and writes it down.
#[derive(Parser)]
#[command(name = "deploy-image-version")]
struct Options {
    /// dev or production.
    environment: String,
    /// The tag of the image.
    tag: String,
    /// Even if it is older than what runs.
    #[arg(long)]
    older: bool,
}

// [readme]
/// This tag, to this environment. Production takes builds of main alone.
async fn deploy_image_version(world: &World, options: &Options) -> Result<Promoted, Box<dyn Error>> {
    let config = world.config()?;
    let environment = |name: &str, cluster, policy: TagPolicy| {
        Environment::new(name, config.clone())
            .writes("api", format!("{name}#image.tag"), Form::Tag)
            .policy(policy)
            .deploys(rollout(cluster), world.manifests())
            .namespace("shop")
    };
    let wanted = Wanted::tags([("api", &options.tag)]);
    let wanted = if options.older { wanted.even_older() } else { wanted };
    let shop = Promotion::new("shop", world.registry.clone())
        .image("api", format!("{REGISTRY}/api").parse()?)
        .environment(environment("dev", &world.dev, "scheme=branch.timestamp.sha".parse()?))
        .environment(environment(
            "production",
            &world.production,
            "scheme=branch.timestamp.sha branch=main".parse()?,
        ));
    Ok(shop.promote(&options.environment, &wanted, Run::new()).await?)
}
// [/readme]

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run(&Options::parse()).await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            say(&format!("error: {error}"));
            ExitCode::FAILURE
        }
    }
}

async fn run(options: &Options) -> Result<bool, Box<dyn Error>> {
    let world = World::new(&["api"]).await?;
    for tag in ["main.20261121-080000.4f1c2d9", "try-it.20261121-090000.5a6b7c8"] {
        world.push(&["api"], tag)?;
    }
    let promoted = deploy_image_version(&world, options).await?;
    let succeeded = promoted.status.is_success();
    show(&[promoted]);
    world.show_log()?;
    Ok(succeeded)
}
