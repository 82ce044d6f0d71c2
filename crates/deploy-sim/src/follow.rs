//! A container's log that is followed, as a stream: it ends with the container.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, Stream};
use http_body::Frame;
use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::watch::Receiver;

use crate::cluster::Shared;
use crate::controllers::object::{list, text, uid};
use crate::state::State;

/// What is to be told of a container.
#[derive(Clone, Debug)]
pub(crate) struct Follow {
    pub(crate) namespace: String,
    /// The pod's uid.
    pub(crate) pod: String,
    pub(crate) container: String,
    /// The container's own id: another one is another log.
    pub(crate) id: String,
    /// What is told at once.
    pub(crate) begin: String,
    /// Lines told, or left out, so far.
    pub(crate) told: usize,
    pub(crate) timestamps: bool,
    /// Bytes to be told yet; `None` all.
    pub(crate) left: Option<usize>,
}

struct Following {
    shared: Arc<Shared>,
    changed: Receiver<u64>,
    follow: Follow,
    texts: VecDeque<String>,
    over: bool,
}

/// The body of a log that is followed.
pub(crate) fn body(
    shared: Arc<Shared>,
    mut follow: Follow,
) -> impl Stream<Item = Result<Frame<Bytes>, io::Error>> {
    let begin = std::mem::take(&mut follow.begin);
    let following =
        Following { changed: shared.changes(), shared, follow, texts: VecDeque::from([begin]), over: false };
    stream::unfold(following, |mut following| async move {
        let text = following.next().await?;
        Some((text.map(|text| Frame::data(Bytes::from(text))), following))
    })
}

/// A line as it is told.
pub(crate) fn line((time, line): &(Timestamp, String), timestamps: bool) -> String {
    if timestamps { format!("{time} {line}\n") } else { format!("{line}\n") }
}

impl Following {
    async fn next(&mut self) -> Option<Result<String, io::Error>> {
        loop {
            if let Some(text) = self.texts.pop_front() {
                if text.is_empty() {
                    continue;
                }
                return Some(Ok(text));
            }
            if self.over || self.follow.left == Some(0) {
                return None;
            }
            if self.shared.faults().is_down() {
                self.over = true;
                return Some(Err(io::ErrorKind::ConnectionReset.into()));
            }
            let shared = Arc::clone(&self.shared);
            self.read(&shared.state());
            if self.texts.is_empty() && !self.over && self.changed.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Reads on, and whether it is over.
    fn read(&mut self, state: &State) {
        let follow = &mut self.follow;
        let pods = state.objects("pods.", Some(&follow.namespace));
        let pod = pods.iter().find(|pod| uid(pod) == follow.pod);
        let status = pod.and_then(|pod| status(pod, &follow.container));
        let same = status.filter(|status| text(status, "/containerID") == follow.id);
        self.over = same.is_none_or(|status| status["state"]["running"].is_null());
        if same.is_none() {
            return;
        }
        let lines = state.node.logs(&follow.pod, &follow.container, false).unwrap_or_default();
        for told in lines.iter().skip(follow.told) {
            let mut text = line(told, follow.timestamps);
            if let Some(left) = &mut follow.left {
                text.truncate(text.floor_char_boundary(*left));
                *left -= text.len();
            }
            self.texts.push_back(text);
        }
        follow.told = follow.told.max(lines.len());
    }
}

/// The status of a container.
pub(crate) fn status<'a>(pod: &'a Value, container: &str) -> Option<&'a Value> {
    let statuses =
        ["/status/containerStatuses", "/status/initContainerStatuses"].map(|field| list(pod, field));
    statuses.into_iter().flatten().find(|status| status["name"] == container)
}
