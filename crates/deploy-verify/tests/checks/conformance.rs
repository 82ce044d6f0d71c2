//! What every gate and check keeps to, bare and behind the layers.

use std::future::Future;
use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::clock::SystemClock;
use deploy_core::conformance::{check, gate};
use deploy_core::gate::approval::{Approval, Approved, Approvers};
use deploy_core::guard::{Check, Gate, Subject};
use deploy_core::layer::{Backoff, RateLimit, Retry, Timeout};
use deploy_verify::approval::{ApprovalFile, Terminal};
use deploy_verify::http::{HttpCheck, HttpCheckBuilder};
use deploy_verify::metrics::{MetricCheck, QueryCheck};
use deploy_verify::tcp::TcpCheck;

use crate::server::{Server, path, reply};

type Make<T> = dyn Fn(&str) -> Box<T> + Send + Sync;

/// Makes what is asked for by its outcome: `yes`, `no`, `error`; and keeps what it needs.
struct Three<T: ?Sized, K> {
    make: Box<Make<T>>,
    _kept: K,
}

impl<K: Send + Sync> check::Fixture for Three<dyn Check, K> {
    fn willing(&self) -> Box<dyn Check> {
        (self.make)("yes")
    }

    fn unwilling(&self) -> Box<dyn Check> {
        (self.make)("no")
    }

    fn undecided(&self) -> Option<Box<dyn Check>> {
        Some((self.make)("error"))
    }
}

impl<K: Send + Sync> gate::Fixture for Three<dyn Gate, K> {
    fn willing(&self) -> Box<dyn Gate> {
        (self.make)("yes")
    }

    fn unwilling(&self) -> Box<dyn Gate> {
        (self.make)("no")
    }

    fn undecided(&self) -> Option<Box<dyn Gate>> {
        Some((self.make)("error"))
    }
}

fn clock() -> Arc<SystemClock> {
    Arc::new(SystemClock::new())
}

/// The suite over the bare one, and over one behind all layers.
async fn checks<K: Clone + Send + Sync + 'static, F: Future<Output = K>>(
    keep: impl Fn() -> F,
    make: impl Fn(&K, &str) -> Box<dyn Check> + Clone + Send + Sync + 'static,
) {
    for layered in [false, true] {
        check::run(|| async {
            let (kept, make) = (keep().await, make.clone());
            let given = kept.clone();
            let make = move |outcome: &str| {
                let bare = make(&given, outcome);
                if !layered {
                    return bare;
                }
                let timeout = Timeout::new(Arc::<dyn Check>::from(bare), clock(), Duration::from_secs(60));
                let limited = RateLimit::new(Arc::new(timeout), clock(), 3, Duration::from_millis(10));
                let backoff = Backoff::default().attempts(2).first(Duration::from_millis(1));
                Box::new(Retry::new(Arc::new(limited), clock(), backoff)) as Box<dyn Check>
            };
            Three { make: Box::new(make), _kept: kept }
        })
        .await;
    }
}

/// The same for gates.
async fn gates<K: Clone + Send + Sync + 'static, F: Future<Output = K>>(
    keep: impl Fn() -> F,
    make: impl Fn(&K, &str) -> Box<dyn Gate> + Clone + Send + Sync + 'static,
) {
    for layered in [false, true] {
        gate::run(|| async {
            let (kept, make) = (keep().await, make.clone());
            let given = kept.clone();
            let make = move |outcome: &str| {
                let bare = make(&given, outcome);
                if !layered {
                    return bare;
                }
                let timeout = Timeout::new(Arc::<dyn Gate>::from(bare), clock(), Duration::from_secs(60));
                let limited = RateLimit::new(Arc::new(timeout), clock(), 3, Duration::from_millis(10));
                let backoff = Backoff::default().attempts(2).first(Duration::from_millis(1));
                Box::new(Retry::new(Arc::new(limited), clock(), backoff)) as Box<dyn Gate>
            };
            Three { make: Box::new(make), _kept: kept }
        })
        .await;
    }
}

/// A server whose paths say what becomes of a check.
async fn server() -> Arc<Server> {
    let vector = |value: &str| {
        format!(
            r#"{{"status":"success","data":{{"resultType":"vector","result":[{{"metric":{{}},"value":[1,"{value}"]}}]}}}}"#
        )
    };
    let server = Server::start(move |head| match path(head).split('?').next().unwrap() {
        "/yes" => reply(200, "", "up 1\n"),
        "/no" => reply(503, "", "down"),
        "/yes/api/v1/query" => reply(200, "", &vector("1")),
        "/no/api/v1/query" => reply(200, "", &vector("0")),
        // It is cut off.
        _ => crate::server::Reply::Bytes(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nup".to_vec()),
    });
    Arc::new(server.await)
}

fn get(server: &Server, outcome: &str) -> HttpCheckBuilder {
    HttpCheck::get(server.url(&format!("/{outcome}")))
}

#[tokio::test]
async fn http() {
    checks(server, |server, outcome| {
        Box::new(get(server, outcome).expect_body_contains("up").build().unwrap())
    })
    .await;
}

#[tokio::test]
async fn query() {
    checks(server, |server, outcome| {
        Box::new(QueryCheck::new(get(server, outcome), "up", "== 1".parse().unwrap()).unwrap())
    })
    .await;
}

#[tokio::test]
async fn metric() {
    checks(server, |server, outcome| {
        Box::new(
            MetricCheck::new(get(server, outcome), "up".parse().unwrap(), "== 1".parse().unwrap()).unwrap(),
        )
    })
    .await;
}

#[tokio::test]
async fn tcp() {
    checks(server, |server, outcome| {
        let check =
            TcpCheck::new(if outcome == "error" { "nowhere".into() } else { server.address.to_string() });
        let expected = if outcome == "yes" { "HTTP/1.1 503" } else { "SSH-2.0" };
        Box::new(check.send("GET /no HTTP/1.1\r\n\r\n").expect_banner(expected))
    })
    .await;
}

#[cfg(unix)]
mod command {
    use super::*;
    use deploy_verify::command::CommandCheck;

    fn command(outcome: &str) -> CommandCheck {
        match outcome {
            "yes" => CommandCheck::new("/bin/sh").args(["-c", "true"]),
            "no" => CommandCheck::new("/bin/sh").args(["-c", "false"]),
            _ => CommandCheck::new("/no/such/program"),
        }
    }

    #[tokio::test]
    async fn as_a_check() {
        checks(|| async {}, |(), outcome| Box::new(command(outcome))).await;
    }

    #[tokio::test]
    async fn as_a_gate() {
        gates(|| async {}, |(), outcome| Box::new(command(outcome))).await;
    }
}

#[tokio::test]
async fn terminal() {
    let terminal = |(): &(), outcome: &str| {
        let typed: Box<dyn std::io::BufRead + Send> = match outcome {
            "yes" => Box::new(Cursor::new("production\nproduction\n")),
            "no" => Box::new(Cursor::new("staging\n")),
            _ => Box::new(std::io::BufReader::new(std::io::repeat(b'x'))),
        };
        Box::new(Terminal::new("ann", typed, std::io::sink(), true).unwrap()) as Box<dyn Gate>
    };
    gates(|| async {}, terminal).await;
}

#[tokio::test]
async fn approval_file() {
    let files = || async {
        let folder = tempfile::tempdir().unwrap();
        let approval =
            Approval::new("ann", &Subject::new("production"), deploy_core::clock::Clock::now(&*clock()));
        ApprovalFile::new(folder.path().join("yes")).add(&approval).await.unwrap();
        std::fs::write(folder.path().join("error"), "ann\n").unwrap();
        Arc::new(folder)
    };
    gates(files, |folder, outcome| {
        let file = ApprovalFile::new(folder.path().join(outcome));
        Box::new(Approved::new(Approvers::anyone(), Arc::new(file), clock()))
    })
    .await;
}
