//! The embedded cluster under the real kubectl and helm: the same commands there and on a live cluster, the same words and codes.
//!
//! A script is data (`scripts/*.txt`, see [`script`]); TRANSCRIPTS.md is made of the scripts, which say of a command what makes it differ.
//! That they say so rightly is what the tests on a live cluster hold them to.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking, and says why")]

mod compare;
mod mask;
mod place;
mod script;
mod table;

use deploy_tests::Helm;
use script::Script;

/// Every script, with the programs that it is run with.
const SCRIPTS: [(&str, &str); 8] = [
    ("apply", include_str!("scripts/apply.txt")),
    ("get", include_str!("scripts/get.txt")),
    ("describe", include_str!("scripts/describe.txt")),
    ("edit", include_str!("scripts/edit.txt")),
    ("rollout", include_str!("scripts/rollout.txt")),
    ("discovery", include_str!("scripts/discovery.txt")),
    ("custom", include_str!("scripts/custom.txt")),
    ("helm", include_str!("scripts/helm.txt")),
];

macro_rules! transcripts {
    ($($name:ident: $script:literal with $helm:expr;)*) => {
        $(
            #[tokio::test]
            #[ignore = "needs a cluster: tests/cluster/up"]
            async fn $name() {
                compare::on_both_clusters(stringify!($name), &script($script), $helm).await;
            }
        )*
    };
}

transcripts! {
    apply: "apply" with Helm::Four;
    get: "get" with Helm::Four;
    describe: "describe" with Helm::Four;
    edit: "edit" with Helm::Four;
    rollout: "rollout" with Helm::Four;
    discovery: "discovery" with Helm::Four;
    custom: "custom" with Helm::Four;
    helm_3: "helm" with Helm::Three;
    helm_4: "helm" with Helm::Four;
}

/// The script of a name.
fn script(name: &str) -> Script {
    let (_, text) = SCRIPTS.iter().find(|(found, _)| *found == name).expect("a script of that name");
    Script::parse(text)
}
