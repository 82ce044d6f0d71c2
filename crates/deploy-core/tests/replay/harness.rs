//! Reads a recording and replays it, with ticks of the clock between its lines.

use std::time::Duration;

use deploy_core::clock::Timestamp;
use deploy_core::health::{Assessment, Judge, Patience, Verdict, World};
use deploy_core::manifest::{Object, ObjectId};
use serde_json::Value;

pub(crate) fn folder() -> String {
    format!("{}/tests/recordings", env!("CARGO_MANIFEST_DIR"))
}

/// A line of a recording.
#[derive(Clone)]
pub(crate) struct Line {
    /// Since the recording began.
    pub(crate) t: Duration,
    pub(crate) kind: String,
    pub(crate) object: Value,
}

impl Line {
    pub(crate) fn object(&self) -> Object {
        Object::new(self.object.clone()).expect("what was recorded is an object")
    }
}

pub(crate) fn recording(name: &str) -> Vec<Line> {
    let path = format!("{}/{name}.jsonl", folder());
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let lines = text.lines().map(|line| {
        let mut line: Value = serde_json::from_str(line).expect("a line of a recording is JSON");
        let t = Duration::from_secs_f64(line["t"].as_f64().expect("t is a number"));
        Line { t, kind: line["type"].as_str().unwrap_or_default().to_owned(), object: line["object"].take() }
    });
    lines.collect()
}

/// The one object that the recording applies. It names no namespace, `kubectl --namespace` did.
pub(crate) fn applied(lines: &[Line]) -> ObjectId {
    let apply = lines.iter().find(|line| line.kind == "APPLY").expect("something is applied");
    let [item] = apply.object["items"].as_array().expect("what is applied is a list").as_slice() else {
        panic!("the recordings apply one object each")
    };
    let mut namespaces = lines.iter().rev().filter_map(|line| line.object["metadata"]["namespace"].as_str());
    let object = Object::new(item.clone()).expect("what is applied is an object");
    object.in_namespace(namespaces.next().expect("the recordings are of a namespace")).id()
}

/// What was said at each moment from the apply on.
pub(crate) struct Replay {
    id: ObjectId,
    world: World,
    judge: Judge,
    applied: Option<Timestamp>,
    pub(crate) said: Vec<(Timestamp, Assessment)>,
}

impl Replay {
    const TICK: Duration = Duration::from_millis(100);
    const TICK_BEYOND: Duration = Duration::from_secs(1);
    const BEYOND: Duration = Duration::from_secs(300);

    /// Feeds every line, and judges after each, at every tick, and whenever the judge asked to look again.
    pub(crate) fn of(lines: &[Line], start: &str, patience: Patience) -> Self {
        let start: Timestamp = start.parse().expect("is a time");
        let (world, judge) = (World::new(), Judge::new(patience));
        let mut replay = Self { id: applied(lines), world, judge, applied: None, said: Vec::new() };
        let mut now = start;
        for line in lines {
            replay.tick(now, start + line.t, Self::TICK);
            now = start + line.t;
            replay.feed(line, now);
            replay.look(now, true);
        }
        replay.tick(now, now + Self::BEYOND, Self::TICK_BEYOND);
        replay
    }

    fn feed(&mut self, line: &Line, now: Timestamp) {
        match line.kind.as_str() {
            "APPLY" => {
                let before =
                    self.world.get(&self.id).and_then(|live| live.get("/metadata/generation")?.as_i64());
                // What the answer to the write tells.
                self.world.expect(self.id.clone(), before.unwrap_or(0) + 1);
                self.applied = Some(now);
            }
            "DELETED" => self.world.remove(&line.object(), now),
            _ => self.world.upsert(line.object(), now),
        }
    }

    fn tick(&mut self, from: Timestamp, to: Timestamp, every: Duration) {
        let mut now = from;
        loop {
            let again = self.said.last().and_then(|(_, said)| said.look_again).filter(|again| *again > now);
            now = again.map_or(now + every, |again| again.min(now + every));
            if now >= to {
                return;
            }
            self.look(now, false);
        }
    }

    fn look(&mut self, now: Timestamp, is_news: bool) {
        if self.applied.is_none() {
            return;
        }
        let said = self.judge.judge(&self.id, &self.world, now);
        if let Some((_, before)) =
            self.said.last().filter(|(_, before)| !is_news && before.verdict != said.verdict)
        {
            let announced = before.look_again.is_some_and(|again| again <= now);
            assert!(announced, "without news or an announcement {before:?} became {said:?}");
        }
        self.said.push((now, said));
    }

    /// The first time that it was healthy or failed, else the last.
    pub(crate) fn end(&self) -> (Timestamp, Assessment) {
        let end = self.said.iter().find(|(_, said)| said.verdict != Verdict::Progressing);
        end.or(self.said.last()).cloned().expect("something was said")
    }

    /// Milliseconds after the apply.
    pub(crate) fn after(&self, moment: Timestamp) -> u128 {
        moment.since(self.applied.expect("something was applied")).as_millis()
    }
}
