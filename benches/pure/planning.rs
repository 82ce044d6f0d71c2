//! Whether an object must be written, and what would change: for what an API server answered to `kubectl apply --server-side`.

use std::hint::black_box;

use criterion::{Criterion, Throughput};
use deploy_benches::{config_maps, deployment};
use deploy_core::manifest::{Object, read};
use deploy_core::plan::diff;
use k8s_fields::{FieldSet, compare};
use serde_json::Value;

const MANAGER: &str = "bench";
const CONFIG_MAP: &str = include_str!("live/configmap.json");
const DEPLOYMENT: &str = include_str!("live/deployment.json");

pub(crate) fn bench(criterion: &mut Criterion) {
    let config_maps = pairs(&config_maps(1000), CONFIG_MAP);
    let deployments = pairs(&deployment("127.0.0.1:5000/api:v1"), DEPLOYMENT);
    let deployments: Vec<_> = deployments.into_iter().cycle().take(100).collect();
    compares(criterion, "1000 equal ConfigMaps", &config_maps);
    compares(criterion, "100 equal Deployments", &deployments);
    diffs(criterion, "1000 ConfigMaps", &config_maps, "/data/number");
    diffs(criterion, "100 Deployments", &deployments, "/spec/template/spec/containers/0/image");
}

/// The objects of `manifests`, and each as it lives: what the server made of the first, with the others' data.
fn pairs(manifests: &str, live: &str) -> Vec<(Object, Object)> {
    let live = Object::new(serde_json::from_str(live).expect("it is JSON")).expect("it is an object");
    let pair = |desired: Object| {
        let (name, data) = (desired.name().to_owned(), desired.get("/data").cloned());
        let live = live.clone().edit(|value| {
            value["metadata"]["name"] = name.into();
            if let Some(data) = data {
                value["data"] = data;
            }
        });
        (desired, live.expect("it is an object still"))
    };
    read("manifests.yaml", manifests.as_bytes()).expect("good manifests").into_iter().map(pair).collect()
}

fn compares(criterion: &mut Criterion, name: &str, pairs: &[(Object, Object)]) {
    let ignored = FieldSet::default();
    let equal = |(desired, live): &(Object, Object)| {
        compare(black_box(desired.value()), black_box(live.value()), MANAGER, &ignored).is_equal()
    };
    assert!(pairs.iter().all(equal), "{name} are not equal");
    let mut group = criterion.benchmark_group("compare");
    group.throughput(Throughput::Elements(pairs.len() as u64));
    group.bench_function(name, |bencher| bencher.iter(|| pairs.iter().all(equal)));
    group.finish();
}

/// The live object, and the same with another value at `pointer`.
fn diffs(criterion: &mut Criterion, name: &str, pairs: &[(Object, Object)], pointer: &str) {
    let change = |(_, before): &(Object, Object)| {
        let after = before.clone().edit(|value| {
            *value.pointer_mut(pointer).expect("there is one") = Value::from("another");
        });
        (before.clone(), after.expect("it is an object still"))
    };
    let changes: Vec<(Object, Object)> = pairs.iter().map(change).collect();
    let count = || -> usize {
        changes
            .iter()
            .map(|(before, after)| diff(black_box(Some(before)), black_box(Some(after))).len())
            .sum()
    };
    assert_eq!(count(), pairs.len(), "{name}: one field of each changes");
    let mut group = criterion.benchmark_group("diff");
    group.throughput(Throughput::Elements(pairs.len() as u64));
    group.bench_function(name, |bencher| bencher.iter(count));
    group.finish();
}
