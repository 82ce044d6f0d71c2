//! A watch as a stream of lines, until its time is up or what it asks for is forgotten.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::api::Watch;
use crate::cluster::Shared;
use crate::status::Status;
use crate::store::Change;

/// How often a watch that asks for bookmarks gets one, as a real server sends them.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// A watch that names no end has this one.
const LONGEST: Duration = Duration::from_secs(3600);

struct Watching {
    shared: Arc<Shared>,
    watch: Watch,
    changed: Receiver<u64>,
    lines: VecDeque<Bytes>,
    bookmark_at: Instant,
    end_at: Instant,
    over: bool,
}

/// The body of a watch.
pub(crate) fn body(
    shared: Arc<Shared>,
    watch: Watch,
) -> impl Stream<Item = Result<Frame<Bytes>, Infallible>> {
    let now = Instant::now();
    let mut watching = Watching {
        changed: shared.changes(),
        lines: VecDeque::new(),
        bookmark_at: now + BOOKMARK_EVERY,
        end_at: now + watch.timeout.map_or(LONGEST, Duration::from_secs),
        over: false,
        shared,
        watch,
    };
    watching.begin();
    stream::unfold(watching, |mut watching| async move {
        let line = watching.next().await?;
        Some((Ok(Frame::data(line)), watching))
    })
}

impl Watching {
    fn begin(&mut self) {
        for object in std::mem::take(&mut self.watch.initial) {
            self.tell("ADDED", &object);
        }
        if self.watch.initial_end {
            self.bookmark(true);
        }
        self.catch_up();
    }

    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(line);
            }
            if self.over {
                return None;
            }
            tokio::select! {
                biased;
                changed = self.changed.changed() => {
                    if changed.is_err() {
                        return None;
                    }
                    self.catch_up();
                }
                () = sleep_until(self.end_at) => return None,
                () = sleep_until(self.bookmark_at), if self.watch.bookmarks => self.bookmark(false),
            }
        }
    }

    /// Tells what happened since.
    fn catch_up(&mut self) {
        let shared = Arc::clone(&self.shared);
        let state = shared.state();
        match state.store.since(self.watch.from) {
            Ok(changes) => {
                for change in changes {
                    if let Some(kind) = self.told_as(change) {
                        self.tell(kind, &change.after);
                    }
                }
                self.watch.from = state.store.revision();
            }
            Err(_) => {
                self.line(&json!({"type": "ERROR", "object": Status::expired().to_value()}));
                self.over = true;
            }
        }
    }

    /// What a change is for this watch: an object that comes to match is added, one that ceases to is deleted.
    fn told_as(&self, change: &Change) -> Option<&'static str> {
        let watch = &self.watch;
        let elsewhere = watch.namespace.as_ref().is_some_and(|namespace| *namespace != change.key.namespace);
        if change.key.resource != watch.kind.resource || elsewhere {
            return None;
        }
        let was = change.before.as_ref().is_some_and(|before| watch.selector.matches(before));
        let is = !change.deleted && watch.selector.matches(&change.after);
        match (was, is) {
            (true, true) => Some("MODIFIED"),
            (false, true) => Some("ADDED"),
            (true, false) => Some("DELETED"),
            (false, false) => None,
        }
    }

    fn tell(&mut self, kind: &str, object: &Value) {
        let mut object = object.clone();
        object["apiVersion"] = self.watch.kind.api_version().into();
        self.line(&json!({"type": kind, "object": object}));
    }

    fn bookmark(&mut self, initial_end: bool) {
        self.bookmark_at = Instant::now() + BOOKMARK_EVERY;
        let mut metadata = json!({"resourceVersion": self.watch.from.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let kind = &self.watch.kind;
        let object = json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": metadata});
        self.line(&json!({"type": "BOOKMARK", "object": object}));
    }

    fn line(&mut self, value: &Value) {
        self.lines.push_back(Bytes::from(value.to_string() + "\n"));
    }
}
