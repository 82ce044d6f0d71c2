//! How an object is now, judged once.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::health::Assessment;
use deploy_core::manifest::ObjectId;
use deploy_core::run::Run;
use serde_json::Value;

use super::Apply;
use super::feed::{look, places};
use crate::api::Resource;

impl Apply {
    /// Looks at an object of a built-in kind and what belongs to it, and judges it. Writes nothing.
    ///
    /// Patience that needs watching has not begun: what would be hopeless in a minute is progressing now, with a suspect.
    ///
    /// # Errors
    /// [`NotFound`](ErrorKind::NotFound) if there is no such object; what the cluster refuses.
    pub async fn status(&self, id: &ObjectId, run: &Run) -> Result<Assessment> {
        let resource = Resource::built_in_kind(&id.group, &id.kind).ok_or_else(|| {
            Error::new(ErrorKind::Unsupported, "its status is not known here").during("status").on(id)
        })?;
        let places = places(&self.cluster, &[(id.clone(), resource.api_version())]).await?;
        let (world, denied) = look(&self.cluster, &places, run).await;
        if world.get(id).is_none() {
            let missing = || Error::new(ErrorKind::NotFound, "does not exist").during("status").on(id);
            return Err(denied.into_iter().next().unwrap_or_else(missing));
        }
        Ok(self.judge(&run.rules().patience).judge(id, &world, run.now()))
    }

    /// The live object of a built-in kind.
    pub(crate) async fn live(&self, id: &ObjectId) -> Result<Value> {
        let resource = Resource::built_in_kind(&id.group, &id.kind)
            .ok_or_else(|| Error::new(ErrorKind::Unsupported, "its kind is not known here").on(id))?;
        let live = self.cluster.get(&resource.within(id.namespace.as_deref()), &id.name).await?;
        live.ok_or_else(|| Error::new(ErrorKind::NotFound, "does not exist").on(id))
    }
}
