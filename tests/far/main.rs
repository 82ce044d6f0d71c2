//! Deployments to a node that nobody can reach, end to end: the target, an SSM that really runs what is sent, S3, and a cluster. The embedded
//! one with a stand-in for kubectl, or a live one with the real kubectl.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test ends by panicking, and says why"
)]

mod app;
#[path = "../../crates/deploy-ssm/tests/aws/server.rs"]
#[allow(dead_code, missing_docs, unreachable_pub, reason = "it serves other tests, too")]
mod server;
mod storage;
mod world;

mod conformance;
mod counts;
mod crash;
mod delivery;
mod deploys;
mod faults;
mod fleet;
mod kept;
mod pains;
mod secrets;
mod xtask;

/// A scenario in real time, on the embedded cluster and on a live one: `NAME::embedded`, `NAME::live`.
macro_rules! far_scenario {
    ($name:ident, async |$world:ident| $text:block) => {
        mod $name {
            use super::*;

            async fn text($world: crate::world::World) $text

            #[tokio::test]
            async fn embedded() {
                deploy_tests::embedded(stringify!($name), async |env| text(crate::world::World::new(env).await).await).await;
            }

            #[tokio::test]
            #[ignore = "needs a cluster and kubectl: tests/cluster/up"]
            async fn live() {
                deploy_tests::live(stringify!($name), async |env| text(crate::world::World::new(env).await).await).await;
            }
        }
    };
}
pub(crate) use far_scenario;
