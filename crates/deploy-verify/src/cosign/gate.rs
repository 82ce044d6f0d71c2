//! The gate.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Gate, Subject};
use deploy_core::image::Reference;
use deploy_core::registry::Registry;

use super::find::Found;
use super::{Demand, PublicKey, judge};
use crate::images::{self, pinned};
use crate::text::first;

/// How many images are looked at at the same time.
const AT_ONCE: usize = 4;

/// How many artifacts that are no signatures an answer tells of.
const SHOWN: usize = 3;

/// Says no to images that were not signed with a key: see [the module](super) for what counts.
///
/// An image without a digest is resolved first, so that the answer is about what the tag stands for now; deploy by digest, or it may be moved
/// in between. A yes is certain: it says by which key and where the signature is. A no is certain, too: all signatures that there are were
/// read. If one could not be read, and no other is enough, it is an error.
///
/// ```no_run
/// # async fn example(registry: std::sync::Arc<dyn deploy_core::registry::Registry>) -> deploy_core::error::Result<()> {
/// use deploy_core::guard::{Gate, Subject};
/// use deploy_verify::cosign::{CosignKey, Demand, PublicKey};
///
/// let key = PublicKey::read("cosign.pub", &std::fs::read("cosign.pub").unwrap())?;
/// let gate = CosignKey::new(registry, key);
/// let mut subject = Subject::new("production");
/// subject.images.push("registry.example/shop/api:v1".into());
/// println!("{:?}", gate.ask(&subject).await?);
/// # Ok(())
/// # }
/// ```
pub struct CosignKey {
    registry: Arc<dyn Registry>,
    demand: Demand,
}

impl CosignKey {
    /// Signatures by this key, in this registry.
    pub fn new(registry: Arc<dyn Registry>, key: PublicKey) -> Self {
        Self::demanding(registry, Demand::any_of([key]))
    }

    /// Signatures as they are demanded, in this registry.
    pub fn demanding(registry: Arc<dyn Registry>, demand: Demand) -> Self {
        Self { registry, demand }
    }

    async fn check(&self, image: &Reference) -> Result<Answer> {
        let registry = &*self.registry;
        let image = pinned(registry, image).await?;
        let Some(digest) = image.digest() else {
            return Err(Error::new(ErrorKind::Internal, "an image was resolved to no digest"));
        };
        let mut found = Found::default();
        found.referrers(registry, &image, digest).await;
        let mut verdict = judge(&found.signed, &image, &self.demand);
        if !verdict.is_met() {
            found.tag(registry, &image, digest).await;
            verdict = judge(&found.signed, &image, &self.demand);
        }
        if verdict.is_met() {
            return Ok(Answer::Yes { grounds: format!("{digest} is {}", verdict.reason()) });
        }
        if let Some(error) = found.unread.into_iter().next() {
            return Err(error.during("read the signatures of").on(&image));
        }
        let mut why = format!("{digest}: {}", verdict.reason());
        if !found.refused.is_empty() {
            let refused = first(SHOWN, "; ", found.refused.iter().map(ToString::to_string));
            why.push_str("; ");
            why.push_str(&refused);
        }
        Ok(Answer::No { why })
    }
}

#[async_trait]
impl Gate for CosignKey {
    fn describe(&self) -> String {
        self.demand.describe()
    }

    async fn ask(&self, subject: &Subject) -> Result<Answer> {
        if self.demand.keys().is_empty() {
            return Err(Error::invalid("there is no key to verify signatures by").during("verify signatures"));
        }
        let found = images::each(subject, AT_ONCE, |image| async move { self.check(&image).await }).await?;
        images::combine(found)
    }
}
