//! Records that are given.

use async_trait::async_trait;

use super::{Approval, ApprovalSource};
use crate::clock::Timestamp;
use crate::error::Result;
use crate::guard::Subject;

/// Records of approvals that are given.
#[derive(Clone, Debug, Default)]
pub struct GivenApprovals(Vec<Approval>);

impl GivenApprovals {
    /// These.
    pub fn new(approvals: impl IntoIterator<Item = Approval>) -> Self {
        Self(approvals.into_iter().collect())
    }
}

#[async_trait]
impl ApprovalSource for GivenApprovals {
    fn describe(&self) -> String {
        format!("{} records that were given", self.0.len())
    }

    async fn approvals(&self, _subject: &Subject, _now: Timestamp) -> Result<Vec<Approval>> {
        Ok(self.0.clone())
    }
}
