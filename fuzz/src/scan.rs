//! Trivy's reports and lists of what is ignored: whatever is read is judged, and every finding is counted once.
#![no_main]

use deploy_core::clock::Timestamp;
use deploy_verify::scan::{IgnoreList, Report, ScanPolicy, judge};

// The report, and behind a line of its own the ignore list.
libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let end = text.windows(5).position(|window| window == b"\n---\n").unwrap_or(text.len());
    let (report, list) = text.split_at(end);
    let Ok(report) = Report::read("report", report) else { return };
    let list = IgnoreList::read_lenient("list", list.get(5..).unwrap_or_default()).unwrap_or_default();
    let policy = ScanPolicy::new().ignoring(list).allow_no_packages(true).allow_end_of_life(true);
    for image in &report.images {
        let verdict = judge(&report, image, &policy, Timestamp::UNIX_EPOCH).expect("it is of this image");
        let counted: usize = verdict.counts().map(|count| count.findings).sum();
        assert_eq!(counted + verdict.ignored.len(), report.findings.len());
        assert_eq!(verdict.answer().is_yes(), verdict.refusing.is_empty());
    }
});
