//! Whether something listens on a port.
//!
//! ```no_run
//! # async fn example() -> deploy_core::error::Result<()> {
//! use deploy_core::guard::{Check, Subject};
//! use deploy_verify::tcp::TcpCheck;
//!
//! let check = TcpCheck::new("mail.shop.example:25").expect_banner("220 ");
//! println!("{:?}", check.check(&Subject::new("production")).await?);
//! # Ok(())
//! # }
//! ```

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use deploy_core::clock::{Clock, SystemClock};
use deploy_core::connect::Connect;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::guard::{Answer, Check, Subject};
use deploy_core::manifest::ObjectId;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::text::shown;

/// The most bytes that are read while a banner is looked for.
pub const MAX_BANNER: usize = 4096;

/// How much of what came instead is shown, in characters.
const SHOWN: usize = 120;

/// Connects to a port, and looks for what is said there first, if that is expected.
///
/// A connection that is refused is a no; what cannot be looked up or reached is an error.
pub struct TcpCheck {
    place: Place,
    sent: Vec<u8>,
    banner: Option<Vec<u8>>,
    timeout: Duration,
    clock: Arc<dyn Clock>,
}

enum Place {
    /// `host:port`.
    At(String),
    Through(Arc<dyn Connect>, ObjectId, u16),
}

impl TcpCheck {
    /// Connects to `host:port`.
    pub fn new(address: impl Into<String>) -> Self {
        Self::at(Place::At(address.into()))
    }

    /// Connects through `connect` to a port of an object inside the cluster.
    ///
    /// A port-forward takes a connection before anything listens behind it: expect a banner, or ask over HTTP, to be sure.
    pub fn through(connect: Arc<dyn Connect>, object: ObjectId, port: u16) -> Self {
        Self::at(Place::Through(connect, object, port))
    }

    fn at(place: Place) -> Self {
        let clock = Arc::new(SystemClock::new());
        Self { place, sent: Vec::new(), banner: None, timeout: Duration::from_secs(10), clock }
    }

    /// Sends this first.
    #[must_use]
    pub fn send(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.sent = bytes.into();
        self
    }

    /// Expects this among the first [`MAX_BANNER`] bytes that come.
    #[must_use]
    pub fn expect_banner(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.banner = Some(bytes.into());
        self
    }

    /// How long it may take in all. Default 10 s.
    #[must_use]
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The clock that tells how long it took. Default: the machine's.
    #[must_use]
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = clock;
        self
    }

    fn name(&self) -> String {
        match &self.place {
            Place::At(address) => address.clone(),
            Place::Through(_, object, port) => format!("port {port} of {object}"),
        }
    }

    async fn attempt(&self) -> Result<Answer> {
        let name = self.name();
        let start = self.clock.now();
        let took = || self.clock.now().since(start).as_millis();
        match &self.place {
            Place::At(address) => self.talk(TcpStream::connect(address).await, &name, took).await,
            Place::Through(connect, object, port) => {
                // It must live as long as what goes through it.
                let tunnel = connect.connect(object, *port).await?;
                self.talk(TcpStream::connect(tunnel.address()).await, &name, took).await
            }
        }
    }

    async fn talk(
        &self,
        connected: io::Result<TcpStream>,
        name: &str,
        took: impl Fn() -> u128,
    ) -> Result<Answer> {
        let mut stream = match connected {
            Ok(stream) => stream,
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                return Ok(Answer::No { why: format!("{name} refuses connections") });
            }
            Err(error) => {
                let message = format!("{name} cannot be reached: {error}");
                return Err(Error::new(ErrorKind::Unavailable, message).source(error));
            }
        };
        let broke = |error: io::Error| {
            Error::new(ErrorKind::Unavailable, format!("the connection to {name} broke off")).source(error)
        };
        stream.write_all(&self.sent).await.map_err(broke)?;
        let Some(banner) = &self.banner else {
            return Ok(Answer::Yes { grounds: format!("{name} accepts connections, after {} ms", took()) });
        };
        let mut read = Vec::new();
        let is_there =
            |read: &[u8]| banner.is_empty() || read.windows(banner.len()).any(|part| part == &banner[..]);
        let expected = shown(&String::from_utf8_lossy(banner), SHOWN);
        while !is_there(&read) {
            let left = MAX_BANNER.saturating_sub(read.len()) as u64;
            // Nothing more comes, or may.
            if left == 0 || (&mut stream).take(left).read_buf(&mut read).await.map_err(broke)? == 0 {
                let found = match shown(&String::from_utf8_lossy(&read), SHOWN) {
                    nothing if nothing.is_empty() => "nothing".to_owned(),
                    found => format!("{found:?}"),
                };
                return Ok(Answer::No { why: format!("{name} said {found}, expected {expected:?}") });
            }
        }
        Ok(Answer::Yes { grounds: format!("{name} said {expected:?}, after {} ms", took()) })
    }
}

#[async_trait]
impl Check for TcpCheck {
    fn describe(&self) -> String {
        format!("connect to {}", self.name())
    }

    async fn check(&self, _subject: &Subject) -> Result<Answer> {
        let attempt = tokio::time::timeout(self.timeout, self.attempt()).await;
        let answer = attempt.unwrap_or_else(|_| {
            let message = format!("{} did not answer within {} s", self.name(), self.timeout.as_secs_f64());
            Err(Error::new(ErrorKind::Timeout, message))
        });
        answer.map_err(|error| error.during("connect"))
    }
}

impl fmt::Debug for TcpCheck {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}
