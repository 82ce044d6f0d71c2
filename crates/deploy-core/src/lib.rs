//! The core of a continuous-deployment engine that tools embed: the vocabulary, the decisions, the traits, and the driver.
//!
//! It opens nothing: no file, no socket, no process. Adapters do, behind the traits below; `deploy-k8s` is the one for a cluster.
//!
//! # The road
//! Everything is a stage on one road, and the modules are named after the stages:
//!
//! ```text
//! tag ─► image ─► manifest ─► plan ─► apply ─► observe ─► verify ─► outcome
//! ```
//!
//! | stage | module | holds |
//! | --- | --- | --- |
//! | tag | [`tag`] | how tags are written, which one is to run and why; holds |
//! | image | [`image`] | references, digests, tags |
//! | manifest | [`manifest`] | Kubernetes objects as data, read from named bytes; the [`Bundle`](manifest::Bundle); the order of applying |
//! | plan | [`plan`] | what would change, and what stood there before |
//! | apply, observe | [`target`], [`health`] | the contract of a place to roll out to; what is healthy, what is hopeless |
//! | verify | [`guard`], [`gate`], [`check`], [`preflight`] | gates before, checks after; those that decide by data alone, and how they are put together; whether the nodes can run a bundle's images |
//! | outcome | [`outcome`], [`evidence`], [`event`], [`report`] | how it ended, what explains it, what happened on the way; all of it as a page |
//!
//! [`rollout`] walks the road; [`run`] is what belongs to one walk. [`lock`] and [`journal`] make it safe to be killed. [`promotion`] walks it once
//! for each environment, with what is written down around it.
//!
//! # The traits
//! | trait | in memory | what for |
//! | --- | --- | --- |
//! | [`RolloutTarget`](target::RolloutTarget) | [`MemoryTarget`](memory::MemoryTarget) | where to |
//! | [`Source`](source::Source) | [`MemorySource`](memory::MemorySource) | manifests from somewhere |
//! | [`Registry`](registry::Registry) | [`MemoryRegistry`](memory::MemoryRegistry) | images |
//! | [`ConfigStore`](config::ConfigStore) | [`MemoryConfigStore`](memory::MemoryConfigStore) | what should run, written down |
//! | [`Lock`](lock::Lock), [`Journal`](journal::Journal) | [`MemoryLock`](memory::MemoryLock), [`MemoryJournal`](memory::MemoryJournal) | one at a time; killed and resumed |
//! | [`Gate`](guard::Gate), [`Check`](guard::Check) | [`FixedGate`](memory::FixedGate), [`FixedCheck`](memory::FixedCheck) | yes or no |
//! | [`SecretSource`](secret::SecretSource) | [`MemorySecrets`](memory::MemorySecrets), [`EnvSecrets`](secret::EnvSecrets), [`SecretFn`](secret::SecretFn) | values that show nowhere |
//! | [`AuditSink`](audit::AuditSink), [`Observer`](event::Observer) | [`MemoryAudit`](memory::MemoryAudit), [`Recorder`](event::Recorder) | who did what; what happens |
//! | [`Ancestry`](ancestry::Ancestry), [`Connect`](connect::Connect), [`Inventory`](inventory::Inventory) | [`memory`] | what adapters need of each other's worlds |
//!
//! [`memory`] also holds faults for tests of your own; [`layer`] puts retries, timeouts and rate limits around an adapter; and each trait
//! has a suite in `conformance`, which adapters run over themselves.
//!
//! # Features
//! | feature | adds |
//! | --- | --- |
//! | `tzdb` | time zones by their IANA names, built in, for [`gate::window`] |
//! | `mock` | a `mockall` mock of every trait, `Mock<Trait>` beside it |
//! | `conformance` | the suite of every trait, for adapters to run over themselves |

pub mod ancestry;
pub mod audit;
pub mod chart;
pub mod check;
pub mod clock;
pub mod config;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod connect;
pub mod error;
pub mod event;
pub mod evidence;
pub mod gate;
pub mod guard;
pub mod health;
pub mod image;
pub mod inventory;
pub mod journal;
pub mod layer;
pub mod lock;
pub mod manifest;
pub mod memory;
pub mod outcome;
pub mod plan;
pub mod preflight;
pub mod promotion;
pub mod registry;
pub mod report;
pub mod rollout;
pub mod run;
pub mod secret;
pub mod source;
pub mod tag;
pub mod target;
