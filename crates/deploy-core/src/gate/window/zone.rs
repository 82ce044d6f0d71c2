//! Time zones: a fixed offset, or one of the IANA database where that is built in.

use std::fmt;
use std::str::FromStr;

use jiff::civil::DateTime;
use jiff::tz::{Offset, TimeZone};

use crate::clock::Timestamp;
use crate::error::{Error, Result};

/// A time zone: `UTC`, a fixed offset as `+01:00`, or with the feature `tzdb` a name of the IANA database, as `Europe/Berlin`.
///
/// The database is the one built in, never the machine's: what a calendar says is the same everywhere. A fixed offset knows no summer time.
#[derive(Clone, PartialEq, Eq)]
pub struct Zone(TimeZone);

impl Zone {
    /// Coordinated universal time.
    pub fn utc() -> Self {
        Self(TimeZone::UTC)
    }

    /// A moment in this zone, for a person: `Fri 2026-11-20 13:00 +01:00`.
    pub fn tell(&self, time: Timestamp) -> String {
        let zoned = time.to_jiff().to_zoned(self.0.clone());
        zoned.strftime("%a %Y-%m-%d %H:%M %:z").to_string()
    }

    pub(super) fn civil(&self, time: Timestamp) -> DateTime {
        self.0.to_datetime(time.to_jiff())
    }

    /// When a clock on the wall shows this: the first time, where it does twice; so much later as it is put forward, where it never does.
    pub(super) fn moment(&self, civil: DateTime) -> Option<Timestamp> {
        self.0.to_timestamp(civil).ok().map(Timestamp::from_jiff)
    }

    #[cfg(feature = "tzdb")]
    fn named(name: &str) -> Result<Self> {
        let found = jiff::tz::TimeZoneDatabase::bundled().get(name);
        found.map(Self).map_err(|_| {
            Error::invalid(format!("there is no time zone \"{}\"", name.escape_default()))
                .help("as in Europe/Berlin, +01:00 or UTC")
        })
    }

    #[cfg(not(feature = "tzdb"))]
    fn named(name: &str) -> Result<Self> {
        let what = format!("\"{}\" is no time zone that is known here", name.escape_default());
        Err(Error::new(crate::error::ErrorKind::Unsupported, what)
            .help("UTC and +01:00 are; names as Europe/Berlin need the feature tzdb of deploy-core"))
    }
}

impl FromStr for Zone {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        if text == "UTC" || text == "Z" {
            return Ok(Self::utc());
        }
        if !text.starts_with(['+', '-']) {
            return Self::named(text);
        }
        let seconds = offset(text).ok_or_else(|| {
            Error::invalid(format!("\"{}\" is no offset from UTC", text.escape_default()))
                .help("as in +01:00 or -05:30")
        })?;
        let offset = Offset::from_seconds(seconds)
            .map_err(|source| Error::invalid(format!("no zone is {text} from UTC")).source(source))?;
        Ok(Self(TimeZone::fixed(offset)))
    }
}

/// `+HH:MM`, up to 18 hours, which is more than any zone has.
fn offset(text: &str) -> Option<i32> {
    let (sign, rest) = match text.split_at_checked(1)? {
        ("+", rest) => (1, rest),
        ("-", rest) => (-1, rest),
        _ => return None,
    };
    let minutes = i32::from(super::hours::minute_of_day(rest)?);
    (minutes <= 18 * 60).then_some(sign * minutes * 60)
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.iana_name() {
            Some(name) => f.write_str(name),
            None => {
                let seconds = self.0.to_offset(jiff::Timestamp::UNIX_EPOCH).seconds();
                let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
                write!(f, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
            }
        }
    }
}

impl fmt::Debug for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}
