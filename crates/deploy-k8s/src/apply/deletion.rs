//! Deletes objects that still are what a plan saw fit to go.

use std::collections::HashSet;

use deploy_core::error::Result;
use deploy_core::event::EventKind;
use deploy_core::manifest::Object;
use deploy_core::manifest::order::Phase;
use deploy_core::plan::{Action, Change};
use deploy_core::run::Run;
use deploy_core::target::AppliedObject;

use super::member::Fate;
use super::{Apply, side_by_side};

/// Says of a live object whether it may go.
pub(crate) type Judgement<'a> = &'a (dyn Fn(&Object) -> Result<Fate> + Sync);

/// What was written last leans on what was written first.
pub(crate) fn in_order_of_deletion(deletions: &mut [Change]) {
    deletions.sort_by_key(|change| std::cmp::Reverse(Phase::of(&change.desired)));
}

impl Apply {
    /// Whether what is to go may be deleted, by a dry run of each, or of one of each place: the last step of a run is a bad one to learn it.
    pub(crate) async fn check_deletions(&self, deletions: &[Change], each: bool) -> Result<()> {
        let mut asked = HashSet::new();
        for change in deletions {
            let resource = self.cluster.resource_of(&change.desired).await?;
            let place = resource.within(change.id.namespace.as_deref());
            if each || !asked.contains(&place) {
                self.cluster.may_delete(&place, &change.id.name, change.desired.uid()).await?;
                asked.insert(place);
            }
        }
        Ok(())
    }

    /// Deletes what may go, phase by phase. Returns what to follow until it is gone; `None` if the run was cancelled.
    pub(crate) async fn delete_all(
        &self,
        deletions: &[&Change],
        fate: Judgement<'_>,
        run: &Run,
    ) -> Result<Option<Vec<AppliedObject>>> {
        let mut gone = Vec::new();
        let phase = |change: &Change| Phase::of(&change.desired);
        for together in deletions.chunk_by(|a, b| phase(a) == phase(b)) {
            let deleted =
                side_by_side(together.iter().map(|change| self.delete_one(change, fate, run))).await;
            for object in deleted {
                gone.extend(object?);
            }
            if run.cancel().is_cancelled() {
                return Ok(None);
            }
        }
        Ok(Some(gone))
    }

    async fn delete_one(
        &self,
        change: &Change,
        fate: Judgement<'_>,
        run: &Run,
    ) -> Result<Option<AppliedObject>> {
        if run.cancel().is_cancelled() {
            return Ok(None);
        }
        let resource = self.cluster.resource_of(&change.desired).await?;
        let place = resource.within(change.id.namespace.as_deref());
        let Some(live) = self.cluster.get(&place, &change.id.name).await?.map(Object::new).transpose()?
        else {
            return Ok(None);
        };
        if live.uid() != change.desired.uid() {
            let message = format!("{} is somebody else's by now and stays", change.id);
            run.emit(EventKind::Warning { message });
            return Ok(None);
        }
        if let Fate::Stays(why) = fate(&live)? {
            run.emit(EventKind::Warning { message: format!("{} stays: {why}", change.id) });
            return Ok(None);
        }
        self.cluster.delete(&place, &change.id.name, live.uid()).await?;
        run.emit(EventKind::Applied { object: change.id.clone(), action: Action::Delete });
        Ok(Some(AppliedObject::deleted(change.id.clone(), change.desired.api_version())))
    }
}
