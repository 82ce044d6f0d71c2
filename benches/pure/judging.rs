//! The judge, asked after every event of a real rollout, as the observer asks it.

use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

use criterion::{BatchSize, Criterion, Throughput};
use deploy_core::clock::Timestamp;
use deploy_core::health::{Assessment, Judge, World};
use deploy_core::manifest::{Object, ObjectId};
use serde_json::Value;

const START: &str = "2026-11-21T07:50:00Z";

/// What a watch says at a moment.
type News = (Timestamp, Object, bool);

pub(crate) fn bench(criterion: &mut Criterion) {
    let judge = Judge::default();
    let mut group = criterion.benchmark_group("judge every event");
    for name in ["healthy-rollout", "image-not-found", "crash-loop", "statefulset-rollout"] {
        let (id, news) = recording(name);
        assert!(!replay(&judge, &id, news.clone()).progress.is_empty(), "{name}: nothing is said");
        group.throughput(Throughput::Elements(news.len() as u64));
        group.bench_function(name, |bencher| {
            bencher.iter_batched(|| news.clone(), |news| replay(&judge, &id, news), BatchSize::SmallInput);
        });
    }
    group.finish();
}

fn replay(judge: &Judge, id: &ObjectId, news: Vec<News>) -> Assessment {
    let mut world = World::new();
    let mut said = Assessment::progressing("");
    for (now, object, is_gone) in news {
        if is_gone {
            world.remove(&object, now);
        } else {
            world.upsert(object, now);
        }
        said = judge.judge(black_box(id), &world, now);
    }
    said
}

/// The workload that a recording is about, and what the watches said.
fn recording(name: &str) -> (ObjectId, Vec<News>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../crates/deploy-core/tests/recordings");
    let text = std::fs::read_to_string(folder.join(format!("{name}.jsonl"))).expect("the recording is there");
    let start: Timestamp = START.parse().expect("it is a time");
    let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("a line is JSON"));
    let news = lines.filter(|line| line["type"] != "APPLY").map(|mut line| {
        let now = start + Duration::from_secs_f64(line["t"].as_f64().expect("t is a number"));
        let is_gone = line["type"] == "DELETED";
        (now, Object::new(line["object"].take()).expect("it is an object"), is_gone)
    });
    let news: Vec<News> = news.collect();
    let workload = |(_, object, _): &&News| matches!(object.kind(), "Deployment" | "StatefulSet");
    let id = news.iter().find(workload).expect("it has a workload").1.id();
    (id, news)
}
