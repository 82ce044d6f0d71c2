//! A real Prometheus, which watches itself.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use deploy_core::check::Within;
use deploy_core::clock::SystemClock;
use deploy_core::guard::{Answer, Check, Subject};
use deploy_verify::http::HttpCheck;
use deploy_verify::metrics::{MetricCheck, QueryCheck};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A Prometheus on a port of its own; killed when it is dropped.
struct Prometheus {
    url: String,
    _process: Child,
    _folder: tempfile::TempDir,
}

impl Prometheus {
    #[expect(clippy::disallowed_methods, reason = "the tests' own edge: where the programs are")]
    async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let config = format!(
            "global: {{scrape_interval: 200ms}}\nscrape_configs:\n- job_name: itself\n  static_configs: [{{targets: ['{address}']}}]\n"
        );
        let file = folder.path().join("prometheus.yml");
        std::fs::write(&file, config).unwrap();
        let process = Command::new(std::env::var("PROMETHEUS").unwrap_or_else(|_| "prometheus".into()))
            .arg(option("config.file", &file))
            .arg(option("storage.tsdb.path", &folder.path().join("data")))
            .arg(format!("--web.listen-address={address}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| {
                panic!("prometheus: {error}: install Debian's prometheus, or set PROMETHEUS")
            });
        Self { url: format!("http://{address}"), _process: process, _folder: folder }
    }
}

fn option(name: &str, path: &Path) -> String {
    format!("--{name}={}", path.display())
}

async fn ask(check: impl Check + 'static, window: u64) -> Answer {
    let clock = Arc::new(SystemClock::new());
    let check =
        Within::new(Arc::new(check), Duration::from_secs(window), clock).every(Duration::from_millis(100));
    check.check(&Subject::new("dev")).await.unwrap()
}

fn query(prometheus: &Prometheus, query: &str, expected: &str) -> QueryCheck {
    QueryCheck::new(HttpCheck::get(&prometheus.url), query, expected.parse().unwrap()).unwrap()
}

#[tokio::test]
#[ignore = "needs prometheus"]
async fn what_prometheus_answers() {
    let prometheus = Prometheus::start().await;
    // It takes a moment until it listens, and another one until it has scraped itself.
    let up = ask(query(&prometheus, "up{job=\"itself\"}", "== 1"), 60).await;
    assert!(up.is_yes(), "{up:?}");
    for (text, expected, says) in [
        ("sum(up)", "> 5", "it is 1, expected > 5"),
        ("up{job=\"nobody\"}", "== 1", "no"),
        ("sum(prometheus_build_info)", ">= 1", "it is 1, which is >= 1"),
        ("1.5", "< 2", "it is 1.5, which is < 2"),
    ] {
        let answer = query(&prometheus, text, expected).check(&Subject::new("dev")).await;
        let said = match answer.unwrap() {
            Answer::Yes { grounds } => grounds,
            Answer::No { why } => why,
            other => panic!("{other:?}"),
        };
        assert!(said.contains(says), "{text}: {said}");
    }
    let error = query(&prometheus, "sum(", "== 1").check(&Subject::new("dev")).await.unwrap_err();
    assert!(error.to_string().contains("bad_data"), "{error}");

    let exposed = || HttpCheck::get(format!("{}/metrics", prometheus.url));
    let ready = "prometheus_ready".parse().unwrap();
    let check = MetricCheck::new(exposed(), ready, "== 1".parse().unwrap()).unwrap();
    assert!(ask(check, 60).await.is_yes());
    // Its own scrapes are requests to it.
    let requests = "prometheus_http_requests_total{handler=\"/metrics\"}".parse().unwrap();
    let growing = MetricCheck::new(exposed(), requests, "> 0".parse().unwrap()).unwrap();
    let growing = growing.increase_over(Duration::from_secs(2));
    assert!(ask(growing, 30).await.is_yes());
}
