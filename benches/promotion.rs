//! A promotion's own work around the rollout: a values file, a journal and the record in files, a check over HTTP. See README.md.
//!
//! `cargo bench --bench promotion -- rounds=100`. The rollout is one in memory, which takes no time; the disk's part is what `fsync` takes.
#![allow(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    reason = "it is what a benchmark is for"
)]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use deploy_config::FileJournal;
use deploy_config::audit::AuditFile;
use deploy_config::store::HelmValues;
use deploy_core::memory::{MemoryRegistry, MemorySource, MemoryTarget};
use deploy_core::promotion::{Environment, Form, Promotion, Status, Wanted};
use deploy_core::rollout::Rollout;
use deploy_core::run::Run;
use deploy_verify::http::HttpCheck;

const POD: &str =
    "{apiVersion: v1, kind: Pod, metadata: {name: api}, spec: {containers: [{name: api, image: 'x:1'}]}}";

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    if !asked.iter().any(|arg| arg == "--bench") {
        println!("nothing is measured: cargo bench --bench promotion");
        return;
    }
    let rounds = asked.iter().find_map(|arg| arg.strip_prefix("rounds=")).map_or(100, |n| n.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        for (name, services, journaled) in [
            ("a values file of 20 lines", 2, false),
            ("a values file of 5,000 lines", 500, false),
            ("a values file of 20 lines, journaled", 2, true),
            ("a values file of 5,000 lines, journaled", 500, true),
        ] {
            let mut took = measure(services, rounds, journaled).await;
            took.sort();
            let at = |part: usize| took[(took.len() - 1) * part / 100].as_secs_f64() * 1000.0;
            println!("{name}: median {:.1} ms, 90 % within {:.1} ms, of {rounds} promotions", at(50), at(90));
        }
        println!("one fsync of a small file, here: {:.2} ms", fsync().as_secs_f64() * 1000.0);
    });
}

/// How long each of `rounds` promotions takes, each of another tag.
async fn measure(services: usize, rounds: usize, journaled: bool) -> Vec<Duration> {
    let folder = tempfile::tempdir().unwrap();
    let values = folder.path().join("values.yaml");
    std::fs::write(&values, text(services)).unwrap();
    let registry = MemoryRegistry::new();
    for round in 0..=rounds {
        registry.put(&format!("registry.example/api:v1.{round}.0").parse().unwrap(), "4f1c2d9");
    }
    let journal = FileJournal::new(folder.path().join("journal"));
    let rollout = Rollout::new(Arc::new(MemoryTarget::new()));
    let rollout = if journaled { rollout.journal(Arc::new(journal)) } else { rollout };
    let check = HttpCheck::get(serve()).expect_status(200).expect_body_contains("ok").build().unwrap();
    let environment = Environment::new("dev", Arc::new(HelmValues::new(&values)))
        .writes("api", format!("service{}.image.tag", services / 2), Form::Tag)
        .policy("scheme=semver".parse().unwrap())
        .deploys(rollout, Arc::new(MemorySource::new("api.yaml", POD)))
        .check(Arc::new(check));
    let promotion = Promotion::new("shop", Arc::new(registry))
        .image("api", "registry.example/api".parse().unwrap())
        .audit(Arc::new(AuditFile::new(folder.path().join("audit.jsonl"))))
        .environment(environment);
    let mut took = Vec::new();
    for round in 1..=rounds {
        let wanted = Wanted::tags([("api", format!("v1.{round}.0"))]);
        let begun = Instant::now();
        let promoted = promotion.promote("dev", &wanted, Run::new()).await.unwrap();
        took.push(begun.elapsed());
        assert_eq!(promoted.status, Status::Promoted, "{promoted}");
    }
    took
}

/// Ten lines a service.
fn text(services: usize) -> String {
    let service = |number| {
        format!(
            "# Service {number}\nservice{number}:\n  image:\n    repository: ghcr.io/acme/service{number} # ours\n    \
             tag: v1.0.0\n  replicas: 3\n  resources:\n    limits: {{cpu: 500m, memory: 256Mi}}\n    \
             requests: {{cpu: 50m, memory: 64Mi}}\n\n"
        )
    };
    (0..services).map(service).collect()
}

/// A server on loopback that says `ok` to everything, one connection after the other.
fn serve() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/healthz", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            let mut request = [0; 4096];
            let _ = connection.read(&mut request);
            let _ =
                connection.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\nok");
        }
    });
    url
}

/// The median of what a small file takes until it is on the disk.
fn fsync() -> Duration {
    let folder = tempfile::tempdir().unwrap();
    let one = |path: &Path| {
        let begun = Instant::now();
        let mut file = std::fs::File::create(path).unwrap();
        file.write_all(&[b'x'; 400]).unwrap();
        file.sync_all().unwrap();
        begun.elapsed()
    };
    let mut took: Vec<Duration> =
        (0..50).map(|number: u32| one(&folder.path().join(number.to_string()))).collect();
    took.sort();
    took[25]
}
