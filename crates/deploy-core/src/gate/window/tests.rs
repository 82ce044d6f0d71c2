use proptest::prelude::*;

use super::*;
use crate::clock::{SystemClock, Timestamp};

fn time(text: &str) -> Timestamp {
    text.parse().unwrap()
}

fn calendar(zone: &str, hours: &[&str], freezes: &[(&str, &str)]) -> Calendar {
    let calendar = Calendar::new(zone.parse().unwrap());
    let calendar = hours.iter().fold(calendar, |calendar, hours| calendar.open(hours.parse().unwrap()));
    freezes.iter().fold(calendar, |calendar, (from, to)| {
        calendar.freeze(Freeze::new(time(from), time(to), "holidays").unwrap())
    })
}

#[test]
fn hours_are_read_and_told() {
    let check = |text: &str, expect: &str| {
        let told =
            text.parse::<Hours>().map_or_else(|error| error.message().to_owned(), |hours| hours.to_string());
        assert_eq!(told, expect, "{text}");
    };
    check("mon-thu 09:00-16:00", "mon-thu 09:00-16:00");
    check(" mon,tue,wed  09:00-16:00 ", "mon-wed 09:00-16:00");
    check("sun,mon 00:00-24:00", "mon,sun 00:00-24:00");
    check("sat-mon 10:00-11:30", "mon,sat-sun 10:00-11:30");
    check("mon-sun 22:00-02:00", "daily 22:00-02:00");
    check("daily 00:00-24:00", "daily 00:00-24:00");
    check("", "\"\" are no hours: days and times have a space between them");
    check("mon 9:00-16:00", "\"mon 9:00-16:00\" are no hours: \"9:00\" is no time of a day");
    check("mon 09:00-25:00", "\"mon 09:00-25:00\" are no hours: \"25:00\" is no time of a day");
    check("mon 09:60-10:00", "\"mon 09:60-10:00\" are no hours: \"09:60\" is no time of a day");
    check("mon +9:00-10:00", "\"mon +9:00-10:00\" are no hours: \"+9:00\" is no time of a day");
    check("mon 24:00-01:00", "\"mon 24:00-01:00\" are no hours: 24:00 is an end only");
    check(
        "mon 09:00-09:00",
        "\"mon 09:00-09:00\" are no hours: they end as they begin; a whole day is 00:00-24:00",
    );
    check(
        "monday 09:00-10:00",
        "\"monday 09:00-10:00\" are no hours: \"monday\" is no day, as mon, tue or daily",
    );
    check("mon- 09:00-10:00", "\"mon- 09:00-10:00\" are no hours: \"\" is no day, as mon, tue or daily");
    check("mon 09:00", "\"mon 09:00\" are no hours: from and to have a - between them");
}

#[test]
fn zones_are_read_and_told() {
    let check = |text: &str, expect: Option<&str>| {
        let told = text.parse::<Zone>().ok().map(|zone| zone.to_string());
        assert_eq!(told.as_deref(), expect, "{text}");
    };
    check("UTC", Some("UTC"));
    check("Z", Some("UTC"));
    check("+01:00", Some("+01:00"));
    check("-05:30", Some("-05:30"));
    check("+18:01", None);
    check("+1:00", None);
    check("+é:00", None);
    check("", None);
    check("Middle/Earth", None);
    check("../../etc/passwd", None);
    check("Europe/Berlin", cfg!(feature = "tzdb").then_some("Europe/Berlin"));
}

#[test]
fn says_whether_and_when_it_opens() {
    let check = |calendar: &Calendar, now: &str, opens: Option<&str>| {
        let (is_open, found) = match calendar.at(time(now)) {
            Opening::Open { .. } => (true, Some(time(now))),
            Opening::Closed { opens, .. } => (false, opens),
        };
        assert_eq!(found, opens.map(time), "{now}");
        assert_eq!(is_open, opens == Some(now), "{now}");
    };
    let week = calendar("UTC", &["mon-thu 09:00-16:00", "fri 09:00-12:00"], &[]);
    check(&week, "2026-11-16T09:00:00Z", Some("2026-11-16T09:00:00Z"));
    check(&week, "2026-11-16T08:59:59Z", Some("2026-11-16T09:00:00Z"));
    check(&week, "2026-11-16T16:00:00Z", Some("2026-11-17T09:00:00Z"));
    check(&week, "2026-11-20T12:00:00Z", Some("2026-11-23T09:00:00Z"));
    // Over midnight, and over the end of the week.
    let night = calendar("UTC", &["sun 22:00-02:00"], &[]);
    check(&night, "2026-11-23T01:59:59Z", Some("2026-11-23T01:59:59Z"));
    check(&night, "2026-11-23T02:00:00Z", Some("2026-11-29T22:00:00Z"));
    // Another zone's Monday.
    let sydney = calendar("+11:00", &["mon 09:00-10:00"], &[]);
    check(&sydney, "2026-11-22T22:30:00Z", Some("2026-11-22T22:30:00Z"));
    check(&sydney, "2026-11-23T09:30:00Z", Some("2026-11-29T22:00:00Z"));
    // Freezes, one behind the other, and into the night.
    let frozen =
        [("2026-12-18T00:00:00Z", "2026-12-28T00:00:00Z"), ("2026-12-27T00:00:00Z", "2027-01-04T10:00:00Z")];
    let holidays = calendar("UTC", &["mon-fri 09:00-16:00"], &frozen);
    check(&holidays, "2026-12-17T17:00:00Z", Some("2027-01-04T10:00:00Z"));
    check(&holidays, "2026-12-18T10:00:00Z", Some("2027-01-04T10:00:00Z"));
    let always = calendar("UTC", &[], &frozen);
    check(&always, "2026-12-17T23:00:00Z", Some("2026-12-17T23:00:00Z"));
    check(&always, "2026-12-18T00:00:00Z", Some("2027-01-04T10:00:00Z"));
    // Frozen for ever.
    let ever = calendar("UTC", &[], &[("2026-01-01T00:00:00Z", "9999-12-30T22:00:00Z")]);
    check(&ever, "2026-12-18T00:00:00Z", Some("9999-12-30T22:00:00Z"));
}

#[cfg(feature = "tzdb")]
#[test]
fn knows_summer_time() {
    let berlin = calendar("Europe/Berlin", &["daily 02:30-03:30"], &[]);
    let check = |now: &str, expect: &str| {
        let opens = match berlin.at(time(now)) {
            Opening::Open { .. } => time(now),
            Opening::Closed { opens, .. } => opens.unwrap(),
        };
        assert_eq!(opens, time(expect), "{now}");
    };
    check("2026-07-01T00:00:00Z", "2026-07-01T00:30:00Z");
    check("2026-12-01T00:00:00Z", "2026-12-01T01:30:00Z");
    // The night in which there is no 02:30: from 03:00 it is within.
    check("2026-03-29T01:00:00Z", "2026-03-29T01:00:00Z");
    // The night in which it is 02:30 twice.
    check("2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z");
    assert_eq!(berlin.to_string(), "daily 02:30-03:30 (Europe/Berlin)");
}

#[tokio::test]
async fn the_gate_says_when_it_opens() {
    let check = async |calendar: Calendar, expect: &str| {
        let clock = SystemClock::starting_at(time("2026-11-21T10:00:00Z"));
        let gate = TimeWindow::new(calendar, Arc::new(clock));
        let text = match gate.ask(&Subject::new("production")).await.unwrap() {
            Answer::Yes { grounds } => format!("yes: {grounds}"),
            Answer::No { why } => format!("no: {why}"),
        };
        assert_eq!(text, expect);
    };
    let workdays = ["mon-fri 09:00-16:00"];
    check(
        calendar("+01:00", &workdays, &[]),
        "no: Sat 2026-11-21 11:00 +01:00 is outside of mon-fri 09:00-16:00; it opens at Mon 2026-11-23 09:00 +01:00",
    )
    .await;
    check(
        calendar("UTC", &["daily 09:00-16:00"], &[("2026-11-21T00:00:00Z", "2026-11-24T12:00:00Z")]),
        "no: frozen until Tue 2026-11-24 12:00 +00:00: holidays; it opens at Tue 2026-11-24 12:00 +00:00",
    )
    .await;
    check(
        calendar("UTC", &["sat 09:00-16:00"], &[]),
        "yes: Sat 2026-11-21 10:00 +00:00 is in sat 09:00-16:00",
    )
    .await;
    check(calendar("UTC", &[], &[]), "yes: Sat 2026-11-21 10:00 +00:00 is in no freeze").await;
}

#[test]
fn a_freeze_ends_after_it_begins() {
    let moment = time("2026-11-21T10:00:00Z");
    assert!(Freeze::new(moment, moment, "").is_err());
}

proptest! {
    /// What it says opens is open, and nothing before that is, looked at minute by minute.
    #[test]
    fn opens_when_it_says(
        days in "(mon|tue|wed|thu|fri|sat|sun)(,(mon|tue|wed|thu|fri|sat|sun))?",
        from in 0u16..1440,
        length in 1u16..1439,
        now in 0i64..1_000_000,
        frozen in 0i64..2_000_000,
        zone in prop::sample::select(vec!["UTC", "+01:00", "-09:30"]),
    ) {
        let to = (from + length) % 1440;
        let hours = format!("{days} {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60);
        let parsed: Hours = hours.parse().unwrap();
        prop_assert_eq!(parsed.to_string().parse::<Hours>().unwrap(), parsed);
        let minute = |minutes: i64| Timestamp::from_unix_seconds(minutes * 60);
        let freeze = Freeze::new(minute(frozen / 60), minute(frozen / 60 + 600), "why").unwrap();
        let calendar = Calendar::new(zone.parse().unwrap()).open(parsed).freeze(freeze);
        let now = now / 60;
        let expect = (now..now + 21 * 1440).map(minute).find(|time| calendar.is_open(*time));
        let found = match calendar.at(minute(now)) {
            Opening::Open { .. } => Some(minute(now)),
            Opening::Closed { opens, .. } => opens,
        };
        prop_assert_eq!(found, expect);
    }

    #[test]
    fn no_text_upsets_it(text in "\\PC{0,80}") {
        let _ = text.parse::<Hours>();
        let _ = text.parse::<Zone>();
    }
}
