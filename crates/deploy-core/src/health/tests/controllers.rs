//! The other workloads: StatefulSets, DaemonSets, ReplicaSets, Jobs.

use serde_json::{Value, json};

use super::{
    Story, crashed, ended, event, not_found, owned_by, pod, probed, replica_set, running, waiting, with,
};

/// A StatefulSet whose status counts `[replicas, ready, updated]`.
fn stateful_set(strategy: Value, counts: [i64; 3], current: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet",
        "metadata": {"name": "db", "namespace": "shop", "uid": "db", "generation": 2},
        "spec": {"replicas": 3, "updateStrategy": strategy},
        "status": {"observedGeneration": 2, "replicas": counts[0], "readyReplicas": counts[1], "updatedReplicas": counts[2],
                   "currentRevision": current, "updateRevision": "r2"},
    })
}

fn revised(name: &str, owner: &str, revision: &str, status: Value) -> Value {
    with(
        probed(pod(name, owner, status)),
        &[("/metadata/labels", json!({"controller-revision-hash": revision}))],
    )
}

#[test]
fn a_stateful_set_goes_in_order() {
    let rolling = || json!({"type": "RollingUpdate"});
    let mut story = Story::of(stateful_set(rolling(), [3, 2, 1], "r1"));
    story
        .see(revised("db-0", "db", "r1", crashed()))
        .see(revised("db-1", "db", "r1", running()))
        .is("progressing");
    story
        .see(revised("db-2", "db", "r2", running()))
        .is("progressing")
        .progress("1 of 3 replicas are updated");
    // One hopeless pod blocks the rest, whatever the others do.
    story.see(revised("db-1", "db", "r2", crashed())).is("ContainerExit");
    let mut story = Story::of(stateful_set(rolling(), [3, 3, 3], "r1"));
    for name in ["db-0", "db-1", "db-2"] {
        story.see(revised(name, "db", "r2", running()));
    }
    story.is("progressing").see(stateful_set(rolling(), [3, 3, 3], "r2")).is("healthy");
    // All at once: one bad pod of many is not a failed rollout yet.
    let parallel =
        with(stateful_set(rolling(), [3, 2, 3], "r2"), &[("/spec/podManagementPolicy", json!("Parallel"))]);
    let mut story = Story::of(parallel);
    story
        .see(revised("db-0", "db", "r2", running()))
        .see(revised("db-1", "db", "r2", crashed()))
        .becomes("ContainerExit", 30.0);
}

#[test]
fn a_stateful_sets_partition_and_on_delete_are_respected() {
    let partition = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 2}});
    let mut story = Story::of(stateful_set(partition.clone(), [3, 3, 0], "r1"));
    story.see(revised("db-0", "db", "r1", running())).is("progressing");
    story
        .see(stateful_set(partition, [3, 3, 1], "r1"))
        .is("progressing")
        .see(revised("db-2", "db", "r2", running()))
        .is("healthy");
    let on_delete = json!({"type": "OnDelete"});
    let mut story = Story::of(stateful_set(on_delete.clone(), [3, 2, 0], "r1"));
    story.is("progressing").see(stateful_set(on_delete.clone(), [3, 3, 0], "r1")).is("healthy").progress(
        "3 of 3 replicas are ready, 0 of them updated: OnDelete, the others are when they are deleted",
    );
    // A pod that was deleted came back broken.
    story
        .see(stateful_set(on_delete, [3, 2, 1], "r1"))
        .see(revised("db-2", "db", "r2", not_found()))
        .is("ImageNotFound");
}

/// A DaemonSet whose status counts `[desired, updated, ready and available]`.
fn daemon_set(counts: [i64; 3]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "DaemonSet",
        "metadata": {"name": "agent", "namespace": "shop", "uid": "agent", "generation": 3,
                     "annotations": {"deprecated.daemonset.template.generation": "3"}},
        "spec": {"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "20%"}}},
        "status": {"observedGeneration": 3, "desiredNumberScheduled": counts[0], "updatedNumberScheduled": counts[1],
                   "numberReady": counts[2], "numberAvailable": counts[2]},
    })
}

fn agent(name: &str, generation: &str, hash: &str, status: Value) -> Value {
    let labels = json!({"pod-template-generation": generation, "controller-revision-hash": hash});
    with(probed(pod(name, "agent", status)), &[("/metadata/labels", labels)])
}

#[test]
fn a_daemon_set_is_blocked_by_as_many_as_may_be_unavailable() {
    let mut story = Story::of(daemon_set([10, 2, 9]));
    story.see(agent("old", "2", "h2", crashed())).see(agent("a", "3", "h3", running())).is("progressing");
    story
        .see(agent("b", "3", "h3", crashed()))
        .is("progressing")
        .see(agent("c", "3", "h3", crashed()))
        .is("ContainerExit");
    // On the last nodes nothing more is blocked.
    let mut story = Story::of(daemon_set([3, 3, 1]));
    story.see(agent("a", "3", "h3", running())).see(agent("b", "3", "h3", crashed())).see(agent(
        "c",
        "3",
        "h3",
        crashed(),
    ));
    story.becomes("ContainerExit", 30.0);
    let mut story = Story::of(daemon_set([1, 1, 1]));
    story.see(agent("a", "3", "h3", running())).is("healthy");
    Story::of(daemon_set([0, 0, 0])).is("healthy").progress("no node is to run it");
}

#[test]
fn a_daemon_sets_rollback_takes_up_its_old_pods() {
    // Nothing was replaced yet: the controller says that all are updated.
    let mut story = Story::of(daemon_set([2, 2, 2]));
    story.see(agent("a", "1", "h1", running())).see(agent("b", "1", "h1", running())).is("healthy");
    // One was: its hash is that of the others.
    let mut story = Story::of(daemon_set([3, 3, 3]));
    story.see(agent("a", "1", "h1", running())).see(agent("b", "3", "h1", running())).see(agent(
        "bad",
        "2",
        "h2",
        crashed(),
    ));
    assert_eq!(story.world.pods_of(&story.id).len(), 3);
    let revision = |name: &str, number: i64| {
        let labels = json!({"controller-revision-hash": name});
        let metadata = json!({"name": name, "namespace": "shop", "uid": name, "labels": labels});
        let revision = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": metadata, "revision": number});
        owned_by(revision, "DaemonSet", "agent")
    };
    story.see(revision("h2", 2)).see(revision("h1", 3));
    let pods: Vec<_> = story.world.pods_of(&story.id).iter().map(|pod| pod.name().to_owned()).collect();
    assert_eq!(pods, ["a", "b"]);
}

fn job(status: Value) -> Value {
    json!({"apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "job", "namespace": "shop", "uid": "job", "generation": 1},
           "spec": {"completions": 1, "backoffLimit": 6}, "status": status})
}

fn is_true(kind: &str, reason: &str) -> Value {
    json!({"conditions": [{"type": kind, "status": "True", "reason": reason, "message": "words"}]})
}

#[test]
fn a_job_counts_its_own_failures() {
    let task = |name: &str, status: Value| {
        with(pod(name, "job", status), &[("/spec/restartPolicy", json!("Never"))])
    };
    let mut story = Story::of(job(json!({"active": 1})));
    story
        .see(with(task("a", ended(0, 1, "Error")), &[("/status/phase", json!("Failed"))]))
        .stays("progressing");
    let restarting = |restarts| {
        with(pod("b", "job", ended(restarts, 1, "Error")), &[("/spec/restartPolicy", json!("OnFailure"))])
    };
    story
        .see(restarting(5))
        .stays("progressing")
        .see(job(is_true("FailureTarget", "BackoffLimitExceeded")))
        .is("JobFailed");
    story.because("Job shop/job failed (BackoffLimitExceeded) in container \"app\" of pod b: words");
    Story::of(job(is_true("Failed", "DeadlineExceeded"))).is("JobFailed");
    Story::of(job(is_true("Complete", ""))).is("healthy");
    Story::of(job(is_true("SuccessCriteriaMet", ""))).stays("progressing");
    Story::of(with(job(json!({})), &[("/spec/suspend", json!(true))])).is("healthy").progress("suspended");
    // But what can never start fails as it does for any workload.
    Story::of(job(json!({"active": 1}))).see(task("a", not_found())).is("ImageNotFound");
    Story::of(job(json!({"active": 1})))
        .see(task("a", waiting("CreateContainerConfigError", "secret \"db\" not found")))
        .becomes("MissingReference", 5.0);
}

#[test]
fn what_other_workloads_are_refused_stands_in_events() {
    let quota =
        "create Pod db-0 in StatefulSet db failed error: pods \"db-0\" is forbidden: exceeded quota: small";
    let refused = |kind: &str, uid: &str| {
        with(event(kind, uid, "FailedCreate", quota, 1), &[("/lastTimestamp", json!("2026-01-01T00:30:00Z"))])
    };
    let set = || stateful_set(json!({}), [0, 0, 0], "r2");
    Story::of(set()).see(refused("StatefulSet", "db")).becomes("Quota", 2.0);
    Story::of(daemon_set([2, 0, 0])).see(refused("DaemonSet", "agent")).becomes("Quota", 2.0);
    Story::of(job(json!({}))).see(refused("Job", "job")).becomes("Quota", 2.0);
    // An Event from before the newest pod was created is history, by the cluster's own clock.
    let newer = with(
        revised("db-0", "db", "r2", running()),
        &[("/metadata/creationTimestamp", json!("2026-01-01T00:45:00Z"))],
    );
    Story::of(set()).see(refused("StatefulSet", "db")).see(newer).stays("progressing");
    // All pods are there.
    let mut story = Story::of(job(json!({"active": 1})));
    story.see(refused("Job", "job")).see(pod("a", "job", running())).stays("progressing");
}

#[test]
fn a_replica_set_by_itself() {
    let set = |counts: [i64; 2]| {
        let mut set = replica_set("set", "shop/app:v2");
        set["metadata"]["ownerReferences"] = Value::Null;
        with(
            set,
            &[
                ("/spec/replicas", json!(1)),
                (
                    "/status",
                    json!({"observedGeneration": 1, "replicas": counts[0], "availableReplicas": counts[1]}),
                ),
            ],
        )
    };
    Story::of(set([1, 0]))
        .is("progressing")
        .see(set([1, 1]))
        .see(pod("p", "set", running()))
        .becomes("healthy", 3.0);
    Story::of(set([1, 0])).see(pod("p", "set", not_found())).is("ImageNotFound");
    Story::of(set([2, 1])).see(pod("p", "set", running())).wait(3.0).is("progressing");
}
