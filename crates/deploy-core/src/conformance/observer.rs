//! What every [`Observer`] keeps to.

use std::future::Future;
use std::time::Duration;

use super::run_all;
use crate::clock::Timestamp;
use crate::event::{Event, EventKind, Observer};
use crate::health::{Failure, PodPhase, Reason};
use crate::manifest::ObjectId;
use crate::plan::Action;
use crate::run::DeploymentId;

/// Makes a test of each clause: `observer_conformance! { #[tokio::test] || async { … } }`.
#[macro_export]
macro_rules! observer_conformance {
    ($($how:tt)+) => {
        $crate::conformance_clauses! { observer [
            takes_every_kind_of_event
            does_not_hold_up_the_run
        ] $($how)+ }
    };
}

/// Runs every clause over an instance of its own.
///
/// # Panics
/// If clauses do not hold; the message names them.
pub async fn run<S: Observer + 'static, F: Future<Output = S>>(factory: impl Fn() -> F) {
    run_all(observer_conformance!(list), factory).await;
}

fn every_kind() -> Vec<EventKind> {
    let object = || ObjectId::new("apps", "Deployment", Some("shop"), "api");
    let text = || "two\nlines".to_owned();
    vec![
        EventKind::Locking { name: text() },
        EventKind::LockHeld { name: text() },
        EventKind::Recovering { interrupted: DeploymentId::from(text()), undo: true },
        EventKind::Planned { create: 1, update: 0, unchanged: 0, delete: 0 },
        EventKind::Applied { object: object(), action: Action::Create },
        EventKind::Progress { object: object(), message: text() },
        EventKind::Pod { object: object(), pod: text(), phase: PodPhase::Failing, reason: Some(text()) },
        EventKind::Healthy { object: object() },
        EventKind::Gone { object: object() },
        EventKind::Hopeless { failure: Failure::new(Reason::Stalled, object(), "") },
        EventKind::TimedOut { waiting: vec![object()] },
        EventKind::Cancelled,
        EventKind::RollingBack { cause: text() },
        EventKind::Restored { object: object(), action: Action::Update },
        EventKind::RolledBack,
        EventKind::RollbackFailed { error: text() },
        EventKind::Warning { message: text() },
    ]
}

/// No event upsets it, in whatever order they come.
pub async fn takes_every_kind_of_event(observer: impl Observer) {
    for kind in every_kind().into_iter().chain(every_kind().into_iter().rev()) {
        observer.observe(&Event { at: Timestamp::UNIX_EPOCH, kind });
    }
}

/// A thousand events of each kind pass within 5 s: the run waits for every one.
pub async fn does_not_hold_up_the_run(observer: impl Observer + 'static) {
    let (sender, done) = std::sync::mpsc::channel();
    // On a thread of its own, so that an observer that blocks fails here instead of hanging.
    std::thread::spawn(move || {
        for _ in 0..1000 {
            for kind in every_kind() {
                observer.observe(&Event { at: Timestamp::UNIX_EPOCH, kind });
            }
        }
        // Nobody waits any more if it took too long.
        let _ = sender.send(());
    });
    done.recv_timeout(Duration::from_secs(5)).expect("the observer must not block");
}
