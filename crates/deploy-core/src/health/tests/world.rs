//! What the world remembers, and what it forgets.

use serde_json::{Value, json};

use super::{Story, event, object, owned_by, pod, running};
use crate::clock::Timestamp;
use crate::health::World;

fn config(uid: &str, version: &str, note: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap",
           "metadata": {"name": "x", "namespace": "shop", "uid": uid, "resourceVersion": version}, "data": {"note": note}})
}

#[test]
fn never_goes_back_in_time() {
    let mut story = Story::of(config("a", "10", "ten"));
    let note = |story: &Story| {
        story.world.get(&story.id).map(|seen| seen.get("/data/note").unwrap().as_str().unwrap().to_owned())
    };
    story.see(config("a", "9", "nine"));
    assert_eq!(note(&story).as_deref(), Some("ten"));
    story.see(config("a", "11", "eleven"));
    assert_eq!(note(&story).as_deref(), Some("eleven"));
    // Made anew, then the old one's last words arrive.
    story.see(config("b", "12", "anew")).see(config("a", "11", "late")).gone(config("a", "11", "late"));
    assert_eq!(note(&story).as_deref(), Some("anew"));
    story.gone(config("b", "13", "anew"));
    assert_eq!(note(&story), None);
}

#[test]
fn a_new_list_removes_what_is_not_in_it() {
    let mut story = Story::of(pod("one", "set", running()));
    let elsewhere = with_namespace(pod("far", "set", running()), "other");
    story.see(pod("two", "set", running())).see(elsewhere).see(config("a", "1", ""));
    let list = [object(pod("two", "set", running())), object(pod("three", "set", running()))];
    story.world.replace_kind("", "Pod", Some("shop"), list, story.now);
    let names = |world: &World| world.objects().map(|object| object.name().to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&story.world), ["x", "far", "three", "two"]);
    let owned: Vec<_> = story.world.owned_by("set").map(|pod| pod.name().to_owned()).collect();
    assert_eq!(owned, ["far", "three", "two"]);
    story.world.replace_kind("", "Pod", None, [], story.now);
    assert_eq!(names(&story.world), ["x"]);
}

fn with_namespace(mut value: Value, namespace: &str) -> Value {
    value["metadata"]["namespace"] = json!(namespace);
    value
}

#[test]
fn warnings_about_an_object_and_all_it_owns() {
    let deployment = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "app", "namespace": "shop", "uid": "app"}});
    let set = owned_by(
        json!({"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "set", "namespace": "shop", "uid": "set"}}),
        "Deployment",
        "app",
    );
    let mut story = Story::of(deployment);
    // Before the pod itself was seen, and in the other API's words.
    story.see(json!({
        "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "e1", "namespace": "shop"},
        "type": "Warning", "reason": "FailedMount", "note": "no volume", "series": {"count": 7},
        "regarding": {"apiVersion": "v1", "kind": "Pod", "name": "one", "namespace": "shop", "uid": "one"},
    }));
    story.wait(1.0).see(set).see(pod("one", "set", running())).see(event(
        "ReplicaSet",
        "set",
        "FailedCreate",
        "no quota",
        1,
    ));
    story
        .see(event("Pod", "one", "Pulling", "normal", 1))
        .see(event("Pod", "other", "Failed", "not ours", 1));
    let events = story.world.events_about(&story.id);
    let told: Vec<_> =
        events.iter().map(|event| (event.reason.as_str(), event.message.as_str(), event.count)).collect();
    assert_eq!(told, [("FailedMount", "no volume", 7), ("FailedCreate", "no quota", 1)]);
}

#[test]
fn events_about_one_object_are_bounded() {
    let mut story = Story::of(pod("one", "set", running()));
    for number in 0..1_000 {
        let mut event = event("Pod", "one", "Odd", "words", 1);
        event["metadata"]["name"] = json!(format!("e{number}"));
        story.wait(0.001).see(event);
    }
    let events = story.world.events_about(&story.id);
    assert_eq!(events.len(), 64);
    assert!(
        events.iter().all(|event| event.first_seen > story.start + std::time::Duration::from_millis(900))
    );
}

#[test]
fn owners_that_own_each_other_end_nothing() {
    let mut world = World::new();
    for (name, owner) in [("a", "b"), ("b", "a")] {
        world.upsert(object(pod(name, owner, running())), Timestamp::UNIX_EPOCH);
    }
    let id = world.objects().next().unwrap().id();
    assert!(world.events_about(&id).is_empty());
}
