//! Deployments: which pods count, when one bad pod is a failed rollout, and what the controllers say.

use serde_json::{Value, json};

use super::{
    Story, crashed, not_found, pod, probed, replica_set, restarted, running, template, waiting, with,
};

/// A Deployment whose status counts `[replicas, updated, available]`.
fn deployment(wanted: i64, counts: [i64; 3]) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "app", "namespace": "shop", "uid": "app", "generation": 2},
        "spec": {"replicas": wanted, "template": template("shop/app:v2")},
        "status": {"observedGeneration": 2, "replicas": counts[0], "updatedReplicas": counts[1], "availableReplicas": counts[2]},
    })
}

fn rollout(wanted: i64, counts: [i64; 3]) -> Story {
    let mut story = Story::of(deployment(wanted, counts));
    story.see(replica_set("new", "shop/app:v2")).see(replica_set("old", "shop/app:v1"));
    story
}

#[test]
fn a_deployment_is_complete_by_kubectls_rule() {
    let check = |wanted, counts, expect: &str, progress: &str| {
        let mut story = rollout(wanted, counts);
        for number in 0..wanted {
            story.see(probed(pod(&format!("p{number}"), "new", running())));
        }
        story.is(expect).progress(progress);
    };
    check(2, [2, 2, 2], "healthy", "2 of 2 replicas are updated and available");
    check(2, [3, 1, 2], "progressing", "1 of 2 replicas are updated");
    check(2, [3, 2, 3], "progressing", "1 old replica is still there");
    check(2, [2, 2, 1], "progressing", "1 of 2 updated replicas are available");
    check(0, [0, 0, 0], "healthy", "0 of 0 replicas are updated and available");
    check(0, [1, 0, 1], "progressing", "1 old replica is still there");
}

#[test]
fn a_status_of_an_older_generation_says_nothing() {
    let stale = with(deployment(1, [1, 1, 1]), &[("/status/observedGeneration", json!(1))]);
    let mut story = rollout(1, [1, 1, 1]);
    story.see(stale).see(probed(pod("p", "new", running()))).stays("progressing");
    story.see(deployment(1, [1, 1, 1])).is("healthy");
    // What our write returned was not seen yet.
    story.world.expect(story.id.clone(), 3);
    story.is("progressing");
    let next = with(
        deployment(1, [1, 1, 1]),
        &[("/metadata/generation", json!(3)), ("/status/observedGeneration", json!(3))],
    );
    story.see(next).is("healthy");
}

#[test]
fn only_the_new_replica_sets_pods_count() {
    let mut story = rollout(1, [1, 1, 1]);
    story
        .see(pod("old", "old", crashed()))
        .is("progressing")
        .see(pod("other", "stranger", not_found()))
        .is("progressing");
    let leaving = with(
        pod("leaving", "new", crashed()),
        &[("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"))],
    );
    story.see(leaving).is("progressing").see(pod("p", "new", running())).becomes("healthy", 3.0);
    // Complete by its counts, but its pods were not seen yet.
    rollout(2, [2, 2, 2])
        .see(probed(pod("p", "new", running())))
        .is("progressing")
        .see(probed(pod("q", "new", running())))
        .is("healthy");
    // The template is written differently: the controller's revision tells.
    let annotated = |value: Value, revision: &str| {
        let mut value = value;
        value["metadata"]["annotations"] = json!({"deployment.kubernetes.io/revision": revision});
        value
    };
    Story::of(annotated(deployment(1, [1, 1, 1]), "7"))
        .see(annotated(replica_set("defaulted", "docker.io/shop/app:v2"), "7"))
        .see(annotated(replica_set("older", "shop/app:v1"), "6"))
        .see(pod("p", "defaulted", running()))
        .becomes("healthy", 3.0);
}

#[test]
fn a_set_that_is_only_scaled_first_is_not_the_new_one() {
    let noted = |value: Value| {
        with(value, &[("/metadata/annotations", json!({"deployment.kubernetes.io/revision": "1"}))])
    };
    let old = with(noted(replica_set("old", "shop/app:v1")), &[("/status", json!({"replicas": 2}))]);
    Story::of(noted(deployment(1, [2, 0, 0])))
        .see(old)
        .see(pod("p", "old", not_found()))
        .is("progressing")
        .see(replica_set("new", "shop/app:v2"))
        .see(pod("q", "new", not_found()))
        .is("ImageNotFound");
}

#[test]
fn what_lies_in_the_template_fails_at_once() {
    let mut story = rollout(3, [4, 2, 2]);
    story
        .see(pod("a", "new", waiting("ContainerCreating", "")))
        .see(pod("b", "new", not_found()))
        .is("ImageNotFound");
    // The same container runs elsewhere: it is that node's trouble, and waits with the rest.
    story
        .see(pod("a", "new", running()))
        .is("progressing")
        .because("image \"shop/app:v2\" not found (container \"app\" of pod b)");
}

#[test]
fn one_bad_pod_of_many_fails_only_when_the_rest_makes_no_progress() {
    let mut story = rollout(3, [4, 3, 3]);
    story.see(pod("a", "new", running())).wait(10.0).see(pod("b", "new", crashed()));
    // A new pod is progress, and one that turns ready.
    story
        .is("progressing")
        .wait(20.0)
        .see(pod("c", "new", waiting("ContainerCreating", "")))
        .wait(20.0)
        .is("progressing");
    story.see(pod("c", "new", running())).becomes("ContainerExit", 30.0);
    // It recovered.
    story
        .see(pod("b", "new", restarted(2)))
        .wait(3.0)
        .is("progressing")
        .see(deployment(3, [3, 3, 3]))
        .is("healthy");
    // All are hopeless.
    rollout(2, [3, 2, 2]).see(pod("a", "new", crashed())).see(pod("b", "new", crashed())).is("ContainerExit");
}

#[test]
fn pods_that_ended_for_good_are_replaced() {
    let evicted = with(
        pod("gone", "new", running()),
        &[("/status/phase", json!("Failed")), ("/status/reason", json!("Evicted"))],
    );
    rollout(1, [1, 1, 0])
        .see(evicted)
        .stays("progressing")
        .because("pod gone failed (Evicted)")
        .see(deployment(1, [1, 1, 1]))
        .see(pod("p", "new", waiting("ContainerCreating", "")))
        .see(pod("p", "new", running()))
        .becomes("healthy", 3.0);
}

#[test]
fn a_progress_deadline_counts_if_it_is_about_this_rollout() {
    let exceeded = |set: &str| {
        let condition = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded",
                                "message": format!("ReplicaSet \"{set}\" has timed out progressing.")}]);
        with(deployment(1, [2, 1, 1]), &[("/status/conditions", condition)])
    };
    let new_pod = || pod("p", "new", waiting("ContainerCreating", ""));
    rollout(1, [2, 1, 1]).see(new_pod()).is("progressing").see(exceeded("new")).is("ProgressDeadline").because(
        "Deployment shop/app made no progress within its deadline: ReplicaSet \"new\" has timed out progressing.",
    );
    rollout(1, [2, 1, 1]).see(new_pod()).see(exceeded("old")).stays("progressing");
    // It stood there before the change.
    let before = |generation: i64| {
        let versions =
            [("/metadata/generation", json!(generation)), ("/status/observedGeneration", json!(generation))];
        with(exceeded("new"), &versions)
    };
    Story::of(before(1))
        .see(replica_set("new", "shop/app:v2"))
        .wait(1.0)
        .see(before(2))
        .see(new_pod())
        .stays("progressing");
}

#[test]
fn a_paused_deployment_waits_as_kubectl_does() {
    Story::of(with(deployment(1, [1, 0, 1]), &[("/spec/paused", json!(true))]))
        .stays("progressing")
        .progress("paused; 0 of 1 replicas are updated")
        .because(
            "Deployment shop/app is not ready: spec.paused is set, so its new template is not rolled out",
        );
    let mut complete = rollout(1, [1, 1, 1]);
    complete
        .see(with(deployment(1, [1, 1, 1]), &[("/spec/paused", json!(true))]))
        .see(probed(pod("p", "new", running())))
        .is("healthy");
}

#[test]
fn pods_that_the_api_server_refuses() {
    let refused = |message: &str| {
        let condition = json!([{"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": message}]);
        with(replica_set("new", "shop/app:v2"), &[("/status/conditions", condition)])
    };
    let quota =
        "pods \"p\" is forbidden: exceeded quota: small, requested: cpu=2, used: cpu=1, limited: cpu=2";
    rollout(1, [1, 0, 1]).see(refused(quota)).becomes("Quota", 2.0);
    rollout(1, [1, 0, 1])
        .see(refused("pods \"p\" is forbidden: violates PodSecurity \"restricted:latest\""))
        .becomes("Forbidden", 10.0);
    rollout(1, [1, 0, 1])
        .see(refused("Internal error occurred: failed calling webhook \"w\": connection refused"))
        .becomes("Forbidden", 60.0);
    rollout(1, [1, 0, 1])
        .see(refused("pods \"p\" is forbidden: error looking up service account shop/app: serviceaccount \"app\" not found"))
        .becomes("MissingReference", 5.0)
        .because("ServiceAccount \"app\" not found");
    // Old pods are going, which makes room.
    let leaving =
        with(pod("o", "old", running()), &[("/metadata/deletionTimestamp", json!("2026-01-01T00:00:00Z"))]);
    rollout(1, [1, 0, 1])
        .see(leaving.clone())
        .see(refused(quota))
        .stays("progressing")
        .gone(leaving)
        .becomes("Quota", 2.0);
    // The old ReplicaSet's troubles are not ours.
    let old = with(
        replica_set("old", "shop/app:v1"),
        &[("/status/conditions", refused(quota)["status"]["conditions"].clone())],
    );
    rollout(1, [1, 0, 1]).see(old).stays("progressing");
}
