//! What happens during a run, as data: a progress line, a log and a timeline are rendered from it.
//!
//! ```
//! use deploy_core::event::{EventKind, Recorder};
//! use deploy_core::run::Run;
//! use std::sync::Arc;
//!
//! let recorder = Arc::new(Recorder::default());
//! let run = Run::new().observer(recorder.clone());
//! run.emit(EventKind::RolledBack);
//! assert_eq!(recorder.events().len(), 1);
//! assert_eq!(recorder.events()[0].kind.to_string(), "the old state is back");
//! ```

use std::fmt;
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::health::{Failure, PodPhase};
use crate::manifest::ObjectId;
use crate::plan::Action;
use crate::run::DeploymentId;

/// Something that happened, and when.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Event {
    /// When, on the run's clock.
    pub at: Timestamp,
    /// What.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// What happened. `Display` is a line for a person, without the time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "camelCase", rename_all_fields = "camelCase")]
#[non_exhaustive]
pub enum EventKind {
    /// The lock is being asked for; a present holder is watched for a heartbeat.
    Locking {
        /// The run's name.
        name: String,
    },
    /// The lock is held; whether its holder lives is being watched.
    LockHeld {
        /// The run's name.
        name: String,
    },
    /// An interrupted run of the same name was found.
    Recovering {
        /// That run.
        interrupted: DeploymentId,
        /// Whether it is undone first; otherwise this run finishes it.
        undo: bool,
    },
    /// The plan is made; nothing is written yet.
    Planned {
        /// Objects to create.
        create: usize,
        /// Objects to change.
        update: usize,
        /// Objects that stay as they are.
        unchanged: usize,
        /// Objects to delete.
        delete: usize,
    },
    /// An object was written (or found unchanged).
    Applied {
        /// The object.
        object: ObjectId,
        /// What was done.
        action: Action,
    },
    /// The state of an object on its way to healthy changed.
    Progress {
        /// The object.
        object: ObjectId,
        /// Its state in words, as in `1 of 2 updated replicas are available`.
        message: String,
    },
    /// A pod of a followed workload entered another phase. Of a pod that was there before, the first one says how it was found.
    Pod {
        /// The workload.
        object: ObjectId,
        /// The pod's name.
        pod: String,
        /// How far it is.
        phase: PodPhase,
        /// The cluster's own word for it, as in `ImagePullBackOff`.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        reason: Option<String>,
    },
    /// An object is healthy.
    Healthy {
        /// The object.
        object: ObjectId,
    },
    /// An object that was being deleted is gone.
    Gone {
        /// The object.
        object: ObjectId,
    },
    /// An object is hopeless, and why.
    Hopeless {
        /// Why.
        failure: Failure,
    },
    /// Time ran out.
    TimedOut {
        /// The objects that were not healthy yet.
        waiting: Vec<ObjectId>,
    },
    /// The caller cancelled.
    Cancelled,
    /// The way back begins.
    RollingBack {
        /// Why.
        cause: String,
    },
    /// An object was brought back.
    Restored {
        /// The object.
        object: ObjectId,
        /// What was done.
        action: Action,
    },
    /// The old state is back.
    RolledBack,
    /// The way back failed.
    RollbackFailed {
        /// Why.
        error: String,
    },
    /// A promotion goes to an environment.
    Promoting {
        /// The environment.
        environment: String,
        /// The images that change, as in `api: v1 to v2`.
        changes: Vec<String>,
    },
    /// A gate is being asked; a person may have to answer.
    Asking {
        /// The gate.
        gate: String,
    },
    /// A gate said yes.
    Passed {
        /// The gate.
        gate: String,
        /// On what grounds.
        grounds: String,
    },
    /// What should run is written down.
    Written {
        /// The config store.
        store: String,
        /// The keys.
        keys: Vec<String>,
    },
    /// What was written down is taken back.
    TakenBack {
        /// The config store.
        store: String,
        /// The keys.
        keys: Vec<String>,
    },
    /// A tag is kept from running again.
    Holding {
        /// The hold, in a line.
        hold: String,
    },
    /// Something a person should know that stops nothing.
    Warning {
        /// What.
        message: String,
    },
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locking { name } => write!(f, "asking for the lock of \"{name}\""),
            Self::LockHeld { name } => {
                write!(f, "the lock of \"{name}\" is held: watching whether its holder lives")
            }
            Self::Recovering { interrupted, undo: true } => {
                write!(f, "undoing the interrupted run {interrupted} first")
            }
            Self::Recovering { interrupted, undo: false } => {
                write!(f, "finishing the interrupted run {interrupted}")
            }
            Self::Planned { create, update, unchanged, delete } => {
                write!(f, "plan: {create} to create, {update} to change, {unchanged} unchanged")?;
                if *delete > 0 { write!(f, ", {delete} to delete") } else { Ok(()) }
            }
            Self::Applied { object, action } => write!(f, "{object} {}", action.past()),
            Self::Restored { object, action: Action::Delete } => write!(f, "{object} deleted, as before"),
            Self::Restored { object, action: Action::Unchanged } => write!(f, "{object} stands as before"),
            Self::Restored { object, .. } => write!(f, "{object} restored"),
            Self::Progress { object, message } => write!(f, "{object}: {message}"),
            Self::Pod { object, pod, phase, reason } => {
                write!(f, "{object}: pod {pod} is {phase}")?;
                reason.as_ref().map_or(Ok(()), |reason| write!(f, " ({reason})"))
            }
            Self::Healthy { object } => write!(f, "{object} is healthy"),
            Self::Gone { object } => write!(f, "{object} is gone"),
            Self::Hopeless { failure } => write!(f, "{}: {failure}", failure.object),
            Self::TimedOut { waiting } => {
                write!(f, "timed out waiting for ")?;
                for (i, object) in waiting.iter().enumerate() {
                    write!(f, "{}{object}", if i == 0 { "" } else { ", " })?;
                }
                Ok(())
            }
            Self::Cancelled => f.write_str("cancelled"),
            Self::RollingBack { cause } => write!(f, "rolling back: {cause}"),
            Self::RolledBack => f.write_str("the old state is back"),
            Self::RollbackFailed { error } => write!(f, "the way back failed: {error}"),
            Self::Promoting { environment, changes } => write!(f, "{environment}: {}", changes.join(", ")),
            Self::Asking { gate } => write!(f, "asking {gate}"),
            Self::Passed { gate, grounds } => write!(f, "{gate}: {grounds}"),
            Self::Written { store, keys } => write!(f, "{} written to {store}", keys.join(", ")),
            Self::TakenBack { store, keys } => write!(f, "{} taken back in {store}", keys.join(", ")),
            Self::Holding { hold } => write!(f, "held: {hold}"),
            Self::Warning { message } => write!(f, "warning: {message}"),
        }
    }
}

/// Is told of events as they happen. It must not block: the run waits for it.
#[cfg_attr(feature = "mock", mockall::automock)]
pub trait Observer: Send + Sync {
    /// Something happened.
    fn observe(&self, event: &Event);
}

/// Lets everything pass unseen.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Observer for Silent {
    fn observe(&self, _event: &Event) {}
}

/// Keeps all events, in their order.
#[derive(Debug, Default)]
pub struct Recorder(Mutex<Vec<Event>>);

impl Recorder {
    /// The events so far.
    pub fn events(&self) -> Vec<Event> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Observer for Recorder {
    fn observe(&self, event: &Event) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(event.clone());
    }
}
