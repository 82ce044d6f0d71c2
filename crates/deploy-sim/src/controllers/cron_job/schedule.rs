//! Schedules as CronJobs write them: five fields, a name for some (`@daily`), or a duration (`@every 1h30m`). All times are UTC.

use jiff::civil::{Date, DateTime};
use jiff::tz::Offset;
use jiff::{SignedDuration, Timestamp, ToSpan};

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];
/// A schedule that never comes is not sought any further.
const FARTHEST_DAYS: usize = 5 * 366;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    At(Box<Fields>),
    Every(SignedDuration),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fields {
    minutes: Field,
    hours: Field,
    days: Field,
    months: Field,
    weekdays: Field,
}

/// The values of a field as bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Field {
    values: u64,
    /// Whether it is `*`: of the two fields for days, only the other one counts then.
    is_any: bool,
}

impl Schedule {
    /// Reads a schedule; `None` where it is none.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let fields = match text.trim() {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            text => match text.strip_prefix("@every ") {
                Some(text) => return duration(text.trim()).map(Self::Every),
                None => text,
            },
        };
        let fields: Vec<&str> = fields.split_whitespace().collect();
        let [minutes, hours, days, months, weekdays] = fields.as_slice() else { return None };
        Some(Self::At(Box::new(Fields {
            minutes: Field::parse(minutes, 0, 59, &[])?,
            hours: Field::parse(hours, 0, 23, &[])?,
            days: Field::parse(days, 1, 31, &[])?,
            months: Field::parse(months, 1, 12, &MONTHS)?,
            weekdays: Field::parse(weekdays, 0, 6, &DAYS)?,
        })))
    }

    /// The first moment of the schedule after another; `None` if it never comes.
    pub(super) fn next(&self, after: Timestamp) -> Option<Timestamp> {
        match self {
            Self::Every(duration) => {
                let whole = Timestamp::from_second(after.as_second()).ok()?;
                whole.checked_add(*duration).ok()
            }
            Self::At(fields) => fields.next(after),
        }
    }
}

impl Fields {
    fn next(&self, after: Timestamp) -> Option<Timestamp> {
        let from = Offset::UTC.to_datetime(after).checked_add(1.minute()).ok()?;
        let mut date = from.date();
        let mut earliest = (from.hour(), from.minute());
        for _ in 0..FARTHEST_DAYS {
            if self.is_on(date)
                && let Some((hour, minute)) = self.time_from(earliest)
            {
                let time = DateTime::from_parts(date, jiff::civil::Time::new(hour, minute, 0, 0).ok()?);
                return Offset::UTC.to_timestamp(time).ok();
            }
            date = date.tomorrow().ok()?;
            earliest = (0, 0);
        }
        None
    }

    fn is_on(&self, date: Date) -> bool {
        let weekday = self.weekdays.has(date.weekday().to_sunday_zero_offset());
        let day = self.days.has(date.day());
        let is_day = if self.days.is_any || self.weekdays.is_any { day && weekday } else { day || weekday };
        is_day && self.months.has(date.month())
    }

    fn time_from(&self, (hour, minute): (i8, i8)) -> Option<(i8, i8)> {
        (hour..24).filter(|at| self.hours.has(*at)).find_map(|at| {
            let first = if at == hour { minute } else { 0 };
            (first..60).find(|minute| self.minutes.has(*minute)).map(|minute| (at, minute))
        })
    }
}

impl Field {
    fn has(self, value: i8) -> bool {
        u32::try_from(value).is_ok_and(|value| self.values >> value & 1 == 1)
    }

    /// `*`, `5`, `mon-fri`, `*/15`, `5/10`, and lists of them.
    fn parse(text: &str, start: u32, end: u32, words: &[&str]) -> Option<Self> {
        let mut field = Self { values: 0, is_any: false };
        for part in text.split(',') {
            let (range, step) = match part.split_once('/') {
                Some((range, step)) => (range, Some(step.parse::<u32>().ok().filter(|step| *step > 0)?)),
                None => (part, None),
            };
            let value = |text: &str| {
                let index = words.iter().position(|word| word.eq_ignore_ascii_case(text));
                index
                    .and_then(|index| u32::try_from(index).ok())
                    .map_or_else(|| text.parse().ok(), |index| Some(index + start))
            };
            let (first, last) = match (range, range.split_once('-')) {
                ("*" | "?", _) => {
                    field.is_any |= step.unwrap_or(1) == 1;
                    (start, end)
                }
                (_, Some((first, last))) => (value(first)?, value(last)?),
                (single, None) => (value(single)?, if step.is_some() { end } else { value(single)? }),
            };
            if first < start || last > end || first > last {
                return None;
            }
            let step = usize::try_from(step.unwrap_or(1)).ok()?;
            field.values |= (first..=last).step_by(step).fold(0, |values, value| values | 1_u64 << value);
        }
        Some(field)
    }
}

/// A duration as Go writes it, in whole seconds: `1h30m`, `1.5h`; at least one second.
fn duration(text: &str) -> Option<SignedDuration> {
    let (mut rest, mut seconds) = (text, 0.0);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest.get(..end)?.parse().ok()?;
        rest = rest.get(end..)?;
        let units = [("ms", 0.001), ("h", 3600.0), ("m", 60.0), ("s", 1.0)];
        let (unit, factor) = units.into_iter().find(|(unit, _)| rest.starts_with(unit))?;
        seconds += number * factor;
        rest = rest.get(unit.len()..)?;
    }
    let duration = SignedDuration::try_from_secs_f64(seconds.floor().max(1.0)).ok()?;
    (!text.is_empty()).then_some(duration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_moment_of_a_schedule() {
        let check = |schedule: &str, after: &str, expect: &str| {
            let schedule = Schedule::parse(schedule).unwrap_or_else(|| panic!("{schedule}"));
            let next = schedule.next(after.parse().unwrap());
            assert_eq!(
                next.map(|next| next.to_string()).unwrap_or_default(),
                expect,
                "{schedule:?} after {after}"
            );
        };
        check("* * * * *", "2026-01-01T00:00:00Z", "2026-01-01T00:01:00Z");
        check("* * * * *", "2026-01-01T00:00:59.9Z", "2026-01-01T00:01:00Z");
        check("*/15 * * * *", "2026-01-01T00:46:00Z", "2026-01-01T01:00:00Z");
        check("5/20 * * * *", "2026-01-01T00:06:00Z", "2026-01-01T00:25:00Z");
        check("0 3 * * *", "2026-01-01T03:00:00Z", "2026-01-02T03:00:00Z");
        check("30 9-17/4 * * mon-fri", "2026-01-02T17:30:00Z", "2026-01-05T09:30:00Z");
        check("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z");
        check("0 0 31 2 *", "2026-01-01T00:00:00Z", "");
        // Friday or the 13th, as both are named.
        check("0 0 13 * FRI", "2026-01-01T12:00:00Z", "2026-01-02T00:00:00Z");
        check("0 0 13 * fri", "2026-01-09T12:00:00Z", "2026-01-13T00:00:00Z");
        check("0 0 1,15 Mar ?", "2026-01-01T00:00:00Z", "2026-03-01T00:00:00Z");
        check("@hourly", "2026-12-31T23:30:00Z", "2027-01-01T00:00:00Z");
        check("@weekly", "2026-01-01T00:00:00Z", "2026-01-04T00:00:00Z");
        check("@yearly", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z");
        check("@every 1h30m", "2026-01-01T00:00:00.5Z", "2026-01-01T01:30:00Z");
        check("@every 1.5m", "2026-01-01T00:00:00Z", "2026-01-01T00:01:30Z");
    }

    #[test]
    fn what_is_no_schedule() {
        for text in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 7",
            "*/0 * * * *",
            "5-1 * * * *",
            "a * * * *",
            "1-2-3 * * * *",
            "1/2/3 * * * *",
            "@never",
            "@every x",
            "@every ",
            "@every 5",
            ", * * * *",
        ] {
            assert_eq!(Schedule::parse(text), None, "{text}");
        }
    }
}
