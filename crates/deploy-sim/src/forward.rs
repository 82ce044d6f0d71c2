//! Ports of pods, forwarded by WebSocket to what listens on this machine (`pkg/kubelet/.../portforward/websocket.go`).
//!
//! Of the protocol `v4.channel.k8s.io` a frame's first byte is its channel: 0 carries the bytes, 1 what went wrong. Each begins with
//! the port, in two bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use futures_util::{SinkExt, StreamExt};
use http::request::Parts;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::net::TcpStream;
use tokio::sync::watch::Receiver;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::tungstenite::{Bytes, Message};

use crate::access;
use crate::cluster::Shared;
use crate::controllers::object::{is_deleting, name, text, uid};
use crate::listen;
use crate::request::{self, Target};
use crate::server::{Answer, Server, refusal, whole};
use crate::state::State;
use crate::status::Status;

const PROTOCOL: &str = "v4.channel.k8s.io";
/// Bytes under way in one direction.
const BUFFER: usize = 64 << 10;

/// A port that is asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    namespace: String,
    pod: String,
    port: u16,
    /// The client's key, from which the answer's is made.
    key: String,
}

impl Wanted {
    /// What a request asks for, if it is one for a port in the protocol that is spoken here.
    pub(crate) fn of<B>(request: &Request<B>) -> Option<Self> {
        let headers = request.headers();
        let speaks = has(headers, &header::UPGRADE, "websocket")
            && has(headers, &header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL);
        let Ok(Target::Objects(address)) = Target::parse(request.uri().path()) else { return None };
        let is_pod = address.group.is_empty() && address.plural == "pods";
        if !speaks || !is_pod || address.subresource.as_deref() != Some("portforward") {
            return None;
        }
        let mut ports = form_urlencoded::parse(request.uri().query()?.as_bytes())
            .filter(|(name, _)| name == "ports")
            .map(|(_, port)| port.parse());
        let (Some(Ok(port)), None) = (ports.next(), ports.next()) else { return None };
        let key = headers.get(header::SEC_WEBSOCKET_KEY)?.to_str().ok()?.to_owned();
        Some(Self { namespace: address.namespace?, pod: address.name?, port, key })
    }
}

/// Whether a header lists a word.
fn has(headers: &HeaderMap, name: &header::HeaderName, word: &str) -> bool {
    let values = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    values.flat_map(|value| value.split(',')).any(|found| found.trim().eq_ignore_ascii_case(word))
}

/// Opens a way to the port.
///
/// # Errors
/// What a client sees of a broken connection.
pub(crate) async fn answer(server: Server, wanted: Wanted, mut parts: Parts) -> Result<Answer, io::Error> {
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else { return bridged(server, parts).await };
    let shared = Arc::clone(&server.shared);
    if shared.faults().is_down() {
        return Err(io::ErrorKind::ConnectionRefused.into());
    }
    let asked = request::Request::read(&parts, Vec::new(), Arc::clone(&server.anybody));
    let admitted = asked.and_then(|mut asked| access::admit(&*shared.sound_state()?, &mut asked));
    if let Err(status) = admitted {
        return Ok(refusal(&status));
    }
    let way = match Way::find(&shared, &wanted) {
        Ok(way) => way,
        Err(status) => return Ok(refusal(&status)),
    };
    tokio::spawn(async move {
        if let Ok(upgraded) = upgrade.await {
            let socket = WebSocketStream::from_raw_socket(TokioIo::new(upgraded), Role::Server, None).await;
            // Whoever breaks it off is nobody's business but the client's.
            let _ = way.carry(socket).await;
        }
    });
    let accepted = Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(header::CONNECTION, "Upgrade")
        .header(header::UPGRADE, "websocket")
        .header(header::SEC_WEBSOCKET_ACCEPT, derive_accept_key(wanted.key.as_bytes()))
        .header(header::SEC_WEBSOCKET_PROTOCOL, PROTOCOL)
        .body(whole(Vec::new()));
    accepted.map_err(io::Error::other)
}

/// A client in this process has no connection that could be upgraded: it gets one of its own.
async fn bridged(server: Server, parts: Parts) -> Result<Answer, io::Error> {
    let (near, far) = duplex(BUFFER);
    tokio::spawn(listen::serve(far, server));
    let (mut sender, connection) = http1::handshake(TokioIo::new(near)).await.map_err(io::Error::other)?;
    tokio::spawn(connection.with_upgrades());
    let mut request = Request::new(Full::<Bytes>::default());
    (*request.method_mut(), *request.uri_mut(), *request.headers_mut()) =
        (parts.method, parts.uri, parts.headers);
    let response = sender.send_request(request).await.map_err(io::Error::other)?;
    Ok(response.map(|body| body.map_err(io::Error::other).boxed_unsync()))
}

/// From a pod's port to an address of this machine.
struct Way {
    shared: Arc<Shared>,
    changes: Receiver<u64>,
    wanted: Wanted,
    uid: String,
    /// `None` where nothing listens.
    to: Option<SocketAddr>,
}

impl Way {
    fn find(shared: &Arc<Shared>, wanted: &Wanted) -> Result<Self, Status> {
        let changes = shared.changes();
        let state = shared.sound_state()?;
        let pods = state.objects("pods.", Some(&wanted.namespace));
        let Some(pod) = pods.into_iter().find(|pod| name(pod) == wanted.pod) else {
            return Err(Status::new(404, "NotFound", format!("pods \"{}\" not found", wanted.pod)));
        };
        let to =
            state.node.images.served(&pod, wanted.port).filter(|_| text(&pod, "/status/phase") == "Running");
        let (shared, wanted, uid) = (Arc::clone(shared), wanted.clone(), uid(&pod).to_owned());
        Ok(Self { shared, changes, wanted, uid, to })
    }

    async fn carry<S>(
        mut self,
        mut socket: WebSocketStream<S>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>
    where
        S: tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin,
    {
        let [low, high] = self.wanted.port.to_le_bytes();
        for channel in [0, 1] {
            socket.send(Message::binary(vec![channel, low, high])).await?;
        }
        let connected = match self.to {
            Some(address) => TcpStream::connect(address).await.ok(),
            None => None,
        };
        let Some(mut stream) = connected else {
            let Wanted { pod, port, .. } = &self.wanted;
            let why = format!(
                "error forwarding port {port} to pod {pod}: dial tcp4 127.0.0.1:{port}: connect: connection refused"
            );
            socket.send(Message::binary([&[1][..], why.as_bytes()].concat())).await?;
            return Ok(socket.close(None).await?);
        };
        let mut bytes = vec![0; BUFFER];
        loop {
            tokio::select! {
                message = socket.next() => match message.transpose()? {
                    Some(Message::Binary(frame)) if frame.first() == Some(&0) => {
                        stream.write_all(frame.get(1..).unwrap_or_default()).await?;
                    }
                    Some(Message::Close(_)) | None => return Ok(()),
                    Some(_) => {}
                },
                read = stream.read(&mut bytes[1..]) => match read? {
                    0 => return Ok(socket.close(None).await?),
                    length => {
                        bytes[0] = 0;
                        socket.send(Message::binary(bytes[..=length].to_vec())).await?;
                    }
                },
                changed = self.changes.changed() => {
                    if changed.is_err() || !self.lives(&self.shared.state()) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// A stream ends with its pod.
    fn lives(&self, state: &State) -> bool {
        let pods = state.objects("pods.", Some(&self.wanted.namespace));
        let pod = pods.iter().find(|pod| uid(pod) == self.uid);
        pod.is_some_and(|pod| text(pod, "/status/phase") == "Running" || is_deleting(pod))
    }
}
