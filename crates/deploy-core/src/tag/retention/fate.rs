//! Whether a tag stays or can go, and by which rule.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::text::shown;
use crate::image::Tag;

/// Whether a tag stays or can go, and by which rule: the first of this list that holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// Stays: it runs.
    Runs {
        /// Where.
        workload: Arc<str>,
    },
    /// Stays: a way back needs it.
    Needed {
        /// Where.
        namespace: Arc<str>,
    },
    /// Stays: no scheme of the policy reads it.
    Unread,
    /// Stays: its time is in the future. It takes no other's place among the last ones.
    Future,
    /// Stays: it lacks the field that decides.
    Unordered,
    /// Stays: the policy keeps all that are written so.
    All,
    /// Stays: it is among the newest of its branch.
    Last {
        /// Its place among them, the newest is 1.
        place: usize,
    },
    /// Stays: it is younger than the policy asks.
    Younger {
        /// How old it is.
        age: Duration,
    },
    /// Stays: another tag that stays is the same image.
    Shared {
        /// That tag.
        with: Tag,
    },
    /// Can go.
    Expired {
        /// Its place among those of its branch, the newest is 1, where `last` counts them.
        place: Option<usize>,
        /// How old it is, where `younger` asks.
        age: Option<Duration>,
    },
}

impl Fate {
    /// Whether the tag stays.
    pub fn stays(&self) -> bool {
        !matches!(self, Self::Expired { .. })
    }

    /// The rule in one word, as JSON has it.
    pub fn rule(&self) -> &'static str {
        match self {
            Self::Runs { .. } => "runs",
            Self::Needed { .. } => "needed",
            Self::Unread => "unread",
            Self::Future => "future",
            Self::Unordered => "unordered",
            Self::All => "all",
            Self::Last { .. } => "last",
            Self::Younger { .. } => "younger",
            Self::Shared { .. } => "shared",
            Self::Expired { .. } => "expired",
        }
    }
}

fn days(age: Duration) -> String {
    const HOUR: u64 = 3600;
    // Whole days, and hours below two of them.
    let hours = age.as_secs() / HOUR;
    shown(Duration::from_secs(HOUR * if hours < 48 { hours } else { hours / 24 * 24 }))
}

/// Why, as a part of a sentence.
impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Runs { workload } => write!(f, "it runs in {workload}"),
            Self::Needed { namespace } => write!(f, "a way back in {namespace} needs it"),
            Self::Unread => f.write_str("no scheme of the policy reads it"),
            Self::Future => f.write_str("its time is in the future"),
            Self::Unordered => f.write_str("it lacks the field that decides"),
            Self::All => f.write_str("all that are written so stay"),
            Self::Last { place: 1 } => f.write_str("the newest of its branch"),
            Self::Last { place } => write!(f, "number {place} of its branch, the newest first"),
            Self::Younger { age } | Self::Expired { place: None, age: Some(age) } => {
                write!(f, "{} old", days(*age))
            }
            Self::Shared { with } => write!(f, "{with} stays, and is the same image"),
            Self::Expired { place: Some(place), age: Some(age) } => {
                write!(f, "number {place} of its branch, the newest first, and {} old", days(*age))
            }
            Self::Expired { place: Some(place), age: None } => {
                write!(f, "number {place} of its branch, the newest first")
            }
            Self::Expired { place: None, age: None } => f.write_str("no rule keeps it"),
        }
    }
}
