//! Lists and reads against an API server that pages, refuses and breaks off as it is told to.

mod items;
mod list;
mod read_many;

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{Request, Response};
use http_body_util::StreamBody;
use http_body_util::combinators::BoxBody;
use kube::client::Body;
use serde_json::{Value, json};

use super::{Cluster, Place, Resource};

/// A body is sent in pieces of so many bytes.
const PIECE: usize = 1000;

/// What becomes of a request for a page.
enum Page {
    Answered,
    /// The connection breaks after so many bytes of the page.
    Broken(usize),
    Refused(u16, &'static str),
    /// It is answered with this instead.
    Instead(String),
}

/// ConfigMaps of one namespace.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    objects: Vec<(String, String)>,
    /// What becomes of the next requests for pages; those after are answered.
    pages: VecDeque<Page>,
    /// Names whose GET is refused.
    unreadable: BTreeSet<String>,
    counts_remaining: bool,
    requests: Vec<String>,
    /// Bytes of pages that were read.
    read: usize,
}

impl Server {
    fn of(objects: impl IntoIterator<Item = (String, usize)>) -> Self {
        let objects = objects.into_iter().map(|(name, size)| {
            let object = json!({"metadata": {"name": name}, "data": {"a": "x".repeat(size)}});
            (name, object.to_string())
        });
        let objects = objects.collect();
        Self(Arc::new(Mutex::new(State { objects, counts_remaining: true, ..State::default() })))
    }

    fn with(self, change: impl FnOnce(&mut State)) -> Self {
        change(&mut self.0.lock().unwrap());
        self
    }

    fn pages(self, pages: impl IntoIterator<Item = Page>) -> Self {
        self.with(|state| state.pages = pages.into_iter().collect())
    }

    fn cluster(&self) -> Cluster {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let answer = server.answer(request.uri().path(), request.uri().query().unwrap_or_default());
            async move { Ok::<_, std::io::Error>(answer) }
        });
        Cluster::from_client(kube::Client::new(service, "default"))
    }

    /// The requests so far: `GET NAME`, or the query of a list.
    fn requests(&self) -> Vec<String> {
        self.0.lock().unwrap().requests.clone()
    }

    fn lists(&self) -> Vec<String> {
        self.requests().into_iter().filter(|request| request.starts_with("limit=")).collect()
    }

    fn gets(&self) -> usize {
        self.requests().iter().filter(|request| request.starts_with("GET ")).count()
    }

    fn read(&self) -> usize {
        self.0.lock().unwrap().read
    }

    fn answer(&self, path: &str, query: &str) -> Response<BoxBody<Bytes, std::io::Error>> {
        let mut state = self.0.lock().unwrap();
        let rest = path.strip_prefix("/api/v1/namespaces/shop/configmaps").unwrap();
        if let Some(name) = rest.strip_prefix('/') {
            state.requests.push(format!("GET {name}"));
            if state.unreadable.contains(name) {
                return self.response(403, &status(403), None);
            }
            let object = state.objects.iter().find(|object| object.0 == name);
            return match object {
                // An item of a list leaves these out.
                Some((_, object)) => {
                    let object = object.replacen('{', r#"{"apiVersion":"v1","kind":"ConfigMap","#, 1);
                    self.response(200, &object, None)
                }
                None => self.response(404, &status(404), None),
            };
        }
        state.requests.push(query.to_owned());
        let page = state.page(query);
        match state.pages.pop_front().unwrap_or(Page::Answered) {
            Page::Answered => self.response(200, &page, None),
            Page::Broken(after) => self.response(200, &page, Some(after)),
            Page::Refused(code, body) => self.response(code, body, None),
            Page::Instead(body) => self.response(200, &body, None),
        }
    }

    fn response(
        &self,
        code: u16,
        body: &str,
        broken: Option<usize>,
    ) -> Response<BoxBody<Bytes, std::io::Error>> {
        let sent = body.as_bytes().get(..broken.unwrap_or(usize::MAX)).unwrap_or(body.as_bytes());
        let pieces: Vec<_> = sent.chunks(PIECE).map(Bytes::copy_from_slice).map(Ok).collect();
        let end = broken.map(|_| Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset)));
        let server = self.clone();
        let frames = pieces.into_iter().chain(end).map(move |piece| {
            server.0.lock().unwrap().read += piece.as_ref().map_or(0, Bytes::len);
            piece.map(http_body::Frame::data)
        });
        Response::builder().status(code).body(BoxBody::new(StreamBody::new(stream::iter(frames)))).unwrap()
    }
}

impl State {
    fn page(&self, query: &str) -> String {
        let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.parse().ok());
        let (limit, from): (usize, usize) = (value("limit=").unwrap(), value("continue=").unwrap_or(0));
        let rest = &self.objects[from..];
        let (page, after) = rest.split_at(limit.min(rest.len()));
        let items: Vec<&str> = page.iter().map(|object| object.1.as_str()).collect();
        let mut metadata = json!({"resourceVersion": "7"});
        if !after.is_empty() {
            metadata["continue"] = (from + limit).to_string().into();
            if self.counts_remaining {
                metadata["remainingItemCount"] = after.len().into();
            }
        }
        format!(r#"{{"kind":"ConfigMapList","metadata":{metadata},"items":[{}]}}"#, items.join(","))
    }
}

fn status(code: u16) -> String {
    json!({"kind": "Status", "code": code, "message": format!("refused with {code}")}).to_string()
}

fn place() -> Place {
    Resource::built_in_kind("", "ConfigMap").unwrap().within(Some("shop"))
}

fn name(object: &Value) -> &str {
    object.pointer("/metadata/name").and_then(Value::as_str).unwrap()
}

/// `count` objects called `PREFIX-NUMBER`, with so many bytes in each.
fn objects(prefix: &str, count: usize, size: usize) -> impl Iterator<Item = (String, usize)> {
    (0..count).map(move |number| (format!("{prefix}-{number:04}"), size))
}
