//! One container from its image to its end, and again.

mod running;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::config;
use super::image::Image;
use super::probe::Probe;
use crate::component::{Event, KUBELET};
use crate::controllers::object::{after, int, later, text};
use crate::state::State;

/// Measured on a real node: a small image from a registry nearby, the answer of a registry that has none, the start of a container, an
/// exit until the kubelet notices, and when it looks again at what was refused.
const PULL: SignedDuration = SignedDuration::from_millis(70);
const REFUSAL: SignedDuration = SignedDuration::from_millis(2);
const START: SignedDuration = SignedDuration::from_millis(60);
const NOTICE: SignedDuration = SignedDuration::from_millis(850);
const FIRST_RESYNC: SignedDuration = SignedDuration::from_millis(500);
const RESYNC: SignedDuration = SignedDuration::from_secs(13);
/// Back-off doubles from the one to the other (`pkg/kubelet`).
const FIRST_BACK_OFF: i64 = 10;
const LONGEST_BACK_OFF: i64 = 300;

#[derive(Debug)]
pub(super) struct Container {
    pub(super) name: String,
    pub(super) init: bool,
    field: String,
    phase: Phase,
    /// `state`, `lastState`
    pub(super) shown: Value,
    pub(super) last: Value,
    pub(super) id: Option<String>,
    pub(super) restarts: i64,
    pub(super) ready: bool,
    pub(super) started: bool,
    /// Why it is not made, as the next sync shows it.
    refused: Option<(&'static str, String)>,
    pull_again: Option<Timestamp>,
    pull_back_off: i64,
    /// Seconds; none before the first exit.
    back_off: i64,
    probes: Vec<Probe>,
    pub(super) logs: Vec<(Timestamp, String)>,
    pub(super) previous_logs: Vec<(Timestamp, String)>,
}

#[derive(Debug)]
enum Phase {
    Waiting,
    Starting,
    Pulling { since: Timestamp, until: Timestamp },
    Refused { sync: Timestamp },
    Created { until: Timestamp },
    Running { since: Timestamp, exit: Option<(Timestamp, i64)> },
    Exited { look: Option<Timestamp>, restart: Option<Timestamp> },
}

/// What a container's steps are about.
pub(super) struct Scene<'a> {
    pub(super) state: &'a mut State,
    pub(super) pod: &'a Value,
    pub(super) spec: &'a Value,
    pub(super) address: &'a str,
}

impl Scene<'_> {
    fn tell(&mut self, event: Event<'_>) {
        let node = text(self.pod, "/spec/nodeName");
        KUBELET.event(self.state, self.pod, &event.on(node));
    }

    fn node(&self) -> &str {
        text(self.pod, "/spec/nodeName")
    }

    fn image(&self) -> Image {
        self.state.node.images.of(text(self.spec, "/image")).within(self.spec)
    }

    fn restarts(&self, init: bool, code: i64) -> bool {
        match text(self.pod, "/spec/restartPolicy") {
            "Never" => false,
            "OnFailure" => code != 0,
            _ => !init || code != 0,
        }
    }
}

impl Container {
    pub(super) fn new(spec: &Value, init: bool, waits: &str) -> Self {
        let name = text(spec, "/name").to_owned();
        let list = if init { "initContainers" } else { "containers" };
        Self {
            field: format!("spec.{list}{{{name}}}"),
            name,
            init,
            phase: Phase::Waiting,
            shown: json!({"waiting": {"reason": waits}}),
            last: json!({}),
            id: None,
            restarts: 0,
            ready: false,
            started: false,
            refused: None,
            pull_again: None,
            pull_back_off: FIRST_BACK_OFF,
            back_off: 0,
            probes: Vec::new(),
            logs: Vec::new(),
            previous_logs: Vec::new(),
        }
    }

    /// Its turn has come.
    pub(super) fn start(&mut self) {
        if matches!(self.phase, Phase::Waiting) {
            self.phase = Phase::Starting;
        }
    }

    /// The code that it ended with for good.
    pub(super) fn ended(&self) -> Option<i64> {
        match self.phase {
            Phase::Exited { restart: None, .. } => int(&self.shown, "/terminated/exitCode"),
            _ => None,
        }
    }

    /// Does the one thing that is due, if there is one; when the next one is.
    pub(super) fn step(&mut self, scene: &mut Scene<'_>) -> Option<Timestamp> {
        let now = scene.state.now;
        match self.phase {
            Phase::Starting => self.begin(scene),
            Phase::Pulling { since, until } if until <= now => self.pulled(scene, since),
            Phase::Refused { sync } if sync <= now => {
                if let Some((reason, message)) = &self.refused {
                    self.shown = json!({"waiting": {"reason": reason, "message": message}});
                }
                self.begin(scene);
            }
            Phase::Created { until } if until <= now => match scene.image().start_error(scene.spec) {
                None => self.run(scene),
                Some(why) => self.fail_to_start(scene, &why),
            },
            Phase::Running { since, exit: Some((at, code)) } if later(at, NOTICE) <= now => {
                self.exit(scene, since, at, code);
            }
            Phase::Running { since, exit } => self.probe(scene, since, exit.is_some_and(|(at, _)| at <= now)),
            Phase::Exited { look: Some(at), restart: Some(restart) } if at <= now => {
                self.look_again(scene, restart);
            }
            Phase::Exited { look: None, restart: Some(at) } if at <= now => {
                self.back_off = (self.back_off * 2).clamp(FIRST_BACK_OFF, LONGEST_BACK_OFF);
                self.phase = Phase::Starting;
            }
            _ => {}
        }
        self.due(now)
    }

    fn due(&self, now: Timestamp) -> Option<Timestamp> {
        match self.phase {
            Phase::Starting => Some(now),
            Phase::Pulling { until, .. } | Phase::Created { until } => Some(until),
            Phase::Refused { sync } => Some(sync),
            Phase::Running { exit, .. } => {
                let probes =
                    self.probes.iter().filter(|probe| self.probes_now(probe.kind)).map(|probe| probe.next);
                probes.chain(exit.map(|(at, _)| later(at, NOTICE))).min()
            }
            Phase::Exited { look, restart } => look.or(restart),
            Phase::Waiting => None,
        }
    }

    fn begin(&mut self, scene: &mut Scene<'_>) {
        let now = scene.state.now;
        let image = text(scene.spec, "/image").to_owned();
        let policy = text(scene.spec, "/imagePullPolicy");
        let is_present = scene.state.node.pulled.contains(&(scene.node().to_owned(), image.clone()));
        if policy == "Never" && !is_present {
            let message = format!("Container image \"{image}\" is not present with pull policy of Never");
            scene.tell(Event::warning("kubelet", "ErrImageNeverPull", &message).of(&self.field));
            self.refuse("ErrImageNeverPull", message, now);
        } else if is_present && policy != "Always" {
            let message = format!(
                "Container image \"{image}\" already present on machine and can be accessed by the pod"
            );
            scene.tell(Event::normal("kubelet", "Pulled", &message).of(&self.field));
            self.create(scene);
        } else if self.pull_again.is_some_and(|at| at > now) {
            let message = format!("Back-off pulling image \"{image}\"");
            scene.tell(Event::normal("kubelet", "BackOff", &message).of(&self.field));
            scene.tell(Event::warning("kubelet", "Failed", "Error: ImagePullBackOff").of(&self.field));
            let why = scene.image().refusal(&image).unwrap_or_default();
            self.refuse("ImagePullBackOff", format!("{message}: ErrImagePull: {why}"), now);
        } else {
            scene.tell(
                Event::normal("kubelet", "Pulling", &format!("Pulling image \"{image}\"")).of(&self.field),
            );
            let takes = if scene.image().refusal(&image).is_some() { REFUSAL } else { PULL };
            self.phase = Phase::Pulling { since: now, until: later(now, takes) };
        }
    }

    fn pulled(&mut self, scene: &mut Scene<'_>, since: Timestamp) {
        let now = scene.state.now;
        let image = text(scene.spec, "/image").to_owned();
        let Some(why) = scene.image().refusal(&image) else {
            let took = now.duration_since(since).as_millis();
            let message = format!(
                "Successfully pulled image \"{image}\" in {took}ms ({took}ms including waiting). Image size: 1032468 bytes."
            );
            scene.tell(Event::normal("kubelet", "Pulled", &message).of(&self.field));
            let node = scene.node().to_owned();
            scene.state.node.pulled.insert((node, image));
            self.pull_back_off = FIRST_BACK_OFF;
            self.create(scene);
            return;
        };
        let message = format!("Failed to pull image \"{image}\": {why}");
        scene.tell(Event::warning("kubelet", "Failed", &message).of(&self.field));
        scene.tell(Event::warning("kubelet", "Failed", "Error: ErrImagePull").of(&self.field));
        self.pull_again = Some(after(now, self.pull_back_off));
        self.pull_back_off = (self.pull_back_off * 2).min(LONGEST_BACK_OFF);
        self.refuse("ErrImagePull", why, now);
    }

    fn create(&mut self, scene: &mut Scene<'_>) {
        let now = scene.state.now;
        if let Some(missing) = config::missing_for(scene.state, scene.pod, scene.spec) {
            scene.tell(Event::warning("kubelet", "Failed", &format!("Error: {missing}")).of(&self.field));
            self.refuse("CreateContainerConfigError", missing, now);
            return;
        }
        scene.tell(Event::normal("kubelet", "Created", "Container created").of(&self.field));
        self.phase = Phase::Created { until: later(now, START) };
    }

    /// The status shows it at the next sync: soon at first, then at the kubelet's leisure.
    fn refuse(&mut self, reason: &'static str, message: String, now: Timestamp) {
        let wait = if self.refused.is_none() { FIRST_RESYNC } else { RESYNC };
        self.refused = Some((reason, message));
        self.phase = Phase::Refused { sync: later(now, wait) };
    }
}
