//! Random worlds over several polls: both judges must say the same, word for word.

mod events;
mod objects;
mod statuses;

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::health::Patience;
use deploy_core::manifest::{Object, ObjectId};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::twin::{Snapshot, compare};

const CASES: u64 = 300;

#[test]
fn random_worlds_are_judged_as_in_rust() {
    for seed in 0..CASES {
        println!("seed {seed}");
        check("awk", seed);
    }
}

/// As [`random_worlds_are_judged_as_in_rust`], and the recordings, with the other awks that nodes have.
#[test]
#[ignore = "needs gawk, busybox and original-awk"]
fn every_awk_judges_as_rust_does() {
    for awk in ["mawk", "gawk", "gawk --posix", "busybox awk", "original-awk"] {
        crate::recordings::agree(awk);
        crate::evidence::check_crash(awk);
        for seed in 0..CASES / 3 {
            println!("{awk}, seed {seed}");
            check(awk, seed);
        }
    }
}

pub(crate) fn check(awk: &str, seed: u64) {
    let (targets, snapshots) = World::of(seed);
    let patience = if seed.is_multiple_of(3) {
        Patience::default()
            .with_settling(Duration::from_millis(1_500))
            .with_pull_attempts(1)
            .with_container_ends(3)
    } else {
        Patience::default()
    };
    if let Err(difference) = compare(awk, &patience, &targets, &snapshots) {
        panic!("seed {seed}: {difference}");
    }
}

struct World {
    rng: Rng,
    now: Timestamp,
    objects: Vec<Value>,
    events: Vec<Value>,
}

impl World {
    /// The targets, and what is listed at each poll.
    fn of(seed: u64) -> (Vec<ObjectId>, Vec<Snapshot>) {
        let now: Timestamp = "2026-01-01T01:00:00.250Z".parse().expect("is a time");
        let mut world = Self { rng: Rng::with_seed(seed), now, objects: Vec::new(), events: Vec::new() };
        let mut targets = Vec::new();
        for number in 0..world.rng.usize(1..5) {
            let object = world.workload(number);
            targets.push(Object::new(object.clone()).expect("is an object").id());
            world.objects.push(object);
        }
        targets.push(ObjectId::new("apps", "Deployment", Some("shop"), "never-there"));
        let snapshots = (0..world.rng.usize(2..8)).map(|_| world.poll()).collect();
        (targets, snapshots)
    }

    fn pick<T: Clone>(&mut self, of: &[T]) -> T {
        of[self.rng.usize(..of.len())].clone()
    }

    fn once_in(&mut self, times: u32) -> bool {
        self.rng.u32(..times) == 0
    }

    fn poll(&mut self) -> Snapshot {
        let pause = self.pick(&[0.5, 1.0, 1.0, 2.0, 5.0, 11.0, 31.0, 61.0]);
        self.now = self.now + Duration::from_secs_f64(pause);
        self.owned();
        for index in 0..self.objects.len() {
            if !self.once_in(3) {
                let mut object = self.objects[index].take();
                self.restate(&mut object);
                self.objects[index] = object;
            }
        }
        if !self.objects.is_empty() && self.once_in(4) {
            let gone = self.rng.usize(..self.objects.len());
            self.objects.remove(gone);
        }
        for _ in 0..self.rng.usize(..6) {
            self.event();
        }
        let mut listed = [self.objects.clone(), self.events.clone()].concat();
        if self.once_in(6) {
            // Events excepted: the judge in Rust remembers those that are not listed any more.
            let which = self.rng.usize(..self.objects.len().max(1));
            if let Some(object) = listed.get_mut(which) {
                self.spoil(object);
            }
        }
        (self.now, listed)
    }

    /// Makes some field of it another.
    fn spoil(&mut self, place: &mut Value) {
        let deeper = !self.once_in(6);
        match place {
            Value::Object(map) if deeper && !map.is_empty() => {
                let index = self.rng.usize(..map.len());
                self.spoil(map.iter_mut().nth(index).expect("is there").1);
            }
            Value::Array(items) if deeper && !items.is_empty() => {
                let index = self.rng.usize(..items.len());
                self.spoil(&mut items[index]);
            }
            place => {
                let others = [
                    json!(null),
                    json!({}),
                    json!([]),
                    json!("text"),
                    json!(7),
                    json!(-1),
                    json!(1.5),
                    json!(true),
                ];
                *place = self.pick(&others);
            }
        }
    }
}
