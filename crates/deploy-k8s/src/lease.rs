//! [`LeaseLock`]: a lock on a Lease (coordination.k8s.io/v1), as Kubernetes' own leader election uses it.
//!
//! The Lease is called `deploy.NAME` and is there only while a run holds it. Its holder renews it; a taker who finds one watches it, and
//! takes it over when it was not renewed for as long as it says it lasts, by the taker's own clock. The times in it are for people.
//!
//! ```no_run
//! use deploy_core::lock::Lock;
//! use deploy_k8s::{Cluster, LeaseLock};
//!
//! # async fn example() -> deploy_core::error::Result<()> {
//! let lock = LeaseLock::new(Cluster::builder().build().await?, "shop");
//! let guard = lock.acquire("shop", "runner-7").await?;
//! guard.release().await
//! # }
//! ```

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::{Clock, Timestamp};
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::lock::{Lock, LockGuard, check_name};
use deploy_core::run::Cancel;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::api::{Cluster, Place, Resource};
use crate::apply::FIELD_MANAGER;

/// How long a Lease lasts without being renewed, in seconds: Kubernetes' own default for leader election.
const LASTS: u64 = 15;
/// How often it is renewed.
const RENEW: Duration = Duration::from_secs(3);
/// A holder that could not renew it for this long stops: well before another may take it over.
const GIVE_UP: Duration = Duration::from_secs(10);
/// How often a taker looks at a Lease that is held.
const LOOK: Duration = Duration::from_millis(500);
/// The longest time a Lease of somebody else's making may ask a taker to watch it.
const LONGEST: u64 = 60;

const TOKEN: &str = "deploy-core/hold";

/// Locks on Leases in one namespace.
#[derive(Clone)]
pub struct LeaseLock {
    cluster: Cluster,
    namespace: String,
    clock: Arc<dyn Clock>,
}

impl LeaseLock {
    /// Keeps its Leases in `namespace`, which must exist. Needs the verbs get, create, update and delete on leases there.
    pub fn new(cluster: Cluster, namespace: impl Into<String>) -> Self {
        let clock = cluster.clock().clone();
        Self { cluster, namespace: namespace.into(), clock }
    }

    fn place(&self) -> Result<Place> {
        let leases = Resource::of_records("coordination.k8s.io", "Lease")?;
        Ok(leases.within(Some(&self.namespace)))
    }
}

impl std::fmt::Debug for LeaseLock {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LeaseLock")
            .field("cluster", &self.cluster)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Lock for LeaseLock {
    async fn acquire(&self, name: &str, holder: &str) -> Result<Box<dyn LockGuard>> {
        check_name(name)?;
        let lease = Lease {
            cluster: self.cluster.clone(),
            place: self.place()?,
            name: format!("deploy.{name}"),
            holder: holder.to_owned(),
            token: format!("{:016x}", fastrand::u64(..)),
            clock: self.clock.clone(),
        };
        let live = lease.take(name).await.map_err(|error| error.during("lock"))?;
        Ok(Box::new(Held::start(lease, live)))
    }
}

/// One run's hold on a Lease, or its wish for one.
#[derive(Clone)]
struct Lease {
    cluster: Cluster,
    place: Place,
    name: String,
    holder: String,
    /// Tells two runs apart that give the same name for themselves.
    token: String,
    clock: Arc<dyn Clock>,
}

impl Lease {
    fn is_ours(&self, found: &Value) -> bool {
        let token = found
            .pointer("/metadata/annotations")
            .and_then(|annotations| annotations.get(TOKEN))
            .and_then(Value::as_str);
        text(found, "/spec/holderIdentity") == self.holder && token == Some(&self.token)
    }

    async fn take(&self, name: &str) -> Result<Value> {
        // What the present holder's Lease looked like, and since when it has not changed.
        let mut unchanged: Option<(String, Timestamp)> = None;
        let mut free = true;
        loop {
            let now = self.clock.now();
            // Mostly there is none: that costs one request.
            if std::mem::take(&mut free)
                && let Some(live) = self.create(now).await?
            {
                return Ok(live);
            }
            let Some(found) = self.cluster.get(&self.place, &self.name).await? else {
                free = true;
                continue;
            };
            let version = text(&found, "/metadata/resourceVersion").to_owned();
            let holder = text(&found, "/spec/holderIdentity");
            if self.is_ours(&found) {
                return Ok(found);
            }
            let lasts = found
                .pointer("/spec/leaseDurationSeconds")
                .and_then(Value::as_u64)
                .unwrap_or(LASTS)
                .min(LONGEST);
            match &unchanged {
                _ if holder.is_empty() => {}
                Some((seen, since)) if *seen == version => {
                    if now.since(*since) < Duration::from_secs(lasts) {
                        self.clock.sleep(LOOK).await;
                        continue;
                    }
                }
                Some(_) => {
                    return Err(Error::locked(
                        name,
                        holder,
                        Some(whole_seconds(text(&found, "/spec/acquireTime")).as_str()),
                    ));
                }
                None => {
                    unchanged = Some((version, now));
                    self.clock.sleep(LOOK).await;
                    continue;
                }
            }
            if let Some(live) = self.write(&found, now, true).await? {
                return Ok(live);
            }
            // Somebody else was faster: a new holder, to be watched anew.
            unchanged = None;
        }
    }

    /// `None` if there is a Lease by now.
    async fn create(&self, now: Timestamp) -> Result<Option<Value>> {
        let mut lease = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {
                "name": self.name,
                "labels": {"app.kubernetes.io/managed-by": "deploy-core"},
                "annotations": {TOKEN: self.token},
            },
        });
        lease["spec"] = self.spec(now, now, 0);
        match self.cluster.create(&self.place, &lease, FIELD_MANAGER).await {
            // Whether it was made is seen when it is read again.
            Err(error) if error.kind() == ErrorKind::OutcomeUnknown => Ok(None),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                let namespace = self.place.namespace.as_deref().unwrap_or_default();
                Err(error.help(format!("the namespace \"{namespace}\" must exist: create it first")))
            }
            result => result,
        }
    }

    /// Writes ourselves into `found`; `None` if it changed meanwhile.
    async fn write(&self, found: &Value, now: Timestamp, anew: bool) -> Result<Option<Value>> {
        let mut lease = found.clone();
        let acquired = text(found, "/spec/acquireTime").parse().ok().filter(|_| !anew).unwrap_or(now);
        let transitions =
            found.pointer("/spec/leaseTransitions").and_then(Value::as_u64).unwrap_or(0) + u64::from(anew);
        lease["spec"] = self.spec(acquired, now, transitions);
        let annotations = json!({TOKEN: self.token});
        lease["metadata"]["annotations"] = annotations;
        match self.cluster.replace(&self.place, &lease, FIELD_MANAGER).await {
            Err(error) if matches!(error.kind(), ErrorKind::OutcomeUnknown | ErrorKind::NotFound) => Ok(None),
            result => result,
        }
    }

    fn spec(&self, acquired: Timestamp, renewed: Timestamp, transitions: u64) -> Value {
        json!({
            "holderIdentity": self.holder, "leaseDurationSeconds": LASTS, "leaseTransitions": transitions,
            "acquireTime": micro(acquired), "renewTime": micro(renewed),
        })
    }

    /// Renews until it cannot: then the lock is lost.
    async fn keep(self, written: Arc<Mutex<Value>>, lost: Cancel) {
        let read = || written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut renewed = self.clock.now();
        loop {
            self.clock.sleep(RENEW).await;
            let give_up = renewed + GIVE_UP;
            let (now, live) = (self.clock.now(), read());
            let renewed_or_found = async {
                match self.write(&live, now, false).await {
                    Ok(Some(next)) => Ok(Some((next, now))),
                    // Changed by somebody, or by ourselves and the answer was lost.
                    Ok(None) => {
                        let found = self.cluster.get(&self.place, &self.name).await?;
                        Ok(found.filter(|found| self.is_ours(found)).map(|found| (found, renewed)))
                    }
                    Err(error) => Err(error),
                }
            };
            let held = tokio::select! {
                held = renewed_or_found => held,
                () = self.clock.sleep_until(give_up) => break,
            };
            match held {
                Ok(Some((live, at))) => {
                    *written.lock().unwrap_or_else(PoisonError::into_inner) = live;
                    renewed = at;
                }
                Ok(None) => break,
                Err(error) => tracing::debug!(%error, "the lease was not renewed"),
            }
            if self.clock.now() >= give_up {
                break;
            }
        }
        lost.cancel();
    }
}

/// A Lease that is held and renewed.
struct Held {
    lease: Lease,
    /// As it was written last.
    written: Arc<Mutex<Value>>,
    lost: Cancel,
    heartbeat: JoinHandle<()>,
}

impl Held {
    fn start(lease: Lease, live: Value) -> Self {
        let lost = Cancel::new();
        let written = Arc::new(Mutex::new(live));
        let heartbeat = tokio::spawn(lease.clone().keep(written.clone(), lost.clone()));
        Self { lease, written, lost, heartbeat }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.heartbeat.abort();
    }
}

impl std::fmt::Debug for Held {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Held({} by {})", self.lease.name, self.lease.holder)
    }
}

#[async_trait]
impl LockGuard for Held {
    fn lost(&self) -> Cancel {
        self.lost.clone()
    }

    async fn release(self: Box<Self>) -> Result<()> {
        self.heartbeat.abort();
        let Lease { cluster, place, name, .. } = &self.lease;
        let last = self.written.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if cluster.delete_as_read(place, name, &last).await? {
            return Ok(());
        }
        // Another holder who took over this very Lease must not be robbed; or the answer to a renewal was lost.
        match cluster.get(place, name).await?.filter(|found| self.lease.is_ours(found)) {
            Some(found) => cluster.delete_as_read(place, name, &found).await.map(drop),
            None => Ok(()),
        }
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A MicroTime as a person reads it.
fn whole_seconds(time: &str) -> String {
    time.split_once('.').map_or_else(|| time.to_owned(), |(seconds, _)| format!("{seconds}Z"))
}

/// A MicroTime: the API refuses more digits, and fewer.
fn micro(at: Timestamp) -> String {
    let text = at.to_string();
    let (seconds, fraction) =
        text.trim_end_matches('Z').split_once('.').unwrap_or((text.trim_end_matches('Z'), ""));
    let micros: String = fraction.chars().chain("000000".chars()).take(6).collect();
    format!("{seconds}.{micros}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn micro_times_have_six_digits() {
        let check = |text: &str, expect: &str| assert_eq!(micro(text.parse().unwrap()), expect);
        check("2026-11-21T09:00:00Z", "2026-11-21T09:00:00.000000Z");
        check("2026-11-21T09:00:00.5Z", "2026-11-21T09:00:00.500000Z");
        check("2026-11-21T09:00:00.123456789Z", "2026-11-21T09:00:00.123456Z");
    }
}
