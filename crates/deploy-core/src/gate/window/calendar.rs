//! Hours and freezes together.

use std::fmt;

use jiff::ToSpan as _;

use super::{Hours, Zone};
use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// When deployments may be. Without hours it is always, but for the freezes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Calendar {
    zone: Zone,
    hours: Vec<Hours>,
    freezes: Vec<Freeze>,
}

/// A time in which nothing is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Freeze {
    from: Timestamp,
    to: Timestamp,
    why: String,
}

/// What a [`Calendar`] says of a moment.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Opening {
    /// A deployment may be.
    Open {
        /// By which hours.
        grounds: String,
    },
    /// It may not.
    Closed {
        /// Why.
        why: String,
        /// When it may be next; `None` for never.
        opens: Option<Timestamp>,
    },
}

impl Freeze {
    /// From one moment to another, which is not in it.
    ///
    /// # Errors
    /// [`InvalidInput`](crate::error::ErrorKind::InvalidInput) if it does not end after it begins.
    pub fn new(from: Timestamp, to: Timestamp, why: impl Into<String>) -> Result<Self> {
        if to <= from {
            return Err(Error::invalid(format!("a freeze from {from} to {to} ends before it begins")));
        }
        Ok(Self { from, to, why: why.into() })
    }
}

impl Calendar {
    /// Always, in this time zone.
    pub fn new(zone: Zone) -> Self {
        Self { zone, hours: Vec::new(), freezes: Vec::new() }
    }

    /// Within these hours, too. The first that are named make all others closed.
    #[must_use]
    pub fn open(mut self, hours: Hours) -> Self {
        self.hours.push(hours);
        self
    }

    /// Not in this time.
    #[must_use]
    pub fn freeze(mut self, freeze: Freeze) -> Self {
        self.freezes.push(freeze);
        self
    }

    /// The time zone.
    pub fn zone(&self) -> &Zone {
        &self.zone
    }

    /// Whether a deployment may be at `now`, and if not, when it may.
    pub fn at(&self, now: Timestamp) -> Opening {
        let told = self.zone.tell(now);
        let why = match (self.frozen(now), self.within(now)) {
            (Some(freeze), _) => {
                format!("frozen until {}: {}", self.zone.tell(freeze.to), freeze.why)
            }
            (None, Some(_)) => format!("{told} is outside of {}", self.told_hours()),
            (None, None) if self.hours.is_empty() => {
                return Opening::Open { grounds: format!("{told} is in no freeze") };
            }
            (None, None) => return Opening::Open { grounds: format!("{told} is in {}", self.told_hours()) },
        };
        Opening::Closed { why, opens: self.opens(now) }
    }

    /// The same in one word.
    #[cfg(test)]
    pub(super) fn is_open(&self, time: Timestamp) -> bool {
        self.frozen(time).is_none() && self.within(time).is_none()
    }

    /// The freeze at a moment that ends last.
    fn frozen(&self, time: Timestamp) -> Option<&Freeze> {
        let at = self.freezes.iter().filter(|freeze| freeze.from <= time && time < freeze.to);
        at.max_by_key(|freeze| freeze.to)
    }

    /// `None` if a moment is within the hours; else the day that it is.
    fn within(&self, time: Timestamp) -> Option<jiff::civil::DateTime> {
        let civil = self.zone.civil(time);
        let is_in = self.hours.is_empty() || self.hours.iter().any(|hours| hours.contains(civil));
        (!is_in).then_some(civil)
    }

    /// Each turn goes past a freeze, so there are no more turns than those.
    fn opens(&self, now: Timestamp) -> Option<Timestamp> {
        let mut time = now;
        for _ in 0..=self.freezes.len() {
            time = self.next_hours(time)?;
            match self.frozen(time) {
                None => return Some(time),
                Some(freeze) => time = freeze.to,
            }
        }
        None
    }

    /// The next moment within the hours: all of them begin within a week; a day more, for a clock that is put forward.
    fn next_hours(&self, time: Timestamp) -> Option<Timestamp> {
        let Some(civil) = self.within(time) else { return Some(time) };
        let days = (0_i64..=8).filter_map(|days| civil.checked_add(days.days()).ok());
        let begins = days.flat_map(|day| self.hours.iter().filter_map(move |hours| hours.begin(day)));
        begins.filter_map(|begin| self.zone.moment(begin)).filter(|begin| *begin > time).min()
    }

    fn told_hours(&self) -> String {
        self.hours.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
    }
}

impl fmt::Display for Calendar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = if self.hours.is_empty() { "always".to_owned() } else { self.told_hours() };
        write!(f, "{hours} ({})", self.zone)?;
        match self.freezes.len() {
            0 => Ok(()),
            1 => f.write_str(", but in 1 freeze"),
            count => write!(f, ", but in {count} freezes"),
        }
    }
}
