//! A million tags: read, and the newest of `main` chosen. See README.md.
//!
//! `cargo bench --bench tags -- tags=100000 times=20`: how many tags, and how often.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::cast_precision_loss,
    reason = "it is what a benchmark is for; no number is near 2^52"
)]

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::image::Tag;
use deploy_core::tag::{Context, TagFields, TagPolicy, TagScheme, select};

const POLICIES: [&str; 3] = [
    "scheme=branch.timestamp.sha branch=main order=timestamp",
    "scheme=branch.timestamp.sha branch~\"main|release-.*\" order=timestamp",
    "scheme='/(?<branch>.+)\\.(?<timestamp>[0-9]{8}-[0-9]{6})\\.(?<sha>[0-9a-f]{7,40})/' branch=main",
];

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let number = |name: &str, usual: usize| {
        let given = asked.iter().find_map(|arg| arg.strip_prefix(name)?.strip_prefix('='));
        given.map_or(usual, |given| given.parse().unwrap())
    };
    let (count, times) = (number("tags", 1_000_000), number("times", 11));
    let tags = tags(count);
    let bytes: usize = tags.iter().map(|tag| tag.as_str().len()).sum();
    let before = memory("VmRSS:");
    println!("{count} tags of {} bytes, {} MB; as a list {} MB", bytes / count, mega(bytes), mega(before));
    let context = Context::at("2027-06-01T00:00:00Z".parse().unwrap()).running(tags[0].as_str());
    for policy in POLICIES.map(|text| text.parse::<TagPolicy>().unwrap()) {
        let mut took: Vec<Duration> = (0..times)
            .map(|_| {
                let begin = on_cpu();
                let selection = select(&policy, &tags, &context).unwrap();
                let took = on_cpu().saturating_sub(begin);
                assert!(selection.choice().is_some(), "{selection}");
                assert_eq!(selection.verdicts().len(), count);
                took
            })
            .collect();
        took.sort();
        // The peak is that of the whole process so far, so the first policy has the least.
        let peak = memory("VmHWM:");
        println!(
            "{:>9.1?} on a CPU ({:.1?} at best), peak {} MB: {:.2} x the tags' bytes, {} MB over the list  {policy}",
            took[took.len() / 2],
            took[0],
            mega(peak),
            peak as f64 / bytes as f64,
            mega(peak.saturating_sub(before)),
        );
    }
}

/// Eight in ten of other branches, as a repository has them; in no order.
fn tags(count: usize) -> Vec<Tag> {
    let scheme: TagScheme = "branch.timestamp.sha".parse().unwrap();
    let start: Timestamp = "2025-01-01T00:00:00Z".parse().unwrap();
    let branches = ["main", "feature/login", "fix/a-b.c", "dependabot/npm/x-1.2.3", "release/2.0"];
    let tag = |number: usize| {
        // Steps by an odd number go through all of them, out of order.
        let place = number.wrapping_mul(7_368_787) % count;
        let sha = format!("{:07x}", place.wrapping_mul(2_654_435_761) % 0x1000_0000);
        let time = start + Duration::from_secs(place as u64 * 60);
        let fields = TagFields::new().branch(branches[place % branches.len()]).timestamp(time).sha(sha);
        scheme.render(&fields).unwrap()
    };
    (0..count).map(tag).collect()
}

/// Time on a CPU of this thread: what else the machine does counts less.
fn on_cpu() -> Duration {
    let schedstat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(schedstat.split(' ').next().unwrap().parse().unwrap())
}

/// Bytes, from the kernel's record of this process.
fn memory(name: &str) -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.trim().trim_end_matches(" kB").parse::<usize>().unwrap() * 1024
}

fn mega(bytes: usize) -> String {
    format!("{:.1}", bytes as f64 / 1e6)
}
