//! The cluster as its users hold it.

use std::convert::Infallible;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Request, Response, StatusCode, header};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited, StreamBody};
use jiff::{SignedDuration, Timestamp};
use kube::client::Body;
use tokio::sync::watch::{Receiver, Sender};
use tokio::time::Instant;
use tower::Service;

use crate::api::{self, Reply};
use crate::request::{self, MAX_BODY};
use crate::state::State;
use crate::status::Status;
use crate::watch;

/// When the clusters' time begins, unless another time is given.
const BEGINNING: Timestamp = Timestamp::constant(1_767_225_600, 0);

/// A Kubernetes cluster in this process.
///
/// Its time is tokio's: on a runtime whose time is paused it is virtual, and passes as soon as nobody has anything to do. A clone is the
/// same cluster.
///
/// ```
/// use deploy_sim::SimCluster;
/// use k8s_openapi::api::core::v1::Namespace;
/// use kube::Api;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), kube::Error> {
/// let cluster = SimCluster::builder().seed(7).start();
/// let namespaces: Api<Namespace> = Api::all(cluster.client());
/// assert!(namespaces.get_opt("default").await?.is_some());
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct SimCluster {
    shared: Arc<Shared>,
}

/// What a cluster begins with.
#[derive(Clone, Debug, Default)]
#[must_use]
pub struct SimClusterBuilder {
    seed: u64,
}

impl SimClusterBuilder {
    /// What uids and generated names are made from (default 0): the same seed gives the same ones.
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// Starts it. Within a tokio runtime.
    pub fn start(self) -> SimCluster {
        let state = State::new(self.seed, BEGINNING);
        let changed = Sender::new(state.store.revision());
        let shared = Shared { state: Mutex::new(state), changed, started: Instant::now() };
        SimCluster { shared: Arc::new(shared) }
    }
}

impl SimCluster {
    /// A cluster that is to be started.
    pub fn builder() -> SimClusterBuilder {
        SimClusterBuilder::default()
    }

    /// A client of it, as its administrator, in the namespace `default`.
    pub fn client(&self) -> kube::Client {
        kube::Client::new(Server { shared: Arc::clone(&self.shared) }, "default")
    }

    /// Forgets the changes that watches and chunked lists go on from: whoever asks for them next is answered 410.
    pub fn compact(&self) {
        self.shared.state().store.compact();
        self.shared.tell();
    }
}

/// What all that touch the cluster share.
#[derive(Debug)]
pub(crate) struct Shared {
    state: Mutex<State>,
    /// The latest revision.
    changed: Sender<u64>,
    started: Instant,
}

impl Shared {
    /// The state, at the present time.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = SignedDuration::try_from(self.started.elapsed()).unwrap_or(SignedDuration::ZERO);
        state.now = BEGINNING + passed;
        state
    }

    /// Where it shows that something changed.
    pub(crate) fn changes(&self) -> Receiver<u64> {
        self.changed.subscribe()
    }

    fn tell(&self) {
        let revision = self.state().store.revision();
        // A watch that is to learn that its changes are forgotten learns it though there is no new one.
        self.changed.send_replace(revision);
    }
}

type Answer = Response<UnsyncBoxBody<Bytes, Infallible>>;

/// The API server, as a service that a client calls.
#[derive(Clone)]
struct Server {
    shared: Arc<Shared>,
}

impl Service<Request<Body>> for Server {
    type Response = Answer;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Answer, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        async move { Ok(answer(shared, request).await) }.boxed()
    }
}

async fn answer(shared: Arc<Shared>, request: Request<Body>) -> Answer {
    let (parts, body) = request.into_parts();
    // One byte more than is allowed, so that the refusal is the API server's own.
    let body = match Limited::new(body, MAX_BODY + 1).collect().await {
        Ok(body) => body.to_bytes().to_vec(),
        Err(_) => vec![0; MAX_BODY + 1],
    };
    let reply = request::Request::read(&parts, body).and_then(|request| {
        let mut state = shared.state();
        let before = state.store.revision();
        let reply = api::answer(&mut state, &request);
        if state.store.revision() != before {
            shared.changed.send_replace(state.store.revision());
        }
        reply
    });
    match reply {
        Ok(Reply::Json(code, body)) => json(code, body.to_string()),
        Ok(Reply::Text(code, text)) => {
            response(code, "text/plain; charset=utf-8", Full::from(text).boxed_unsync())
        }
        Ok(Reply::Watch(found)) => {
            response(200, "application/json", StreamBody::new(watch::body(shared, found)).boxed_unsync())
        }
        Err(status) => refusal(&status),
    }
}

fn refusal(status: &Status) -> Answer {
    json(status.code, status.to_value().to_string())
}

fn json(code: u16, body: String) -> Answer {
    response(code, "application/json", Full::from(body).boxed_unsync())
}

fn response(code: u16, content_type: &'static str, body: UnsyncBoxBody<Bytes, Infallible>) -> Answer {
    let mut response = Response::new(body);
    *response.status_mut() = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(content_type));
    response
}
