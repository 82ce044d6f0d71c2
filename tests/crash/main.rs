//! Deployments that are killed at any of their requests: the next one comes to the right end with no help.
//!
//! On the embedded cluster every request is tried, on a live one a sample of the writes.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking, and says why")]

mod cases;
mod end;
mod killed;

macro_rules! crashes {
    ($($name:ident),+ $(,)?) => {$(
        mod $name {
            #[tokio::test(start_paused = true)]
            async fn embedded() {
                crate::killed::at_every_request(crate::cases::named(stringify!($name))).await;
            }

            #[tokio::test]
            #[ignore = "needs a cluster: tests/cluster/up"]
            async fn live() {
                crate::killed::at_a_write(crate::cases::named(stringify!($name))).await;
            }
        }
    )+};
}

crashes![
    install,
    install_that_fails,
    upgrade,
    upgrade_that_fails,
    stateful_set_that_fails,
    job_that_fails,
    set_with_members_to_prune,
    set_that_fails,
    created_anew,
    created_anew_and_fails,
    definition_and_its_object,
    taken_over,
    taken_over_and_fails,
    image_set,
    image_set_that_fails,
    daemon_set_that_fails,
    job_before_its_follower,
    service_to_be_replaced,
    restarted,
    release_installed,
    release_installed_and_fails,
    release_upgraded,
    release_upgraded_and_fails,
    release_whose_hook_fails,
    release_rolled_back,
    release_that_takes_over,
    release_that_takes_over_and_fails,
    release_uninstalled,
];

#[test]
fn every_case_is_tried() {
    let source = include_str!("main.rs");
    for case in cases::CASES {
        assert!(source.contains(&format!("    {},\n", case.name)), "{} is not", case.name);
    }
}
