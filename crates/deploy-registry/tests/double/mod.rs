//! A registry on loopback that can be told to misbehave.

#![allow(dead_code, unreachable_pub, unused_imports, reason = "each test uses its part of it")]

mod images;
mod writing;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use futures_util::{StreamExt, stream};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::header::HeaderMap;
use hyper::{Method, Request, Response};
use tokio::net::TcpListener;

pub use images::{Image, Images};

/// What was asked.
#[derive(Clone, Debug)]
pub struct Asked {
    pub method: Method,
    pub path: String,
    pub query: String,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// How often the same method and path were asked for before.
    pub before: usize,
    /// Where the double is: `127.0.0.1:port`.
    pub host: String,
}

impl Asked {
    pub fn authorization(&self) -> Option<&str> {
        self.headers.get("authorization").map(|value| value.to_str().unwrap())
    }

    pub fn is(&self, method: &str, path: &str) -> bool {
        self.method.as_str() == method && self.path == path
    }

    pub fn parameter(&self, name: &str) -> Option<String> {
        let url = query::pairs(&self.query);
        url.into_iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }
}

mod query {
    /// `a=b&c=d`, percent-decoded.
    pub fn pairs(query: &str) -> Vec<(String, String)> {
        let decode = |text: &str| {
            let mut bytes = Vec::new();
            let mut rest = text.bytes();
            while let Some(byte) = rest.next() {
                bytes.push(match byte {
                    b'%' => {
                        let digits = [rest.next().unwrap(), rest.next().unwrap()];
                        u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap()
                    }
                    b'+' => b' ',
                    other => other,
                });
            }
            String::from_utf8(bytes).unwrap()
        };
        query
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .map(|(key, value)| (decode(key), decode(value)))
            .collect()
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Bytes,
    /// The connection is closed instead.
    pub breaks: bool,
    /// It is never answered.
    pub hangs: bool,
    /// The connection is closed after the body, which is said to go on.
    pub is_cut: bool,
}

impl Reply {
    pub fn new(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: Bytes::new(), breaks: false, hangs: false, is_cut: false }
    }

    pub fn json(body: impl Into<String>) -> Self {
        Self::new(200).header("content-type", "application/json").body(body.into())
    }

    pub fn breaks() -> Self {
        Self { breaks: true, ..Self::new(200) }
    }

    pub fn is_cut(body: &'static str) -> Self {
        Self { is_cut: true, ..Self::json(body) }
    }

    pub fn hangs() -> Self {
        Self { hangs: true, ..Self::new(200) }
    }

    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

/// Answers instead of the double; `None` leaves it to the double.
type Script = Box<dyn Fn(&Asked) -> Option<Reply> + Send + Sync>;

/// A registry on a port of loopback, until it is dropped.
pub struct Double {
    state: Arc<State>,
    address: SocketAddr,
    task: tokio::task::JoinHandle<()>,
}

struct State {
    script: Script,
    images: Mutex<Images>,
    asked: Mutex<Vec<Asked>>,
    counts: Mutex<BTreeMap<(String, String), usize>>,
    /// Nothing is answered before so many wait for it.
    gate: Mutex<Option<Arc<tokio::sync::Barrier>>>,
    waiting: Mutex<(usize, usize)>,
}

impl Double {
    /// A registry that behaves.
    pub async fn good() -> Self {
        Self::scripted(|_| None).await
    }

    /// A registry that behaves where `script` has nothing to say.
    pub async fn scripted(script: impl Fn(&Asked) -> Option<Reply> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State {
            script: Box::new(script),
            images: Mutex::default(),
            asked: Mutex::default(),
            counts: Mutex::default(),
            gate: Mutex::default(),
            waiting: Mutex::default(),
        });
        let serving = Arc::clone(&state);
        let task = tokio::spawn(async move {
            loop {
                let Ok((stream, _)) = listener.accept().await else { return };
                stream.set_nodelay(true).unwrap();
                let state = Arc::clone(&serving);
                let service = hyper::service::service_fn(move |request| {
                    let state = Arc::clone(&state);
                    async move { state.answer(request, address).await }
                });
                let io = hyper_util::rt::TokioIo::new(stream);
                tokio::spawn(async move {
                    // A connection that is cut is what some tests are about.
                    let _ = hyper::server::conn::http1::Builder::new().serve_connection(io, service).await;
                });
            }
        });
        Self { state, address, task }
    }

    /// `127.0.0.1:port`.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// A reference to, or a repository of, this registry.
    pub fn at<T: std::str::FromStr<Err: std::fmt::Debug>>(&self, rest: &str) -> T {
        format!("{}/{rest}", self.host()).parse().unwrap()
    }

    pub fn images(&self) -> std::sync::MutexGuard<'_, Images> {
        self.state.images.lock().unwrap()
    }

    /// Answers only where so many are asking.
    pub fn gather(&self, count: usize) {
        *self.state.gate.lock().unwrap() = Some(Arc::new(tokio::sync::Barrier::new(count)));
    }

    /// How many were asking at once, at most.
    pub fn most_at_once(&self) -> usize {
        self.state.waiting.lock().unwrap().1
    }

    /// All that was asked.
    pub fn asked(&self) -> Vec<Asked> {
        self.state.asked.lock().unwrap().clone()
    }

    /// All that was asked since the last call, as `GET /v2/…`.
    pub fn taken(&self) -> Vec<String> {
        let asked = std::mem::take(&mut *self.state.asked.lock().unwrap());
        asked.into_iter().map(|asked| format!("{} {}", asked.method, asked.path)).collect()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl State {
    async fn answer(
        &self,
        request: Request<Incoming>,
        address: SocketAddr,
    ) -> Result<Response<UnsyncBoxBody<Bytes, io::Error>>, io::Error> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let path = head.uri.path().to_owned();
        let before = {
            let mut counts = self.counts.lock().unwrap();
            let count = counts.entry((head.method.to_string(), path.clone())).or_default();
            *count += 1;
            *count - 1
        };
        let asked = Asked {
            method: head.method,
            path,
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            before,
            host: address.to_string(),
        };
        self.asked.lock().unwrap().push(asked.clone());
        let gate = self.gate.lock().unwrap().clone();
        if let Some(gate) = gate {
            {
                let mut waiting = self.waiting.lock().unwrap();
                waiting.0 += 1;
                waiting.1 = waiting.1.max(waiting.0);
            }
            gate.wait().await;
            self.waiting.lock().unwrap().0 -= 1;
        }
        let reply = (self.script)(&asked).unwrap_or_else(|| self.images.lock().unwrap().answer(&asked));
        if reply.hangs {
            std::future::pending::<Infallible>().await;
        }
        if reply.breaks {
            return Err(io::Error::other("scripted"));
        }
        let mut response = Response::builder().status(reply.status);
        for (name, value) in reply.headers {
            response = response.header(name, value);
        }
        let end = reply.is_cut.then(|| Err(io::Error::other("scripted")));
        if end.is_none() {
            response = response.header("content-length", reply.body.len());
        }
        let parts = [Ok(Frame::data(reply.body))].into_iter().chain(end);
        // What was sent before the connection is cut arrives.
        let parts = stream::iter(parts).then(async |part| {
            tokio::task::yield_now().await;
            part
        });
        Ok(response.body(StreamBody::new(parts).boxed_unsync()).unwrap())
    }
}
