//! Whatever `k8s-fields` calls equal, a real apply leaves unchanged.
//!
//! Random objects of many kinds live through random cases (`case.rs`): manifests that change, and other managers that write in
//! between. Each comparison is checked by an apply on the condition that the object is still the one compared, so
//! that controllers which work on it do not count. No pod ever starts: a quota forbids it.

mod case;
pub(crate) mod change;
pub(crate) mod definitions;
mod drive;
mod effect;
pub(crate) mod server;
mod tally;
pub(crate) mod template;

use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use deploy_tests::{Env, live_scenario};
use futures_util::{FutureExt, StreamExt, stream};
use proptest::test_runner::{Config, RngSeed, TestCaseError, TestRunner};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use case::{Case, case};
use definitions::{define, forbid_pods, undefine};
use drive::Driver;
use server::Server;
use tally::Tally;
use template::templates;

/// Kinds that are tested at the same time.
const AT_ONCE: usize = 4;

// `PROPTEST_RNG_SEED` sets the seed, which is another one in each run and part of every failure, and `PROPTEST_CASES` the
// cases, one of each kind for every 24.
live_scenario!(
    "needs a cluster and a real API server to compare with",
    what_is_called_equal_an_apply_leaves_unchanged,
    async |env| {
        let group = format!("{}.example.com", env.namespace);
        let result = AssertUnwindSafe(check(&env, &group)).catch_unwind().await;
        undefine(&env, &group).await;
        result.unwrap_or_else(|panic| resume_unwind(panic));
    }
);

#[expect(clippy::print_stdout, reason = "what was compared, for --nocapture")]
async fn check(env: &Env, group: &str) {
    let (config, seed) = config();
    let server = Server { client: env.kube.clone(), namespace: env.namespace.clone() };
    forbid_pods(env).await;
    define(env, &server, group).await;
    let driver = Arc::new(Driver { server, tally: Mutex::default(), objects: 0.into() });
    let templates = templates(group);
    let kinds = templates.len();
    let failures = run(&driver, &config, templates).await;
    let tally = driver.tally.lock().expect("whole");
    println!("PROPTEST_RNG_SEED={seed}\n{tally}");
    assert!(failures.is_empty(), "PROPTEST_RNG_SEED={seed}\n{}", failures.join("\n"));
    assert_that_it_distinguishes(&tally, kinds, config.cases as usize);
}

/// The cases for each kind, and their seed.
pub(crate) fn config() -> (Config, u64) {
    let config = Config::default();
    let seed = match config.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => RandomState::new().build_hasher().finish(),
    };
    let config = Config {
        cases: config.cases.div_ceil(24),
        rng_seed: RngSeed::Fixed(seed),
        // The seed is enough.
        failure_persistence: None,
        max_shrink_iters: 60,
        ..config
    };
    (config, seed)
}

/// All cases of all kinds; returns the failures.
async fn run(driver: &Arc<Driver>, config: &Config, templates: Vec<Value>) -> Vec<String> {
    let kinds = templates.into_iter().map(|template| {
        let (driver, config) = (Arc::clone(driver), config.clone());
        let runtime = Handle::current();
        spawn_blocking(move || {
            let check = |case: Case| runtime.block_on(driver.run(&case)).map_err(TestCaseError::fail);
            let failed = TestRunner::new(config).run(&case(&template), check).err()?;
            Some(format!("{}: {failed}", template["kind"]))
        })
    });
    let results: Vec<_> = stream::iter(kinds).buffer_unordered(AT_ONCE).collect().await;
    results.into_iter().filter_map(|result| result.unwrap_or_else(|error| Some(error.to_string()))).collect()
}

/// That each kind was seen unchanged and changed, and that what an apply leaves unchanged is mostly called equal.
fn assert_that_it_distinguishes(tally: &Tally, kinds: usize, cases: usize) {
    assert_eq!(tally.kinds().count(), kinds, "every kind is compared\n{tally}");
    for (kind, counts) in tally.kinds() {
        // Of a claim hardly anything can be changed.
        assert!(counts.equal * 4 >= cases && counts.changed > 0, "too little of {kind}\n{tally}");
    }
    let all = tally.all();
    assert!(all.changed >= cases * kinds, "too little was changed\n{tally}");
    assert!(all.rewritten * 20 < all.equal, "too often written without a change\n{tally}");
    assert!(all.in_vain * 2 < all.equal, "too often different though an apply changes nothing\n{tally}");
    assert!(all.again_in_vain * 3 < all.again, "too often different right after an apply\n{tally}");
}
