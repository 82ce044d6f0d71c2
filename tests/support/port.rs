//! A cluster behind a port on loopback, for programs that connect by themselves.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use kube::Client;
use kube::client::Body;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use crate::env::Env;

/// Passes requests on through a client: through one that is [`Mortal`](deploy_sim::Mortal) a program can be killed at any of them. It is
/// closed when it is dropped.
pub struct Port {
    kubeconfig: PathBuf,
    accepting: AbortHandle,
}

impl Port {
    /// Opens a port and writes a kubeconfig for it.
    pub async fn open(client: Client) -> Self {
        Self::open_slow(client, Duration::ZERO, Duration::ZERO).await
    }

    /// The same for an API server that is down at first, so long, and then delays each answer.
    pub async fn open_slow(client: Client, down: Duration, delay: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let kubeconfig = std::env::temp_dir().join(format!("kubeconfig-{}", address.port()));
        let text = format!(
            "{{apiVersion: v1, kind: Config, current-context: a, contexts: [{{name: a, context: {{cluster: a, user: a}}}}], \
             users: [{{name: a, user: {{}}}}], clusters: [{{name: a, cluster: {{server: 'http://{address}'}}}}]}}\n"
        );
        std::fs::write(&kubeconfig, text).expect("a file");
        let up = tokio::time::Instant::now() + down;
        let accepting = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                if tokio::time::Instant::now() >= up {
                    connections.spawn(pass_on(stream, client.clone(), delay));
                }
            }
        });
        Self { kubeconfig, accepting: accepting.abort_handle() }
    }
}

impl Port {
    /// The path of the kubeconfig.
    pub fn kubeconfig(&self) -> &std::path::Path {
        &self.kubeconfig
    }
}

impl Drop for Port {
    fn drop(&mut self) {
        self.accepting.abort();
        // What is left is in the directory for what is left.
        let _ = std::fs::remove_file(&self.kubeconfig);
    }
}

impl Env {
    /// The same for programs, through a port.
    #[must_use]
    pub fn at(&self, port: &Port) -> Self {
        let kubeconfig = port.kubeconfig.to_str().expect("a path in UTF-8").to_owned();
        Self { kubeconfig: Some(kubeconfig), ..self.clone() }
    }
}

async fn pass_on(stream: TcpStream, client: Client, delay: Duration) {
    // Watches tell small things at once.
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request: Request<Incoming>| {
        let client = client.clone();
        async move {
            let (head, body) = request.into_parts();
            let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
            let request = Request::from_parts(head, Body::from(body.to_vec()));
            tokio::time::sleep(delay).await;
            client.send(request).await.map_err(io::Error::other)
        }
    });
    // Whoever breaks it off is nobody's business but the program's.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
