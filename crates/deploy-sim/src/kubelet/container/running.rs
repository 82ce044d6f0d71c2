//! A container that runs: its probes, its end, and the back-off before it runs again.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Container, Phase, Scene};
use crate::component::Event;
use crate::controllers::object::{after, int, is_deleting, later, name, namespace, text, uid};
use crate::kubelet::probe::{self, Attempt, Kind, Probe};

/// The kubelet looks at a container that waits when its back-off is over, or after a minute, and always a little later: up to half as
/// long again, here a quarter (`pkg/kubelet/pod_workers.go`).
const LONGEST_LOOK: SignedDuration = SignedDuration::from_secs(60);
/// What is to end, and of whose end nothing is said, ends after this.
const SHORT_RUN: SignedDuration = SignedDuration::from_millis(100);
/// Seconds; who ran this long begins anew without back-off.
const FORGIVEN_AFTER: i64 = 600;

impl Container {
    pub(super) fn run(&mut self, scene: &mut Scene<'_>) {
        let now = scene.state.now;
        scene.tell(Event::normal("kubelet", "Started", "Container started").of(&self.field));
        if let Some(ended) = self.shown.get("terminated") {
            self.last = json!({"terminated": ended});
        }
        self.count(scene);
        self.shown = json!({"running": {"startedAt": scene.state.time()}});
        self.refused = None;
        self.probes = probe::all(scene.spec, now);
        let image = scene.image();
        let ends = self.init || text(scene.pod, "/spec/restartPolicy") != "Always";
        let exit = image.exit.or_else(|| ends.then_some((0, SHORT_RUN)));
        self.phase = Phase::Running { since: now, exit: exit.map(|(code, after)| (later(now, after), code)) };
        self.previous_logs = std::mem::take(&mut self.logs);
        self.logs = image.logs.into_iter().map(|line| (now, line)).collect();
        let has = |kind: Kind| self.probes.iter().any(|probe| probe.kind == kind);
        self.started = !has(Kind::Startup);
        self.ready = !self.init && self.started && !has(Kind::Readiness);
    }

    /// It is made, once more or for the first time.
    fn count(&mut self, scene: &mut Scene<'_>) {
        self.restarts += i64::from(self.id.is_some());
        let id: String = (0..2).map(|_| scene.state.uid().replace('-', "")).collect();
        self.id = Some(format!("containerd://{id}"));
    }

    /// It was made, and the runtime could not start it.
    pub(super) fn fail_to_start(&mut self, scene: &mut Scene<'_>, why: &str) {
        let now = scene.state.now;
        scene.tell(Event::warning("kubelet", "Failed", &format!("Error: {why}")).of(&self.field));
        self.count(scene);
        self.last = json!({"terminated": {
            "containerID": self.id, "exitCode": 128, "reason": "StartError", "message": why,
            "startedAt": Timestamp::UNIX_EPOCH.to_string(), "finishedAt": scene.state.time(),
        }});
        self.shown = json!({"waiting": {"reason": "RunContainerError", "message": why}});
        self.phase = self.again(scene, now);
    }

    /// The others wait for the startup probe, which is over when it passed.
    pub(super) fn probes_now(&self, kind: Kind) -> bool {
        (kind == Kind::Startup) != self.started
    }

    pub(super) fn probe(&mut self, scene: &mut Scene<'_>, since: Timestamp, is_dead: bool) {
        let now = scene.state.now;
        let started = self.started;
        let due = |probe: &&mut Probe| (probe.kind == Kind::Startup) != started && probe.next <= now;
        let Some(probe) = self.probes.iter_mut().find(due) else { return };
        let attempt = probe.attempt(&scene.image(), since, now, scene.address);
        let kind = probe.kind;
        // Of one that ended and was not noticed, nothing answers: the exit says more.
        if is_dead {
            return;
        }
        let (output, for_good) = match attempt {
            Attempt::Passed => return,
            Attempt::Holds => {
                match kind {
                    Kind::Startup => {
                        self.started = true;
                        self.ready = !self.probes.iter().any(|probe| probe.kind == Kind::Readiness);
                    }
                    Kind::Readiness => self.ready = true,
                    Kind::Liveness => {}
                }
                return;
            }
            Attempt::Failed(output) => (output, false),
            Attempt::FailedForGood(output) => (output, true),
        };
        let message = format!("{} probe failed: {output}", kind.word());
        scene.tell(Event::warning("kubelet", "Unhealthy", &message).of(&self.field));
        if for_good && kind == Kind::Readiness {
            self.ready = false;
        } else if for_good {
            let probe = kind.word().to_lowercase();
            let message = format!("Container {} failed {probe} probe, will be restarted", self.name);
            let grace = int(scene.pod, "/spec/terminationGracePeriodSeconds").unwrap_or(30);
            self.kill(scene, &message, grace);
        }
    }

    /// Tells a running container to stop, and kills it after the grace period, in seconds.
    fn kill(&mut self, scene: &mut Scene<'_>, message: &str, grace: i64) {
        let now = scene.state.now;
        let Phase::Running { since, exit } = self.phase else { return };
        scene.tell(Event::normal("kubelet", "Killing", message).of(&self.field));
        let killed = (after(now, grace), 137);
        let image = scene.image();
        let stops = image
            .stops_after
            .map(|after| (later(now, after), image.stop_code))
            .filter(|(at, _)| *at <= killed.0);
        let told = stops.unwrap_or(killed);
        let exit = exit.filter(|(at, _)| *at <= told.0).unwrap_or(told);
        self.phase = Phase::Running { since, exit: Some(exit) };
        self.probes.clear();
    }

    /// The pod is to end within so many seconds.
    pub(in crate::kubelet) fn stop(&mut self, scene: &mut Scene<'_>, grace: i64) {
        if matches!(self.phase, Phase::Running { .. }) {
            let message = format!("Stopping container {}", self.name);
            self.kill(scene, &message, grace);
            return;
        }
        if self.shown.get("terminated").is_none() {
            let ended = self.last.get("terminated").cloned();
            let unknown = || {
                json!({
                    "exitCode": 137, "reason": "ContainerStatusUnknown", "startedAt": null, "finishedAt": null,
                    "message": "The container could not be located when the pod was terminated",
                })
            };
            self.shown = json!({"terminated": ended.unwrap_or_else(unknown)});
        }
        (self.ready, self.started) = (false, false);
        self.phase = Phase::Exited { look: None, restart: None };
    }

    pub(super) fn exit(&mut self, scene: &mut Scene<'_>, since: Timestamp, at: Timestamp, code: i64) {
        let reason = match code {
            0 => "Completed",
            137 if scene.image().runs_out_of_memory => "OOMKilled",
            _ => "Error",
        };
        let whole = |time: Timestamp| Timestamp::from_second(time.as_second()).unwrap_or(time).to_string();
        self.shown = json!({"terminated": {
            "containerID": self.id, "exitCode": code, "reason": reason,
            "startedAt": whole(since), "finishedAt": whole(at),
        }});
        self.probes.clear();
        self.started = false;
        self.ready = self.init && code == 0;
        let is_stopping = is_deleting(scene.pod);
        if is_stopping || !scene.restarts(self.init, code) {
            self.phase = Phase::Exited { look: None, restart: None };
            return;
        }
        if at.as_second() - since.as_second() >= FORGIVEN_AFTER {
            self.back_off = 0;
        }
        self.phase = self.again(scene, at);
    }

    /// Who ended runs again: at once the first time, then after a while.
    fn again(&self, scene: &mut Scene<'_>, ended: Timestamp) -> Phase {
        let now = scene.state.now;
        if self.back_off == 0 {
            return Phase::Exited { look: None, restart: Some(now) };
        }
        let pod = format!("{}_{}({})", name(scene.pod), namespace(scene.pod), uid(scene.pod));
        let message = format!("Back-off restarting failed container {} in pod {pod}", self.name);
        scene.tell(Event::warning("kubelet", "BackOff", &message).of(&self.field));
        let restart = after(ended, self.back_off);
        Phase::Exited { look: Some(next_look(now, restart)), restart: Some(restart) }
    }

    /// Its status shows the back-off only now; then it runs again, or waits until the next look.
    pub(super) fn look_again(&mut self, scene: &mut Scene<'_>, restart: Timestamp) {
        let now = scene.state.now;
        self.show_back_off(scene.pod);
        self.phase = if restart <= now {
            Phase::Exited { look: None, restart: Some(restart) }
        } else {
            let pod = format!("{}_{}({})", name(scene.pod), namespace(scene.pod), uid(scene.pod));
            let message = format!("Back-off restarting failed container {} in pod {pod}", self.name);
            scene.tell(Event::warning("kubelet", "BackOff", &message).of(&self.field));
            Phase::Exited { look: Some(next_look(now, restart)), restart: Some(restart) }
        };
    }

    fn show_back_off(&mut self, pod: &Value) {
        if let Some(ended) = self.shown.get("terminated") {
            self.last = json!({"terminated": ended});
        }
        let (minutes, seconds) = (self.back_off / 60, self.back_off % 60);
        let wait = if minutes > 0 { format!("{minutes}m{seconds}s") } else { format!("{seconds}s") };
        let pod = format!("{}_{}({})", name(pod), namespace(pod), uid(pod));
        let message = format!("back-off {wait} restarting failed container={} pod={pod}", self.name);
        self.shown = json!({"waiting": {"reason": "CrashLoopBackOff", "message": message}});
    }
}

fn next_look(now: Timestamp, restart: Timestamp) -> Timestamp {
    let wait = restart.duration_since(now).clamp(SignedDuration::ZERO, LONGEST_LOOK);
    later(now, wait + wait / 4)
}
