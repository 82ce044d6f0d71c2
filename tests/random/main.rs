//! Random deployments, while others write and requests go wrong: a run ends healthy, or with what was there back, or says what is not as
//! it was. What is left undone then is known to the next run.
//!
//! `PROPTEST_CASES` says how many; a failure prints the case that is left after shrinking.

#![allow(clippy::expect_used, clippy::panic, reason = "a test ends by panicking, and says why")]

mod case;
mod drive;
mod judge;
mod repeat;

use std::cell::RefCell;
use std::collections::BTreeMap;

use proptest::test_runner::{Config, FileFailurePersistence, TestRunner};
use tokio::runtime::Builder;

/// Cases where nothing says how many.
const CASES: u32 = 96;

#[test]
fn nothing_ends_silently_in_between() {
    let mut config =
        Config { failure_persistence: Some(Box::new(FileFailurePersistence::Off)), ..Config::default() };
    if std::env::var_os("PROPTEST_CASES").is_none() {
        config.cases = CASES;
    }
    let tally: RefCell<BTreeMap<String, u32>> = RefCell::default();
    let cases = config.cases;
    TestRunner::new(config)
        .run(&case::case(), |case| {
            let runtime =
                Builder::new_current_thread().enable_time().start_paused(true).build().expect("a runtime");
            let ended =
                runtime.block_on(drive::drive(&case)).map_err(proptest::test_runner::TestCaseError::fail)?;
            *tally.borrow_mut().entry(ended).or_default() += 1;
            Ok(())
        })
        .unwrap_or_else(|failure| panic!("{failure}"));
    // That it can fail: each way to end was seen.
    let tally = tally.into_inner();
    println!("{tally:?}");
    for ended in ["healthy", "rolled back"] {
        assert!(tally.get(ended).copied().unwrap_or(0) > cases / 20, "{ended}: {tally:?}");
    }
}
