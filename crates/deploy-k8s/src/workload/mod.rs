//! kubectl's rollout verbs on a Deployment, StatefulSet or DaemonSet: `status`, `history`, `undo`, `restart`, `pause`, `resume`.
//!
//! `history` only reads ([`Apply::workload_history`]). Each of the others is a bundle made from the live object ([`RolloutVerb`]), which
//! the driver plans, follows and rolls back like any other. What they mean is what they mean in kubectl, but for this:
//!
//! | verb | here |
//! | --- | --- |
//! | `status` | follows until it is well, hopeless, or the run's timeout; of every [kind](KindName) that can be judged |
//! | `undo` | only the annotations that tell about a revision (`kubernetes.io/change-cause`, `deploy-core/git-revision`) become the revision's; kubectl replaces all of a Deployment's, and none of the other kinds' |
//! | `restart`, `pause`, `resume` | the one field belongs to the field manager `NAME-rollout`, so that the next apply by `NAME` does not take it back |
//! | `pause` | done once the controller knows; a rollout that it stops half-way is not waited for |
//!
//! ```no_run
//! use deploy_core::{rollout::Rollout, run::Run};
//! use deploy_k8s::{Apply, Cluster, KindName, RolloutVerb};
//! use std::sync::Arc;
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let target = Apply::new(Cluster::builder().build().await?);
//! let api = "deployment/api".parse::<KindName>()?.in_namespace("shop");
//! for found in target.workload_history(&api).await? {
//!     println!("{} {}", found.revision.number, found.revision.description);
//! }
//! let undo = RolloutVerb::undo(&target, api, None)?;
//! let outcome = Rollout::new(Arc::new(undo.target())).run_derived(&undo, Run::new()).await?;
//! # Ok(())
//! # }
//! ```

mod history;
mod side;
pub(crate) mod template;
mod undo;

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::clock::Timestamp;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::{Bundle, Object, ObjectId};
use deploy_core::source::Derive;
use k8s_fields::{FieldSet, project};
use serde_json::Value;

pub use history::WorkloadRevision;

use crate::api::Resource;
use crate::apply::{Apply, Conflicts, side_manager};

/// A verb on a workload: the bundle it comes to, and the target to roll that out on.
///
/// [`derive`](Derive::derive) reads the live object, for `undo` its revisions too, and writes nothing. It may be called again.
#[derive(Clone, Debug)]
pub struct RolloutVerb {
    target: Apply,
    workload: ObjectId,
    verb: Verb,
}

#[derive(Clone, Copy, Debug)]
enum Verb {
    Status,
    Undo { to_revision: Option<u64> },
    Restart { at: Timestamp },
    Pause,
    Resume,
}

impl RolloutVerb {
    /// Follows the workload as it stands, until it is well or hopeless. Nothing is written.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for a kind that is not built in.
    pub fn status(target: &Apply, workload: ObjectId) -> Result<Self> {
        if Resource::built_in_kind(&workload.group, &workload.kind).is_none() {
            return Err(Error::new(ErrorKind::Unsupported, "its status is not known here")
                .during("status")
                .on(&workload));
        }
        Ok(Self { target: target.clone().in_part(), workload, verb: Verb::Status })
    }

    /// Returns to an earlier revision's pod template, all of it and nothing else, whoever set what is there now. Without a number to the
    /// newest that is not the present one. Where the template is the revision's already, nothing is written: the workload is followed
    /// as it stands.
    ///
    /// Deriving it fails with [`NotFound`](ErrorKind::NotFound) if there is no such revision (those that there are are named), with
    /// [`InvalidInput`](ErrorKind::InvalidInput) for a paused Deployment.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for any other kind.
    pub fn undo(target: &Apply, workload: ObjectId, to_revision: Option<u64>) -> Result<Self> {
        history::records(&workload).map_err(|error| error.during("undo"))?;
        let target = target.clone().in_part().wholly(undo::replaced()).conflicts(Conflicts::Force);
        Ok(Self { target, workload, verb: Verb::Undo { to_revision } })
    }

    /// Replaces all pods by new ones of the same template, in the way the workload is updated. `at` is the time to note in the template.
    ///
    /// Deriving it fails with [`InvalidInput`](ErrorKind::InvalidInput) for a paused Deployment.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for any other kind; [`InvalidInput`](ErrorKind::InvalidInput) if the name of the
    /// target's field manager is too long to be followed by `-rollout`.
    pub fn restart(target: &Apply, workload: ObjectId, at: Timestamp) -> Result<Self> {
        if history::records(&workload).is_err() {
            let message = "only a Deployment, a StatefulSet or a DaemonSet can be restarted";
            return Err(Error::new(ErrorKind::Unsupported, message).during("restart").on(&workload));
        }
        Ok(Self { target: beside(target)?, workload, verb: Verb::Restart { at } })
    }

    /// Stops a Deployment from rolling out, half-way if it is.
    ///
    /// Deriving it fails with [`InvalidInput`](ErrorKind::InvalidInput) if it is paused already.
    ///
    /// # Errors
    /// [`Unsupported`](ErrorKind::Unsupported) for any other kind; [`InvalidInput`](ErrorKind::InvalidInput) as for
    /// [`restart`](Self::restart).
    pub fn pause(target: &Apply, workload: ObjectId) -> Result<Self> {
        Self::on_deployment(target, workload, Verb::Pause)
    }

    /// Lets a paused Deployment roll out again. If that fails it is paused again, with the pods that it has by then.
    ///
    /// Deriving it fails with [`InvalidInput`](ErrorKind::InvalidInput) if it is not paused.
    ///
    /// # Errors
    /// As for [`pause`](Self::pause).
    pub fn resume(target: &Apply, workload: ObjectId) -> Result<Self> {
        Self::on_deployment(target, workload, Verb::Resume)
    }

    fn on_deployment(target: &Apply, workload: ObjectId, verb: Verb) -> Result<Self> {
        if !workload.is("apps", "Deployment") {
            return Err(Error::new(ErrorKind::Unsupported, "only a Deployment can be paused and resumed")
                .during(verb.name())
                .on(&workload));
        }
        let target = beside(target)?.health_rule("apps", "Deployment", Arc::new(side::paused_is_well));
        Ok(Self { target, workload, verb })
    }

    /// The target to roll it out on.
    pub fn target(&self) -> Apply {
        self.target.clone()
    }

    async fn bundle(&self) -> Result<Bundle> {
        let live = self.target.live(&self.workload).await?;
        let manager = self.target.manager();
        let object = match self.verb {
            Verb::Status => as_it_stands(&live),
            Verb::Undo { to_revision } => {
                side::refuse_paused(&live)?;
                let history = self.target.revisions_of(&self.workload, &live).await?;
                let revision = undo::choose(history, to_revision)?;
                if revision.current { as_it_stands(&live) } else { undo::desired(&live, &revision, manager) }
            }
            Verb::Restart { at } => side::restart(&live, manager, at),
            Verb::Pause => side::pause(&live, manager),
            Verb::Resume => side::resume(&live, manager),
        };
        Bundle::builder().objects([object?]).build()
    }
}

#[async_trait]
impl Derive for RolloutVerb {
    async fn derive(&self) -> Result<Bundle> {
        self.bundle().await.map_err(|error| error.during(self.verb.name()).on(&self.workload))
    }
}

impl Verb {
    fn name(self) -> &'static str {
        match self {
            Self::Status => "status",
            Self::Undo { .. } => "undo",
            Self::Restart { .. } => "restart",
            Self::Pause => "pause",
            Self::Resume => "resume",
        }
    }
}

/// Its name alone: nothing of it is to be changed.
fn as_it_stands(live: &Value) -> Result<Object> {
    Object::new(project(live, &FieldSet::new()))
}

/// The target as the side manager, which takes its one field from whoever has it.
fn beside(target: &Apply) -> Result<Apply> {
    let manager = side_manager(target.manager());
    let named = target.clone().in_part().field_manager(&manager).map_err(|_| {
        Error::invalid(format!(
            "the field manager beside \"{}\" would be called \"{manager}\"",
            target.manager()
        ))
        .help("choose a name of at most 120 characters")
    })?;
    Ok(named.conflicts(Conflicts::Force))
}
