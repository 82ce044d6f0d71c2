//! Several writers of one parameter: one wins, and its value stands.

use std::sync::Arc;
use std::time::Duration;

use deploy_core::config::{ConfigStore, Edit, Expect, Note};
use deploy_core::error::ErrorKind;
use deploy_ssm::ParameterStore;
use serde_json::json;

use crate::stores::{Store, builder};

async fn value(store: &ParameterStore) -> Option<String> {
    ConfigStore::get(store, "tag").await.unwrap().map(|entry| entry.value)
}

/// Of many that expect the same version exactly one wins, and what it wrote stands when all are done.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_wins() {
    for round in 0..20 {
        let server = Store::start().await;
        let store = Arc::new(ParameterStore::new(&server.aws, "/shop").unwrap());
        store.set(&[Edit::put("tag", "v1")], &Note::default()).await.unwrap();
        let seen = ConfigStore::get(&*store, "tag").await.unwrap().unwrap().version;
        let writers = (0..6).map(|writer| {
            let (store, seen) = (Arc::clone(&store), seen.clone());
            tokio::spawn(async move {
                let edit = Edit::put("tag", format!("writer {writer}")).expecting(Expect::Version(seen));
                (writer, store.set(&[edit], &Note::default()).await)
            })
        });
        let mut winners = Vec::new();
        for done in writers.collect::<Vec<_>>() {
            match done.await.unwrap() {
                (writer, Ok(())) => winners.push(format!("writer {writer}")),
                (_, Err(error)) => assert_eq!(error.kind(), ErrorKind::Conflict, "{error}"),
            }
        }
        assert_eq!(winners.len(), 1, "round {round}: {winners:?}");
        assert_eq!(value(&store).await, winners.pop(), "round {round}");
    }
}

/// Between reading and writing somebody else does something; what was meant to be written is too late.
async fn meanwhile(others: impl AsyncFn(&Store), expect: Option<&str>) {
    let server = Store::start().await;
    let slow = Slow::start(&server).await;
    let store = ParameterStore::new(&slow.aws, "/shop").unwrap();
    server.put_by_hand("/shop/tag", "v1");
    let (writing, ()) = {
        let edit = [Edit::put("tag", "late").expecting(Expect::Value("v1".to_owned()))];
        let note = Note::default();
        tokio::join!(store.set(&edit, &note), async {
            slow.before_put.notified().await;
            others(&server).await;
            slow.go_on.notify_one();
        })
    };
    let error = writing.expect_err("it is too late");
    assert_eq!(error.kind(), ErrorKind::Conflict, "{error}");
    assert!(error.to_string().contains("/shop/tag"), "{error}");
    assert_eq!(value(&store).await.as_deref(), expect);
}

/// A Parameter Store that waits before the first `PutParameter`.
struct Slow {
    aws: deploy_ssm::Aws,
    before_put: Arc<tokio::sync::Notify>,
    go_on: Arc<tokio::sync::Notify>,
}

impl Slow {
    async fn start(server: &Store) -> Self {
        use crate::server::{Handler, Server};
        use http_body_util::{BodyExt, Full};
        use hyper::body::{Bytes, Incoming};

        struct Waits {
            parameters: Arc<std::sync::Mutex<crate::emulator::Parameters>>,
            first: std::sync::atomic::AtomicBool,
            before_put: Arc<tokio::sync::Notify>,
            go_on: Arc<tokio::sync::Notify>,
        }

        impl Handler for Waits {
            fn name(&self, request: &http::Request<Incoming>) -> String {
                request.headers()["x-amz-target"]
                    .to_str()
                    .unwrap()
                    .trim_start_matches("AmazonSSM.")
                    .to_owned()
            }

            async fn handle(&self, request: http::Request<Incoming>) -> http::Response<Full<Bytes>> {
                let operation = self.name(&request);
                let body = request.into_body().collect().await.unwrap().to_bytes();
                let body = serde_json::from_slice(&body).unwrap();
                let first = operation == "PutParameter"
                    && self.first.swap(false, std::sync::atomic::Ordering::SeqCst);
                if first {
                    self.before_put.notify_one();
                    self.go_on.notified().await;
                }
                let (status, answer) = match self.parameters.lock().unwrap().answer(&operation, &body) {
                    Ok(answer) => (200, answer),
                    Err((kind, message)) => (400, json!({"__type": kind, "message": message})),
                };
                http::Response::builder().status(status).body(Full::from(answer.to_string())).unwrap()
            }
        }

        let (before_put, go_on) = <(Arc<tokio::sync::Notify>, Arc<tokio::sync::Notify>)>::default();
        let waits = Waits {
            parameters: Arc::clone(&server.parameters),
            first: true.into(),
            before_put: Arc::clone(&before_put),
            go_on: Arc::clone(&go_on),
        };
        let slow = Server::start(waits).await;
        let aws =
            builder().ssm_endpoint(slow.url()).request_timeout(Duration::from_secs(10)).build().unwrap();
        Self { aws, before_put, go_on }
    }
}

#[tokio::test]
async fn somebody_wrote_meanwhile() {
    meanwhile(async |server| server.put_by_hand("/shop/tag", "by hand"), Some("by hand")).await;
}

#[tokio::test]
async fn somebody_wrote_several_times_meanwhile() {
    let write = async |server: &Store| {
        for text in ["one", "two", "three"] {
            server.put_by_hand("/shop/tag", text);
        }
    };
    meanwhile(write, Some("three")).await;
}

#[tokio::test]
async fn somebody_deleted_it_meanwhile() {
    let delete = async |server: &Store| drop(server.answer("DeleteParameter", &json!({"Name": "/shop/tag"})));
    meanwhile(delete, None).await;
}

#[tokio::test]
async fn somebody_made_it_anew_meanwhile() {
    let anew = async |server: &Store| {
        server.answer("DeleteParameter", &json!({"Name": "/shop/tag"}));
        for text in ["new", "newer", "newest"] {
            server.put_by_hand("/shop/tag", text);
        }
    };
    meanwhile(anew, Some("newest")).await;
}
