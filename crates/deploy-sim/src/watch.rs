//! A watch as a stream of lines, until its time is up or what it asks for is forgotten.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::future::pending;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};

use crate::api::{Watch, as_served};
use crate::cluster::Shared;
use crate::server::written;
use crate::status::Status;
use crate::store::Change;

/// How often a watch that asks for bookmarks gets one, as a real server sends them.
const BOOKMARK_EVERY: Duration = Duration::from_secs(60);
/// A watch that names no end, or a later one, has this one.
const LONGEST: Duration = Duration::from_secs(3600);

struct Watching {
    shared: Arc<Shared>,
    watch: Watch,
    changed: Receiver<u64>,
    lines: VecDeque<Bytes>,
    bookmark_at: Instant,
    end_at: Instant,
    /// When the connection breaks.
    broken_at: Option<Instant>,
    over: Option<End>,
    /// Whether nothing was told yet.
    is_first: bool,
}

/// How a watch ends once its lines are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Closed,
    Broken,
}

/// The body of a watch, whose connection may break.
pub(crate) fn body(
    shared: Arc<Shared>,
    watch: Watch,
    broken_at: Option<Instant>,
) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> {
    let now = Instant::now();
    let mut watching = Watching {
        changed: shared.changes(),
        lines: VecDeque::new(),
        bookmark_at: now + BOOKMARK_EVERY,
        end_at: now + watch.timeout.map_or(LONGEST, Duration::from_secs).min(LONGEST),
        broken_at,
        over: None,
        is_first: true,
        shared,
        watch,
    };
    watching.begin();
    stream::unfold(watching, |mut watching| async move {
        let line = watching.next().await?;
        Some((line.map(Frame::data), watching))
    })
}

impl Watching {
    fn begin(&mut self) {
        let now = self.shared.state().now;
        for object in std::mem::take(&mut self.watch.initial) {
            self.tell("ADDED", &object, now);
        }
        if self.watch.initial_end {
            self.bookmark(true);
        }
        self.catch_up();
    }

    async fn next(&mut self) -> Option<Result<Bytes, io::Error>> {
        loop {
            if let Some(line) = self.lines.pop_front() {
                return Some(Ok(line));
            }
            match self.over {
                None => {}
                Some(End::Closed) => return None,
                Some(End::Broken) => {
                    self.over = Some(End::Closed);
                    return Some(Err(io::ErrorKind::ConnectionReset.into()));
                }
            }
            let broken_at = self.broken_at;
            let broken = async {
                match broken_at {
                    Some(at) => sleep_until(at).await,
                    None => pending().await,
                }
            };
            tokio::select! {
                biased;
                () = broken => self.over = Some(End::Broken),
                changed = self.changed.changed() => match changed {
                    Ok(()) => self.catch_up(),
                    Err(_) => self.over = Some(End::Closed),
                },
                () = sleep_until(self.end_at) => self.over = Some(End::Closed),
                () = sleep_until(self.bookmark_at), if self.watch.bookmarks => self.bookmark(false),
            }
        }
    }

    /// Tells what happened since.
    fn catch_up(&mut self) {
        let shared = Arc::clone(&self.shared);
        if shared.faults().is_down() {
            self.over = Some(End::Broken);
            return;
        }
        let state = match shared.sound_state() {
            Ok(state) => state,
            Err(status) => {
                self.line(&json!({"type": "ERROR", "object": status.to_value()}));
                self.over = Some(End::Closed);
                return;
            }
        };
        match state.store.since(self.watch.from) {
            Ok(changes) => {
                for change in changes {
                    if let Some(kind) = self.told_as(change) {
                        self.tell(kind, &change.after, state.now);
                    }
                }
                self.watch.from = state.store.revision();
            }
            Err(_) => {
                self.line(&json!({"type": "ERROR", "object": Status::expired().to_value()}));
                self.over = Some(End::Closed);
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

    fn tell(&mut self, kind: &str, object: &Value, now: Timestamp) {
        // Without a copy: most of a cluster's work is to tell of changes.
        let mut object = as_served(object, &self.watch.kind);
        let is_first = std::mem::replace(&mut self.is_first, false);
        if let Some(dressed) = self.watch.form.event(&object, &self.watch.kind, is_first, now) {
            object = Cow::Owned(dressed);
        }
        let mut line = format!("{{\"type\":\"{kind}\",\"object\":").into_bytes();
        line.extend(written(&object));
        line.extend(b"}\n");
        self.lines.push_back(line.into());
    }

    fn bookmark(&mut self, initial_end: bool) {
        self.bookmark_at = Instant::now() + BOOKMARK_EVERY;
        let mut metadata = json!({"resourceVersion": self.watch.from.to_string(), "creationTimestamp": null});
        if initial_end {
            metadata["annotations"] = json!({"k8s.io/initial-events-end": "true"});
        }
        let kind = Arc::clone(&self.watch.kind);
        let object = json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": metadata});
        self.tell("BOOKMARK", &object, Timestamp::UNIX_EPOCH);
    }

    fn line(&mut self, value: &Value) {
        self.lines.push_back(Bytes::from(value.to_string() + "\n"));
    }
}
