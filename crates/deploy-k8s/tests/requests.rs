//! Which requests are sent, which are sent again, and which never: against a scripted API server, on paused time.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends by panicking")]

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use deploy_core::config::{ConfigStore, Edit, Expect, Note};
use deploy_core::error::{ErrorKind, Retry};
use deploy_core::journal::{Intent, Journal};
use deploy_core::lock::Lock;
use deploy_core::manifest::{Bundle, read};
use deploy_core::plan::Snapshot;
use deploy_core::run::Run;
use deploy_core::target::RolloutTarget;
use deploy_k8s::{Apply, Cluster, ConfigMapStore, LeaseLock, SecretJournal};
use http::{Request, Response};
use http_body_util::Full;
use kube::client::Body;
use tokio::time::Instant;

/// What the server does with one request.
#[derive(Clone, Debug)]
enum Step {
    Answer(u16, &'static str),
    /// 429 as priority and fairness says it: plain text, and when to come again.
    TooMany(&'static str),
    /// The connection breaks after the request was read.
    Drop,
    /// No connection at all.
    Refuse,
    /// Never answers.
    Hang,
}

#[derive(Clone, Default)]
struct Server {
    script: Arc<Mutex<VecDeque<Step>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Server {
    fn new(steps: impl IntoIterator<Item = Step>) -> Self {
        Self { script: Arc::new(Mutex::new(steps.into_iter().collect())), seen: Arc::default() }
    }

    fn cluster(&self) -> Cluster {
        let server = self.clone();
        let service = tower::service_fn(move |request: Request<Body>| {
            let server = server.clone();
            let line = format!("{} {}", request.method(), request.uri().path());
            async move { server.answer(line).await }
        });
        Cluster::from_client(kube::Client::new(service, "default"))
    }

    async fn answer(
        &self,
        line: String,
    ) -> Result<Response<Full<bytes::Bytes>>, Box<dyn std::error::Error + Send + Sync>> {
        self.seen.lock().unwrap().push(line);
        let step = self.script.lock().unwrap().pop_front().expect("a request more than the script has");
        let response =
            |code: u16, body: &'static str| Response::builder().status(code).body(Full::from(body));
        match step {
            Step::Answer(code, body) => Ok(response(code, body)?),
            Step::TooMany(after) => {
                let mut refused = response(429, "Too many requests, please try again later.\n")?;
                refused.headers_mut().insert("retry-after", after.parse()?);
                Ok(refused)
            }
            Step::Drop => Err(std::io::Error::from(std::io::ErrorKind::ConnectionReset).into()),
            Step::Refuse => Err(std::io::Error::from(std::io::ErrorKind::ConnectionRefused).into()),
            Step::Hang => {
                let never: Infallible = std::future::pending().await;
                match never {}
            }
        }
    }

    fn seen(&self) -> Vec<String> {
        self.seen.lock().unwrap().clone()
    }
}

const NOT_FOUND: Step =
    Step::Answer(404, r#"{"kind": "Status", "code": 404, "reason": "NotFound", "message": "not found"}"#);
const JOURNAL: &str = "GET /api/v1/namespaces/shop/secrets/deploy-journal.app";

/// Reads a journal, which is one GET.
async fn get(steps: impl IntoIterator<Item = Step>) -> (Result<(), ErrorKind>, Vec<String>, Duration) {
    let server = Server::new(steps);
    let journal = SecretJournal::new(server.cluster(), "shop");
    let start = Instant::now();
    let result = journal.load("app").await.map(drop).map_err(|error| error.kind());
    (result, server.seen(), start.elapsed())
}

#[tokio::test]
async fn an_api_server_that_is_too_old_for_charts_says_so() {
    let groups = r#"{"kind": "APIGroupList", "groups": [{"name": "apps", "versions": []}]}"#;
    let answers = [r#"{"gitVersion": "v1.25.3"}"#, r#"{"kind": "APIVersions", "versions": ["v1"]}"#, groups];
    let server = Server::new(answers.map(|body| Step::Answer(200, body)));
    let error = server.cluster().capabilities().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("Kubernetes 1.27 or later"), "{error}");
    assert_eq!(server.seen(), ["GET /version", "GET /api", "GET /apis"]);
}

#[tokio::test(start_paused = true)]
async fn a_read_is_sent_until_it_is_answered() {
    let cases: [(Vec<Step>, usize); 5] = [
        (vec![NOT_FOUND], 1),
        (vec![Step::Drop, NOT_FOUND], 2),
        (vec![Step::Answer(503, "<html>"), Step::Answer(500, ""), NOT_FOUND], 3),
        (vec![Step::Refuse, Step::Refuse, NOT_FOUND], 3),
        (vec![Step::Hang, NOT_FOUND], 2),
    ];
    for (steps, requests) in cases {
        let what = format!("{steps:?}");
        let reached = std::iter::once(NOT_FOUND).chain(steps);
        // The first answer is another read: a server that was reached once is waited for.
        let server = Server::new(reached);
        let journal = SecretJournal::new(server.cluster(), "shop");
        journal.load("app").await.unwrap();
        assert!(journal.load("app").await.unwrap().is_none(), "{what}");
        assert_eq!(server.seen().len(), requests + 1, "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn comes_again_when_it_was_told_to() {
    let (result, seen, took) = get([Step::TooMany("2"), NOT_FOUND]).await;
    assert_eq!((result, seen), (Ok(()), vec![JOURNAL.to_owned(); 2]));
    assert!(took >= Duration::from_secs(2) && took < Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_never_reached_is_unreachable_soon() {
    let (result, _, took) = get(std::iter::repeat_n(Step::Refuse, 50)).await;
    assert_eq!(result, Err(ErrorKind::Unavailable));
    assert!(took <= Duration::from_secs(3), "{took:?}");
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_reached_may_restart() {
    let gone = std::iter::repeat_n(Step::Refuse, 10);
    let server = Server::new(std::iter::once(NOT_FOUND).chain(gone).chain([NOT_FOUND]));
    let journal = SecretJournal::new(server.cluster(), "shop");
    journal.load("app").await.unwrap();
    let start = Instant::now();
    assert!(journal.load("app").await.unwrap().is_none());
    assert!(start.elapsed() > Duration::from_secs(5), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_create_whose_answer_was_lost_is_looked_up() {
    // POST: lost. GET: it is there, and it is ours or somebody's: the holder tells.
    let theirs = r#"{"metadata": {"resourceVersion": "7"}, "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 1}}"#;
    let newer = r#"{"metadata": {"resourceVersion": "8"}, "spec": {"holderIdentity": "somebody", "leaseDurationSeconds": 1}}"#;
    let server = Server::new([Step::Drop, Step::Answer(200, theirs), Step::Answer(200, newer)]);
    let error = LeaseLock::new(server.cluster(), "shop").acquire("app", "us").await.unwrap_err();
    assert_eq!((error.kind(), error.holder()), (ErrorKind::Locked, Some("somebody")));
    let posts = server.seen().iter().filter(|line| line.starts_with("POST")).count();
    assert_eq!(posts, 1, "{:?}", server.seen());
}

#[tokio::test(start_paused = true)]
async fn a_refused_create_is_sent_again() {
    let server = Server::new([
        Step::TooMany("1"),
        Step::Answer(201, r#"{"metadata": {"uid": "u", "resourceVersion": "7"}}"#),
    ]);
    LeaseLock::new(server.cluster(), "shop").acquire("app", "us").await.unwrap();
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_apply_is_repeated() {
    let server = Server::new([Step::Drop, Step::Answer(200, r#"{"metadata": {"name": "x"}}"#)]);
    let journal = SecretJournal::new(server.cluster(), "shop");
    let intent = Intent::new(&Run::new(), "sha256:0".into(), Snapshot::default());
    journal.save("app", &intent).await.unwrap();
    assert_eq!(server.seen(), vec!["PATCH /api/v1/namespaces/shop/secrets/deploy-journal.app".to_owned(); 2]);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_field_is_never_sent_again() {
    let unknown = r#"{"kind": "Status", "code": 500, "message":
        "failed to create typed patch object (shop/a; /v1, Kind=ConfigMap): .dta: field not declared in schema"}"#;
    let server = Server::new([NOT_FOUND, Step::Answer(500, unknown)]);
    let objects = read("a.yaml", b"{apiVersion: v1, kind: ConfigMap, metadata: {name: a}, dta: {}}").unwrap();
    let bundle = Bundle::builder().objects(objects).namespace("shop").build().unwrap();
    let error = Apply::new(server.cluster()).plan(&bundle, &Run::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.retry()), (ErrorKind::InvalidInput, Retry::Never));
    assert!(error.to_string().contains("a.yaml:1:61: .dta: field not declared in schema"), "{error}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn html_is_not_taken_for_an_answer() {
    let server = Server::new([Step::Answer(200, "<html>Please log in</html>")]);
    let error = SecretJournal::new(server.cluster(), "shop").load("app").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Internal, "{error}");
}

const CONFLICT: Step = Step::Answer(
    409,
    r#"{"kind": "Status", "code": 409, "reason": "Conflict", "message": "the object has been modified"}"#,
);
const EXISTS: Step = Step::Answer(
    409,
    r#"{"kind": "Status", "code": 409, "reason": "AlreadyExists", "message": "already exists"}"#,
);
/// The ConfigMap before the edit, after it, and as somebody else has written it since.
const BEFORE: Step = Step::Answer(200, r#"{"metadata": {"resourceVersion": "7"}, "data": {"api": "v1"}}"#);
const AFTER: Step = Step::Answer(200, r#"{"metadata": {"resourceVersion": "8"}, "data": {"api": "v2"}}"#);
const OTHER_KEY: Step =
    Step::Answer(200, r#"{"metadata": {"resourceVersion": "9"}, "data": {"api": "v1", "web": "v1"}}"#);
const SAME_KEY: Step = Step::Answer(200, r#"{"metadata": {"resourceVersion": "9"}, "data": {"api": "v3"}}"#);

#[tokio::test(start_paused = true)]
async fn an_edit_of_a_config_map_is_made_once() {
    let check = async |steps: Vec<Step>, expect: Expect, result: Result<(), ErrorKind>, verbs: &str| {
        let what = format!("{steps:?}");
        let server = Server::new(steps);
        let store = ConfigMapStore::new(server.cluster(), "shop", "versions");
        let edit = [Edit::put("api", "v2").expecting(expect)];
        let set = store.set(&edit, &Note::default()).await;
        assert_eq!(set.map_err(|error| error.kind()), result, "{what}");
        let seen = server.seen();
        let seen: Vec<&str> = seen.iter().filter_map(|line| line.split(' ').next()).collect();
        assert_eq!(seen.join(" "), verbs, "{what}");
    };
    let v1 = || Expect::Value("v1".into());
    check(vec![BEFORE, AFTER], v1(), Ok(()), "GET PATCH").await;
    check(vec![AFTER], Expect::Any, Ok(()), "GET").await;
    check(vec![NOT_FOUND, AFTER], Expect::Absent, Ok(()), "GET POST").await;
    // Somebody else was faster: with another key nothing is lost, with the same one it is a conflict.
    check(vec![BEFORE, CONFLICT, OTHER_KEY, AFTER], v1(), Ok(()), "GET PATCH GET PATCH").await;
    check(vec![BEFORE, CONFLICT, SAME_KEY], v1(), Err(ErrorKind::Conflict), "GET PATCH GET").await;
    check(vec![BEFORE, CONFLICT, SAME_KEY, AFTER], Expect::Any, Ok(()), "GET PATCH GET PATCH").await;
    check(vec![NOT_FOUND, EXISTS, AFTER], Expect::Absent, Err(ErrorKind::Conflict), "GET POST GET").await;
    check(vec![BEFORE, NOT_FOUND, NOT_FOUND, AFTER], Expect::Any, Ok(()), "GET PATCH GET POST").await;
    // The answer is lost: it stands, or nobody wrote, or that cannot be told.
    check(vec![BEFORE, Step::Drop, AFTER], v1(), Ok(()), "GET PATCH GET").await;
    check(vec![NOT_FOUND, Step::Drop, AFTER], Expect::Absent, Ok(()), "GET POST GET").await;
    check(vec![BEFORE, Step::Drop, BEFORE, AFTER], v1(), Ok(()), "GET PATCH GET PATCH").await;
    check(vec![BEFORE, Step::Drop, BEFORE, CONFLICT, AFTER], v1(), Ok(()), "GET PATCH GET PATCH GET").await;
    check(
        vec![NOT_FOUND, Step::Drop, NOT_FOUND, EXISTS, AFTER],
        Expect::Absent,
        Ok(()),
        "GET POST GET POST GET",
    )
    .await;
    let unknown = Err(ErrorKind::OutcomeUnknown);
    check(vec![BEFORE, Step::Drop, SAME_KEY], Expect::Any, unknown, "GET PATCH GET").await;
    check(vec![NOT_FOUND, Step::Drop, OTHER_KEY], Expect::Any, unknown, "GET POST GET").await;
    check(vec![BEFORE, Step::Answer(500, ""), AFTER], v1(), Ok(()), "GET PATCH GET").await;
}

#[tokio::test(start_paused = true)]
async fn a_config_map_that_others_write_all_the_time_is_a_conflict_in_the_end() {
    let steps = std::iter::repeat_n([BEFORE, CONFLICT], 20).flatten();
    let server = Server::new(steps);
    let store = ConfigMapStore::new(server.cluster(), "shop", "versions");
    let error = store.set(&[Edit::put("api", "v2")], &Note::default()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Conflict);
    assert_eq!(
        error.to_string(),
        "edit ConfigMap shop/versions: others wrote it 20 times meanwhile (try again)"
    );
}
