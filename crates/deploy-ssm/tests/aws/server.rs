//! A server on loopback that answers as it is told, and goes wrong where it is told.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// What goes wrong with one request.
#[derive(Clone, Debug)]
pub enum Fault {
    /// It is not done, and this is the answer: status, headers, body.
    Answer(u16, Vec<(&'static str, String)>, String),
    /// It is done, and the connection breaks before the answer.
    Lost,
    /// It is not done, and the connection breaks.
    Broken,
    /// There is no answer.
    Silent,
}

/// Answers one request.
pub trait Handler: Send + Sync + 'static {
    fn name(&self, request: &Request<Incoming>) -> String;
    fn handle(&self, request: Request<Incoming>) -> impl Future<Output = Response<Full<Bytes>>> + Send;
}

#[derive(Clone, Debug)]
pub struct Server {
    address: SocketAddr,
    /// For which operation, after how many of them that go well, what.
    faults: Arc<Mutex<Vec<(String, u32, Fault)>>>,
}

impl Server {
    pub async fn start(handler: impl Handler) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { address: listener.local_addr().unwrap(), faults: Arc::default() };
        let handler = Arc::new(handler);
        let own = server.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (own, handler) = (own.clone(), Arc::clone(&handler));
                tokio::spawn(async move {
                    let service = service_fn(|request| own.serve(Arc::clone(&handler), request));
                    let http = hyper::server::conn::http1::Builder::new();
                    // A client that goes away, and a connection that is to break, end here.
                    let _ = http.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        server
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The next request of this operation goes wrong.
    pub fn next(&self, operation: &str, fault: Fault) {
        self.after(0, operation, fault);
    }

    /// A request of this operation goes wrong, after `good` of them.
    pub fn after(&self, good: u32, operation: &str, fault: Fault) {
        self.faults.lock().unwrap().push((operation.to_owned(), good, fault));
    }

    fn fault(&self, operation: &str) -> Option<Fault> {
        let mut faults = self.faults.lock().unwrap();
        let at = faults.iter().position(|(of, ..)| of == operation)?;
        if faults[at].1 > 0 {
            faults[at].1 -= 1;
            return None;
        }
        Some(faults.remove(at).2)
    }

    async fn serve<H: Handler>(
        &self,
        handler: Arc<H>,
        request: Request<Incoming>,
    ) -> Result<Response<Full<Bytes>>, std::io::Error> {
        let name = handler.name(&request);
        // It is done to its end, though the client goes away.
        let handle =
            async move |request| tokio::spawn(async move { handler.handle(request).await }).await.unwrap();
        let broken = || std::io::Error::other("it is to break");
        match self.fault(&name) {
            None => Ok(handle(request).await),
            Some(Fault::Answer(status, headers, body)) => {
                let mut answer = Response::builder().status(status);
                for (name, value) in headers {
                    answer = answer.header(name, value);
                }
                Ok(answer.body(Full::from(body)).unwrap())
            }
            Some(Fault::Lost) => {
                handle(request).await;
                Err(broken())
            }
            Some(Fault::Broken) => Err(broken()),
            Some(Fault::Silent) => {
                tokio::time::sleep(Duration::from_secs(600)).await;
                Err(broken())
            }
        }
    }
}

/// Whatever is sent is not known here: for tests where each request goes wrong.
pub struct Nothing;

impl Handler for Nothing {
    fn name(&self, _request: &Request<Incoming>) -> String {
        String::new()
    }

    async fn handle(&self, _request: Request<Incoming>) -> Response<Full<Bytes>> {
        Response::builder().status(500).body(Full::from("nothing is known here")).unwrap()
    }
}
