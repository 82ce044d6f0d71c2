//! When a deployment may be: hours of the week in a time zone, and freezes.
//!
//! [`Calendar`] decides, purely; [`TimeWindow`] is the gate around it.
//!
//! ```
//! use deploy_core::gate::window::{Calendar, Freeze, Opening};
//!
//! let calendar = Calendar::new("+01:00".parse()?)
//!     .open("mon-thu 09:00-16:00".parse()?)
//!     .open("fri 09:00-12:00".parse()?)
//!     .freeze(Freeze::new("2026-12-18T00:00:00+01:00".parse()?, "2027-01-04T00:00:00+01:00".parse()?, "holidays")?);
//! // A Friday afternoon.
//! let Opening::Closed { why, opens } = calendar.at("2026-11-20T13:00:00+01:00".parse()?) else { panic!() };
//! assert_eq!(why, "Fri 2026-11-20 13:00 +01:00 is outside of mon-thu 09:00-16:00, fri 09:00-12:00");
//! assert_eq!(opens, Some("2026-11-23T09:00:00+01:00".parse()?));
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

mod calendar;
mod hours;
#[cfg(test)]
mod tests;
mod zone;

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::clock::Clock;
use crate::error::Result;
use crate::guard::{Answer, Gate, Subject};

pub use calendar::{Calendar, Freeze, Opening};
pub use hours::{Hours, MAX_HOURS_LENGTH};
pub use zone::Zone;

/// Says no outside the hours of a [`Calendar`], and while there is a freeze; the no says when it opens next.
///
/// ```
/// use std::sync::Arc;
/// use deploy_core::clock::SystemClock;
/// use deploy_core::gate::window::{Calendar, TimeWindow, Zone};
/// use deploy_core::guard::{Gate, Subject};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// let calendar = Calendar::new(Zone::utc()).open("mon-fri 08:00-17:00".parse()?);
/// let saturday = SystemClock::starting_at("2026-11-21T10:00:00Z".parse()?);
/// assert!(!TimeWindow::new(calendar, Arc::new(saturday)).ask(&Subject::new("production")).await?.is_yes());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
#[derive(Clone)]
pub struct TimeWindow {
    calendar: Calendar,
    clock: Arc<dyn Clock>,
}

impl TimeWindow {
    /// By this calendar and this clock.
    pub fn new(calendar: Calendar, clock: Arc<dyn Clock>) -> Self {
        Self { calendar, clock }
    }
}

#[async_trait]
impl Gate for TimeWindow {
    fn describe(&self) -> String {
        format!("time window {}", self.calendar)
    }

    async fn ask(&self, _subject: &Subject) -> Result<Answer> {
        Ok(match self.calendar.at(self.clock.now()) {
            Opening::Open { grounds } => Answer::Yes { grounds },
            Opening::Closed { why, opens: Some(opens) } => {
                Answer::No { why: format!("{why}; it opens at {}", self.calendar.zone().tell(opens)) }
            }
            Opening::Closed { why, opens: None } => Answer::No { why: format!("{why}; it never opens") },
        })
    }
}

impl fmt::Debug for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimeWindow").field("calendar", &self.calendar).finish_non_exhaustive()
    }
}
