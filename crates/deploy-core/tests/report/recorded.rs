//! A target in memory whose pods do what the pods of a recorded rollout did.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::{Clock, Timestamp};
use deploy_core::error::Result;
use deploy_core::event::EventKind;
use deploy_core::evidence::{ContainerEvidence, EventLine, Evidence, PodEvidence};
use deploy_core::health::{Assessment, Judge, Patience, PodPhase, PodPhases, Verdict, World};
use deploy_core::manifest::{Bundle, Object};
use deploy_core::memory::MemoryTarget;
use deploy_core::outcome::Outcome;
use deploy_core::plan::{Action, Plan, Snapshot};
use deploy_core::rollout::Rollout;
use deploy_core::run::{DeploymentId, Run};
use deploy_core::target::{Applied, Observation, Restored, Revision, RolloutTarget, TargetCapabilities};
use serde_json::{Value, json};

struct Line {
    t: Duration,
    kind: String,
    object: Value,
}

/// What the recording called `name` came to, deployed by the driver on paused time.
pub(crate) async fn outcome(name: &str) -> Outcome {
    let path = format!("{}/tests/recordings/{name}.jsonl", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(&path).unwrap();
    let lines: Vec<Line> = text.lines().map(line).collect();
    let apply = lines.iter().position(|line| line.kind == "APPLY").unwrap();
    let wanted = &lines[apply].object["items"][0];
    let is_it = |line: &&Line| {
        line.object["kind"] == wanted["kind"] && line.object["metadata"]["name"] == wanted["metadata"]["name"]
    };
    let inner = MemoryTarget::new();
    let mut desired = wanted.clone();
    if let Some(before) = lines[..apply].iter().rfind(is_it) {
        // The API server's defaults stay: the applied manifest changes an image.
        inner.put(plain(before.object.clone()));
        desired = before.object.clone();
        let image = "/spec/template/spec/containers/0/image";
        *desired.pointer_mut(image).unwrap() = wanted.pointer(image).unwrap().clone();
    }
    let namespace = lines.iter().find_map(|line| line.object["metadata"]["namespace"].as_str()).unwrap();
    desired["metadata"]["namespace"] = namespace.into();
    let bundle = Bundle::builder().objects([plain(desired)]).build().unwrap();
    let target = Recorded { inner, apply, lines, world: Mutex::default() };
    let run = Run::on_clock(Arc::new(FixedClock::new())).named("shop").git_revision("4f1c2d9");
    let mut outcome = Rollout::new(Arc::new(target)).run(&bundle, run).await.unwrap();
    outcome.deployment = DeploymentId::from("20261121-075325-7f3a9c".to_owned());
    outcome
}

fn line(text: &str) -> Line {
    let mut line: Value = serde_json::from_str(text).unwrap();
    let t = Duration::from_secs_f64(line["t"].as_f64().unwrap());
    Line { t, kind: line["type"].as_str().unwrap().to_owned(), object: line["object"].take() }
}

/// Without what only the API server knows.
fn plain(mut object: Value) -> Object {
    let metadata = &object["metadata"];
    object["metadata"] = json!({"name": metadata["name"], "namespace": metadata["namespace"]});
    object.as_object_mut().unwrap().remove("status");
    Object::new(object).unwrap()
}

/// Starts at the same time always, and follows tokio's.
struct FixedClock(tokio::time::Instant);

impl FixedClock {
    fn new() -> Self {
        Self(tokio::time::Instant::now())
    }
}

#[async_trait]
impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        "2026-11-21T07:53:25Z".parse::<Timestamp>().unwrap() + self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

struct Recorded {
    inner: MemoryTarget,
    lines: Vec<Line>,
    /// The index of the line at which the change was applied.
    apply: usize,
    world: Mutex<(World, PodPhases)>,
}

impl Recorded {
    fn feed(&self, line: &Line, now: Timestamp) {
        let world = &mut self.world.lock().unwrap().0;
        let object = || Object::new(line.object.clone()).unwrap();
        match line.kind.as_str() {
            "APPLY" => {}
            "DELETED" => world.remove(&object(), now),
            _ => world.upsert(object(), now),
        }
    }

    fn look(&self, applied: &Applied, run: &Run, said: &mut String) -> Option<Observation> {
        let id = &applied.objects[0].id;
        let (world, phases) = &mut *self.world.lock().unwrap();
        phases.news(id, world).into_iter().for_each(|news| run.emit(news));
        let Assessment { verdict, progress, .. } =
            Judge::new(Patience::default()).judge(id, world, run.now());
        match verdict {
            Verdict::Healthy => {
                run.emit(EventKind::Healthy { object: id.clone() });
                Some(Observation::Healthy)
            }
            Verdict::Failed { failure } => {
                run.emit(EventKind::Hopeless { failure: failure.clone() });
                Some(Observation::Failed { failures: vec![failure] })
            }
            _ => {
                if *said != progress {
                    said.clone_from(&progress);
                    run.emit(EventKind::Progress { object: id.clone(), message: progress });
                }
                None
            }
        }
    }

    /// Not recorded: the new pods go.
    async fn way_back(&self, applied: &Applied, run: &Run) -> Observation {
        let object = applied.objects[0].id.clone();
        let pods: Vec<String> =
            self.world.lock().unwrap().0.pods_of(&object).iter().map(|pod| pod.name().to_owned()).collect();
        for (phase, after) in [(PodPhase::Terminating, 150), (PodPhase::Gone, 850)] {
            run.clock().sleep(Duration::from_millis(after)).await;
            for pod in pods.clone() {
                run.emit(EventKind::Pod { object: object.clone(), pod, phase, reason: None });
            }
        }
        if applied.objects[0].action != Action::Delete {
            run.emit(EventKind::Healthy { object });
        }
        Observation::Healthy
    }
}

#[async_trait]
impl RolloutTarget for Recorded {
    fn describe(&self) -> String {
        "cluster recorded as ci".to_owned()
    }

    fn capabilities(&self) -> TargetCapabilities {
        self.inner.capabilities()
    }

    async fn plan(&self, bundle: &Bundle, run: &Run) -> Result<Plan> {
        run.clock().sleep(Duration::from_millis(80)).await;
        self.inner.plan(bundle, run).await
    }

    async fn apply(&self, plan: &Plan, run: &Run) -> Result<Applied> {
        run.clock().sleep(Duration::from_millis(20)).await;
        self.inner.apply(plan, run).await
    }

    async fn observe(&self, applied: &Applied, run: &Run) -> Result<Observation> {
        let started = run.now();
        let (before, after) = self.lines.split_at(self.apply);
        if self.world.lock().unwrap().0.objects().next().is_some() {
            return Ok(self.way_back(applied, run).await);
        }
        for line in before {
            self.feed(line, started);
        }
        let (mut said, from) = (String::new(), after[0].t);
        {
            let world = &mut self.world.lock().unwrap().0;
            let generation =
                world.get(&applied.objects[0].id).and_then(|live| live.get("/metadata/generation")?.as_i64());
            world.expect(applied.objects[0].id.clone(), generation.unwrap_or(0) + 1);
        }
        for line in after {
            // What the judge would see without news, a tenth of a second at a time.
            let due = started + line.t.saturating_sub(from);
            while run.now() < due {
                let rest = due.since(run.now());
                run.clock().sleep(rest.min(Duration::from_millis(100))).await;
                if let Some(observation) = self.look(applied, run, &mut said) {
                    return Ok(observation);
                }
            }
            self.feed(line, run.now());
            if let Some(observation) = self.look(applied, run, &mut said) {
                return Ok(observation);
            }
        }
        panic!("the recording ends before its end is known")
    }

    async fn rollback(&self, before: &Snapshot, written_by: &[DeploymentId], run: &Run) -> Result<Restored> {
        run.clock().sleep(Duration::from_millis(40)).await;
        self.inner.rollback(before, written_by, run).await
    }

    async fn history(&self) -> Result<Vec<Revision>> {
        self.inner.history().await
    }

    async fn diagnose(&self, applied: &Applied, _observation: &Observation, run: &Run) -> Result<Evidence> {
        run.clock().sleep(Duration::from_millis(120)).await;
        let world = &self.world.lock().unwrap().0;
        let id = &applied.objects[0].id;
        let mut evidence = Evidence::default();
        for pod in world.pods_of(id) {
            let text = |pointer| pod.get(pointer).and_then(Value::as_str).unwrap_or_default().to_owned();
            let (phase, reason) = PodPhase::of(pod);
            let state = reason.map_or_else(|| phase.to_string(), |reason| format!("{phase}: {reason}"));
            let mut found = PodEvidence::new(text("/metadata/namespace"), pod.name(), text("/status/phase"));
            let mut container = ContainerEvidence::new(
                text("/spec/containers/0/name"),
                text("/spec/containers/0/image"),
                state,
            );
            if phase == PodPhase::Failing
                && world.events_about(id).iter().any(|event| event.reason == "BackOff")
            {
                container.previous_log = vec!["starting".into(), "cannot open /data: no such file".into()];
            }
            found.containers.push(container);
            evidence.pods.push(found);
        }
        evidence.events = world
            .events_about(id)
            .iter()
            .map(|event| EventLine {
                object: id.clone(),
                reason: event.reason.clone(),
                message: event.message.clone(),
                count: 1,
            })
            .collect();
        Ok(evidence)
    }
}
