//! Names in an environment variable.

use async_trait::async_trait;

use super::record::check_name;
use super::{Approval, ApprovalSource, subject_digest};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::guard::Subject;

/// The fewest digits of a subject's digest that stand for the whole.
const MIN_DIGITS: usize = 16;

/// The longest value, in bytes.
const MAX_LENGTH: usize = 4096;

/// Approvals in an environment variable, as a pipeline sets it: `ann:4f1c2d9e0a1b2c3d`, several with commas between them.
///
/// Each names who, and the first digits (16 or more) of the [`subject_digest`] that is approved. The variable's value is handed in: nothing is
/// read from the environment here. Its approvals are as old as the question.
///
/// ```
/// use std::sync::Arc;
/// use deploy_core::clock::SystemClock;
/// use deploy_core::gate::approval::{ApprovalVariable, Approved, Approvers, subject_digest};
/// use deploy_core::guard::{Gate, Subject};
///
/// # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
/// let subject = Subject::new("production");
/// let value = format!("ann:{}", &subject_digest(&subject).hex()[..16]); // what the pipeline sets
/// let variable = ApprovalVariable::new("DEPLOY_APPROVED", Some(value));
/// let gate = Approved::new(Approvers::one_of(["ann", "bob"])?, Arc::new(variable), Arc::new(SystemClock::new()));
/// assert!(gate.ask(&subject).await?.is_yes());
/// assert!(!gate.ask(&Subject::new("staging")).await?.is_yes());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone, Debug)]
pub struct ApprovalVariable {
    name: String,
    value: Option<String>,
    is_bound: bool,
}

impl ApprovalVariable {
    /// The variable called `name`, which has this value; `None` if it is not set.
    pub fn new(name: impl Into<String>, value: Option<String>) -> Self {
        Self { name: name.into(), value, is_bound: true }
    }

    /// Takes a name alone, as in `ann`, for an approval of whatever is asked: where a pipeline sets it anew for each run.
    #[must_use]
    pub fn for_any_subject(mut self) -> Self {
        self.is_bound = false;
        self
    }

    fn read(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Approval>> {
        let value = self.value.as_deref().unwrap_or_default();
        if value.len() > MAX_LENGTH {
            return Err(Error::invalid(format!("it has {} bytes, over {MAX_LENGTH}", value.len())));
        }
        let digest = subject_digest(subject);
        let mut approvals = Vec::new();
        for part in value.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, digits) = match part.split_once(':') {
                Some((name, digits)) => (name, Some(digits.strip_prefix("sha256:").unwrap_or(digits))),
                None => (part, None),
            };
            check_name(name)?;
            let is_meant = match digits {
                Some(digits) if digits.len() < MIN_DIGITS => {
                    return Err(Error::invalid(format!(
                        "what {name} approved of has {} digits: {MIN_DIGITS} are needed",
                        digits.len()
                    )));
                }
                Some(digits) => digest.hex().starts_with(digits),
                None if self.is_bound => {
                    let what = format!("it does not say what {name} approved of");
                    return Err(
                        Error::invalid(what).help(format!("as in {name}:{:.MIN_DIGITS$}", digest.hex()))
                    );
                }
                None => true,
            };
            if is_meant {
                approvals
                    .push(Approval::new(name, subject, now).note(format!("by the variable {}", self.name)));
            }
        }
        Ok(approvals)
    }
}

#[async_trait]
impl ApprovalSource for ApprovalVariable {
    fn describe(&self) -> String {
        format!("the variable {}", self.name)
    }

    async fn approvals(&self, subject: &Subject, now: Timestamp) -> Result<Vec<Approval>> {
        self.read(subject, now)
            .map_err(|error| error.during("read approvals").on(format!("variable {}", self.name)))
    }
}
