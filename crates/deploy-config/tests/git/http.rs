//! Over HTTP, served by real git (`git http-backend`) behind a server that knows one password.

use std::path::Path;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_config::git::{GitAncestry, Repository};
use deploy_core::ancestry::Ancestry;
use deploy_core::error::ErrorKind;
use deploy_core::secret::SecretText;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Server, command, plain, put, set, value, yaml};

const USER: &str = "ci";
const PASSWORD: &str = "correct horse/battery@staple";

/// What the server does before git answers.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Door {
    Password,
    /// Everybody may read, nobody may write.
    ReadOnly,
    /// The connection is cut after a push was taken in, and before its answer.
    CutAfterPush,
}

struct Http {
    server: Server,
    address: String,
    /// The requests, by method and path, with the answer's status.
    seen: Arc<Mutex<Vec<String>>>,
}

impl Http {
    async fn new(door: Door) -> Self {
        let server = Server::new(&[("shop.yaml", "tag: v1\n")]);
        crate::support::git(&server.bare(), &["config", "http.receivepack", "true"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (root, seen) = (server.folder.path().to_owned(), Arc::new(Mutex::new(Vec::new())));
        let log = seen.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let (root, log) = (root.clone(), log.clone());
                // A client that goes away is its own business.
                tokio::spawn(async move { serve(stream, &root, door, &log).await });
            }
        });
        Self { server, address, seen }
    }

    fn url(&self) -> String {
        format!("http://{}/remote.git", self.address)
    }

    fn repository(&self) -> Repository {
        plain(Repository::at(&self.url()))
    }

    fn seen(&self) -> Vec<String> {
        std::mem::take(&mut *self.seen.lock().unwrap())
    }
}

/// One request a connection.
async fn serve(stream: TcpStream, root: &Path, door: Door, log: &Mutex<Vec<String>>) -> std::io::Result<()> {
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    stream.read_line(&mut line).await?;
    let (method, target) = match line.split_whitespace().collect::<Vec<_>>()[..] {
        [method, target, _] => (method.to_owned(), target.to_owned()),
        _ => return Ok(()),
    };
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let header =
        |name: &str| headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str());
    let writes = target.contains("receive-pack");
    let allowed = format!("Basic {}", STANDARD.encode(format!("{USER}:{PASSWORD}")));
    let refused = match door {
        Door::ReadOnly if writes => Some("403 Forbidden"),
        Door::ReadOnly => None,
        _ if header("authorization") == Some(&allowed) => None,
        _ => Some("401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"git\""),
    };
    let mut body = Vec::new();
    if header("transfer-encoding") == Some("chunked") {
        loop {
            let mut size = String::new();
            stream.read_line(&mut size).await?;
            let size = usize::from_str_radix(size.trim(), 16).unwrap();
            let mut chunk = vec![0; size + 2];
            stream.read_exact(&mut chunk).await?;
            body.extend_from_slice(&chunk[..size]);
            if size == 0 {
                break;
            }
        }
    } else if let Some(length) = header("content-length") {
        body.resize(length.parse().unwrap(), 0);
        stream.read_exact(&mut body).await?;
    }
    if let Some(status) = refused {
        log.lock().unwrap().push(format!("{method} {path} {}", &status[..3]));
        let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        return stream.write_all(answer.as_bytes()).await;
    }
    let mut backend = tokio::process::Command::from(command("git"));
    backend
        .arg("http-backend")
        .env("GIT_PROJECT_ROOT", root)
        .env("GIT_HTTP_EXPORT_ALL", "1")
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("REMOTE_USER", USER)
        .env("REQUEST_METHOD", &method)
        .env("PATH_INFO", path)
        .env("QUERY_STRING", query)
        .env("CONTENT_TYPE", header("content-type").unwrap_or_default())
        .env("CONTENT_LENGTH", body.len().to_string())
        .env("HTTP_CONTENT_ENCODING", header("content-encoding").unwrap_or_default())
        .env("GIT_PROTOCOL", header("git-protocol").unwrap_or_default())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = backend.spawn()?;
    let mut stdin = child.stdin.take().unwrap();
    let write = tokio::spawn(async move { stdin.write_all(&body).await });
    let out = child.wait_with_output().await?.stdout;
    let _ = write.await;
    let end = out.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8_lossy(&out[..end]).into_owned();
    let status = head.lines().find_map(|line| line.strip_prefix("Status: ")).unwrap_or("200 OK");
    log.lock().unwrap().push(format!("{method} {path} {}", &status[..3]));
    if door == Door::CutAfterPush && writes && method == "POST" {
        return Ok(());
    }
    let answer = format!(
        "HTTP/1.1 {status}\r\n{head}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        out.len() - end - 4
    );
    stream.write_all(answer.as_bytes()).await?;
    stream.write_all(&out[end + 4..]).await
}

#[tokio::test]
async fn a_token_reads_and_writes() {
    let http = Http::new(Door::Password).await;
    let given = http.repository().credentials(USER, &SecretText::new(PASSWORD));
    let in_the_url = format!("http://{USER}:correct%20horse%2Fbattery%40staple@{}/remote.git", http.address);
    for (repository, new) in [(given, "v2"), (plain(Repository::at(&in_the_url)), "v3")] {
        let store = yaml(repository).build().unwrap();
        assert!(value(&store, "shop#tag").await.is_some());
        http.seen();
        set(&store, &[put("shop#tag", new)]).await.unwrap();
        assert_eq!(http.server.file("main", "shop.yaml"), format!("tag: {new}"));
        let expect = [
            "GET /remote.git/info/refs 200",
            "POST /remote.git/git-upload-pack 200",
            "GET /remote.git/info/refs 200",
            "POST /remote.git/git-receive-pack 200",
        ];
        assert_eq!(http.seen(), expect, "no request without the credentials, and none too many");
    }
}

#[tokio::test]
async fn credentials_that_are_missing_or_wrong() {
    let http = Http::new(Door::Password).await;
    let check = async |repository: Repository, secret: &str| {
        let error = set(&yaml(repository).build().unwrap(), &[put("shop#tag", "v2")]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized, "{error}");
        assert!(error.to_string().contains("give credentials"), "{error}");
        let shown = format!("{error} {error:?}");
        assert!(secret.is_empty() || !shown.contains(secret), "{shown}");
    };
    check(http.repository(), "").await;
    check(http.repository().credentials(USER, &SecretText::new("hunter2")), "hunter2").await;
    let url = |user: &str| plain(Repository::at(&format!("http://{user}@{}/remote.git", http.address)));
    check(url("ci:hunter3"), "hunter3").await;
    check(url("ghp_hunter4"), "hunter4").await;
    assert_eq!(http.server.file("main", "shop.yaml"), "tag: v1");
}

#[tokio::test]
async fn a_helper_of_the_user_is_asked() {
    let http = Http::new(Door::Password).await;
    let helper = http.server.path("helper");
    crate::support::executable(&helper, &format!("echo username={USER}; echo 'password={PASSWORD}'"));
    let store =
        yaml(http.repository().config("credential.helper", helper.display().to_string())).build().unwrap();
    set(&store, &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(http.server.file("main", "shop.yaml"), "tag: v2");
}

#[tokio::test]
async fn who_may_only_read_is_told_so() {
    let http = Http::new(Door::ReadOnly).await;
    let store = yaml(http.repository()).build().unwrap();
    assert_eq!(value(&store, "shop#tag").await.as_deref(), Some("v1"));
    let error = set(&store, &[put("shop#tag", "v2")]).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden, "{error}");
    assert!(error.to_string().contains("see who may write there"), "{error}");
}

#[tokio::test]
async fn nobody_at_home_and_no_such_repository() {
    let http = Http::new(Door::ReadOnly).await;
    let check = async |url: &str, kind: ErrorKind| {
        let error = set(&yaml(plain(Repository::at(url))).build().unwrap(), &[put("shop#tag", "v2")])
            .await
            .unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    };
    check(&http.url().replace("remote", "none"), ErrorKind::NotFound).await;
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    check(&format!("http://{free}/x.git"), ErrorKind::Unavailable).await;
}

#[tokio::test]
async fn a_connection_cut_after_the_push_makes_no_second_commit() {
    let http = Http::new(Door::CutAfterPush).await;
    let repository = http.repository().credentials(USER, &SecretText::new(PASSWORD));
    let before = http.server.count();
    set(&yaml(repository).build().unwrap(), &[put("shop#tag", "v2")]).await.unwrap();
    assert_eq!(
        (http.server.count(), http.server.file("main", "shop.yaml")),
        (before + 1, "tag: v2".to_owned())
    );
    let pushes = http.seen().iter().filter(|seen| seen.contains("POST /remote.git/git-receive-pack")).count();
    assert_eq!(pushes, 1, "it was looked up");
}

#[tokio::test]
async fn a_history_comes_without_files() {
    let http = Http::new(Door::ReadOnly).await;
    crate::support::git(&http.server.bare(), &["config", "uploadpack.allowFilter", "true"]);
    let ids = http.server.log("main", "%H");
    let ancestry = GitAncestry::new(http.repository());
    assert!(ancestry.is_ancestor(&ids[1], &ids[0]).await.unwrap());
    let before = http.seen().len();
    assert_eq!(ancestry.order(&ids[0], &ids).await.unwrap(), [Some(1), Some(0)]);
    assert_eq!(http.seen().len(), 0, "{before} requests were enough");
    http.server.commit_files(&[("README", "more\n")], "later");
    let later = http.server.log("main", "%H").swap_remove(0);
    assert!(ancestry.is_ancestor(&ids[0], &later).await.unwrap());
    let unknown = "0123456789abcdef0123456789abcdef01234567";
    assert_eq!(ancestry.is_ancestor(unknown, &later).await.unwrap_err().kind(), ErrorKind::NotFound);
}
