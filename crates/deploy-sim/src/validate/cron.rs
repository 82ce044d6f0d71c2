//! Schedules of CronJobs: five fields or a descriptor, as the server's parser takes them.

use super::at::At;
use crate::status::Cause;

const FIELDS: [(i64, i64, &[&str]); 5] = [
    (0, 59, &[]),
    (0, 23, &[]),
    (1, 31, &[]),
    (1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    (0, 6, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];
const DESCRIPTORS: [&str; 7] =
    ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

pub(super) fn check(schedule: &At<'_>, out: &mut Vec<Cause>) {
    if schedule.text().is_empty() {
        out.push(schedule.required(""));
        return;
    }
    if let Err(why) = parse(schedule.text()) {
        out.push(schedule.invalid(&why));
    }
    if schedule.text().contains("TZ") {
        out.push(schedule.invalid("cannot use TZ or CRON_TZ in schedule, use timeZone field instead"));
    }
}

fn parse(schedule: &str) -> Result<(), String> {
    let zoned = schedule.strip_prefix("TZ=").or_else(|| schedule.strip_prefix("CRON_TZ="));
    let schedule = zoned.map_or(schedule, |rest| rest.split_once(' ').map_or("", |(_, rest)| rest.trim()));
    if schedule.starts_with('@') {
        return descriptor(schedule);
    }
    let fields: Vec<&str> = schedule.split_whitespace().collect();
    if fields.len() != FIELDS.len() {
        return Err(format!("expected exactly 5 fields, found {}: [{}]", fields.len(), fields.join(" ")));
    }
    for (field, (least, most, names)) in fields.iter().zip(FIELDS) {
        for part in field.split(',').filter(|part| !part.is_empty()) {
            range(part, least, most, names)?;
        }
    }
    Ok(())
}

fn descriptor(text: &str) -> Result<(), String> {
    if let Some(duration) = text.strip_prefix("@every ") {
        let starts = duration.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        let units = duration.ends_with(['h', 'm', 's']);
        let wrong = || format!("failed to parse duration {text}: time: invalid duration \"{duration}\"");
        return if starts && units { Ok(()) } else { Err(wrong()) };
    }
    if DESCRIPTORS.contains(&text) { Ok(()) } else { Err(format!("unrecognized descriptor: {text}")) }
}

/// `*`, `5`, `1-5`, `*/2`, `1-5/2`, `5/2`
fn range(text: &str, least: i64, most: i64, names: &[&str]) -> Result<(), String> {
    let parts: Vec<&str> = text.split('/').collect();
    let bounds: Vec<&str> = parts.first().map(|bounds| bounds.split('-').collect()).unwrap_or_default();
    let value = |text: &str| match names.iter().position(|name| name.eq_ignore_ascii_case(text)) {
        Some(index) => Ok(i64::try_from(index).unwrap_or_default() + least),
        None => number(text),
    };
    let (start, mut end) = match bounds.as_slice() {
        ["*" | "?", ..] => (least, most),
        [single] => {
            let start = value(single)?;
            (start, start)
        }
        [start, end] => (value(start)?, value(end)?),
        _ => return Err(format!("too many hyphens: {text}")),
    };
    let step = match parts.as_slice() {
        [_] => 1,
        [_, step] => {
            if bounds.len() == 1 {
                end = most;
            }
            number(step)?
        }
        _ => return Err(format!("too many slashes: {text}")),
    };
    if start < least {
        Err(format!("beginning of range ({start}) below minimum ({least}): {text}"))
    } else if end > most {
        Err(format!("end of range ({end}) above maximum ({most}): {text}"))
    } else if start > end {
        Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"))
    } else if step == 0 {
        Err(format!("step of range should be a positive number: {text}"))
    } else {
        Ok(())
    }
}

fn number(text: &str) -> Result<i64, String> {
    let number: i64 = text.parse().map_err(|_| {
        format!("failed to parse int from {text}: strconv.Atoi: parsing \"{text}\": invalid syntax")
    })?;
    if number < 0 { Err(format!("negative number ({number}) not allowed: {text}")) } else { Ok(number) }
}
