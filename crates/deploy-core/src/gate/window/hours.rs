//! Hours of some days of the week, as text.

use std::fmt;
use std::str::FromStr;

use jiff::civil::{DateTime, Time, Weekday};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// The longest text of [`Hours`], in bytes.
pub const MAX_HOURS_LENGTH: usize = 64;

/// Minutes of a day.
const DAY: u16 = 24 * 60;

/// The days, from Monday.
const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Hours of some days of the week: `mon-thu 09:00-16:00`, `sat,sun 10:00-24:00`, `daily 22:00-02:00`.
///
/// The end is not in it. What ends before it begins goes on into the day after, which need not be named: `fri 22:00-02:00` ends on Saturday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Hours {
    /// From Monday.
    days: [bool; 7],
    /// Minutes of the day.
    from: u16,
    /// Up to 24:00 of the day after.
    to: u16,
}

impl Hours {
    /// Whether a clock on the wall shows a time of these.
    pub(super) fn contains(&self, civil: DateTime) -> bool {
        let minute =
            u16::try_from(i16::from(civil.hour()) * 60 + i16::from(civil.minute())).unwrap_or_default();
        let weekday = civil.weekday();
        let today = self.is_on(weekday) && minute >= self.from && minute < self.to;
        let yesterday = self.is_on(weekday.previous()) && minute + DAY < self.to;
        today || yesterday
    }

    /// When they begin on a day; `None` if not on that one.
    pub(super) fn begin(&self, day: DateTime) -> Option<DateTime> {
        let (hour, minute) = (i8::try_from(self.from / 60).ok()?, i8::try_from(self.from % 60).ok()?);
        let time = Time::new(hour, minute, 0, 0).ok()?;
        self.is_on(day.weekday()).then(|| day.date().to_datetime(time))
    }

    fn is_on(&self, day: Weekday) -> bool {
        let day = usize::try_from(day.to_monday_zero_offset()).unwrap_or_default();
        self.days.get(day).is_some_and(|on| *on)
    }
}

impl FromStr for Hours {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        read(text).map_err(|why| {
            let shown: String = text.chars().take(MAX_HOURS_LENGTH).collect();
            Error::invalid(format!("\"{}\" are no hours: {why}", shown.escape_default()))
                .help("as in mon-thu 09:00-16:00, sat,sun 10:00-24:00 or daily 22:00-02:00")
        })
    }
}

fn read(text: &str) -> Result<Hours, String> {
    if text.len() > MAX_HOURS_LENGTH {
        return Err(format!("they have more than {MAX_HOURS_LENGTH} bytes"));
    }
    let (days, times) = text.trim().split_once(' ').ok_or("days and times have a space between them")?;
    let (from, to) = times.trim().split_once('-').ok_or("from and to have a - between them")?;
    let minute = |text: &str| {
        minute_of_day(text)
            .filter(|minute| *minute <= DAY)
            .ok_or_else(|| format!("{text:?} is no time of a day"))
    };
    let (from, mut to) = (minute(from)?, minute(to)?);
    if from == DAY {
        return Err("24:00 is an end only".into());
    }
    if from == to {
        return Err("they end as they begin; a whole day is 00:00-24:00".into());
    }
    if to < from {
        to += DAY;
    }
    Ok(Hours { days: read_days(days)?, from, to })
}

fn read_days(text: &str) -> Result<[bool; 7], String> {
    if text == "daily" {
        return Ok([true; 7]);
    }
    let day = |name: &str| {
        DAYS.iter()
            .position(|day| *day == name)
            .ok_or_else(|| format!("{name:?} is no day, as mon, tue or daily"))
    };
    let mut days = [false; 7];
    for part in text.split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (first, last) = (day(first)?, day(last)?);
        // Over the end of the week: sat-mon.
        let count = (last + 7 - first) % 7;
        for step in 0..=count {
            if let Some(on) = days.get_mut((first + step) % 7) {
                *on = true;
            }
        }
    }
    Ok(days)
}

/// `HH:MM`, as minutes, up to 99:59.
pub(super) fn minute_of_day(text: &str) -> Option<u16> {
    let digits = |text: &str| {
        (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit()))
            .then(|| text.parse::<u16>().ok())?
    };
    let (hours, minutes) = text.split_once(':')?;
    let (hours, minutes) = (digits(hours)?, digits(minutes)?);
    (minutes < 60).then_some(hours * 60 + minutes)
}

impl fmt::Display for Hours {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.days == [true; 7] {
            f.write_str("daily")?;
        } else {
            let mut separator = "";
            let mut rest: &[bool] = &self.days;
            while let Some(skip) = rest.iter().position(|on| *on) {
                let first = DAYS.len() - rest.len() + skip;
                let count = rest.iter().skip(skip).take_while(|on| **on).count();
                let name = |day: usize| DAYS.get(day).copied().unwrap_or_default();
                write!(f, "{separator}{}", name(first))?;
                if count > 1 {
                    write!(f, "-{}", name(first + count - 1))?;
                }
                separator = ",";
                rest = rest.get(skip + count..).unwrap_or_default();
            }
        }
        let to = if self.to > DAY { self.to - DAY } else { self.to };
        write!(f, " {:02}:{:02}-{:02}:{:02}", self.from / 60, self.from % 60, to / 60, to % 60)
    }
}

impl TryFrom<String> for Hours {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Hours> for String {
    fn from(hours: Hours) -> Self {
        hours.to_string()
    }
}
