//! What the node answers to questions. Unknown members are ignored, missing ones are empty.

use deploy_core::clock::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::report::RunStatus;

macro_rules! answer {
    ($(#[$doc:meta])* $name:ident { $($(#[$field_doc:meta])* $field:ident: $kind:ty,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Deserialize, Serialize)]
        #[serde(rename_all = "camelCase")]
        #[non_exhaustive]
        pub struct $name { $($(#[$field_doc])* pub $field: $kind,)+ }
    };
}

/// How far a run is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub enum State {
    /// Its unit lives.
    Running,
    /// It has a result.
    Ended,
    /// It was killed before it had one: the next deployment takes over what it wrote.
    Died,
}

answer! {
    /// The answer to `status`.
    Status {
        /// The number of the bundle that is deployed.
        current: Option<u64>,
        /// The run asked for, or the newest.
        run: Option<RunState>,
        /// The newest runs, the newest first.
        #[serde(default)]
        runs: Vec<RunState>,
    }
}

answer! {
    /// A run.
    RunState {
        /// Its id.
        id: String,
        /// How far it is.
        state: State,
        /// How it ended.
        #[serde(default)]
        status: Option<RunStatus>,
        /// Its last events, as [`deploy_core::event::Event`] is serialized.
        #[serde(default)]
        events: Vec<Value>,
    }
}

answer! {
    /// The answer to `history`.
    History {
        /// The number of the bundle that is deployed.
        current: Option<u64>,
        /// The numbers of the bundles that are kept.
        #[serde(default)]
        kept: Vec<u64>,
        /// The newest deployments, the oldest first.
        #[serde(default)]
        entries: Vec<Entry>,
    }
}

answer! {
    /// A deployment of the past.
    Entry {
        /// Its number.
        number: Option<u64>,
        /// Its id.
        id: String,
        /// How it ended.
        status: RunStatus,
        /// When it ended.
        at: Timestamp,
        /// The bundle's digest.
        #[serde(default)]
        bundle: Option<String>,
        /// The images in it.
        #[serde(default)]
        images: Vec<String>,
        /// The revision in Git.
        #[serde(default)]
        git_revision: Option<String>,
        /// Why it did not end healthy.
        #[serde(default)]
        description: Option<String>,
    }
}

answer! {
    /// The answer to `show`.
    Show {
        /// The bundle's number.
        number: u64,
        /// The package without its Secrets as base64 of a tar.gz; none if it is larger than 12,000 bytes.
        package: Option<String>,
        /// Whether it was sent to the address given.
        #[serde(default)]
        sent: bool,
    }
}

answer! {
    /// The answer to `health`.
    Health {
        /// Whether the API server says that it is ready.
        ready: bool,
        /// How long it took to say so, in milliseconds.
        millis: u64,
        /// Its words.
        #[serde(default)]
        message: String,
    }
}

answer! {
    /// The answer to `sweep`.
    Sweep {
        /// The runs whose folders are gone.
        #[serde(default)]
        removed: Vec<String>,
        /// Runs that were killed after they had written something: the next deployment takes them over.
        #[serde(default)]
        died: Vec<String>,
    }
}

answer! {
    /// The answer to `diagnose`.
    Diagnosis {
        /// File systems.
        #[serde(default)]
        disk: Vec<Disk>,
        /// Memory.
        memory: Memory,
        /// Load averages over 1, 5 and 15 minutes; empty if the node does not tell.
        #[serde(default)]
        load: Vec<f64>,
        /// kubectl's version.
        #[serde(default)]
        kubectl: Option<String>,
        /// The API server's version.
        #[serde(default)]
        server: Option<String>,
        /// The nodes of the cluster.
        #[serde(default)]
        nodes: Vec<NodeState>,
        /// Pods that are not ready, 30 at most.
        #[serde(default)]
        pods: Vec<PodState>,
        /// The last warnings, 20 at most.
        #[serde(default)]
        events: Vec<WarningEvent>,
        /// What could not be read, and why.
        #[serde(default)]
        gaps: Vec<String>,
    }
}

answer! {
    /// A file system.
    Disk {
        /// Where it is mounted.
        path: String,
        /// Its size in KB.
        total_kb: u64,
        /// What is free of it in KB.
        free_kb: u64,
    }
}

answer! {
    /// Memory; zeros if the node does not tell.
    Memory {
        /// All in KB.
        total_kb: u64,
        /// What programs can have of it in KB.
        available_kb: u64,
    }
}

answer! {
    /// A node of the cluster.
    NodeState {
        /// Its name.
        name: String,
        /// Whether it is ready.
        ready: bool,
        /// The kubelet's version.
        #[serde(default)]
        version: String,
        /// Its conditions that should not be, as in `DiskPressure`.
        #[serde(default)]
        trouble: Vec<String>,
    }
}

answer! {
    /// A pod that is not ready.
    PodState {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Its phase.
        phase: String,
        /// The cluster's word for what is wrong.
        #[serde(default)]
        reason: Option<String>,
    }
}

answer! {
    /// A warning of the cluster.
    WarningEvent {
        /// What it is about, for people.
        object: String,
        /// Its reason.
        reason: String,
        /// Its words.
        message: String,
    }
}
