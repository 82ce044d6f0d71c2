//! EC2 on a port of loopback: what it answers is said page by page.

use std::convert::Infallible;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Incoming};
use hyper_util::rt::TokioIo;

/// What was asked: the authorization, and the form.
pub(crate) type Asked = (String, String);

pub(crate) struct Double {
    pub(crate) url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    serving: tokio::task::JoinHandle<()>,
}

impl Double {
    /// Answers with these, one after the other; the last one for ever.
    pub(crate) async fn answering(answers: Vec<(u16, String)>) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let answers = Arc::new(answers);
        let serving = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (seen, answers) = (Arc::clone(&seen), Arc::clone(&answers));
                let service = hyper::service::service_fn(move |request: Request<Incoming>| {
                    let (seen, answers) = (Arc::clone(&seen), Arc::clone(&answers));
                    async move {
                        let signed = request.headers()["authorization"].to_str().unwrap().to_owned();
                        let form = request.into_body().collect().await.unwrap().to_bytes();
                        let mut seen = seen.lock().unwrap();
                        seen.push((signed, String::from_utf8(form.to_vec()).unwrap()));
                        let (status, body) = &answers[(seen.len() - 1).min(answers.len() - 1)];
                        let response = Response::builder().status(*status);
                        Ok::<_, Infallible>(response.body(Full::new(Bytes::from(body.clone()))).unwrap())
                    }
                });
                let io = TokioIo::new(stream);
                tokio::spawn(hyper::server::conn::http1::Builder::new().serve_connection(io, service));
            }
        });
        Self { url, asked, serving }
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Double {
    fn drop(&mut self) {
        self.serving.abort();
    }
}
