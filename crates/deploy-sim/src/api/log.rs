//! The `log` subresource of pods (`pkg/registry/core/pod/strategy.go`, `LogLocation`).

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::{At, Reply};
use crate::controllers::object::{list, name, namespace, text, uid};
use crate::follow::{Follow, line, status};
use crate::request::{Query, Request};
use crate::state::State;
use crate::status::Status;

pub(super) fn log(state: &State, request: &Request, at: &At<'_>, pod: &Value) -> Result<Reply, Status> {
    let query = &request.query;
    let container = container(query, at, pod)?;
    let previous = query.flag("previous");
    if text(pod, "/spec/nodeName").is_empty() {
        return Ok(Reply::Text(200, String::new()));
    }
    let Some(lines) = state.node.logs(uid(pod), container, previous) else {
        return Err(Status::bad_request(if previous {
            format!("previous terminated container \"{container}\" in pod \"{}\" not found", name(pod))
        } else {
            let why = waiting(pod, container);
            format!("container \"{container}\" in pod \"{}\" is waiting to start: {why}", name(pod))
        }));
    };
    let since = since(query, state.now)?;
    let told = lines.iter().filter(|(time, _)| since.is_none_or(|since| *time >= since));
    let told: Vec<&(Timestamp, String)> = told.collect();
    let tail = query.integer("tailLines")?.and_then(|lines| usize::try_from(lines).ok());
    let first = tail.map_or(0, |tail| told.len().saturating_sub(tail));
    let timestamps = query.flag("timestamps");
    let mut log: String = told.iter().skip(first).map(|told| line(told, timestamps)).collect();
    let limit = query.integer("limitBytes")?.map(|limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if let Some(limit) = limit {
        log.truncate(log.floor_char_boundary(limit));
    }
    let is_running = status(pod, container).filter(|status| !status["state"]["running"].is_null());
    if let Some(status) = is_running.filter(|_| query.flag("follow") && !previous) {
        return Ok(Reply::Follow(Follow {
            namespace: namespace(pod).to_owned(),
            pod: uid(pod).to_owned(),
            container: container.to_owned(),
            id: text(status, "/containerID").to_owned(),
            told: lines.len(),
            timestamps,
            left: limit.map(|limit| limit - log.len()),
            begin: log,
        }));
    }
    Ok(Reply::Text(200, log))
}

/// The container that is asked for, or the only one.
fn container<'a>(query: &'a Query, at: &At<'_>, pod: &'a Value) -> Result<&'a str, Status> {
    let names = |field: &str| list(pod, field).iter().map(|found| text(found, "/name")).collect::<Vec<_>>();
    let (regular, init) = (names("/spec/containers"), names("/spec/initContainers"));
    if let Some(asked) = query.text("container") {
        if regular.contains(&asked) || init.contains(&asked) {
            return Ok(asked);
        }
        return Err(Status::bad_request(format!("container {asked} is not valid for pod {}", at.name())));
    }
    match regular.as_slice() {
        [only] => Ok(only),
        all => {
            let all = all.join(" ");
            let init = if init.is_empty() {
                String::new()
            } else {
                format!(" or one of the init containers: [{}]", init.join(" "))
            };
            Err(Status::bad_request(format!(
                "a container name must be specified for pod {}, choose one of: [{all}]{init}",
                at.name()
            )))
        }
    }
}

/// In the kubelet's words.
fn waiting<'a>(pod: &'a Value, container: &str) -> &'a str {
    match status(pod, container).map(|status| text(status, "/state/waiting/reason")) {
        None | Some("") => "ContainerCreating",
        Some("ErrImagePull" | "ImagePullBackOff") => "trying and failing to pull image",
        Some(reason) => reason,
    }
}

/// From when on lines are asked for.
fn since(query: &Query, now: Timestamp) -> Result<Option<Timestamp>, Status> {
    if let Some(seconds) = query.integer("sinceSeconds")? {
        let ago = SignedDuration::from_secs(seconds);
        return Ok(Some(now.saturating_sub(ago).unwrap_or(Timestamp::MIN)));
    }
    let time = query.text("sinceTime");
    let parse = |time: &str| {
        time.parse().map_err(|_| Status::bad_request(format!("sinceTime is no RFC 3339 time: {time:?}")))
    };
    time.map(parse).transpose()
}
