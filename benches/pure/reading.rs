//! Manifests from text.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use deploy_benches::config_maps;
use deploy_core::manifest::read;

pub(crate) fn bench(criterion: &mut Criterion) {
    let text = config_maps(1000);
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Bytes(text.len() as u64));
    group.bench_function("1000 YAML documents", |bencher| {
        bencher.iter(|| read("many.yaml", black_box(text.as_bytes())).expect("good manifests"));
    });
    group.finish();
}
