//! A cluster that is stepped by hand.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::component::Component;
use crate::controllers::object::{condition, int, list, name, text};
use crate::controllers::settle;
use crate::kubelet::Image;
use crate::state::State;

pub(super) const USER: Component = Component("user");

pub(super) struct World {
    pub(super) state: State,
    next: Option<Timestamp>,
}

impl World {
    pub(super) fn new() -> Self {
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let mut world = Self { state: State::new(1, now), next: None };
        world.state.node.images.add("shop/api:bad", Image::not_found());
        world
            .state
            .node
            .images
            .add("shop/api:crash", Image::new().exits(1, Duration::ZERO).logs(["starting", "no database"]));
        world.state.node.images.add("shop/api:hangs", Image::new().never_ready());
        world
    }

    pub(super) fn create(&mut self, object: Value) -> Arc<Value> {
        let made = USER.create(&mut self.state, object).unwrap();
        self.settle();
        made
    }

    pub(super) fn settle(&mut self) {
        self.next = settle(&mut self.state).unwrap();
        assert!(self.next.is_none_or(|next| next > self.state.now), "it goes on at once");
    }

    /// Lets time pass, from one thing that is due to the next.
    pub(super) fn pass(&mut self, time: SignedDuration) {
        let end = self.state.now + time;
        while let Some(next) = self.next.filter(|next| *next <= end) {
            self.state.now = next;
            self.settle();
        }
        self.state.now = end;
        self.settle();
    }

    /// Lets time pass until something holds; how long it took.
    pub(super) fn until(&mut self, what: &str, holds: impl Fn(&Self) -> bool) -> SignedDuration {
        let start = self.state.now;
        while !holds(self) {
            let next = self.next.unwrap_or_else(|| panic!("{what}: nothing is due\n{}", self.told()));
            self.state.now = next;
            assert!(
                next.duration_since(start) < SignedDuration::from_hours(2),
                "{what}: never\n{}",
                self.told()
            );
            self.settle();
        }
        self.state.now.duration_since(start)
    }

    pub(super) fn find(&self, resource: &str, named: &str) -> Option<Arc<Value>> {
        self.state.objects(resource, None).into_iter().find(|object| name(object) == named)
    }

    pub(super) fn deployment(&self) -> Arc<Value> {
        self.find("deployments.apps", "api").unwrap()
    }

    pub(super) fn pods(&self) -> Vec<Arc<Value>> {
        self.state.objects("pods.", Some("default"))
    }

    pub(super) fn sets(&self) -> Vec<Arc<Value>> {
        self.state.objects("replicasets.apps", Some("default"))
    }

    pub(super) fn change(&mut self, resource: &str, named: &str, change: impl FnOnce(&mut Value)) {
        let object = self.find(resource, named).unwrap();
        USER.change(&mut self.state, &object, None, change).unwrap().unwrap();
        self.settle();
    }

    pub(super) fn image(&mut self, image: &str) {
        let image = image.to_owned();
        self.change("deployments.apps", "api", |api| {
            api["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
        });
    }

    pub(super) fn delete(&mut self, resource: &str, named: &str) {
        let object = self.find(resource, named).unwrap();
        USER.delete(&mut self.state, &object).unwrap();
        self.settle();
    }

    /// `REASON MESSAGE ×COUNT` of the Events about a kind.
    pub(super) fn events(&self, kind: &str) -> Vec<String> {
        let mut events: Vec<_> = self.state.objects("events.", None);
        events.sort_by_key(|event| text(event, "/metadata/resourceVersion").parse::<u64>().unwrap());
        let about = events.iter().filter(|event| event["involvedObject"]["kind"] == kind);
        let words = |event: &Arc<Value>| {
            let count = int(event, "/count").unwrap_or(1);
            format!("{} {} ×{count}", text(event, "/reason"), text(event, "/message"))
        };
        about.map(words).collect()
    }

    /// The statuses that an object had one after another since a revision; writes of something else count none.
    pub(super) fn statuses(&self, since: u64, resource: &str, named: &str) -> Vec<Value> {
        let changes = self.state.store.since(since).unwrap();
        let of = changes.filter(|change| *change.key.resource == *resource && change.key.name == named);
        let told = of.filter(|change| {
            change.before.as_ref().is_none_or(|before| before["status"] != change.after["status"])
        });
        told.map(|change| change.after["status"].clone()).collect()
    }

    fn told(&self) -> String {
        let mut told = String::new();
        for resource in [
            "deployments.apps",
            "replicasets.apps",
            "statefulsets.apps",
            "daemonsets.apps",
            "jobs.batch",
            "pods.",
        ] {
            for object in self.state.objects(resource, None) {
                told += name(&object);
                told += &object["status"].to_string();
                told.push('\n');
            }
        }
        told
    }
}

pub(super) fn deployment(image: &str, replicas: i64) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "namespace": "default"},
        "spec": {
            "replicas": replicas, "selector": {"matchLabels": {"app": "api"}},
            "template": {
                "metadata": {"labels": {"app": "api"}},
                "spec": {"containers": [{
                    "name": "api", "image": image,
                    "readinessProbe": {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 1},
                }]},
            },
        },
    })
}

pub(super) fn reason(object: &Value, kind: &str) -> String {
    let found = condition(object, kind);
    found.map_or_else(String::new, |found| {
        format!("{} {}", found["status"].as_str().unwrap(), found["reason"].as_str().unwrap_or_default())
    })
}

/// Whether all replicas are of the present template, and available.
pub(super) fn is_done(world: &World) -> bool {
    let api = world.deployment();
    let wanted = int(&api, "/spec/replicas");
    ["updatedReplicas", "availableReplicas", "replicas"]
        .iter()
        .all(|field| api["status"][field].as_i64() == wanted)
        && int(&api, "/status/observedGeneration") == int(&api, "/metadata/generation")
}

pub(super) fn waiting(pod: &Value) -> (String, String) {
    let state = list(pod, "/status/containerStatuses").first().map(|status| &status["state"]["waiting"]);
    let text = |field: &str| state.and_then(|state| state[field].as_str()).unwrap_or_default().to_owned();
    (text("reason"), text("message"))
}
