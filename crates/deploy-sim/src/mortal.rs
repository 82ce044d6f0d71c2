//! Clients whose process dies in the middle of a request.

use std::fmt;
use std::future::pending;
use std::sync::{Arc, Mutex, PoisonError};

use http::{Method, Request};
use kube::client::{Body, Client};
use tokio::sync::watch;
use tower::service_fn;

/// When in a request a process dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Before it has an effect.
    Before,
    /// After it had its effect, before its answer is read.
    After,
}

/// A process that is to die at one of its requests, to any cluster.
///
/// Its requests from the fatal one on are never answered, and [`until_death`](Self::until_death) drops whatever it does then: as if it had
/// been killed. A clone is the same process.
///
/// ```
/// use deploy_sim::{Moment, Mortal, SimCluster};
/// use k8s_openapi::api::core::v1::ConfigMap;
/// use kube::Api;
/// use kube::api::PostParams;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kube::Error> {
/// let cluster = SimCluster::builder().start();
/// let process = Mortal::at(0, Moment::After);
/// let maps: Api<ConfigMap> = Api::default_namespaced(process.client(cluster.client()));
/// let mut map = ConfigMap::default();
/// map.metadata.name = Some("a".into());
/// assert!(process.until_death(maps.create(&PostParams::default(), &map)).await.is_none(), "it died");
/// assert_eq!(process.fatal_request().as_deref(), Some("POST /api/v1/namespaces/default/configmaps"));
///
/// let maps: Api<ConfigMap> = Api::default_namespaced(cluster.client());
/// assert!(maps.get_opt("a").await?.is_some(), "the request had its effect");
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Mortal(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    at: u64,
    moment: Moment,
    only_writes: bool,
    life: Mutex<Life>,
    died: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Life {
    requests: u64,
    fatal: Option<String>,
}

/// When it died, or is to die.
impl fmt::Display for Mortal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Inner { at, moment, only_writes, .. } = &*self.0;
        let when = if *moment == Moment::Before { "before" } else { "after" };
        let what = if *only_writes { "write" } else { "request" };
        write!(f, "killed {when} the effect of {what} {at}")?;
        self.fatal_request().map_or(Ok(()), |fatal| write!(f, ", {fatal}"))
    }
}

impl Mortal {
    /// Dies at this request, counted from 0.
    pub fn at(request: u64, moment: Moment) -> Self {
        Self::new(request, moment, false)
    }

    /// Dies at this write, counted from 0: no other requests count, dry runs neither.
    pub fn at_write(write: u64, moment: Moment) -> Self {
        Self::new(write, moment, true)
    }

    /// Dies when it is told to.
    pub fn until_killed() -> Self {
        Self::at(u64::MAX, Moment::Before)
    }

    fn new(at: u64, moment: Moment, only_writes: bool) -> Self {
        let died = watch::Sender::new(false);
        Self(Arc::new(Inner { at, moment, only_writes, life: Mutex::default(), died }))
    }

    /// A client like `client`, of this process.
    pub fn client(&self, client: Client) -> Client {
        let namespace = client.default_namespace().to_owned();
        let process = self.clone();
        let service = service_fn(move |request: Request<Body>| {
            let (process, client) = (process.clone(), client.clone());
            async move {
                let fatal = process.next(&request);
                process.pass(fatal == Some(Moment::Before)).await;
                let answer = client.send(request).await;
                process.pass(fatal == Some(Moment::After)).await;
                answer
            }
        });
        Client::new(service, namespace)
    }

    /// What `run` comes to; `None` if the process dies before.
    pub async fn until_death<R>(&self, run: impl Future<Output = R>) -> Option<R> {
        let mut died = self.0.died.subscribe();
        tokio::select! {
            biased;
            result = run => Some(result),
            _ = died.wait_for(|died| *died) => None,
        }
    }

    /// It dies now.
    pub fn kill(&self) {
        self.0.died.send_replace(true);
    }

    /// How many of the requests that count it sent, the fatal one included.
    pub fn requests(&self) -> u64 {
        self.life(|life| life.requests)
    }

    /// Method and path of the request at which it died.
    pub fn fatal_request(&self) -> Option<String> {
        self.life(|life| life.fatal.clone())
    }

    /// Counts a request; when in it the process dies.
    fn next(&self, request: &Request<Body>) -> Option<Moment> {
        let inner = &self.0;
        let is_write = *request.method() != Method::GET
            && !request.uri().query().is_some_and(|query| query.contains("dryRun"));
        if inner.only_writes && !is_write {
            return None;
        }
        self.life(|life| {
            let number = life.requests;
            life.requests += 1;
            if number != inner.at {
                return None;
            }
            life.fatal = Some(format!("{} {}", request.method(), request.uri().path()));
            Some(inner.moment)
        })
    }

    /// Returns if the process lives on.
    async fn pass(&self, is_fatal: bool) {
        if is_fatal {
            self.kill();
        }
        if *self.0.died.borrow() {
            pending::<()>().await;
        }
    }

    fn life<R>(&self, look: impl FnOnce(&mut Life) -> R) -> R {
        look(&mut self.0.life.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
