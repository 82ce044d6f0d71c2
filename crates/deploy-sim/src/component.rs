//! The cluster's own components as writers: the controllers, the scheduler, the kubelet. They write as the API's other users do, past HTTP.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::api;
use crate::controllers::object::at;
use crate::request::Address;
use crate::state::{State, key};
use crate::status::Status;

/// A component, by the field manager that it writes as.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Component(pub(crate) &'static str);

/// Who notes in a quota what a write uses of it.
pub(crate) const API_SERVER: Component = Component("kube-apiserver");
/// ClusterRoles that are made of others.
pub(crate) const AGGREGATION: Component = Component("clusterrole-aggregation-controller");
/// Deployments, ReplicaSets, Jobs and the rest.
pub(crate) const CONTROLLER_MANAGER: Component = Component("kube-controller-manager");
/// Where pods go.
pub(crate) const SCHEDULER: Component = Component("kube-scheduler");
/// What runs them.
pub(crate) const KUBELET: Component = Component("kubelet");

impl Component {
    /// # Errors
    /// What the API refuses (quota, a namespace on its way out).
    pub(crate) fn create(self, state: &mut State, object: Value) -> Result<Arc<Value>, Status> {
        let address = address(state, &object, None)?;
        api::create_as(state, self.0, &address, object)
    }

    /// Writes the object as it is now changed by `change`; nothing where it is gone.
    ///
    /// # Errors
    /// What the API refuses.
    pub(crate) fn change(
        self,
        state: &mut State,
        object: &Value,
        subresource: Option<&str>,
        change: impl FnOnce(&mut Value),
    ) -> Result<Option<Arc<Value>>, Status> {
        let address = address(state, object, subresource)?;
        api::change_as(state, self.0, &address, change)
    }

    /// Deletes the object, its dependents in the background.
    ///
    /// # Errors
    /// What the API refuses.
    #[allow(clippy::unused_self, reason = "a deletion names no manager, but somebody deletes")]
    pub(crate) fn delete(self, state: &mut State, object: &Value) -> Result<(), Status> {
        let address = address(state, object, None)?;
        api::delete_as(state, &address)
    }

    /// Puts a pod on a node, in one write that owns no field and counts no generation, as the `binding` subresource does.
    #[allow(clippy::unused_self, reason = "a binding owns no field, but somebody binds")]
    pub(crate) fn bind(
        self,
        state: &mut State,
        pod: &Value,
        node: &str,
        condition: &Value,
    ) -> Result<(), Status> {
        let address = address(state, pod, None)?;
        let Some(kind) = state.kinds.find(&address.group, &address.version, &address.plural) else {
            return Err(Status::no_such_resource());
        };
        let key = key(kind, address.namespace.as_deref(), address.name.as_deref().unwrap_or_default());
        let Some(before) = state.store.get(&key) else { return Ok(()) };
        let mut pod = (**before).clone();
        pod["spec"]["nodeName"] = node.into();
        pod["status"]["conditions"] = json!([condition]);
        state.store.put(key, pod);
        Ok(())
    }

    /// Records an Event, or counts one that is there already.
    pub(crate) fn event(self, state: &mut State, about: &Value, event: &Event<'_>) {
        let metadata = &about["metadata"];
        let text = |field: &str| metadata[field].as_str().unwrap_or_default().to_owned();
        let namespace =
            Some(text("namespace")).filter(|text| !text.is_empty()).unwrap_or_else(|| "default".into());
        let same = |known: &Value| {
            known["involvedObject"]["uid"] == metadata["uid"]
                && known["involvedObject"]["fieldPath"].as_str() == event.field
                && known["reason"] == event.reason
                && known["message"] == event.message
        };
        let known = state.objects("events.", Some(&namespace)).into_iter().find(|known| same(known));
        // Go reads no other number of digits.
        let (time, exact) = (state.time(), format!("{:.6}", state.now));
        if let Some(known) = known {
            // An Event that cannot be counted is lost, as on a real node.
            let _ = self.change(state, &known, None, |known| {
                if event.action.is_some() {
                    let count = known["series"]["count"].as_u64().unwrap_or(1).saturating_add(1);
                    known["series"] = json!({"count": count, "lastObservedTime": exact});
                } else {
                    known["count"] = known["count"].as_u64().unwrap_or(1).saturating_add(1).into();
                    known["lastTimestamp"] = time.into();
                }
            });
            return;
        }
        // By the time, so that they are listed in the order in which things happened; the revision tells apart those of a moment.
        let end = state.now.as_nanosecond().saturating_add(state.store.revision().into());
        let mut object = json!({
            "apiVersion": "v1", "kind": "Event",
            "metadata": {"name": format!("{}.{end:016x}", text("name")), "namespace": namespace},
            "involvedObject": {
                "apiVersion": about["apiVersion"], "kind": about["kind"], "name": text("name"),
                "uid": text("uid"), "resourceVersion": text("resourceVersion"),
            },
            "type": event.kind, "reason": event.reason, "message": event.message,
            "reportingComponent": event.source, "reportingInstance": event.host.unwrap_or_default(),
        });
        for (key, value) in [("namespace", metadata["namespace"].as_str()), ("fieldPath", event.field)] {
            if let Some(value) = value {
                object["involvedObject"][key] = value.into();
            }
        }
        if let Some(action) = event.action {
            let instance = format!("{}-{}", event.source, event.host.unwrap_or_default());
            put(
                &mut object,
                json!({
                    "action": action, "eventTime": exact, "firstTimestamp": null, "lastTimestamp": null, "source": {},
                    "reportingInstance": instance,
                }),
            );
        } else {
            let mut source = json!({"component": event.source});
            if let Some(host) = event.host {
                source["host"] = host.into();
            }
            put(
                &mut object,
                json!({
                    "count": 1, "eventTime": null, "firstTimestamp": time, "lastTimestamp": time, "source": source,
                }),
            );
        }
        let _ = self.create(state, object);
    }
}

fn put(object: &mut Value, more: Value) {
    if let (Some(object), Value::Object(more)) = (object.as_object_mut(), more) {
        object.extend(more);
    }
}

/// What an Event says.
#[derive(Clone, Debug)]
pub(crate) struct Event<'a> {
    /// `deployment-controller`
    source: &'a str,
    /// `Normal`, `Warning`
    kind: &'a str,
    reason: &'a str,
    message: &'a str,
    /// `spec.containers{api}`
    field: Option<&'a str>,
    host: Option<&'a str>,
    /// Of an Event of `events.k8s.io`, as the scheduler writes.
    action: Option<&'a str>,
}

impl<'a> Event<'a> {
    pub(crate) fn normal(source: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { source, kind: "Normal", reason, message, field: None, host: None, action: None }
    }

    pub(crate) fn warning(source: &'a str, reason: &'a str, message: &'a str) -> Self {
        Self { kind: "Warning", ..Self::normal(source, reason, message) }
    }

    /// About one field of the object.
    pub(crate) fn of(self, field: &'a str) -> Self {
        Self { field: Some(field), ..self }
    }

    /// Told by the component on this node.
    pub(crate) fn on(self, host: &'a str) -> Self {
        Self { host: Some(host), ..self }
    }

    pub(crate) fn action(self, action: &'a str) -> Self {
        Self { action: Some(action), ..self }
    }
}

fn address(state: &State, object: &Value, subresource: Option<&str>) -> Result<Address, Status> {
    let text = |pointer: &str| at(object, pointer).and_then(Value::as_str).map(str::to_owned);
    let api_version = text("/apiVersion").unwrap_or_default();
    let kind = state.kinds.of(&api_version, &text("/kind").unwrap_or_default());
    let kind = kind.ok_or_else(Status::no_such_resource)?;
    Ok(Address {
        group: kind.group.clone(),
        version: kind.version.clone(),
        namespace: text("/metadata/namespace").filter(|_| kind.namespaced),
        plural: kind.plural.clone(),
        name: text("/metadata/name"),
        subresource: subresource.map(str::to_owned),
    })
}
