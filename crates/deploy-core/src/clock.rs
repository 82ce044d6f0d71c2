//! Time as a parameter: a [`Timestamp`], and the [`Clock`] that tells it.
//!
//! Nothing in this workspace asks the machine for the time but [`SystemClock`].
//!
//! ```
//! use deploy_core::clock::Timestamp;
//! use std::time::Duration;
//!
//! let start: Timestamp = "2026-11-21T07:53:25Z".parse()?;
//! let later = start + Duration::from_millis(1500);
//! assert_eq!(later.since(start), Duration::from_millis(1500));
//! assert_eq!(start.since(later), Duration::ZERO);
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

use std::fmt;
use std::ops::{Add, Sub};
use std::str::FromStr;
use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A moment, to the nanosecond; written as RFC 3339 in UTC.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(jiff::Timestamp);

impl Timestamp {
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self(jiff::Timestamp::UNIX_EPOCH);

    /// The time since `earlier`; zero if it is not earlier.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::try_from(self.0.duration_since(earlier.0)).unwrap_or_default()
    }

    /// Whole milliseconds since the Unix epoch.
    pub fn as_millis(self) -> i64 {
        self.0.as_millisecond()
    }

    /// The moment `seconds` after the Unix epoch; clamped to what can be told.
    pub fn from_unix_seconds(seconds: i64) -> Self {
        Self(jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::MAX))
    }

    pub(crate) fn to_jiff(self) -> jiff::Timestamp {
        self.0
    }

    pub(crate) fn from_jiff(time: jiff::Timestamp) -> Self {
        Self(time)
    }

    /// Whole seconds since the Unix epoch.
    pub(crate) fn as_unix_seconds(self) -> i64 {
        self.0.as_second()
    }

    /// Year, month, day, hour, minute and second in UTC; `None` for a day or an hour that there is not.
    pub(crate) fn from_utc([year, month, day, hour, minute, second]: [i16; 6]) -> Option<Self> {
        let small = |number: i16| i8::try_from(number).ok();
        let date = jiff::civil::Date::new(year, small(month)?, small(day)?).ok()?;
        let time = jiff::civil::Time::new(small(hour)?, small(minute)?, small(second)?, 0).ok()?;
        jiff::tz::Offset::UTC.to_timestamp(date.to_datetime(time)).ok().map(Self)
    }

    /// The same six numbers of this moment.
    pub(crate) fn to_utc(self) -> [i16; 6] {
        let civil = jiff::tz::Offset::UTC.to_datetime(self.0);
        let small = [civil.month(), civil.day(), civil.hour(), civil.minute(), civil.second()].map(i16::from);
        let [month, day, hour, minute, second] = small;
        [civil.year(), month, day, hour, minute, second]
    }
}

impl Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(duration).unwrap_or(jiff::Timestamp::MAX))
    }
}

impl Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration).unwrap_or(jiff::Timestamp::MIN))
    }
}

impl FromStr for Timestamp {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|source: jiff::Error| {
            Error::invalid(format!("\"{}\" is not an RFC 3339 timestamp", text.escape_default()))
                .source(source)
        })
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Tells the time and waits for it.
#[cfg_attr(feature = "mock", mockall::automock)]
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now; never runs backwards while the clock lives.
    fn now(&self) -> Timestamp;

    /// Returns after `duration`. Cancel safe.
    async fn sleep(&self, duration: Duration);

    /// Returns at `deadline`, at once if it is past. Cancel safe.
    async fn sleep_until(&self, deadline: Timestamp) {
        self.sleep(deadline.since(self.now())).await;
    }
}

/// The machine's clock: the wall clock's time at its creation (or another that is given), and tokio's monotonic clock since.
///
/// A wall clock that is set while a rollout runs does not disturb it, and under
/// `tokio::time::pause` it stands still like everything else.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    wall: Timestamp,
    started: tokio::time::Instant,
}

impl SystemClock {
    /// A clock that starts at the wall clock's time.
    #[expect(clippy::disallowed_methods, reason = "this is the one place that asks the machine")]
    pub fn new() -> Self {
        Self::starting_at(Timestamp(jiff::Timestamp::now()))
    }

    /// A clock that starts at this time: under paused time everything that it tells repeats exactly.
    pub fn starting_at(time: Timestamp) -> Self {
        Self { wall: time, started: tokio::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> Self {
        Self::new()
    }
}

#[async_trait]
impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        self.wall + self.started.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn the_system_clock_follows_paused_time() {
        let clock = SystemClock::new();
        let start = clock.now();
        clock.sleep(Duration::from_secs(600)).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(600));
        clock.sleep_until(start).await;
        assert_eq!(clock.now().since(start), Duration::from_secs(600));
    }

    #[test]
    fn extremes_saturate() {
        let start = Timestamp::UNIX_EPOCH;
        assert_eq!((start + Duration::MAX).since(start + Duration::MAX), Duration::ZERO);
        assert!(start - Duration::MAX < start);
        assert!("yesterday".parse::<Timestamp>().is_err());
    }
}
