//! One pod: signs, patience and settling, judged on a bare Pod.

use std::time::Duration;

use serde_json::{Value, json};

use crate::health::{Judge, Patience};

use super::{Story, ended, event, pod, restarted, running, waiting, with};

const NOT_FOUND: &str = "failed to resolve reference \"shop/app:v2\": shop/app:v2: not found";
const REFUSED: &str = "dial tcp 10.0.0.1:443: connect: connection refused";

fn app(status: Value) -> Value {
    pod("app", "none", status)
}

fn app_event(reason: &str, message: &str, count: u32) -> Value {
    event("Pod", "app", reason, message, count)
}

fn created() -> Value {
    app(waiting("ContainerCreating", ""))
}

#[test]
fn must_settle_without_a_probe_and_anew_after_a_restart() {
    Story::of(created()).is("progressing").see(app(running())).becomes("healthy", 3.0).stays("healthy");
    Story::of(created())
        .see(app(running()))
        .wait(2.9)
        .see(app(ended(0, 1, "Error")))
        .wait(0.2)
        .is("progressing")
        .see(app(restarted(1)))
        .becomes("healthy", 3.0);
    // Restarted between two looks: never seen down.
    Story::of(created()).see(app(running())).wait(2.0).see(app(restarted(1))).becomes("healthy", 3.0);
}

#[test]
fn a_passing_probe_counts_at_once() {
    let probed = |status| with(app(status), &[("/spec/containers/0/readinessProbe", json!({"httpGet": {}}))]);
    let unready = with(running(), &[("/ready", json!(false))]);
    Story::of(probed(waiting("ContainerCreating", "")))
        .see(probed(unready.clone()))
        .is("progressing")
        .see(app_event("Unhealthy", "Readiness probe failed: 404", 3))
        .because("container \"app\" of pod app is not ready: Readiness probe failed: 404")
        .stays("progressing")
        .see(probed(running()))
        .is("healthy");
}

#[test]
fn what_ran_for_long_before_we_looked_is_settled() {
    let since = |started: &str| app(with(running(), &[("/state/running/startedAt", json!(started))]));
    Story::of(since("2026-01-01T00:00:00Z")).stays("healthy");
    Story::of(since("2026-01-01T00:58:57Z")).is("healthy");
    // Within what the clocks may differ: seen for the settling time, or old enough, whichever comes first.
    Story::of(since("2026-01-01T00:58:58Z")).becomes("healthy", 1.0);
    Story::of(since("2026-01-01T00:59:59Z")).becomes("healthy", 3.0);
    Story::of(since("yesterday")).becomes("healthy", 3.0);
    // Seen before it ran: its own word does not count.
    Story::of(created()).see(since("2020-01-01T00:00:00Z")).becomes("healthy", 3.0);
}

#[test]
fn an_image_that_is_not_there_fails_at_once() {
    for message in [NOT_FOUND, "rpc error: code = NotFound desc = x", "manifest unknown"] {
        Story::of(created()).see(app(waiting("ErrImagePull", message))).is("ImageNotFound");
        Story::of(created())
            .see(app_event("Failed", &format!("Failed to pull image \"shop/app:v2\": {message}"), 1))
            .is("ImageNotFound");
    }
    Story::of(created())
        .see(app(waiting("InvalidImageName", "couldn't parse image")))
        .is("ImageInvalid")
        .because("\"shop/app:v2\" is not a valid image reference (container \"app\" of pod app)");
    Story::of(created()).see(app(waiting("ErrImageNeverPull", "not present"))).is("ImageNotFound");
    // The Event came before anything was seen of the pod.
    let mut story = Story::of(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}}));
    story
        .see(app_event("Failed", &format!("Failed to pull image \"shop/app:v2\": {NOT_FOUND}"), 1))
        .see(created());
    story.id = super::object(created()).id();
    story.is("ImageNotFound");
}

#[test]
fn other_pull_errors_have_three_attempts_or_a_minute() {
    let failed =
        |count| app_event("Failed", &format!("Failed to pull image \"shop/app:v2\": {REFUSED}"), count);
    // By time: the flips between the two reasons are one sign.
    let mut story = Story::of(created());
    story.see(app(waiting("ErrImagePull", REFUSED)));
    for _ in 0..2 {
        story.wait(10.0).see(app(waiting("ImagePullBackOff", "Back-off pulling image")));
    }
    story.becomes("ImagePull", 40.0);
    // By the count of the Event, or of the attempts that began after the first.
    Story::of(created()).see(failed(2)).is("progressing").see(failed(3)).is("ImagePull").because(
        "image \"shop/app:v2\" cannot be pulled, 3 attempts (container \"app\" of pod app): Failed to pull image \
         \"shop/app:v2\": dial tcp 10.0.0.1:443: connect: connection refused",
    );
    let pulling = |count| app_event("Pulling", "Pulling image", count);
    Story::of(created()).see(failed(1)).see(pulling(3)).is("progressing").see(pulling(4)).is("ImagePull");
    // By the flips of the status.
    let mut story = Story::of(created());
    for _ in 0..2 {
        story
            .see(app(waiting("ErrImagePull", REFUSED)))
            .see(app(waiting("ImagePullBackOff", "")))
            .is("progressing");
    }
    story.see(app(waiting("ErrImagePull", REFUSED))).is("ImagePull");
    // Pulled in the end, which the status says later.
    Story::of(created())
        .see(app(waiting("ErrImagePull", REFUSED)))
        .wait(59.0)
        .see(app_event("Pulled", "Successfully pulled", 1))
        .wait(5.0)
        .is("progressing")
        .see(app(running()))
        .becomes("healthy", 3.0);
}

#[test]
fn a_container_may_end_once() {
    Story::of(created())
        .see(app(running()))
        .see(app(ended(0, 1, "Error")))
        .is("progressing")
        .because("container \"app\" of pod app exits with code 1 (once)")
        .see(app(restarted(1)))
        .is("progressing")
        .see(app(ended(1, 1, "Error")))
        .is("ContainerExit")
        .because("container \"app\" of pod app exits with code 1 (2 times)");
    let end = |code, reason, expect| {
        Story::of(created()).see(app(ended(1, code, reason))).is(expect);
    };
    end(137, "OOMKilled", "OutOfMemory");
    end(128, "StartError", "ContainerStart");
    // It must stay up: to end well is to end.
    end(0, "Completed", "ContainerExit");
}

#[test]
fn restarts_from_before_we_looked_are_not_held_against_it() {
    Story::of(app(restarted(7)))
        .see(app(ended(7, 1, "Error")))
        .is("progressing")
        .see(app(restarted(8)))
        .becomes("healthy", 3.0);
    // But one that is down is: it backs off because it ended twice within minutes.
    let backing_off = with(
        waiting("CrashLoopBackOff", "back-off 5m0s restarting failed container"),
        &[("/lastState/terminated", json!({"exitCode": 3})), ("/restartCount", json!(7))],
    );
    Story::of(app(backing_off.clone()))
        .is("ContainerExit")
        .because("container \"app\" of pod app exits with code 3 (8 times)");
    Story::of(app(restarted(7)))
        .see(app(backing_off))
        .is("ContainerExit")
        .because("container \"app\" of pod app exits with code 3 (2 times)");
}

#[test]
fn a_container_that_cannot_be_made_has_a_while() {
    Story::of(created())
        .see(app(waiting("CreateContainerConfigError", "configmap \"app\" not found")))
        .becomes("MissingReference", 5.0)
        .because("ConfigMap \"app\" not found (container \"app\" of pod app)");
    Story::of(created())
        .see(app_event("Failed", "Error: couldn't find key url in Secret shop/db", 1))
        .wait(2.0)
        .see(app(waiting("CreateContainerConfigError", "couldn't find key url in Secret shop/db")))
        .becomes("MissingReference", 3.0)
        .because("key \"url\" not found in Secret \"db\" (container \"app\" of pod app)");
    // It came in time.
    Story::of(created())
        .see(app_event("Failed", "Error: configmap \"app\" not found", 1))
        .wait(4.0)
        .see(app_event("Created", "Created container", 1))
        .wait(2.0)
        .is("progressing");
    Story::of(created())
        .see(app(waiting(
            "CreateContainerConfigError",
            "container has runAsNonRoot and image will run as root",
        )))
        .becomes("ContainerStart", 5.0);
    Story::of(created())
        .see(app(waiting("RunContainerError", "exec: \"nope\": executable file not found in $PATH")))
        .becomes("ContainerStart", 10.0)
        .because(
            "container \"app\" of pod app cannot start: exec: \"nope\": executable file not found in $PATH",
        );
    // The runtime's word for it, after the second try.
    let start_error =
        json!({"exitCode": 128, "reason": "StartError", "message": "exec: \"nope\": not found"});
    let failing = |restarts: u32| {
        let status = waiting("RunContainerError", "exec: \"nope\": not found");
        app(with(
            status,
            &[("/restartCount", json!(restarts)), ("/lastState/terminated", start_error.clone())],
        ))
    };
    Story::of(created()).see(failing(0)).wait(1.0).is("progressing").see(failing(1)).is("ContainerStart");
}

#[test]
fn volumes() {
    let mount = |message: &str| app_event("FailedMount", message, 1);
    Story::of(created())
        .see(mount("MountVolume.SetUp failed for volume \"cfg\" : configmap \"app\" not found"))
        .becomes("MissingReference", 5.0)
        .because("ConfigMap \"app\" not found");
    let with_secret =
        with(created(), &[("/spec/volumes", json!([{"name": "tls", "secret": {"secretName": "cert"}}]))]);
    Story::of(with_secret)
        .see(mount(
            "MountVolume.SetUp failed for volume \"tls\" : references non-existent secret key: tls.crt",
        ))
        .becomes("MissingReference", 5.0)
        .because("key \"tls.crt\" not found in Secret \"cert\"");
    // What may pass informs.
    Story::of(created())
        .see(mount("MountVolume.SetUp failed: timed out waiting for the condition"))
        .stays("progressing")
        .because("Pod shop/app is not ready: MountVolume.SetUp failed: timed out waiting for the condition");
    // Mounted in time: the image is being pulled.
    Story::of(created())
        .see(mount("configmap \"app\" not found"))
        .wait(4.0)
        .see(app_event("Pulling", "Pulling image", 1))
        .stays("progressing");
}

#[test]
fn a_pod_that_fits_nowhere() {
    let unscheduled = |reason: &str, message: &str| {
        let condition =
            json!([{"type": "PodScheduled", "status": "False", "reason": reason, "message": message}]);
        with(created(), &[("/status/conditions", condition), ("/status/containerStatuses", json!([]))])
    };
    let no_cpu =
        || unscheduled("Unschedulable", "0/3 nodes are available: 3 Insufficient cpu. preemption: none.");
    Story::of(no_cpu())
        .becomes("Unschedulable", 30.0)
        .because("Pod shop/app cannot be scheduled: 3 Insufficient cpu");
    Story::of(no_cpu()).see(app_event("TriggeredScaleUp", "pod triggered scale-up", 1)).stays("progressing");
    Story::of(no_cpu()).wait(29.0).see(created()).stays("progressing");
    Story::of(unscheduled("SchedulingGated", "gated"))
        .stays("progressing")
        .because("Pod shop/app is not ready: gated");
    let volumes = json!([
        {"persistentVolumeClaim": {"claimName": "bound"}},
        {"persistentVolumeClaim": {"claimName": "data"}},
    ]);
    let claim = |name: &str, phase: &str| json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": name, "namespace": "shop"}, "status": {"phase": phase}});
    let words = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims.";
    Story::of(with(unscheduled("Unschedulable", words), &[("/spec/volumes", volumes)]))
        .see(claim("bound", "Bound"))
        .see(claim("data", "Pending"))
        .becomes("VolumePending", 30.0);
}

#[test]
fn init_containers_must_end_well_and_sidecars_must_run() {
    let init = |status: Value, sidecar: bool| {
        let policy = if sidecar { json!("Always") } else { Value::Null };
        with(
            created(),
            &[
                ("/spec/initContainers", json!([{"name": "init", "image": "i", "restartPolicy": policy}])),
                ("/status/initContainerStatuses", json!([with(status, &[("/name", json!("init"))])])),
            ],
        )
    };
    Story::of(init(running(), false))
        .see(init(ended(0, 2, "Error"), false))
        .is("progressing")
        .see(init(ended(1, 2, "Error"), false))
        .is("ContainerExit")
        .because("init container \"init\" of pod app exits with code 2 (2 times)");
    Story::of(init(running(), false)).see(init(ended(3, 0, "Completed"), false)).stays("progressing");
    Story::of(init(running(), true)).see(init(ended(1, 0, "Completed"), true)).is("ContainerExit");
    // The sidecar settles as well.
    let both = |sidecar: Value| {
        let status = app(running())["status"].clone();
        let sidecar = json!([with(sidecar, &[("/name", json!("init"))])]);
        with(init(running(), true), &[("/status", status), ("/status/initContainerStatuses", sidecar)])
    };
    Story::of(created()).see(app(running())).wait(2.0).see(both(running())).becomes("healthy", 3.0);
}

#[test]
fn a_pod_that_is_not_always_restarted_has_to_end() {
    let task = |policy: &str, phase: &str, status: Value| {
        with(app(status), &[("/spec/restartPolicy", json!(policy)), ("/status/phase", json!(phase))])
    };
    Story::of(task("Never", "Running", running()))
        .stays("progressing")
        .see(task("Never", "Succeeded", ended(0, 0, "Completed")))
        .is("healthy");
    Story::of(task("Never", "Failed", ended(0, 3, "Error"))).is("ContainerExit");
    Story::of(task("OnFailure", "Running", running()))
        .see(task("OnFailure", "Running", ended(0, 0, "Completed")))
        .is("progressing");
    Story::of(task("OnFailure", "Running", running()))
        .see(task("OnFailure", "Running", ended(1, 1, "Error")))
        .is("ContainerExit");
    Story::of(task("Always", "Succeeded", ended(0, 0, "Completed"))).is("ContainerExit");
    let evicted = with(
        task("Always", "Failed", waiting("ContainerCreating", "")),
        &[
            ("/status/reason", json!("Evicted")),
            ("/status/message", json!("The node was low on resource: memory.")),
        ],
    );
    Story::of(evicted)
        .is("PodFailed")
        .because("Pod shop/app failed (Evicted): The node was low on resource: memory.");
}

#[test]
fn patience_of_zero_and_for_ever() {
    let judged_with = |patience| Story { judge: Judge::new(patience), ..Story::of(created()) };
    judged_with(Patience::default().with_container_ends(0).with_settling(Duration::ZERO))
        .see(app(running()))
        .is("healthy")
        .see(app(ended(0, 1, "Error")))
        .is("ContainerExit");
    judged_with(Patience::default().with_pull(Duration::MAX).with_pull_attempts(u32::MAX))
        .see(app(waiting("ErrImagePull", REFUSED)))
        .stays("progressing");
}
