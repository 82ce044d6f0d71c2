//! Packages fetched, and progress and results sent, over HTTP.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind};
use deploy_ssm::node::{Cause, Request, RunStatus, Source, Verb, parse_report};

use crate::harness::{Node, app, package, until};
use crate::refused::{gz, sha256};

type Stored = Arc<Mutex<BTreeMap<String, Vec<u8>>>>;

/// Serves what is stored; takes what is put; `/403` and the like answer with that; `/slow` never ends.
struct Server {
    port: u16,
    stored: Stored,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let stored = Stored::default();
        let shared = Arc::clone(&stored);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let stored = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream, &stored));
            }
        });
        Self { port, stored }
    }

    fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}?X-Amz-Signature=s3cr3t", self.port)
    }

    fn get(&self, path: &str) -> Option<Vec<u8>> {
        self.stored.lock().expect("a lock").get(&format!("/{path}")).cloned()
    }
}

fn write(mut stream: &TcpStream, bytes: &[u8]) -> Option<()> {
    stream.write_all(bytes).ok()
}

fn serve(stream: &TcpStream, stored: &Stored) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut words = line.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let path = target.split('?').next()?.to_owned();
    let mut length = 0;
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim().to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            length = value.trim().parse().ok()?;
        }
        if header == "expect: 100-continue" {
            write(stream, b"HTTP/1.1 100 Continue\r\n\r\n")?;
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let code: Option<u16> = path.trim_start_matches('/').parse().ok();
    let (code, answer) = match (method.as_str(), code) {
        (_, Some(code)) => (code, Vec::new()),
        ("PUT", None) => {
            stored.lock().ok()?.insert(path, body);
            (200, Vec::new())
        }
        _ if path == "/slow" => {
            write(stream, b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\nx")?;
            std::thread::sleep(Duration::from_secs(60));
            return None;
        }
        _ => stored.lock().ok()?.get(&path).map_or((404, Vec::new()), |bytes| (200, bytes.clone())),
    };
    let head = format!("HTTP/1.1 {code} X\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", answer.len());
    write(stream, head.as_bytes())?;
    write(stream, &answer)
}

fn fetching(node: &Node, url: &str) -> Request {
    let sha256 = package(&app("api:v1")).sha256().to_owned();
    node.request(Verb::Deploy, "one").package(Source::Url { url: url.to_owned(), sha256 }).expect("a request")
}

#[test]
fn a_package_comes_and_everything_goes_by_url() {
    let (node, server) = (Node::new(), Server::start());
    server.stored.lock().expect("a lock").insert("/package".into(), package(&app("api:v1")).bytes().to_vec());
    let request = fetching(&node, &server.url("package")).result_url(&server.url("result")).expect("a URL");
    let request = request
        .progress_url(&server.url("progress"))
        .expect("a URL")
        .log_url(&server.url("log"))
        .expect("a URL");
    let ran = node.run(&request);
    assert_eq!(ran.report().status, RunStatus::Healthy, "{ran:?}");
    // It is sent once it is written, and may be printed before.
    until("the result is sent", || server.get("result").is_some());
    let sent = parse_report(&server.get("result").expect("a result")).expect("is one");
    assert_eq!(sent.status, RunStatus::Healthy);
    let progress = String::from_utf8(server.get("progress").expect("progress")).expect("is UTF-8");
    assert!(progress.contains("\"event\":\"healthy\""), "{progress}");
    assert!(server.get("log").is_some_and(|log| !log.is_empty()));
    assert!(!ran.stdout.contains("s3cr3t"));
}

#[test]
fn a_result_that_cannot_be_sent_is_still_printed() {
    let (node, server) = (Node::new(), Server::start());
    let request = node.deploy_request("one", &app("api:v1")).progress_url(&server.url("500")).expect("a URL");
    assert_eq!(
        node.run(&request.log_url("http://127.0.0.1:9/x").expect("a URL")).report().status,
        RunStatus::Healthy
    );
}

#[test]
fn a_refusal_is_sent_too() {
    let (node, server) = (Node::new(), Server::start());
    let request = fetching(&node, &server.url("404")).result_url(&server.url("result")).expect("a URL");
    node.run(&request);
    let sent = parse_report(&server.get("result").expect("a result")).expect("is one");
    assert_eq!(sent.status, RunStatus::Refused);
}

#[test]
fn wget_is_not_told_the_address_where_others_see_it() {
    let server = Server::start();
    server.stored.lock().expect("a lock").insert("/package".into(), package(&app("api:v1")).bytes().to_vec());
    let fetch = |wget: &str| {
        let node = Node::new();
        node.without("curl");
        node.tool("wget", &format!("#!/bin/sh\necho \"$@\" >>{}\n{wget}\n", node.path("args").display()));
        let ran = node.run(&fetching(&node, &server.url("package")));
        let args = std::fs::read_to_string(node.path("args")).expect("it was called");
        assert!(!args.contains("s3cr3t") && !ran.stdout.contains("s3cr3t"), "{args} {ran:?}");
        ran.report()
    };
    let gnu = "[ $1 != --version ] || { echo GNU Wget 1.25; exit; }\n\
               until [ $1 = -O ]; do shift; done\nread -r url; exec /usr/bin/curl -fsS -o $2 $url";
    assert_eq!(fetch(gnu).status, RunStatus::Healthy);
    let report = fetch("echo 'wget: unrecognized option: version' >&2; exit 1");
    let Some(Cause::Error(error)) = report.cause else { panic!("{report:?}") };
    assert_eq!((error.kind.as_str(), report.status), ("notFound", RunStatus::Refused));
    assert!(error.message.contains("GNU wget"), "{error:?}");
}

#[test]
fn no_address_and_no_package_is_debugged() {
    let node = Node::new();
    let url = "https://a.example/x?X-Amz-Signature=s3cr3t";
    let request = fetching(&node, url).progress_url(url).expect("a URL").result_url(url).expect("a URL");
    let request = request.log_url(url).expect("a URL");
    let sources = [
        Source::Url { url: url.into(), sha256: "0".repeat(64) },
        Source::Inline { bytes: b"s3cr3t".to_vec(), sha256: "0".repeat(64) },
    ];
    let text = format!("{request:?} {sources:?} {:?}", node.deploy_request("one", &app("api:v1")));
    assert!(!text.contains("s3cr3t") && !text.contains("115, 51"), "{text}");
    assert!(text.contains("RESULT_URL") && text.contains("Deploy") && text.contains("000"), "{text}");
}

#[test]
fn what_is_cancelled_while_its_package_comes_does_not_begin() {
    let (node, server) = (Node::new(), Server::start());
    server.stored.lock().expect("a lock").insert("/package".into(), package(&app("api:v1")).bytes().to_vec());
    let (began, cancel) = (node.path("began"), node.run_file("one", "cancel"));
    let slow = "until [ -e {1} ]; do sleep 0.05; done; exec /usr/bin/curl \"$@\"";
    let slow = slow.replace("{1}", &cancel.to_string_lossy());
    node.tool("curl", &format!("#!/bin/sh\n: >{}\n{slow}\n", began.display()));
    let child = node.start(&fetching(&node, &server.url("package")));
    until("it fetches", || began.exists());
    let cancelled = node.run(&node.request(Verb::Cancel, "one"));
    assert_eq!(cancelled.report().status, RunStatus::Cancelled, "{cancelled:?}");
    assert_eq!(node.end(child).stdout, cancelled.stdout);
    assert!(node.world(|world| world.objects.is_empty()));
}

#[test]
fn a_package_that_does_not_come_is_a_clear_error() {
    let server = Server::start();
    let check = |url: &str, kind: ErrorKind, words: &str| {
        let node = Node::new();
        let ran = node.run(&fetching(&node, url).timeout(Duration::from_secs(3)));
        let Some(Cause::Error(error)) = ran.report().cause else { panic!("{ran:?}") };
        let error = Error::from(error);
        assert_eq!(error.kind(), kind, "{error}");
        assert!(error.to_string().contains(words), "{error}");
        assert!(!ran.stdout.contains("s3cr3t") && !ran.stderr.contains("s3cr3t"), "{ran:?}");
    };
    check(&server.url("404"), ErrorKind::NotFound, "404");
    check(&server.url("403"), ErrorKind::Forbidden, "403");
    check(&server.url("slow"), ErrorKind::Unavailable, "could not be fetched");
    check("http://127.0.0.1:9/x?X-Amz-Signature=s3cr3t", ErrorKind::Unavailable, "could not be fetched");
}

#[test]
fn a_package_that_unpacks_without_end_is_refused() {
    let (node, server) = (Node::new(), Server::start());
    let bomb = gz(&vec![0; 80 << 20]);
    let source = Source::Url { url: server.url("bomb"), sha256: sha256(&bomb) };
    server.stored.lock().expect("a lock").insert("/bomb".into(), bomb);
    let ran = node.run(&node.request(Verb::Deploy, "one").package(source).expect("a request"));
    let Some(Cause::Error(error)) = ran.report().cause else { panic!("{ran:?}") };
    assert!(error.message.contains("larger than"), "{error:?}");
}
