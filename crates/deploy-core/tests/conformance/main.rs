//! Every suite over everything in memory, bare and behind every layer; and that suites find what is wrong.

#![allow(clippy::unwrap_used, reason = "these are tests, their helpers too")]

mod broken;
mod fixtures;
mod verdicts;

use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::SystemClock;
use deploy_core::event::{Recorder, Silent};
use deploy_core::layer::{Backoff, RateLimit, Retry, Timeout};
use deploy_core::memory::{Faults, Faulty, MemoryTarget};

fn bare<T>(inner: Arc<T>) -> T {
    Arc::into_inner(inner).unwrap()
}

fn faulty<T>(inner: Arc<T>) -> Faulty<T> {
    Faulty::new(inner, Faults::new())
}

fn retry<T>(inner: Arc<T>) -> Retry<T> {
    Retry::new(inner, Arc::new(SystemClock::new()), Backoff::default())
}

fn timeout<T>(inner: Arc<T>) -> Timeout<T> {
    Timeout::new(inner, Arc::new(SystemClock::new()), Duration::from_secs(60))
}

fn rate_limit<T>(inner: Arc<T>) -> RateLimit<T> {
    RateLimit::new(inner, Arc::new(SystemClock::new()), 3, Duration::from_millis(10))
}

fn all<T>(inner: Arc<T>) -> Retry<RateLimit<Timeout<T>>> {
    retry(Arc::new(rate_limit(Arc::new(timeout(inner)))))
}

/// The suites of those that [`Faulty`] wraps as well.
macro_rules! stores {
    ($layer:path) => {
        mod config_store {
            use deploy_core::memory::MemoryConfigStore;
            use std::sync::Arc;

            deploy_core::config_store_conformance! {
                #[tokio::test(start_paused = true)] || async { $layer(Arc::new(MemoryConfigStore::new())) }
            }
        }

        mod journal {
            use deploy_core::memory::MemoryJournal;
            use std::sync::Arc;

            deploy_core::journal_conformance! {
                #[tokio::test(start_paused = true)] || async { $layer(Arc::new(MemoryJournal::new())) }
            }
        }

        mod secret_source {
            use crate::fixtures::secrets;
            use std::sync::Arc;

            deploy_core::secret_source_conformance! {
                #[tokio::test(start_paused = true)] || async { $layer(Arc::new(secrets())) }
            }
        }

        mod registry {
            use crate::fixtures::Images;

            deploy_core::registry_conformance! {
                #[tokio::test(start_paused = true)] || async { Images::new($layer) }
            }
        }
    };
}

/// All suites but those of targets, observers and clocks, which no layer wraps.
macro_rules! layer {
    ($module:ident, $layer:path) => {
        mod $module {
            stores!($layer);

            mod source {
                use crate::fixtures::Sources;

                deploy_core::source_conformance! {
                    #[tokio::test(start_paused = true)] || async { Sources(|inner| Box::new($layer(inner))) }
                }
            }

            mod lock {
                use crate::fixtures::Locks;

                deploy_core::lock_conformance! {
                    #[tokio::test(start_paused = true)] || async { Locks::new($layer) }
                }
            }

            mod gate {
                use crate::fixtures::Gates;

                deploy_core::gate_conformance! {
                    #[tokio::test(start_paused = true)]
                    || async { Gates(|inner| Box::new($layer(inner)), |inner| Box::new($layer(inner))) }
                }
            }

            mod check {
                use crate::fixtures::Checks;

                deploy_core::check_conformance! {
                    #[tokio::test(start_paused = true)]
                    || async { Checks(|inner| Box::new($layer(inner)), |inner| Box::new($layer(inner))) }
                }
            }

            mod audit_sink {
                use crate::fixtures::Audit;

                deploy_core::audit_sink_conformance! {
                    #[tokio::test(start_paused = true)] || async { Audit::new($layer) }
                }
            }

            mod ancestry {
                use crate::fixtures::Commits;

                deploy_core::ancestry_conformance! {
                    #[tokio::test(start_paused = true)] || async { Commits::new($layer) }
                }
            }

            mod connect {
                use crate::fixtures::Ports;

                deploy_core::connect_conformance! {
                    #[tokio::test(start_paused = true)] || async { Ports::new($layer) }
                }
            }

            mod inventory {
                use crate::fixtures::Running;

                deploy_core::inventory_conformance! {
                    #[tokio::test(start_paused = true)] || async { Running::new($layer) }
                }
            }
        }
    };
}

layer!(in_memory, crate::bare);
layer!(retried, crate::retry);
layer!(limited_in_time, crate::timeout);
layer!(limited_in_rate, crate::rate_limit);
layer!(layered_threefold, crate::all);

mod behind_faults {
    stores!(crate::faulty);
}

mod target {
    use super::MemoryTarget;
    use crate::fixtures::Target;

    deploy_core::rollout_target_conformance! {
        #[tokio::test(start_paused = true)] || async { Target(MemoryTarget::new()) }
    }
}

mod target_with_revisions {
    use super::MemoryTarget;
    use crate::fixtures::Target;

    deploy_core::rollout_target_conformance! {
        #[tokio::test(start_paused = true)] || async { Target(MemoryTarget::new().with_revisions()) }
    }
}

mod target_that_records_only {
    use super::MemoryTarget;
    use crate::fixtures::Target;

    deploy_core::rollout_target_conformance! {
        #[tokio::test(start_paused = true)] || async { Target(MemoryTarget::new().with_revisions().without_snapshots()) }
    }
}

mod target_driven_remotely {
    use super::MemoryTarget;
    use crate::fixtures::Target;

    deploy_core::rollout_target_conformance! {
        #[tokio::test(start_paused = true)] || async { Target(MemoryTarget::new().driven_remotely()) }
    }
}

mod several_sinks {
    use std::sync::Arc;

    use deploy_core::audit::AllSinks;
    use deploy_core::memory::MemoryAudit;

    use crate::fixtures::Audit;

    fn beside_another(sink: Arc<MemoryAudit>) -> AllSinks {
        AllSinks::new().and(Arc::new(MemoryAudit::default())).and(sink)
    }

    deploy_core::audit_sink_conformance! { #[tokio::test] || async { Audit::new(beside_another) } }
}

mod recorder {
    deploy_core::observer_conformance! { #[tokio::test] || async { super::Recorder::default() } }
}

mod silent {
    deploy_core::observer_conformance! { #[tokio::test] || async { super::Silent } }
}

mod system_clock {
    deploy_core::clock_conformance! { #[tokio::test] || async { super::SystemClock::new() } }
}

mod system_clock_in_paused_time {
    deploy_core::clock_conformance! { #[tokio::test(start_paused = true)] || async { super::SystemClock::new() } }
}
