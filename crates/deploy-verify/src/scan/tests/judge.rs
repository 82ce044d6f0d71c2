use std::time::Duration;

use deploy_core::guard::Answer;

use super::super::{Ignore, IgnoreList, ScanPolicy, Severity, judge};
use super::*;

const IMAGE: &str = "registry.example/api:v1";

fn answer(report: &Value, policy: &ScanPolicy) -> String {
    match judge(&read(report), &IMAGE.parse().unwrap(), policy, now()).map(|verdict| verdict.answer()) {
        Ok(Answer::Yes { grounds }) => format!("yes: {grounds}"),
        Ok(Answer::No { why }) => format!("no: {why}"),
        other => format!("error: {}", other.unwrap_err()),
    }
}

fn until(id: &str, date: &str) -> Ignore {
    Ignore::until(id, format!("{date}T00:00:00Z").parse().unwrap(), "not reachable")
}

const ALL: [&str; 5] = [
    "LOW CVE-1 zlib 1.2 1.3",
    "MEDIUM CVE-2 zlib 1.2 1.3",
    "HIGH CVE-3 libssl 1.0",
    "CRITICAL CVE-4 libssl 1.0 1.1",
    "HIGH CVE-5 libssl 1.0 1.1",
];

#[test]
fn the_severity_decides() {
    let check = |findings: &[&str], policy: ScanPolicy, expect: &str| {
        assert_eq!(answer(&report(findings), &policy), expect, "{policy:?}");
    };
    let policy = ScanPolicy::new;
    let clean = ", in a report of 2026-11-20T09:00:00.123456789Z";
    check(&[], policy(), &format!("yes: 0 critical, 0 high, 0 medium, 0 low, 0 unknown{clean}"));
    check(&ALL[..2], policy(), &format!("yes: 0 critical, 0 high, 1 medium, 1 low, 0 unknown{clean}"));
    check(
        &ALL,
        policy(),
        "no: 3 of 5 findings refuse (HIGH or worse): CRITICAL CVE-4 in libssl 1.0 (fixed in 1.1), \
         HIGH CVE-5 in libssl 1.0 (fixed in 1.1), HIGH CVE-3 in libssl 1.0 (no fix: affected)",
    );
    check(
        &ALL,
        policy().refuse_from(Severity::Low).shown(1),
        "no: 5 of 5 findings refuse (LOW or worse): CRITICAL CVE-4 in libssl 1.0 (fixed in 1.1), and 4 more",
    );
    check(
        &ALL,
        policy().fixable_only(true).shown(2),
        "no: 2 of 5 findings refuse (HIGH or worse): CRITICAL CVE-4 in libssl 1.0 (fixed in 1.1), \
         HIGH CVE-5 in libssl 1.0 (fixed in 1.1)",
    );
    check(
        &ALL[2..3],
        policy().fixable_only(true),
        &format!(
            "yes: 0 critical, 1 high, 0 medium, 0 low, 0 unknown{clean}; 1 of HIGH or worse have no fix, and only fixable ones refuse"
        ),
    );
}

#[test]
fn what_nobody_rated_refuses() {
    for word in ["UNKNOWN", "NEGLIGIBLE", ""] {
        let mut value = report(&["LOW CVE-1 zlib 1.2 1.3"]);
        value["Results"][0]["Vulnerabilities"][0]["Severity"] = word.into();
        let strict = answer(&value, &ScanPolicy::new().refuse_from(Severity::Critical));
        assert!(
            strict.starts_with("no: 1 of 1 findings refuse (CRITICAL or worse): UNKNOWN CVE-1"),
            "{strict}"
        );
        let lax = answer(&value, &ScanPolicy::new().unknown_as(Severity::Low));
        assert!(lax.starts_with("yes: 0 critical, 0 high, 0 medium, 0 low, 1 unknown"), "{lax}");
    }
}

#[test]
fn what_is_ignored_is_named() {
    let check = |entries: Vec<Ignore>, expect: &str| {
        let policy = ScanPolicy::new().ignoring(IgnoreList::new(entries));
        let answer = answer(&report(&["HIGH CVE-3 libssl 1.0", "HIGH CVE-3 libcrypto 1.0"]), &policy);
        assert!(answer.starts_with(expect), "{answer}");
    };
    check(
        vec![until("CVE-3", "2026-12-31")],
        "yes: 0 critical, 0 high, 0 medium, 0 low, 0 unknown, in a report of 2026-11-20T09:00:00.123456789Z; \
         2 ignored: CVE-3 until 2026-12-31 (not reachable) in libssl, CVE-3 until 2026-12-31 (not reachable) in libcrypto",
    );
    check(
        vec![until("CVE-3", "2026-12-31").package("libssl")],
        "no: 1 of 1 findings refuse (HIGH or worse): HIGH CVE-3 in libcrypto 1.0 (no fix: affected); \
         1 ignored: CVE-3 until 2026-12-31 (not reachable) in libssl",
    );
    check(
        vec![until("CVE-3", "2026-11-21")],
        "no: 2 of 2 findings refuse (HIGH or worse): HIGH CVE-3 in libcrypto 1.0 (no fix: affected), \
         HIGH CVE-3 in libssl 1.0 (no fix: affected); 2 no longer ignored: CVE-3 until 2026-11-21 (not reachable) in libssl",
    );
    // One that has not expired is enough.
    check(vec![until("CVE-3", "2026-11-01"), until("CVE-3", "2026-12-31")], "yes: ");
    check(
        vec![Ignore::for_ever("CVE-3", "")],
        "yes: 0 critical, 0 high, 0 medium, 0 low, 0 unknown, in a report of 2026-11-20T09:00:00.123456789Z; 2 ignored: CVE-3 for ever in libssl",
    );
}

#[test]
fn what_cannot_be_decided_is_an_error() {
    let check = |change: &dyn Fn(&mut Value), policy: ScanPolicy, expect: &str| {
        let mut value = report(&[]);
        change(&mut value);
        let answer = answer(&value, &policy);
        assert!(answer.starts_with(expect), "{answer}");
    };
    let day = Duration::from_secs(24 * 3600);
    let recent = || ScanPolicy::new().max_age(day);
    check(&|_| {}, recent(), "yes: ");
    check(
        &|value| value["CreatedAt"] = "2026-11-20T07:59:59Z".into(),
        recent(),
        "error: judge report report.json: it was made at 2026-11-20T07:59:59Z, and is 24 h 0 min old, over 24 h 0 min",
    );
    check(
        &|value| value["CreatedAt"] = Value::Null,
        recent(),
        "error: judge report report.json: it does not say when it was made",
    );
    check(&|value| value["CreatedAt"] = "2026-11-21T08:05:00Z".into(), recent(), "yes: ");
    check(
        &|value| value["CreatedAt"] = "2026-11-21T08:05:01Z".into(),
        recent(),
        "error: judge report report.json: it was made in the future",
    );
    check(&|value| value["CreatedAt"] = "2016-11-21T08:05:01Z".into(), ScanPolicy::new(), "yes: ");
    check(
        &|value| {
            value["ArtifactName"] = "nginx".into();
            value["Metadata"] = Value::Null;
        },
        ScanPolicy::new(),
        "error: judge report report.json: it is of nginx:latest, not of registry.example/api:v1",
    );
    let secrets_only =
        |value: &mut Value| value["Results"] = json!([{"Target": "a", "Class": "secret", "Secrets": []}]);
    check(&secrets_only, ScanPolicy::new(), "error: judge report report.json: it looked at no package");
    check(&secrets_only, ScanPolicy::new().allow_no_packages(true), "yes: ");
    check(
        &|value| value["Results"] = Value::Null,
        ScanPolicy::new(),
        "error: judge report report.json: it looked at no package",
    );
}

#[test]
fn a_distribution_without_updates_refuses() {
    let mut value = report(&[]);
    value["Metadata"]["OS"]["EOSL"] = json!(true);
    let refused = answer(&value, &ScanPolicy::new());
    assert!(refused.starts_with("no: alpine 3.21.0 gets no security updates any more"), "{refused}");
    let allowed = answer(&value, &ScanPolicy::new().allow_end_of_life(true));
    assert!(allowed.starts_with("yes: "), "{allowed}");
}

#[test]
fn what_is_not_judged_is_told() {
    let mut value = report(&[]);
    value["Results"][1]["Secrets"] = json!([{}, {}]);
    let answer = answer(&value, &ScanPolicy::new());
    assert!(answer.ends_with("; not judged: 2 secrets"), "{answer}");
}

#[test]
fn hostile_words_stay_on_their_line() {
    let mut value = report(&["HIGH CVE-3 libssl 1.0"]);
    value["Results"][0]["Vulnerabilities"][0]["PkgName"] = format!("\u{1b}[2J\n{}", "x".repeat(9_000)).into();
    let answer = answer(&value, &ScanPolicy::new());
    assert!(answer.len() < 300 && !answer.contains(char::is_control), "{answer}");
}
