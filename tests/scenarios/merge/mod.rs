//! What `k8s_fields::server` says that a write does to an object and its `managedFields`, the API server does.
//!
//! Random objects of many kinds live through random writes (`case.rs`) by several managers: applies, forced or not, PUTs,
//! merge patches and scaling. Each is predicted from the object before and compared with the answer (`expect.rs`), on the
//! condition that the object is still the one predicted from.

mod case;
mod drive;
mod expect;

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::sync::{Arc, Mutex};

use deploy_tests::{Env, live_scenario};
use futures_util::{FutureExt, StreamExt, stream};
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::Value;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use crate::unchanged::config;
use crate::unchanged::definitions::{define, forbid_pods, undefine};
use crate::unchanged::server::Server;
use crate::unchanged::template::templates;
use case::{Case, case};
use drive::{Driver, Tally};

/// Kinds that are tested at the same time.
const AT_ONCE: usize = 4;

/// Of the custom resource `Shop` what its schema has no word about: only that can be predicted.
const PLAIN: [&str; 8] = ["size", "ratio", "open", "nothing", "either", "quantity", "tags", "empty"];

// `PROPTEST_RNG_SEED` and `PROPTEST_CASES` as in `unchanged.rs`.
live_scenario!(
    "needs a cluster and a real API server to compare with",
    what_is_predicted_of_a_write_the_server_does,
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
    let failures = run(&driver, &config, predictable(templates(group))).await;
    let tally = driver.tally.lock().expect("whole");
    println!("PROPTEST_RNG_SEED={seed}\n{tally}");
    assert!(failures.is_empty(), "PROPTEST_RNG_SEED={seed}\n{}", failures.join("\n"));
    assert_that_it_distinguishes(&tally, config.cases);
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

fn predictable(mut templates: Vec<Value>) -> Vec<Value> {
    templates.retain(|template| template["kind"] != "Bag");
    for template in templates.iter_mut().filter(|template| template["kind"] == "Shop") {
        let fields = template["spec"].as_object_mut().expect("a spec");
        fields.retain(|name, _| PLAIN.contains(&name.trim_end_matches('?')));
    }
    templates
}

/// That each sort of write was seen to change something, and applies to conflict.
fn assert_that_it_distinguishes(tally: &Tally, cases: u32) {
    let cases = cases as usize;
    for what in ["apply", "forced apply", "put", "merge patch", "conflict"] {
        assert!(tally.seen(what) * 2 >= cases, "too little of {what}\n{tally}");
    }
    // Few kinds have a scale.
    assert!(tally.seen("scale") > 0, "nothing is scaled\n{tally}");
}
