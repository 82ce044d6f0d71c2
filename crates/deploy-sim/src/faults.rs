//! What goes wrong between a client and the API server, on command.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

/// Something that goes wrong with requests; given to [`SimCluster::inject`](crate::SimCluster::inject).
///
/// It concerns the next request, unless said otherwise: only requests of some kind ([`on`](Self::on)), not before so many of them
/// ([`skip`](Self::skip)), more than one of them ([`times`](Self::times)).
///
/// ```
/// use std::time::Duration;
/// use deploy_sim::{Fault, SimCluster};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cluster = SimCluster::builder().start();
/// cluster.inject(Fault::overloaded(Duration::from_secs(1)).times(3));
/// cluster.inject(Fault::answer_lost().on("PATCH", "/deployments/"));
/// cluster.inject(Fault::watch_broken(Duration::from_secs(5)).times(u32::MAX));
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct Fault {
    effect: Effect,
    method: String,
    path: String,
    skip: u32,
    times: u32,
}

#[derive(Clone, Debug)]
pub(crate) enum Effect {
    Slow(Duration),
    Overloaded(Duration),
    ServerError,
    RequestLost,
    AnswerLost,
    WatchBroken(Duration),
    Expired,
    Rival(Rival),
}

/// What a conflicting writer does to the object.
#[derive(Clone)]
pub(crate) struct Rival {
    pub(crate) manager: String,
    pub(crate) change: Arc<dyn Fn(&mut Value) + Send + Sync>,
}

impl fmt::Debug for Rival {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rival").field("manager", &self.manager).finish_non_exhaustive()
    }
}

impl Fault {
    fn new(effect: Effect) -> Self {
        Self { effect, method: String::new(), path: String::new(), skip: 0, times: 1 }
    }

    /// The request takes this much longer.
    pub fn latency(by: Duration) -> Self {
        Self::new(Effect::Slow(by))
    }

    /// 429, with `Retry-After` in whole seconds, as priority and fairness answers.
    pub fn overloaded(retry_after: Duration) -> Self {
        Self::new(Effect::Overloaded(retry_after))
    }

    /// 500, before the request had an effect.
    pub fn server_error() -> Self {
        Self::new(Effect::ServerError)
    }

    /// The connection breaks before the request has an effect.
    pub fn request_lost() -> Self {
        Self::new(Effect::RequestLost)
    }

    /// The request has its effect; then the connection breaks.
    pub fn answer_lost() -> Self {
        Self::new(Effect::AnswerLost)
    }

    /// The connection of a watch breaks so long after its beginning. It concerns watches only.
    pub fn watch_broken(after: Duration) -> Self {
        Self::new(Effect::WatchBroken(after))
    }

    /// 410 to a watch, or to a list that goes on: what it goes on from is forgotten. It concerns those only.
    pub fn expired() -> Self {
        Self::new(Effect::Expired)
    }

    /// Somebody else writes the object just before the request does: what `change` makes of it, as this field manager. It concerns requests
    /// that change an object that there is; no dry runs.
    ///
    /// `change` runs while the cluster is locked: it must not call the cluster, which would wait for itself for ever.
    ///
    /// ```
    /// use deploy_sim::Fault;
    ///
    /// let scaled = Fault::conflicting_writer("hpa", |api| api["spec"]["replicas"] = 5.into()).on("PATCH", "/deployments/api");
    /// # let _ = scaled;
    /// ```
    pub fn conflicting_writer(
        manager: impl Into<String>,
        change: impl Fn(&mut Value) + Send + Sync + 'static,
    ) -> Self {
        Self::new(Effect::Rival(Rival { manager: manager.into(), change: Arc::new(change) }))
    }

    /// Only requests of this method (`PATCH`; empty for any) whose path and query contain `path`.
    pub fn on(mut self, method: impl Into<String>, path: impl Into<String>) -> Self {
        (self.method, self.path) = (method.into(), path.into());
        self
    }

    /// Lets so many of the requests that it concerns pass before.
    pub fn skip(mut self, requests: u32) -> Self {
        self.skip = requests;
        self
    }

    /// How many requests it hits (default 1).
    pub fn times(mut self, requests: u32) -> Self {
        self.times = requests;
        self
    }

    fn concerns(&self, asked: &Asked<'_>) -> bool {
        let kind = match self.effect {
            Effect::WatchBroken(_) => asked.is_watch,
            Effect::Expired => asked.is_watch || asked.path.contains("continue="),
            Effect::Rival(_) => asked.changes_existing && ["PUT", "PATCH", "DELETE"].contains(&asked.method),
            _ => true,
        };
        kind && (self.method.is_empty() || self.method == asked.method) && asked.path.contains(&self.path)
    }
}

/// A request, as faults see it.
pub(crate) struct Asked<'a> {
    pub(crate) method: &'a str,
    /// With the query.
    pub(crate) path: &'a str,
    pub(crate) is_watch: bool,
    /// Whether it is to change an object that there is.
    pub(crate) changes_existing: bool,
}

/// All that is to go wrong.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    planned: Vec<Fault>,
    /// Until when nothing is answered.
    pub(crate) down_until: Option<Instant>,
    /// How many requests there were.
    pub(crate) requests: u64,
}

impl Faults {
    pub(crate) fn plan(&mut self, fault: Fault) {
        self.planned.push(fault);
    }

    /// Whether it matters if a request changes an object that there is.
    pub(crate) fn has_rivals(&self) -> bool {
        self.planned.iter().any(|fault| matches!(fault.effect, Effect::Rival(_)))
    }

    pub(crate) fn clear(&mut self) {
        self.planned.clear();
        self.down_until = None;
    }

    pub(crate) fn is_down(&self) -> bool {
        self.down_until.is_some_and(|until| until > Instant::now())
    }

    /// What goes wrong with a request: of each fault that concerns it one time less is left.
    pub(crate) fn met(&mut self, asked: &Asked<'_>) -> Vec<Effect> {
        self.requests += 1;
        let mut met = Vec::new();
        for fault in self.planned.iter_mut().filter(|fault| fault.concerns(asked)) {
            if fault.skip > 0 {
                fault.skip -= 1;
            } else if fault.times > 0 {
                fault.times -= 1;
                met.push(fault.effect.clone());
            }
        }
        self.planned.retain(|fault| fault.times > 0);
        met
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hits_what_it_concerns_and_as_often_as_it_says() {
        let mut faults = Faults::default();
        faults.plan(Fault::server_error().on("PATCH", "/deployments/").skip(1).times(2));
        faults.plan(Fault::watch_broken(Duration::ZERO));
        faults.plan(Fault::expired().times(u32::MAX));
        let mut met = |method: &str, path: &str| {
            let is_watch = path.contains("watch=");
            faults.met(&Asked { method, path, is_watch, changes_existing: true }).len()
        };
        let deployment = "/apis/apps/v1/namespaces/a/deployments/api";
        assert_eq!(met("GET", deployment), 0, "another method");
        assert_eq!(met("PATCH", "/api/v1/namespaces/a/pods/b"), 0, "another path");
        let patches: Vec<usize> = (0..4).map(|_| met("PATCH", deployment)).collect();
        assert_eq!(patches, [0, 1, 1, 0]);
        assert_eq!([met("GET", "/api/v1/pods?watch=1"), met("GET", "/api/v1/pods?watch=1")], [2, 1]);
        assert_eq!(
            [met("GET", "/api/v1/pods?limit=1"), met("GET", "/api/v1/pods?limit=1&continue=x")],
            [0, 1]
        );
        assert_eq!(faults.requests, 10);
    }
}
