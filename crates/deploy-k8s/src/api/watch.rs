//! Lists and then watches a place, for as long as somebody listens: over dropped connections, 410 and a restarting API server.

use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use futures_util::StreamExt;
use http_body_util::BodyExt;
use kube::client::Body;
use serde_json::Value;
use tokio::sync::mpsc;

use super::Cluster;
use super::leave_out::without;
use super::resource::Place;
use super::send::Failed;
use super::verbs::{collection, read};

/// A line of a watch larger than this is refused.
const MAX_LINE: usize = 16 << 20;
/// The server ends a watch after this; a connection that is dead without a word is noticed then, too.
const WATCH_SECONDS: u64 = 50;
const PAUSES: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
];

/// What a watch saw, and where.
pub(crate) struct Watched {
    /// Which of the watched places, by its number.
    pub(crate) place: usize,
    pub(crate) event: WatchEvent,
}

/// What a watch saw.
pub(crate) enum WatchEvent {
    /// All there is now; whatever else was known of this place is gone.
    Listed(Vec<Value>),
    /// An object was added or changed.
    Changed(Value),
    /// An object was deleted; this is its last state.
    Deleted(Value),
    /// The place cannot be watched at all (no right to).
    Denied(Error),
}

/// Where a watch says what it sees.
struct Out {
    number: usize,
    sender: mpsc::Sender<Watched>,
}

impl Out {
    /// Whether anybody heard it.
    async fn say(&self, event: WatchEvent) -> bool {
        self.sender.send(Watched { place: self.number, event }).await.is_ok()
    }
}

impl Cluster {
    /// Follows `place` until the receiver is dropped. Numbers its messages with `number`.
    pub(crate) async fn follow(self, place: Place, number: usize, out: mpsc::Sender<Watched>) {
        let out = Out { number, sender: out };
        let mut setbacks = 0;
        let mut from = None;
        loop {
            let version = match from.take() {
                Some(version) => version,
                None => match self.select(&place, "", |item| Some(slim(item))).await {
                    Ok((items, version)) => {
                        if !out.say(WatchEvent::Listed(items)).await {
                            return;
                        }
                        version
                    }
                    Err(error) if lasting(&error) => {
                        out.say(WatchEvent::Denied(error)).await;
                        return;
                    }
                    Err(error) => {
                        tracing::debug!(%error, "list failed; trying again");
                        pause(&self, &mut setbacks).await;
                        continue;
                    }
                },
            };
            match self.watch(&place, version, &out).await {
                Ended::Unheard => return,
                Ended::From(version) => {
                    from = Some(version);
                    setbacks = 0;
                }
                Ended::Broken(version) => {
                    from = Some(version);
                    pause(&self, &mut setbacks).await;
                }
                Ended::Gone => pause(&self, &mut setbacks).await,
                Ended::Denied(error) => {
                    out.say(WatchEvent::Denied(error)).await;
                    return;
                }
            }
        }
    }

    async fn watch(&self, place: &Place, mut version: String, out: &Out) -> Ended {
        let path = format!(
            "{}?watch=true&allowWatchBookmarks=true&resourceVersion={version}&timeoutSeconds={WATCH_SECONDS}",
            place.path()
        );
        let call = read("watch", path, collection(place));
        let body = match self.open(&call).await {
            Ok(body) => body,
            Err(Failed::Refused(refusal)) if refusal.code == 410 => return Ended::Gone,
            Err(failed) => {
                let error = failed.into_error(call.verb, &call.object);
                return if lasting(&error) { Ended::Denied(error) } else { Ended::Broken(version) };
            }
        };
        let mut lines = Lines::new(body);
        loop {
            let line = tokio::select! {
                line = lines.next() => line,
                // A little more than the server was asked for: a half-open connection says nothing at all.
                () = self.clock().sleep(Duration::from_secs(WATCH_SECONDS + 10)) => return Ended::Broken(version),
            };
            let line = match line {
                Some(Ok(line)) => line,
                Some(Err(_)) => return Ended::Broken(version),
                None => return Ended::From(version),
            };
            let Ok(mut event) = without(&line, &["object", "metadata", "managedFields"]) else {
                return Ended::Broken(version);
            };
            let object = event.get_mut("object").map(Value::take).unwrap_or_default();
            let kind = event.get("type").and_then(Value::as_str).unwrap_or_default();
            if kind == "ERROR" {
                let code = object.get("code").and_then(Value::as_u64);
                return if code == Some(410) { Ended::Gone } else { Ended::Broken(version) };
            }
            if let Some(seen) = object.pointer("/metadata/resourceVersion").and_then(Value::as_str) {
                seen.clone_into(&mut version);
            }
            let heard = match kind {
                "ADDED" | "MODIFIED" => out.say(WatchEvent::Changed(object)).await,
                "DELETED" => out.say(WatchEvent::Deleted(object)).await,
                _ => true,
            };
            if !heard {
                return Ended::Unheard;
            }
        }
    }
}

/// Why a watch ended.
enum Ended {
    /// Nobody listens any more.
    Unheard,
    /// In order: go on from here.
    From(String),
    /// Out of order: go on from here after a pause.
    Broken(String),
    /// The server's history does not reach back: list again.
    Gone,
    /// It may not be watched.
    Denied(Error),
}

/// Whether trying again cannot help.
fn lasting(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Unauthorized | ErrorKind::InvalidInput
    )
}

async fn pause(cluster: &Cluster, setbacks: &mut usize) {
    let pause = PAUSES.get(*setbacks).or(PAUSES.last()).copied().unwrap_or_default();
    *setbacks += 1;
    cluster.clock().sleep(pause).await;
}

/// Without the managers, which judging never reads: they are often the largest part of an object.
fn slim(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

/// A body, line by line.
struct Lines {
    body: http_body_util::BodyDataStream<Body>,
    buffer: Vec<u8>,
    searched: usize,
}

impl Lines {
    fn new(body: Body) -> Self {
        Self { body: body.into_data_stream(), buffer: Vec::new(), searched: 0 }
    }

    /// The next line; `None` at the end. Cancel safe.
    async fn next(&mut self) -> Option<Result<Vec<u8>>> {
        loop {
            if let Some(end) = self.buffer[self.searched..].iter().position(|byte| *byte == b'\n') {
                let rest = self.buffer.split_off(self.searched + end + 1);
                let mut line = std::mem::replace(&mut self.buffer, rest);
                line.pop();
                self.searched = 0;
                if line.is_empty() {
                    continue;
                }
                return Some(Ok(line));
            }
            self.searched = self.buffer.len();
            if self.buffer.len() > MAX_LINE {
                return Some(Err(Error::new(ErrorKind::Internal, "a line of the watch is too long")));
            }
            match self.body.next().await? {
                Ok(bytes) => self.buffer.extend_from_slice(&bytes),
                Err(error) => {
                    return Some(
                        Err(Error::new(ErrorKind::Unavailable, "the watch broke off").source(error)),
                    );
                }
            }
        }
    }
}
