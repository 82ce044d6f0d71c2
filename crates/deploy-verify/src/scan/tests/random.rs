use proptest::prelude::*;

use super::super::{Ignore, IgnoreList, Report, ScanPolicy, Severity, judge};
use super::*;

/// A report with something odd in it: a byte changed, a piece cut out or doubled.
fn damaged() -> impl Strategy<Value = Vec<u8>> {
    let whole = serde_json::to_vec(&report(&["HIGH CVE-1 libssl 1.0 1.1", "LOW CVE-2 zlib 1.2"])).unwrap();
    let length = whole.len();
    (0..length, 0..length, any::<u8>(), 0..4).prop_map(move |(from, to, byte, how)| {
        let mut bytes = whole.clone();
        let (from, to) = (from.min(to), from.max(to));
        match how {
            0 => bytes[from] = byte,
            1 => drop(bytes.drain(from..to)),
            2 => bytes.truncate(from),
            _ => {
                let piece = bytes[from..to].to_vec();
                bytes.splice(from..from, piece);
            }
        }
        bytes
    })
}

fn findings() -> impl Strategy<Value = Vec<String>> {
    let severity = prop_oneof!["CRITICAL", "HIGH", "MEDIUM", "LOW", "UNKNOWN"];
    let finding = (severity, 0..5_u8, "[a-c]", prop_oneof![Just(" 1.1"), Just("")])
        .prop_map(|(severity, id, package, fixed)| format!("{severity} CVE-{id} {package} 1.0{fixed}"));
    proptest::collection::vec(finding, 0..12)
}

proptest! {
    #[test]
    fn no_bytes_are_too_odd(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Report::read("r", &bytes);
        let _ = IgnoreList::read_lenient("i", &bytes);
    }

    #[test]
    fn no_damage_is_too_odd(bytes in damaged()) {
        if let Ok(report) = Report::read("r", &bytes) {
            let image = "registry.example/api:v1".parse().unwrap();
            if let Ok(verdict) = judge(&report, &image, &ScanPolicy::new(), now()) {
                verdict.answer();
            }
        }
    }

    #[test]
    fn no_ignore_list_is_too_odd(text in "(vulnerabilities:\n)?([- ]{0,4}(id|until|paths|purls|statement): ?[\\[{}\\]a-z0-9:'\"*&!-]{0,12}\n){0,6}") {
        let _ = IgnoreList::read("i", text.as_bytes());
    }

    /// Nothing is lost between refusing, ignored and passed, and a stricter policy never lets more pass.
    #[test]
    fn every_finding_is_counted_once(findings in findings(), ignored in proptest::collection::vec(0..5_u8, 0..3), only in any::<bool>()) {
        let texts: Vec<_> = findings.iter().map(String::as_str).collect();
        let report = read(&report(&texts));
        let image = "registry.example/api:v1".parse().unwrap();
        let list = IgnoreList::new(ignored.iter().map(|id| Ignore::for_ever(format!("CVE-{id}"), "x")));
        let policy = ScanPolicy::new().ignoring(list).fixable_only(only);
        let mut before = usize::MAX;
        for severity in [Severity::Low, Severity::Medium, Severity::High, Severity::Critical] {
            let verdict = judge(&report, &image, &policy.clone().refuse_from(severity), now()).unwrap();
            let counted: usize = verdict.counts().map(|count| count.findings).sum();
            prop_assert_eq!(counted + verdict.ignored.len(), texts.len());
            prop_assert!(verdict.refusing.len() + verdict.unfixable <= counted);
            prop_assert!(verdict.refusing.len() <= before);
            prop_assert_eq!(verdict.answer().is_yes(), verdict.refusing.is_empty());
            before = verdict.refusing.len();
        }
    }
}
