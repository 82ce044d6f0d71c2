//! What explains a failure: pods' states, last log lines, warning Events. As data; [`Evidence::files`] renders it.
//!
//! ```
//! use deploy_core::evidence::{Evidence, PodEvidence};
//!
//! let mut evidence = Evidence::default();
//! evidence.pods.push(PodEvidence::new("shop", "api-7b66-vnhj9", "Running"));
//! assert_eq!(evidence.files()[0].0, "evidence.json");
//! ```

use serde::{Deserialize, Serialize};

use crate::manifest::ObjectId;

/// All that was gathered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct Evidence {
    /// The pods of the new revision that were not well.
    pub pods: Vec<PodEvidence>,
    /// Warning Events about the failed objects and what they own.
    pub events: Vec<EventLine>,
    /// What could not be read, and why.
    pub gaps: Vec<String>,
}

/// A pod that was not well.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct PodEvidence {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Its phase, and its reason and message where it has them.
    pub state: String,
    /// Its containers, init containers first.
    pub containers: Vec<ContainerEvidence>,
}

impl PodEvidence {
    /// A pod without containers yet.
    pub fn new(namespace: impl Into<String>, name: impl Into<String>, state: impl Into<String>) -> Self {
        Self { namespace: namespace.into(), name: name.into(), state: state.into(), containers: Vec::new() }
    }
}

/// A container of such a pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[non_exhaustive]
pub struct ContainerEvidence {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// Whether it is ready.
    pub ready: bool,
    /// How often it was restarted.
    pub restarts: i64,
    /// Its state, as in `waiting: CrashLoopBackOff` or `terminated: exit code 1 (Error)`.
    pub state: String,
    /// The last lines of its log; empty if it wrote none or never started.
    pub log: Vec<String>,
    /// The last lines of its previous instance's log.
    pub previous_log: Vec<String>,
}

impl ContainerEvidence {
    /// A container with its state, without logs yet.
    pub fn new(name: impl Into<String>, image: impl Into<String>, state: impl Into<String>) -> Self {
        Self { name: name.into(), image: image.into(), state: state.into(), ..Self::default() }
    }
}

/// An Event of the cluster.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct EventLine {
    /// What it is about.
    pub object: ObjectId,
    /// Its reason, as in `FailedScheduling`.
    pub reason: String,
    /// Its message.
    pub message: String,
    /// How often it was seen.
    pub count: i64,
}

impl Evidence {
    /// Whether nothing was gathered.
    pub fn is_empty(&self) -> bool {
        self.pods.is_empty() && self.events.is_empty() && self.gaps.is_empty()
    }

    /// The evidence as files for a folder: `evidence.json`, and a log for each container that wrote one. Names hold no `/`.
    pub fn files(&self) -> Vec<(String, String)> {
        let json = serde_json::to_string_pretty(self).unwrap_or_default();
        let mut files = vec![("evidence.json".to_owned(), json + "\n")];
        for pod in &self.pods {
            for container in &pod.containers {
                for (suffix, lines) in [("log", &container.log), ("previous.log", &container.previous_log)] {
                    if !lines.is_empty() {
                        let name = format!("{}_{}_{}.{suffix}", pod.namespace, pod.name, container.name);
                        files.push((name.replace(['/', '\\'], "_"), lines.join("\n") + "\n"));
                    }
                }
            }
        }
        files
    }
}
