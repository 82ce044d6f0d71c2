//! One text for a scenario on two clusters.

/// A scenario that runs on the embedded cluster, and on a live one where that is asked for (`--ignored`): `NAME::embedded`, `NAME::live`.
#[macro_export]
macro_rules! scenario {
    ($name:ident, async |$env:ident| $text:block) => {
        mod $name {
            use super::*;

            async fn text($env: std::sync::Arc<$crate::Env>) $text

            #[tokio::test(start_paused = true)]
            async fn embedded() {
                $crate::embedded(stringify!($name), text).await;
            }

            #[tokio::test]
            #[ignore = "needs a cluster: tests/cluster/up"]
            async fn live() {
                $crate::live(stringify!($name), text).await;
            }
        }
    };
}

/// A scenario that needs programs, or users by a kubeconfig: it says what, as in `"needs a cluster and kubectl"`. It runs on a live
/// cluster, and in real time on an embedded one behind a port: `NAME::live`, `NAME::served`.
#[macro_export]
macro_rules! served_scenario {
    ($needs:literal, $name:ident, async |$env:ident| $text:block) => {
        mod $name {
            use super::*;

            async fn text($env: std::sync::Arc<$crate::Env>) $text

            #[tokio::test]
            #[ignore = $needs]
            async fn served() {
                $crate::served(stringify!($name), text).await;
            }

            // A literal, because the harness shows no other reason.
            #[tokio::test]
            #[ignore = $needs]
            async fn live() {
                $crate::live(stringify!($name), text).await;
            }
        }
    };
}

/// A scenario that needs what the embedded cluster does not have: it says what, as in `"needs a cluster and a real API server"`.
#[macro_export]
macro_rules! live_scenario {
    ($needs:literal, $name:ident, async |$env:ident| $text:block) => {
        mod $name {
            use super::*;

            async fn text($env: std::sync::Arc<$crate::Env>) $text

            // A literal, because the harness shows no other reason.
            #[tokio::test]
            #[ignore = $needs]
            async fn live() {
                $crate::live(stringify!($name), text).await;
            }
        }
    };
}
