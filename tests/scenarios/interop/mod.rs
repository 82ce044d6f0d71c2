//! One release in two hands, helm's and ours: what either makes of what the other recorded, beside what helm alone makes of it.

mod alternating;
mod failing;
mod helms;
mod hooks;
mod interrupted;
mod labelled;
mod lenient;
mod live;
mod nowhere;
mod ours;
mod owned;
mod shop;
mod together;

use std::sync::Arc;

use deploy_tests::{Env, Helm};

/// One scenario, with each helm: `for_each_helm!(NAME_WITH_3, NAME_WITH_4, TEXT)`, where `async fn TEXT(&Env, Client)`.
macro_rules! for_each_helm {
    ($three:ident, $four:ident, $text:path) => {
        deploy_tests::served_scenario!("needs a cluster and helm", $three, async |env| {
            $text(&env, $crate::interop::HELM_3).await;
        });
        deploy_tests::served_scenario!("needs a cluster and helm", $four, async |env| {
            $text(&env, $crate::interop::HELM_4).await;
        });
    };
    ($three:ident, $four:ident, $client_side:ident, $text:path) => {
        for_each_helm!($three, $four, $text);
        deploy_tests::served_scenario!("needs a cluster and helm", $client_side, async |env| {
            $text(&env, $crate::interop::HELM_4_CLIENT_SIDE).await;
        });
    };
}
use for_each_helm;

/// A helm, and how it applies.
#[derive(Clone, Copy, Debug)]
struct Client {
    helm: Helm,
    /// More for the commands that write.
    more: &'static [&'static str],
}

/// It always applies client-side.
const HELM_3: Client = Client { helm: Helm::Three, more: &[] };
/// It applies server-side, unless the revision before was not.
const HELM_4: Client = Client { helm: Helm::Four, more: &[] };
const HELM_4_CLIENT_SIDE: Client = Client { helm: Helm::Four, more: &["--server-side=false"] };

impl Client {
    fn applies_server_side(self) -> bool {
        self.helm == Helm::Four && self.more.is_empty()
    }
}

/// Runs a scenario with a second namespace, for helm to do alone what both do in the first.
async fn beside_helm_alone<F: Future<Output = ()>>(env: &Env, scenario: impl FnOnce(Arc<Env>) -> F) {
    // As the first, without what makes it this process's.
    let name = env.namespace.rsplit_once('-').map_or("", |(name, _)| name.trim_start_matches("t-"));
    env.beside(&format!("alone-{name}"), scenario).await;
}
