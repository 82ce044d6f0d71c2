//! Leads one object through its case.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use k8s_fields::server::{ApplyError, Write as By, apply, updated};
use k8s_fields::{Entry, FieldPath, ManagedFields, secret_string_data_to_data};
use kube::core::Status;
use serde_json::{Map, Value, json};

use super::case::{Case, Write};
use super::expect;
use crate::unchanged::change::{Change, part};
use crate::unchanged::server::{Answer, Server};

/// How often an object may be changed by controllers between a look at it and the write, before a case gives up.
const MAX_LOOKS: usize = 50;

pub(super) struct Driver {
    pub(super) server: Server,
    pub(super) tally: Mutex<Tally>,
    pub(super) objects: AtomicUsize,
}

/// How often what was seen.
#[derive(Default)]
pub(super) struct Tally(BTreeMap<&'static str, usize>);

impl Tally {
    pub(super) fn seen(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or_default()
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(what, count)| writeln!(f, "{count:7} {what}"))
    }
}

impl Driver {
    /// Runs a case on an object of its own.
    ///
    /// # Errors
    /// What the server does otherwise than predicted.
    pub(super) async fn run(&self, case: &Case) -> Result<(), String> {
        let name = format!("x{}", self.objects.fetch_add(1, Ordering::Relaxed));
        let named = |manifest: &Value| {
            let mut manifest = manifest.clone();
            manifest["metadata"]["name"] = json!(name);
            folded(manifest).expect("strings")
        };
        let manifests: Vec<Value> = case.manifests.iter().map(named).collect();
        let mut result = self.create(case.posted, &manifests[0]).await;
        let mut last = BTreeMap::new();
        for write in &case.writes {
            if result.is_ok() {
                result = self.write(write, &manifests, &mut last).await;
            }
        }
        drop(self.server.delete(&manifests[0]).await);
        result
    }

    async fn create(&self, posted: bool, manifest: &Value) -> Result<(), String> {
        let answer = if posted {
            self.server.create(manifest, "edit").await
        } else {
            self.server.apply(manifest, "deploy", false).await
        };
        let created =
            answer.map_err(|status| format!("the template is bad: {}\n{manifest:#}", status.message))?;
        if posted {
            if !expect::is_as_sent(manifest, &created) {
                self.count("post with another form");
                return Ok(());
            }
            self.count("post");
            let after = expect::as_sent(manifest, &created);
            let predicted = updated(None, &after, &by("edit", manifest, &created));
            return expect::entries(&predicted, &created)
                .map_err(|why| failure(&why, manifest, None, &created));
        }
        self.count("create by apply");
        let predicted =
            apply(None, manifest, &by("deploy", manifest, &created)).map_err(|error| error.to_string())?;
        expect::object(&predicted, None, &created).map_err(|why| failure(&why, manifest, None, &created))
    }

    async fn write(
        &self,
        write: &Write,
        manifests: &[Value],
        last: &mut BTreeMap<&'static str, Value>,
    ) -> Result<(), String> {
        for _ in 0..MAX_LOOKS {
            let settled = match write {
                Write::Apply { manager, another, changes, part: of, force } => {
                    let base = match another {
                        Some(index) => index.get(manifests),
                        None => last.get(manager).unwrap_or(&manifests[0]),
                    };
                    let live = self.live(base).await?;
                    let Some(mut applied) = folded(changed(base, changes, manifests, &live)) else {
                        return Ok(());
                    };
                    let live = self.live(&applied).await?;
                    if let Some(index) = of {
                        applied = part(&applied, *index);
                    }
                    let settled = self.apply(&applied, &live, manager, *force).await?;
                    if settled == Settled::Written {
                        last.insert(manager, applied);
                    }
                    settled
                }
                Write::Put { manager, changes } => {
                    let live = self.live(&manifests[0]).await?;
                    let mut body = changed(&live, changes, manifests, &live);
                    body["apiVersion"] = live["apiVersion"].clone();
                    let answer = self.server.replace(&body, manager).await;
                    self.judge_update("put", manager, &live, &body, answer)?
                }
                Write::Merge { manager, changes } => {
                    let live = self.live(&manifests[0]).await?;
                    let mut body = changed(&live, changes, manifests, &live);
                    body["apiVersion"] = live["apiVersion"].clone();
                    let mut patch = difference(&live, &body);
                    patch["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
                    let answer = self.server.merge(&live, &patch, manager).await;
                    self.judge_update("merge patch", manager, &live, &body, answer)?
                }
                Write::Reset => {
                    let live = self.live(&manifests[0]).await?;
                    let mut body = live.clone();
                    body["metadata"]["managedFields"] = json!([]);
                    let version = &live["metadata"]["resourceVersion"];
                    let patch = json!({"metadata": {"managedFields": [], "resourceVersion": version}});
                    let answer = self.server.merge(&live, &patch, "edit").await;
                    self.judge_update("reset", "edit", &live, &body, answer)?
                }
                Write::Scale(replicas) => self.scale(&manifests[0], *replicas).await?,
            };
            if settled != Settled::Stale {
                return Ok(());
            }
        }
        Err(format!("controllers change it all the time: {}", manifests[0]))
    }

    async fn apply(
        &self,
        applied: &Value,
        live: &Value,
        manager: &str,
        force: bool,
    ) -> Result<Settled, String> {
        let mut precondition = applied.clone();
        precondition["metadata"]["resourceVersion"] = live["metadata"]["resourceVersion"].clone();
        let answer = self.server.apply(&precondition, manager, force).await;
        let after = answer.as_ref().unwrap_or(live);
        let mut write = by(manager, applied, after);
        if force {
            write = write.forced();
        }
        let predicted = apply(Some(live), applied, &write);
        let shown = |why: String| {
            let after = answer.as_ref().map_or_else(|status| json!(status), Value::clone);
            failure(&why, applied, Some(live), &after)
        };
        match (&answer, predicted) {
            (Err(status), _) if is_stale(status) => return Ok(Settled::Stale),
            (Ok(after), Ok(predicted)) => {
                expect::object(&predicted, Some(live), after).map_err(shown)?;
                self.count(if force { "forced apply" } else { "apply" });
                return Ok(Settled::Written);
            }
            (Err(status), Err(ApplyError::Conflicts(conflicts))) if is_conflict(status) => {
                expect::conflicts(&conflicts, status).map_err(shown)?;
                self.count("conflict");
            }
            (Ok(_), Err(error)) => return Err(shown(format!("predicted to fail: {error}"))),
            (Err(status), predicted) if is_conflict(status) => {
                return Err(shown(format!("conflicts, but predicted: {predicted:#?}")));
            }
            // Whatever else the server refuses it looks at elsewhere.
            (Err(_), _) => self.count("refused apply"),
        }
        Ok(Settled::Refused)
    }

    fn judge_update(
        &self,
        what: &'static str,
        manager: &str,
        live: &Value,
        body: &Value,
        answer: Answer,
    ) -> Result<Settled, String> {
        let after = match answer {
            Err(status) if is_stale(&status) => return Ok(Settled::Stale),
            Err(_) => {
                self.count("refused update");
                return Ok(Settled::Refused);
            }
            Ok(after) => after,
        };
        if !expect::is_as_sent(body, &after) {
            self.count("update with another form");
            return Ok(Settled::Written);
        }
        let predicted = updated(Some(live), &expect::as_sent(body, &after), &by(manager, live, &after));
        expect::entries(&predicted, &after).map_err(|why| {
            failure(&format!("{why}\npredicted: {:#}", predicted.to_value()), body, Some(live), &after)
        })?;
        self.count(what);
        Ok(Settled::Written)
    }

    async fn scale(&self, manifest: &Value, replicas: u8) -> Result<Settled, String> {
        let live = self.live(manifest).await?;
        if self.server.scale(manifest, replicas).await.is_err() {
            return Ok(Settled::Refused);
        }
        let after = self.live(manifest).await?;
        let mut scaled = live.clone();
        scaled["spec"]["replicas"] = json!(replicas);
        let predicted = updated(Some(&live), &scaled, &by("autoscaler", manifest, &after).through("scale"));
        // No precondition is possible: a controller may have written since, and of two entries with one identity, which
        // scaling leaves, only the last was read then.
        let seen = ManagedFields::of(&after).map_err(|error| error.to_string())?;
        let (now, once_read) = (scalers(&predicted.entries), scalers(&last_ones(&predicted.entries)));
        if ![now, once_read].contains(&scalers(&seen.entries)) {
            return Err(failure("other owners of the replicas", &scaled, Some(&live), &after));
        }
        self.count("scale");
        Ok(Settled::Written)
    }

    async fn live(&self, manifest: &Value) -> Result<Value, String> {
        let gone = |status: Box<Status>| format!("the object is gone: {}\n{manifest:#}", status.message);
        self.server.get(manifest).await.map_err(gone)
    }

    fn count(&self, what: &'static str) {
        *self.tally.lock().expect("whole").0.entry(what).or_default() += 1;
    }
}

/// Who owns the replicas.
fn scalers(entries: &[Entry]) -> Vec<Entry> {
    let path = FieldPath::fields(["spec", "replicas"]);
    let owners = entries.iter().filter(|entry| entry.fields.contains(&path));
    let alone = |owner: &Entry| {
        let mut owner = owner.clone();
        owner.fields = [&path].into_iter().collect();
        owner
    };
    owners.map(alone).collect()
}

fn last_ones(entries: &[Entry]) -> Vec<Entry> {
    let same = |a: &Entry, b: &Entry| {
        a.is(&b.manager, b.operation, b.subresource.as_deref()) && a.api_version == b.api_version
    };
    let is_last = |i: &usize| !entries[i + 1..].iter().any(|later| same(&entries[*i], later));
    (0..entries.len()).filter(is_last).map(|i| entries[i].clone()).collect()
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Settled {
    Written,
    Refused,
    /// The object was changed since it was read.
    Stale,
}

/// A write at the server's time: the last of its entries has it.
fn by(manager: &str, object: &Value, after: &Value) -> By {
    let entries = after["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
    let time = entries.iter().filter_map(|entry| entry["time"].as_str()).max().unwrap_or_default();
    let write = By::by(manager, time);
    if object["kind"] == "Shop" { write.with_status_subresource(true) } else { write }
}

fn changed(base: &Value, changes: &[Change], manifests: &[Value], live: &Value) -> Value {
    changes.iter().fold(base.clone(), |manifest, change| change.of(&manifest, manifests, live))
}

/// With `stringData` as `data`; none if it is not what `stringData` may be.
fn folded(mut manifest: Value) -> Option<Value> {
    secret_string_data_to_data(&mut manifest).ok()?;
    Some(manifest)
}

/// The merge patch from one object to another.
fn difference(from: &Value, to: &Value) -> Value {
    let (Value::Object(from), Value::Object(to)) = (from, to) else { return to.clone() };
    let mut patch = Map::new();
    for (name, value) in to {
        match from.get(name) {
            Some(before) if before == value => {}
            Some(before) => drop(patch.insert(name.clone(), difference(before, value))),
            None => drop(patch.insert(name.clone(), value.clone())),
        }
    }
    for name in from.keys().filter(|name| !to.contains_key(*name)) {
        patch.insert(name.clone(), Value::Null);
    }
    Value::Object(patch)
}

fn is_conflict(status: &Status) -> bool {
    let causes = status.details.as_ref().map(|details| details.causes.as_slice()).unwrap_or_default();
    status.code == 409 && causes.iter().any(|cause| cause.reason == "FieldManagerConflict")
}

fn is_stale(status: &Status) -> bool {
    status.code == 409 && !is_conflict(status)
}

fn failure(why: &str, sent: &Value, live: Option<&Value>, after: &Value) -> String {
    let live = live.unwrap_or(&Value::Null);
    format!("{why}\nsent: {sent:#}\nlive: {live:#}\nafter: {after:#}")
}
