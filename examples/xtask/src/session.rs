//! What all commands share: the cluster, the namespace, and what is shown while they work.

use std::cell::OnceCell;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::{Clock, SystemClock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::run::{Cancel, Run};
use deploy_k8s::Cluster;

use crate::environment::Variables;
use crate::progress::Progress;

/// One command at work.
pub(crate) struct Session {
    pub(crate) cluster: Cluster,
    pub(crate) namespace: String,
    pub(crate) holder: String,
    pub(crate) clock: SystemClock,
    pub(crate) started: Timestamp,
    pub(crate) cancel: Cancel,
    pub(crate) progress: Arc<Progress>,
    pub(crate) first_request: OnceCell<Duration>,
    /// The summary page of the CI job that this runs in.
    pub(crate) step_summary: Option<PathBuf>,
    pub(crate) registry_variables: Arc<Variables>,
}

/// Who is told of files that were written.
pub(crate) struct Teller<'a> {
    pub(crate) progress: &'a Progress,
    pub(crate) step_summary: Option<&'a Path>,
}

impl Session {
    pub(crate) fn teller(&self) -> Teller<'_> {
        Teller { progress: &self.progress, step_summary: self.step_summary.as_deref() }
    }

    /// A run on the session's clock, which a signal cancels.
    pub(crate) fn run(&self) -> Run {
        Run::on_clock(Arc::new(self.clock)).cancelled_by(self.cancel.clone()).observer(self.progress.clone())
    }

    /// Notes that all is read and the API server is about to be asked.
    pub(crate) fn ready(&self) {
        // Only the first time counts.
        let _ = self.first_request.set(self.clock.now().since(self.started));
    }

    /// Gives a step up that writes nothing when the run is cancelled, by dropping it.
    pub(crate) async fn unless_cancelled<T>(&self, step: impl Future<Output = Result<T>>) -> Result<T> {
        tokio::select! {
            result = step => result,
            () = self.cancel.cancelled() => {
                Err(Error::new(ErrorKind::Cancelled, "cancelled before anything was written"))
            }
        }
    }
}
