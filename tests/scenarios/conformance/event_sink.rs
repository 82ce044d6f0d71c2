//! Records as Events: the contract but for the line that stands twice, and what is seen of them.

use std::sync::Arc;

use async_trait::async_trait;
use deploy_core::audit::{AuditRecord, AuditSink};
use deploy_core::clock::Timestamp;
use deploy_core::conformance::audit_sink::{self, Fixture};
use deploy_core::manifest::ObjectId;
use deploy_k8s::{AUDIT_RECORD, EventSink};
use deploy_tests::{Env, scenario};
use serde_json::Value;

use super::rooms::Rooms;

struct Events {
    env: Arc<Env>,
    namespace: String,
    sink: EventSink,
}

#[async_trait]
impl Fixture for Events {
    fn sink(&self) -> &dyn AuditSink {
        &self.sink
    }

    async fn records(&self) -> Vec<AuditRecord> {
        let mut events = events(&self.env, &self.namespace).await;
        // Events have no order of their own, but each was written after the one before.
        events.sort_by_key(|event| at(event, "/metadata/resourceVersion").parse::<u64>().expect("a number"));
        events.iter().map(record).collect()
    }
}

async fn events(env: &Env, namespace: &str) -> Vec<Value> {
    let mut env = env.clone();
    namespace.clone_into(&mut env.namespace);
    let mut events = env.all("v1", "Event").await;
    events.retain(|event| event["reportingComponent"] == "deploy-core");
    events
}

fn record(event: &Value) -> AuditRecord {
    let whole = event["metadata"]["annotations"][AUDIT_RECORD].as_str().expect("the whole record");
    serde_json::from_str(whole).expect("a record")
}

fn at<'a>(event: &'a Value, pointer: &str) -> &'a str {
    event.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

// Recording the same line twice is left out: an Event's name is its record's.
scenario!(audit_in_events, async |env| {
    let rooms = Rooms::of(&env);
    let another = async || {
        let namespace = rooms.another().await;
        let sink = EventSink::new(env.cluster.clone(), ObjectId::new("", "Namespace", None, &namespace));
        Events { env: Arc::clone(&env), namespace, sink }
    };
    audit_sink::a_line_is_kept_exactly(another().await).await;
    audit_sink::none_is_lost_of_many_at_once(another().await).await;
    rooms.remove().await;
});

scenario!(events_are_about_their_object_and_never_double, async |env| {
    env.deploy(&deploy_tests::deployment("api:v1")).await;
    let api = ObjectId::new("apps", "Deployment", Some(&env.namespace), "api");
    let sink = EventSink::new(env.cluster.clone(), api);
    let deploy = AuditRecord::new(Timestamp::from_unix_seconds(1_790_000_000), "ci", "deploy", "shop")
        .change(Some("v1".into()), Some("v2".into()));
    let back = AuditRecord::new(deploy.at, "ci", "rollback", "shop").because("größe ".repeat(500));
    for record in [&deploy, &back, &deploy] {
        sink.record(record).await.expect("recorded");
    }
    let mut events = events(&env, &env.namespace).await;
    events.sort_by_key(|event| event["reason"].to_string());
    let facts: Vec<_> = events.iter().map(|event| (at(event, "/reason"), at(event, "/type"))).collect();
    assert_eq!(facts, [("Deploy", "Normal"), ("Rollback", "Warning")]);
    assert_eq!(at(&events[0], "/message"), "deploy shop: v1 -> v2, by ci");
    assert!(at(&events[1], "/message").len() <= 1024);
    assert_eq!(record(&events[1]), back, "the whole record is there");
    let live = env.get("apps/v1", "Deployment", "api").await.expect("there");
    assert_eq!(events[0]["involvedObject"]["uid"], live["metadata"]["uid"]);
    assert_eq!(at(&events[0], "/lastTimestamp"), "2026-09-21T14:13:20Z");
    // What is not there, or never was, can be recorded all the same.
    let gone = EventSink::new(
        env.cluster.clone(),
        ObjectId::new("apps", "Deployment", Some(&env.namespace), "gone"),
    );
    gone.record(&deploy).await.expect("recorded");
});
