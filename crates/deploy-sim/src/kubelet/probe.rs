//! Startup, readiness and liveness probes, by what the image would answer.

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::image::Image;
use crate::controllers::object::{after, int, text};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Startup,
    Readiness,
    Liveness,
}

/// What an attempt came to.
pub(super) enum Attempt {
    Passed,
    /// As often as it takes in a row.
    Holds,
    Failed(String),
    /// As often as it takes in a row.
    FailedForGood(String),
}

/// A probe of one running container.
#[derive(Debug)]
pub(super) struct Probe {
    pub(super) kind: Kind,
    pub(super) next: Timestamp,
    spec: Value,
    passed: i64,
    failed: i64,
}

impl Kind {
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Startup => "Startup",
            Self::Readiness => "Readiness",
            Self::Liveness => "Liveness",
        }
    }
}

/// The probes of a container that started just now.
pub(super) fn all(container: &Value, now: Timestamp) -> Vec<Probe> {
    let kinds = [
        ("startupProbe", Kind::Startup),
        ("readinessProbe", Kind::Readiness),
        ("livenessProbe", Kind::Liveness),
    ];
    let probe = |(field, kind): (&str, Kind)| {
        let spec = container.get(field).filter(|spec| spec.is_object())?.clone();
        let next = after(now, int(&spec, "/initialDelaySeconds").unwrap_or(0));
        Some(Probe { kind, next, spec, passed: 0, failed: 0 })
    };
    kinds.into_iter().filter_map(probe).collect()
}

impl Probe {
    pub(super) fn attempt(
        &mut self,
        image: &Image,
        started: Timestamp,
        now: Timestamp,
        address: &str,
    ) -> Attempt {
        let number = |field: &str, default: i64| int(&self.spec, field).unwrap_or(default).max(1);
        self.next = after(now, number("/periodSeconds", 10));
        let outcome = outcome(self.kind, &self.spec, image, now.duration_since(started), address);
        match outcome {
            None => {
                (self.passed, self.failed) = (self.passed + 1, 0);
                if self.passed >= number("/successThreshold", 1) { Attempt::Holds } else { Attempt::Passed }
            }
            Some(output) => {
                (self.passed, self.failed) = (0, self.failed + 1);
                let is_enough = self.failed >= number("/failureThreshold", 3);
                if is_enough { Attempt::FailedForGood(output) } else { Attempt::Failed(output) }
            }
        }
    }
}

/// The output of a probe that fails.
fn outcome(kind: Kind, spec: &Value, image: &Image, age: SignedDuration, address: &str) -> Option<String> {
    let path = text(spec, "/httpGet/path").split('?').next().unwrap_or_default();
    if let Some(status) = image.answers.get(path).filter(|_| spec.get("httpGet").is_some()) {
        let fails = !(200..400).contains(status);
        return fails.then(|| format!("HTTP probe failed with statuscode: {status}"));
    }
    let fails = match kind {
        Kind::Liveness => image.unhealthy_after.is_some_and(|from| age >= from),
        Kind::Readiness | Kind::Startup => image.ready_after.is_none_or(|from| age < from),
    };
    let status = if kind == Kind::Liveness { 500 } else { 503 };
    fails.then(|| {
        if spec.get("httpGet").is_some() {
            format!("HTTP probe failed with statuscode: {status}")
        } else if let Some(port) = spec.pointer("/tcpSocket/port") {
            let port = port.as_str().map_or_else(|| port.to_string(), str::to_owned);
            format!("dial tcp {address}:{port}: connect: connection refused")
        } else if spec.get("grpc").is_some() {
            "service unhealthy (responded with \"NOT_SERVING\")".to_owned()
        } else {
            "command exited with code 1".to_owned()
        }
    })
}
