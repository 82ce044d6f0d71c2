//! The recordings in other orders, and with fields gone, wrong or huge.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::health::{Judge, Patience, Verdict, World};
use deploy_core::manifest::Object;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::harness::{Line, Replay, applied, recording};
use crate::{EXPECTED, End, START};

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Watches of different kinds lag behind each other by up to two seconds: a rollout ends as it did, only later.
    #[test]
    fn the_order_across_kinds_does_not_matter(which in 0..EXPECTED.len(), lags in proptest::array::uniform8(0u64..2_000)) {
        const KINDS: [&str; 8] = [
            "Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "Pod", "Event", "PersistentVolumeClaim",
        ];
        let (name, end, after) = EXPECTED[which];
        let mut lines = recording(name);
        let apply = lines.iter().position(|line| line.kind == "APPLY").expect("something is applied");
        for line in &mut lines[apply + 1..] {
            let kind = line.object["kind"].as_str().unwrap_or_default();
            let lag = KINDS.iter().position(|known| *known == kind).map_or(0, |index| lags[index]);
            line.t += Duration::from_millis(lag);
        }
        lines.sort_by_key(|line| line.t);
        let replay = Replay::of(&lines, START, Patience::default());
        let (at, last) = replay.end();
        let late = replay.after(at);
        match end {
            End::Healthy => {
                prop_assert!(last.is_healthy(), "{name} with {lags:?}: {last:?}");
                prop_assert!((after..after + 5_000).contains(&late), "{name} at {late} ms with {lags:?}");
            }
            End::Failed(reason, _) => {
                prop_assert_eq!(last.failure().map(|failure| failure.reason.name()), Some(reason), "{} with {:?}: {:?}", name, lags, last);
                prop_assert!((after..after + 5_000).contains(&late), "{name} at {late} ms with {lags:?}");
            }
            End::Never(_) => prop_assert_eq!(last.verdict, Verdict::Progressing),
        }
    }

    /// Nothing that a cluster sends makes it panic or contradict itself, and healthy stays healthy.
    #[test]
    fn any_field_may_be_missing_or_wrong(
        which in 0..EXPECTED.len(),
        cut in 0.0..1.0f64,
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), junk()), 1..24),
    ) {
        let mut lines = recording(EXPECTED[which].0);
        let id = applied(&lines);
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "an index")]
        lines.truncate((lines.len() as f64 * cut) as usize + 1);
        for (line, field, junk) in changes {
            let line = line.get_mut(&mut lines[..]);
            let mut paths = Vec::new();
            collect(&line.object, &mut String::new(), &mut paths);
            if !paths.is_empty() {
                mutate(&mut line.object, field.get(&paths[..]).as_str(), junk);
            }
        }
        let start: Timestamp = START.parse().expect("is a time");
        let judge = Judge::default();
        let mut world = World::new();
        let feed = |world: &mut World, line: &Line| {
            let Ok(object) = Object::new(line.object.clone()) else { return };
            let now = start + line.t;
            if line.kind == "DELETED" { world.remove(&object, now) } else { world.upsert(object, now) }
        };
        for line in &lines {
            feed(&mut world, line);
            let ids: Vec<_> = world.objects().map(Object::id).collect();
            for id in &ids {
                judge.judge(id, &world, start + line.t);
                world.pods_of(id);
                world.events_about(id);
            }
        }
        let mut now = start + lines.last().map_or(Duration::ZERO, |line| line.t);
        let mut was_healthy = false;
        for _ in 0..400 {
            let said = judge.judge(&id, &world, now);
            prop_assert_eq!(&said, &judge.judge(&id, &world, now));
            prop_assert!(!was_healthy || said.is_healthy(), "{:?}", said);
            prop_assert!(said.look_again.is_none_or(|again| again > now));
            prop_assert!(said.failure().is_none_or(|failure| failure.message.chars().count() <= 512));
            was_healthy = said.is_healthy();
            now = said.look_again.unwrap_or(now + Duration::from_secs(1)).min(now + Duration::from_secs(1));
        }
    }
}

fn junk() -> impl Strategy<Value = Option<Value>> {
    prop_oneof![
        3 => Just(None),
        1 => Just(Some(Value::Null)),
        1 => any::<bool>().prop_map(|flag| Some(json!(flag))),
        2 => prop_oneof![Just(i64::MIN), Just(-1), Just(0), Just(i64::MAX), any::<i64>()].prop_map(|int| Some(json!(int))),
        1 => any::<u64>().prop_map(|int| Some(json!(int))),
        1 => any::<f64>().prop_map(|float| Some(json!(float))),
        2 => "[^\\x00]{0,40}".prop_map(|text| Some(json!(text))),
        1 => (0usize..5_000).prop_map(|length| Some(json!("ä\"{".repeat(length)))),
        1 => (0usize..2_000).prop_map(|length| Some(json!(vec![json!({"name": "api", "type": "Ready"}); length]))),
        1 => Just(Some(json!({}))),
        1 => Just(Some(json!([null, 1, "x", {}]))),
    ]
}

/// The JSON pointers of every field of `value`.
fn collect(value: &Value, path: &mut String, paths: &mut Vec<String>) {
    let mut visit = |key: &str, value: &Value| {
        let length = path.len();
        path.push('/');
        path.push_str(&key.replace('~', "~0").replace('/', "~1"));
        paths.push(path.clone());
        collect(value, path, paths);
        path.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| visit(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(index, value)| visit(&index.to_string(), value));
        }
        _ => {}
    }
}

fn mutate(value: &mut Value, path: &str, junk: Option<Value>) {
    let (parent, key) = path.rsplit_once('/').expect("a pointer has a slash");
    match (junk, value.pointer_mut(parent)) {
        (Some(junk), _) => {
            if let Some(field) = value.pointer_mut(path) {
                *field = junk;
            }
        }
        (None, Some(Value::Object(map))) => drop(map.remove(&key.replace("~1", "/").replace("~0", "~"))),
        (None, Some(Value::Array(items))) => items.clear(),
        (None, _) => {}
    }
}
