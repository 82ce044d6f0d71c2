//! Whose approval is asked for, and whether there is enough of it.

use std::fmt;
use std::time::Duration;

use super::record::{Approval, check_name, subject_digest};
use crate::clock::Timestamp;
use crate::error::{Error, Result};
use crate::guard::{Answer, Subject};

/// How long an approval counts where nothing else is said: a day.
const USUAL_VALIDITY: Duration = Duration::from_secs(24 * 3600);

/// How far a record's time may be ahead of the clock.
const SKEW: Duration = Duration::from_secs(300);

/// Whose approval is asked for. The decision is pure: [`Approvers::judge`].
///
/// A person counts once, under the name exactly as it is given here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approvers {
    need: usize,
    /// `None` for anyone.
    among: Option<Vec<String>>,
    except: Vec<String>,
    validity: Duration,
}

impl Approvers {
    /// One person, whoever that is.
    pub fn anyone() -> Self {
        Self { need: 1, among: None, except: Vec::new(), validity: USUAL_VALIDITY }
    }

    /// One of these.
    ///
    /// # Errors
    /// As for [`Approvers::quorum`].
    pub fn one_of<N: Into<String>>(names: impl IntoIterator<Item = N>) -> Result<Self> {
        Self::quorum(1, names)
    }

    /// So many of these.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if nobody is asked, if there are not so many, or for what is no name.
    pub fn quorum<N: Into<String>>(need: usize, names: impl IntoIterator<Item = N>) -> Result<Self> {
        let mut among: Vec<String> = names.into_iter().map(Into::into).collect();
        among.iter().try_for_each(|name| check_name(name))?;
        among.sort_unstable();
        among.dedup();
        if need == 0 {
            return Err(Error::invalid("an approval by nobody is none: at least 1 is needed"));
        }
        if need > among.len() {
            return Err(Error::invalid(format!("{need} cannot approve where there are {}", among.len())));
        }
        Ok(Self { among: Some(among), need, ..Self::anyone() })
    }

    /// Not this one: who asks for a deployment does not approve it.
    #[must_use]
    pub fn except(mut self, name: impl Into<String>) -> Self {
        self.except.push(name.into());
        self
    }

    /// How long an approval counts. Default 24 h.
    #[must_use]
    pub fn valid_for(mut self, validity: Duration) -> Self {
        self.validity = validity;
        self
    }

    /// Whether these records are enough for `subject` at `now`. A no says who approved, whose records do not count and why, and what to approve.
    pub fn judge(&self, approvals: &[Approval], subject: &Subject, now: Timestamp) -> Answer {
        let digest = subject_digest(subject);
        let mut counted: Vec<&Approval> = Vec::new();
        let mut others = Vec::new();
        for approval in approvals {
            // A name of another is not told: it may be anything.
            let is_asked = match &self.among {
                Some(among) => among.contains(&approval.by),
                None => check_name(&approval.by).is_ok(),
            };
            if !is_asked || counted.iter().any(|known| known.by == approval.by) {
                continue;
            }
            let why_not = if self.except.contains(&approval.by) {
                "may not approve this one".to_owned()
            } else if approval.subject != digest {
                "approved of something else".to_owned()
            } else if approval.at > now + SKEW {
                format!("approved at {}, which is in the future", approval.at)
            } else if now.since(approval.at) >= self.validity {
                format!("approved at {}, longer than {} ago", approval.at, told(self.validity))
            } else {
                counted.push(approval);
                continue;
            };
            others.push((approval.by.as_str(), why_not));
        }
        let by = |approval: &&Approval| match &approval.note {
            Some(note) => format!("{} at {} ({})", approval.by, approval.at, note.escape_debug()),
            None => format!("{} at {}", approval.by, approval.at),
        };
        let by: Vec<String> = counted.iter().map(by).collect();
        if counted.len() >= self.need {
            return Answer::Yes { grounds: format!("approved by {}: {digest}", by.join(", ")) };
        }
        let mut why = vec![if by.is_empty() {
            format!("nobody approved; {self} must")
        } else {
            format!("{} of {} approved: {}; {self} must", by.len(), self.need, by.join(", "))
        }];
        others.retain(|(name, _)| !counted.iter().any(|approval| approval.by == *name));
        others.sort_unstable();
        others.dedup();
        why.extend(others.iter().map(|(name, other)| format!("{name} {other}")));
        Answer::No { why: format!("{} (the subject is {digest})", why.join("; ")) }
    }
}

fn told(duration: Duration) -> String {
    match duration.as_secs() {
        seconds if seconds % 3600 == 0 => format!("{} h", seconds / 3600),
        seconds if seconds % 60 == 0 => format!("{} min", seconds / 60),
        seconds => format!("{seconds} s"),
    }
}

/// As in `2 of ann, bob, eve`.
impl fmt::Display for Approvers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.among {
            None => f.write_str("anyone")?,
            Some(among) => write!(f, "{} of {}", self.need, among.join(", "))?,
        }
        if self.except.is_empty() { Ok(()) } else { write!(f, " except {}", self.except.join(", ")) }
    }
}
