//! The embedded cluster with the images of the live one's registry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use deploy_core::clock::Timestamp;
use deploy_sim::{Image, SimCluster};

/// What stands before the names of the images.
pub(crate) const REGISTRY: &str = "registry.test:5000";

/// The images are those of `tests/cluster/README.md`.
pub(crate) fn cluster(seed: u64) -> SimCluster {
    SimCluster::builder().seed(seed).images(|name| image(REGISTRY, name)).without_storage().start()
}

/// The same in the machine's time, which programs ask for, with the images of a registry of this name.
#[expect(clippy::disallowed_methods, reason = "the tests' own edge: programs ask the machine for the time")]
pub fn in_real_time(registry: &str) -> SimCluster {
    let registry = registry.to_owned();
    let images = move |name: &str| image(&registry, name);
    SimCluster::builder().begins(SystemTime::now()).images(images).without_storage().start()
}

/// What time it is there.
pub(crate) fn time(cluster: &SimCluster) -> Timestamp {
    let since = cluster.now().duration_since(UNIX_EPOCH).expect("after 1970");
    Timestamp::from_unix_seconds(since.as_secs().try_into().expect("not that late"))
}

fn image(registry: &str, name: &str) -> Image {
    let served = name.strip_prefix(registry).and_then(|name| name.strip_prefix('/'));
    // What is pulled by its digest is what the tag stands for.
    let served = served.map(|name| name.split_once('@').map_or(name, |(tagged, _)| tagged));
    match served.and_then(|name| name.split_once(':')) {
        Some((_, "v1" | "v2" | "v3")) => {
            let [done, failed] = [0, 1].map(|code| Image::new().exits(code, Duration::ZERO));
            let says = Image::new().logs(["one", "two", "three"]);
            let image = Image::new().answers("/nowhere", 404).command("false", failed).command("sh", says);
            image.command("true", done.clone()).command("/bin/true", done).lacks("/no/such/program")
        }
        Some((_, "oom")) => Image::new().out_of_memory(Duration::ZERO),
        Some((_, "crash")) => Image::new().exits(1, Duration::ZERO).logs(["boom"]),
        Some(_) => Image::not_found(),
        None => Image::unreachable(),
    }
}
