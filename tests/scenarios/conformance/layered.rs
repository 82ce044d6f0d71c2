//! Every real adapter behind every layer, on the embedded cluster. What is in memory has the same done to it in `deploy-core`'s own tests.
//!
//! The layers hold trait objects, as in a tool that chooses its adapters at run time.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::SystemClock;
use deploy_core::config::ConfigStore;
use deploy_core::journal::Journal;
use deploy_core::layer::{Backoff, RateLimit, Retry, Timeout};
use deploy_core::lock::Lock;
use deploy_core::memory::{Faults, Faulty};
use deploy_core::source::Source;
use deploy_tests::embedded;

use super::config_map::configs;
use super::{files, journals, locks};

fn retry<T: ?Sized>(inner: Arc<T>) -> Retry<T> {
    Retry::new(inner, Arc::new(SystemClock::new()), Backoff::default())
}

fn timeout<T: ?Sized>(inner: Arc<T>) -> Timeout<T> {
    Timeout::new(inner, Arc::new(SystemClock::new()), Duration::from_secs(60))
}

fn rate_limit<T: ?Sized>(inner: Arc<T>) -> RateLimit<T> {
    RateLimit::new(inner, Arc::new(SystemClock::new()), 3, Duration::from_millis(10))
}

fn all<T: ?Sized>(inner: Arc<T>) -> Retry<RateLimit<Timeout<T>>> {
    retry(Arc::new(rate_limit(Arc::new(timeout(inner)))))
}

fn faulty<T: ?Sized>(inner: Arc<T>) -> Faulty<T> {
    Faulty::new(inner, Faults::new())
}

/// The suites of those that [`Faulty`] wraps as well.
macro_rules! stores {
    ($module:ident, $layer:path) => {
        #[tokio::test(start_paused = true)]
        async fn journal_in_secrets() {
            let suite = async |env| journals(&env, |journal| $layer(journal as Arc<dyn Journal>)).await;
            embedded("layered", suite).await;
        }

        #[tokio::test(start_paused = true)]
        async fn config_in_a_config_map() {
            let suite = async |env| configs(&env, |store| $layer(store as Arc<dyn ConfigStore>)).await;
            embedded("layered", suite).await;
        }

        // Files take real time.
        #[tokio::test]
        async fn journal_in_files() {
            let name = concat!("journal-", stringify!($module));
            files::journals(name, |journal| $layer(journal as Arc<dyn Journal>)).await;
        }
    };
}

macro_rules! layer {
    ($module:ident, $layer:path) => {
        mod $module {
            use super::*;

            stores!($module, $layer);

            #[tokio::test(start_paused = true)]
            async fn lock_on_leases() {
                let suite = async |env| locks(&env, |lock| $layer(lock as Arc<dyn Lock>)).await;
                embedded("layered", suite).await;
            }

            #[tokio::test]
            async fn manifests_in_files() {
                let name = concat!("source-", stringify!($module));
                files::sources(name, |source| $layer(source as Arc<dyn Source>)).await;
            }
        }
    };
}

layer!(retried, retry);
layer!(limited_in_time, timeout);
layer!(limited_in_rate, rate_limit);
layer!(layered_threefold, all);

mod behind_faults {
    use super::*;

    stores!(behind_faults, faulty);
}
