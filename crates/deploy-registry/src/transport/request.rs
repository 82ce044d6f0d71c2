//! What is asked of a registry.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use deploy_core::error::Result;
use futures_util::stream::BoxStream;
use http::header::{ACCEPT, HeaderName};
use http::{HeaderMap, HeaderValue, Method};
use reqwest::Url;

/// A request as data: it can be sent any number of times.
#[derive(Clone)]
pub(crate) struct Request {
    pub(crate) method: Method,
    /// The registry as references name it (`docker.io`, `localhost:5000`): whose credentials, tokens and turns are used.
    pub(crate) registry: String,
    pub(crate) url: Url,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Payload,
    pub(crate) access: Access,
    /// Sent again after its answer was lost. By default only what reads is.
    pub(crate) replayable: bool,
    pub(crate) read: Read,
}

impl Request {
    pub(crate) fn new(method: Method, registry: impl Into<String>, url: Url) -> Self {
        let replayable = method == Method::GET || method == Method::HEAD;
        Self {
            method,
            registry: registry.into(),
            url,
            headers: HeaderMap::new(),
            payload: Payload::Empty,
            access: Access::Scopes(Vec::new()),
            replayable,
            read: Read::Whole(MAX_SMALL),
        }
    }

    pub(crate) fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn accept(self, media_types: &'static str) -> Self {
        self.header(ACCEPT, HeaderValue::from_static(media_types))
    }

    pub(crate) fn payload(mut self, payload: Payload) -> Self {
        self.payload = payload;
        self
    }

    /// Adds what a token must allow, as in `shop/api` and `pull`.
    pub(crate) fn scope(mut self, repository: &str, actions: &str) -> Self {
        let scope = format!("repository:{repository}:{actions}");
        match &mut self.access {
            Access::Scopes(scopes) => scopes.push(scope),
            Access::Shown(_) => self.access = Access::Scopes(vec![scope]),
        }
        self
    }

    /// Says that doing it twice does no harm: it is sent again where nobody knows whether it was done.
    pub(crate) fn replayable(mut self) -> Self {
        self.replayable = true;
        self
    }

    pub(crate) fn read(mut self, read: Read) -> Self {
        self.read = read;
        self
    }

    /// Whether a redirect is followed.
    pub(super) fn follows(&self) -> bool {
        self.method == Method::GET || self.method == Method::HEAD
    }
}

/// How many bytes an answer may have where nothing else is said: 4 MiB, what the distribution specification asks of manifests.
pub(crate) const MAX_SMALL: u64 = 4 << 20;

/// What is sent along.
#[derive(Clone)]
pub(crate) enum Payload {
    Empty,
    Bytes(Bytes),
    /// `open` is called each time that it is sent.
    Stream {
        length: u64,
        open: Arc<dyn Fn() -> BoxStream<'static, Result<Bytes>> + Send + Sync>,
    },
}

impl Payload {
    pub(super) fn length(&self) -> u64 {
        match self {
            Self::Empty => 0,
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::Stream { length, .. } => *length,
        }
    }
}

/// What a request is allowed by.
#[derive(Clone)]
pub(crate) enum Access {
    /// Whatever the registry challenges for, with these scopes in a token.
    Scopes(Vec<String>),
    /// This `Authorization`, or none: for the token service.
    Shown(Option<HeaderValue>),
}

/// How a good answer is read. A refusal is always read whole, up to a cap.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Read {
    /// Into memory, as a part of the request: a body that breaks off is asked for again. More bytes than these are an error.
    Whole(u64),
    /// By the caller, as a stream.
    Stream,
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, super::hosts::shown(&self.url))
    }
}
