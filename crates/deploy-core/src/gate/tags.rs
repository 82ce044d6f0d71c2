//! How gates compare tags: by a policy, and git's history where that decides.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::ancestry::Ancestry;
use crate::error::{Error, Result};
use crate::image::Repository;
use crate::tag::{History, Order, TagPolicy};

/// Which policy is whose, and where commits stand.
#[derive(Clone)]
pub(super) struct Tags {
    usual: TagPolicy,
    own: Vec<(Repository, TagPolicy)>,
    git: Option<(Arc<dyn Ancestry>, String)>,
}

impl Tags {
    pub(super) fn new(usual: TagPolicy) -> Self {
        Self { usual, own: Vec::new(), git: None }
    }

    pub(super) fn image(&mut self, image: Repository, policy: TagPolicy) {
        self.own.retain(|(known, _)| *known != image);
        self.own.push((image, policy));
    }

    pub(super) fn git(&mut self, ancestry: Arc<dyn Ancestry>, head: String) {
        self.git = Some((ancestry, head));
    }

    pub(super) fn policy(&self, image: &Repository) -> &TagPolicy {
        self.own.iter().find(|(known, _)| known == image).map_or(&self.usual, |(_, policy)| policy)
    }

    /// Where the commits of these tags stand; nothing is asked unless the policy's order needs it.
    pub(super) async fn history(&self, policy: &TagPolicy, tags: &[&str]) -> Result<Option<History>> {
        if policy.order() != Order::Ancestry {
            return Ok(None);
        }
        let Some((ancestry, head)) = &self.git else {
            return Err(Error::invalid("order=ancestry needs the history, and the gate was given none")
                .help("give it git and the head of the line"));
        };
        let commits: BTreeSet<&str> = tags.iter().filter_map(|tag| policy.commit(tag)).collect();
        let commits: Vec<String> = commits.into_iter().map(str::to_owned).collect();
        History::read(&**ancestry, head, &commits).await.map(Some)
    }
}
