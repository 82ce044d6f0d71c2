//! Edits of a values file that a person owns.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::Criterion;
use deploy_config::edit::{Change, Format};

/// A values file of 5,000 lines: 500 services of ten, with comments.
fn values() -> String {
    let mut text = String::new();
    for number in 0..500 {
        // Writing to a String cannot fail.
        let _ = write!(
            text,
            "# Service {number}\nservice{number}:\n  image:\n    repository: ghcr.io/acme/service{number} # ours\n    \
             tag: \"v1.{number}\"\n  replicas: 3\n  resources:\n    limits: {{cpu: 500m, memory: 256Mi}}\n    \
             requests: {{cpu: 50m, memory: 64Mi}}\n\n"
        );
    }
    text
}

pub(crate) fn bench(criterion: &mut Criterion) {
    let text = values();
    assert_eq!(text.lines().count(), 5000, "the bar is for 5,000 lines");
    let change = |number: usize| {
        let path = format!("service{number}.image.tag").parse().expect("a good path");
        Change::put(path, "v2.10")
    };
    let new = Change::put("service250.image.digest".parse().expect("a good path"), "sha256:0");
    let mut group = criterion.benchmark_group("edit");
    for (name, changes) in [
        ("one value of 5,000 lines", vec![change(250)]),
        ("a new key in 5,000 lines", vec![new]),
        ("90 values of 5,000 lines", (0..90).map(|number| change(number * 5)).collect()),
    ] {
        let edited = Format::Yaml.apply(&text, &changes).expect("a good edit");
        let same = edited.lines().filter(|line| !line.contains("v2.10") && !line.contains("digest")).count();
        assert!(same >= 5000 - changes.len(), "only the asked lines differ");
        group.bench_function(name, |bencher| {
            bencher.iter(|| Format::Yaml.apply(black_box(&text), black_box(&changes)).expect("a good edit"));
        });
    }
    group.finish();
}
