//! How often, how fast, how many failed, how soon mended: DORA's figures, read from records.
//!
//! The definitions are those of DORA's software delivery metrics (<https://dora.dev/guides/dora-metrics/>), as far as records can tell them.
//! What they cannot tell is `None`, and never 0.
//!
//! | figure | here |
//! | --- | --- |
//! | deployment frequency | [deployments](Figures::deployments): changes that landed in the period; [a day](Figures::per_day) |
//! | change lead time | from the fact [`committed`](fact::COMMITTED), without it [`built`](fact::BUILT), to the record of the change that landed. DORA takes every commit of a change; a record knows one, the newest. |
//! | change fail rate | [failed](Figures::failed) changes among those that landed or were undone |
//! | failed deployment recovery time | [to restore](Figures::time_to_restore): of an `undo`, from its fact [`failed`](fact::FAILED) to its record; of a `rollback`, from its fact `failed`, without it from the change it took back, to its record |
//!
//! A change is what one record tells: [`promote`](action::PROMOTE) and [`deploy`](action::DEPLOY) landed; [`undo`](action::UNDO) failed and was
//! taken back by itself; [`fail`](action::FAIL) failed and was not, or by a later `undo` of the same run. A [`rollback`](action::ROLLBACK) makes the last change that landed there a failed one, once, and is no change itself.
//! Other actions change nothing. Changes count in the period in which they were recorded, recoveries in that in which they ended. A record
//! that [repeats](AuditRecord::repeats) another is left out. What was mended by a further change is no recovery here: no record says that it was.
//!
//! ```
//! use deploy_core::audit::figures::{Period, by_environment};
//! use deploy_core::audit::{AuditRecord, action, fact};
//!
//! let record = |at: &str, action| {
//!     Ok::<_, deploy_core::error::Error>(AuditRecord::new(at.parse()?, "ci", action, "shop").in_environment("production"))
//! };
//! let records = [
//!     record("2026-11-02T12:00:00Z", action::PROMOTE)?.fact(fact::COMMITTED, "2026-11-02T10:00:00Z"),
//!     record("2026-11-03T12:00:00Z", action::UNDO)?.fact(fact::FAILED, "2026-11-03T11:58:00Z"),
//! ];
//! let week = Period::new("2026-11-02T00:00:00Z".parse()?, "2026-11-09T00:00:00Z".parse()?);
//! let figures = by_environment(&records, week);
//! assert_eq!((figures[0].deployments, figures[0].failed), (1, 1));
//! assert_eq!(figures[0].failure_rate, Some(0.5));
//! assert_eq!(figures[0].lead_time.as_ref().map(|time| time.median.as_secs()), Some(7200));
//! assert_eq!(figures[0].time_to_restore.as_ref().map(|time| time.median.as_secs()), Some(120));
//! # Ok::<(), deploy_core::error::Error>(())
//! ```

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use serde::{Serialize, Serializer};

use super::{AuditRecord, action, fact};
use crate::clock::Timestamp;

/// A time, from a moment on and up to another, which is not in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Period {
    /// From.
    pub from: Timestamp,
    /// To.
    pub to: Timestamp,
}

impl Period {
    /// From `from` up to `to`.
    pub fn new(from: Timestamp, to: Timestamp) -> Self {
        Self { from, to }
    }

    /// Whether `at` is in it.
    pub fn holds(self, at: Timestamp) -> bool {
        self.from <= at && at < self.to
    }
}

/// The figures of one subject, or of all subjects of an environment, over a period.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Figures {
    /// The subject; `None` if they are of all.
    pub subject: Option<String>,
    /// The environment, if the records name one.
    pub environment: Option<String>,
    /// Over which time.
    pub period: Period,
    /// How many changes landed, those that were found bad later among them.
    pub deployments: u64,
    /// How many of these a day; `None` in a period without any time.
    pub per_day: Option<f64>,
    /// How many changes failed: undone, or landed and taken back later.
    pub failed: u64,
    /// The share of all changes that failed, from 0 to 1; `None` without changes.
    pub failure_rate: Option<f64>,
    /// How long a commit took to land; `None` if no record tells it.
    pub lead_time: Option<Times>,
    /// How long a failure lasted; `None` if no record tells it.
    pub time_to_restore: Option<Times>,
}

/// What several times come to. Serialized in seconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Times {
    /// Of how many changes it could be told.
    pub count: u64,
    /// Half of them took no longer; of an even number, the mean of the two in the middle.
    #[serde(serialize_with = "seconds")]
    pub median: Duration,
    /// None took longer.
    #[serde(serialize_with = "seconds")]
    pub longest: Duration,
}

/// The figures of each subject in each environment, in their order.
pub fn by_subject(records: &[AuditRecord], period: Period) -> Vec<Figures> {
    let all = deeds(records).into_iter();
    all.map(|((subject, environment), deeds)| {
        deeds.figures(Some(subject.to_owned()), environment.map(str::to_owned), period)
    })
    .collect()
}

/// The figures of each environment, all subjects together, in their order.
pub fn by_environment(records: &[AuditRecord], period: Period) -> Vec<Figures> {
    let mut all: BTreeMap<Option<&str>, Deeds> = BTreeMap::new();
    for ((_, environment), deeds) in deeds(records) {
        let joined = all.entry(environment).or_default();
        joined.changes.extend(deeds.changes);
        joined.restored.extend(deeds.restored);
    }
    all.into_iter()
        .map(|(environment, deeds)| deeds.figures(None, environment.map(str::to_owned), period))
        .collect()
}

/// What was done to one subject in one environment.
#[derive(Default)]
struct Deeds {
    changes: Vec<Change>,
    /// Each recovery: when it ended, and how long it took.
    restored: Vec<(Timestamp, Duration)>,
}

struct Change {
    at: Timestamp,
    run: Option<String>,
    landed: bool,
    failed: bool,
    lead: Option<Duration>,
}

fn deeds(records: &[AuditRecord]) -> BTreeMap<(&str, Option<&str>), Deeds> {
    let mut records: Vec<&AuditRecord> = records.iter().collect();
    records.sort_by_key(|record| record.at);
    let mut seen = HashSet::new();
    let mut all: BTreeMap<_, Deeds> = BTreeMap::new();
    for record in records {
        if record.deed().is_none_or(|deed| seen.insert(deed)) {
            let place = (record.subject.as_str(), record.environment.as_deref());
            all.entry(place).or_default().add(record);
        }
    }
    all
}

impl Deeds {
    fn add(&mut self, record: &AuditRecord) {
        let (at, run) = (record.at, record.fact_of(fact::RUN).map(str::to_owned));
        let began = match record.action.as_str() {
            action::PROMOTE | action::DEPLOY => {
                let lead = since(record, fact::COMMITTED).or_else(|| since(record, fact::BUILT));
                self.changes.push(Change { at, run, landed: true, failed: false, lead });
                return;
            }
            action::FAIL => {
                self.changes.push(Change { at, run, landed: false, failed: true, lead: None });
                return;
            }
            action::UNDO => {
                // The same change may have been left at first.
                let known = |change: &Change| change.failed && change.run.is_some() && change.run == run;
                if !self.changes.iter().any(known) {
                    self.changes.push(Change { at, run, landed: false, failed: true, lead: None });
                }
                None
            }
            action::ROLLBACK => {
                // The next one goes back further, and tells of the change before.
                let last = self.changes.iter_mut().rev().find(|change| change.landed && !change.failed);
                last.map(|change| {
                    change.failed = true;
                    at.since(change.at)
                })
            }
            _ => return,
        };
        self.restored.extend(since(record, fact::FAILED).or(began).map(|took| (at, took)));
    }

    fn figures(&self, subject: Option<String>, environment: Option<String>, period: Period) -> Figures {
        let changes: Vec<&Change> = self.changes.iter().filter(|change| period.holds(change.at)).collect();
        let count =
            |wanted: fn(&Change) -> bool| changes.iter().filter(|change| wanted(change)).count() as u64;
        let (deployments, failed) = (count(|change| change.landed), count(|change| change.failed));
        let days = period.to.since(period.from).as_secs_f64() / 86_400.0;
        let restored = self.restored.iter().filter(|(at, _)| period.holds(*at));
        Figures {
            subject,
            environment,
            period,
            deployments,
            per_day: ratio(deployments, days),
            failed,
            failure_rate: ratio(failed, float(changes.len() as u64)),
            lead_time: Times::of(changes.iter().filter_map(|change| change.lead).collect()),
            time_to_restore: Times::of(restored.map(|(_, took)| *took).collect()),
        }
    }
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Option<Self> {
        times.sort_unstable();
        let longest = *times.last()?;
        let (low, high) = (*times.get((times.len() - 1) / 2)?, *times.get(times.len() / 2)?);
        Some(Self { count: times.len() as u64, median: (low + high) / 2, longest })
    }
}

/// The time from the moment that a fact tells to the record; `None` where it cannot be: the fact is missing, no time, or later.
fn since(record: &AuditRecord, name: &str) -> Option<Duration> {
    let from: Timestamp = record.fact_of(name)?.parse().ok()?;
    (from <= record.at).then(|| record.at.since(from))
}

fn ratio(count: u64, of: f64) -> Option<f64> {
    (of > 0.0).then(|| float(count) / of)
}

#[expect(clippy::cast_precision_loss, reason = "counts of records are far below 2⁵²")]
fn float(count: u64) -> f64 {
    count as f64
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64(time.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `DAY HOUR ACTION [FACT=HOUR of the same day]`, one a line.
    fn records(text: &str) -> Vec<AuditRecord> {
        let time = |day: i64, hour: i64| Timestamp::from_unix_seconds(day * 86_400 + hour * 3600);
        let lines = text.lines().map(|line| {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |word: &str| word.parse().unwrap();
            let (day, hour) = (number(words[0]), number(words[1]));
            let mut record = AuditRecord::new(time(day, hour), "ci", words[2], "shop").in_environment("prod");
            for (name, value) in words[3..].iter().filter_map(|word| word.split_once('=')) {
                let value = match name {
                    fact::RUN => value.to_owned(),
                    _ => value.parse().map_or(value.to_owned(), |hour| time(day, hour).to_string()),
                };
                record = record.fact(name, value);
            }
            record
        });
        lines.collect()
    }

    /// The figures of days 10 to 20.
    fn shown(text: &str) -> String {
        let day = |day: i64| Timestamp::from_unix_seconds(day * 86_400);
        let all = by_subject(&records(text), Period::new(day(10), day(20)));
        let [figures] = all.as_slice() else { return format!("{} rows", all.len()) };
        let hours = |times: &Option<Times>| match times {
            Some(times) => format!(
                "{} in {}h, {}h at most",
                times.count,
                times.median.as_secs_f64() / 3600.0,
                times.longest.as_secs() / 3600
            ),
            None => "unknown".into(),
        };
        format!(
            "{} landed, {:?} a day; {} failed, {:?}; lead {}; restore {}",
            figures.deployments,
            figures.per_day.unwrap(),
            figures.failed,
            figures.failure_rate,
            hours(&figures.lead_time),
            hours(&figures.time_to_restore)
        )
    }

    #[test]
    fn figures_are_those_of_the_records() {
        let check = |text: &str, expect: &str| assert_eq!(shown(text), expect, "{text}");
        check("", "0 rows");
        check("11 5 refuse", "0 landed, 0.0 a day; 0 failed, None; lead unknown; restore unknown");
        check("9 5 promote", "0 landed, 0.0 a day; 0 failed, None; lead unknown; restore unknown");
        check("20 0 promote", "0 landed, 0.0 a day; 0 failed, None; lead unknown; restore unknown");
        check("10 0 promote", "1 landed, 0.1 a day; 0 failed, Some(0.0); lead unknown; restore unknown");
        check(
            "11 5 promote committed=2 built=4\n12 5 deploy built=1\n13 5 promote committed=never",
            "3 landed, 0.3 a day; 0 failed, Some(0.0); lead 2 in 3.5h, 4h at most; restore unknown",
        );
        check(
            "11 5 promote committed=6",
            "1 landed, 0.1 a day; 0 failed, Some(0.0); lead unknown; restore unknown",
        );
        check(
            "11 5 promote\n12 5 undo committed=1\n13 5 undo failed=3\n14 5 promote",
            "2 landed, 0.2 a day; 2 failed, Some(0.5); lead unknown; restore 1 in 2h, 2h at most",
        );
        check(
            "11 1 promote\n11 4 rollback",
            "1 landed, 0.1 a day; 1 failed, Some(1.0); lead unknown; restore 1 in 3h, 3h at most",
        );
        check(
            "11 1 promote\n11 2 promote\n11 6 rollback failed=5\n11 7 rollback\n11 8 rollback",
            "2 landed, 0.2 a day; 2 failed, Some(1.0); lead unknown; restore 2 in 3.5h, 6h at most",
        );
        check(
            "9 1 promote\n10 1 rollback",
            "0 landed, 0.0 a day; 0 failed, None; lead unknown; restore 1 in 24h, 24h at most",
        );
        check(
            "12 1 promote run=a\n11 1 promote run=a\n13 1 promote run=b",
            "2 landed, 0.2 a day; 0 failed, Some(0.0); lead unknown; restore unknown",
        );
    }

    #[test]
    fn subjects_and_environments_stand_apart() {
        let mut all = records("11 1 promote\n11 2 promote\n11 4 rollback\n11 5 promote");
        all[1].subject = "mail".into();
        all[3].environment = None;
        let period = Period::new(Timestamp::UNIX_EPOCH, Timestamp::from_unix_seconds(86_400 * 20));
        let rows = |figures: Vec<Figures>| -> Vec<(Option<String>, Option<String>, u64, u64)> {
            let row = |row: Figures| (row.subject, row.environment, row.deployments, row.failed);
            figures.into_iter().map(row).collect()
        };
        let (shop, mail, prod) = (Some("shop".into()), Some("mail".into()), Some("prod".into()));
        assert_eq!(
            rows(by_subject(&all, period)),
            [(mail, prod.clone(), 1, 0), (shop.clone(), None, 1, 0), (shop, prod.clone(), 1, 1)]
        );
        assert_eq!(rows(by_environment(&all, period)), [(None, None, 1, 0), (None, prod, 2, 1)]);
        let never = Period::new(period.to, period.to);
        assert_eq!(by_environment(&all, never)[0].per_day, None);
    }

    #[test]
    fn times_are_written_in_seconds() {
        let times = Times::of(vec![Duration::from_millis(1500), Duration::from_secs(4)]);
        let json = serde_json::to_value(times).unwrap();
        assert_eq!(json, serde_json::json!({"count": 2, "median": 2.75, "longest": 4.0}));
    }
}
