//! What is asked and expected.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use deploy_core::clock::{Clock, SystemClock};
use deploy_core::connect::Connect;
use deploy_core::error::{Error, Result};
use deploy_core::manifest::ObjectId;
use deploy_core::secret::SecretText;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use serde_json::Value;

use super::{Asked, Encryption, Expectation, HttpCheck, MAX_BODY, Way, read, tls, url};

/// Options of an [`HttpCheck`]. What is wrong with one of them is told by [`HttpCheckBuilder::build`].
#[must_use]
pub struct HttpCheckBuilder {
    check: HttpCheck,
    wrong: Option<Error>,
}

impl HttpCheckBuilder {
    pub(super) fn new(method: &str, text: &str) -> Self {
        let (url, wrong) = match read::url(text) {
            Ok(url) => (url, None),
            Err(error) => (read::nowhere(), Some(error)),
        };
        let asked = Asked {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            secrets: Vec::new(),
            hidden: Vec::new(),
            body: Vec::new(),
            redirects: 0,
            max_body: MAX_BODY,
        };
        let check = HttpCheck {
            asked,
            expected: Vec::new(),
            way: Way::Usual,
            clock: Arc::new(SystemClock::new()),
            timeout: Duration::from_secs(10),
            encryption: Encryption {
                authorities: Vec::new(),
                accepts_anything: false,
                config: OnceLock::new(),
            },
        };
        Self { check, wrong }.method(method).credentials()
    }

    fn method(self, method: &str) -> Self {
        let read = method.parse().map_err(|_| Error::invalid(format!("{method:?} is no HTTP method")));
        self.with(read, |check, method| check.asked.method = method)
    }

    /// What stands before the host becomes a header that shows nowhere.
    fn credentials(mut self) -> Self {
        let url = &mut self.check.asked.url;
        let decoded = |text: &str| read::percent_decoded(text);
        let (user, password) = (decoded(url.username()), decoded(url.password().unwrap_or_default()));
        if user.is_empty() && password.is_empty() {
            return self;
        }
        // Neither can fail: the URL has a host.
        let _ = url.set_username("");
        let _ = url.set_password(None);
        let hidden = String::from_utf8_lossy(&password).into_owned();
        self.check.asked.hidden.push(SecretText::new(hidden));
        let basic = BASE64_STANDARD.encode([&user[..], b":", &password].concat());
        self.secret_header(AUTHORIZATION.as_str(), SecretText::new(format!("Basic {basic}")))
    }

    /// Sends this header. `authorization`, `proxy-authorization` and `cookie` are secret without being said to.
    pub fn header(self, name: impl AsRef<str>, value: impl AsRef<str>) -> Self {
        if ["authorization", "proxy-authorization", "cookie"]
            .iter()
            .any(|secret| name.as_ref().eq_ignore_ascii_case(secret))
        {
            return self.secret_header(name, SecretText::new(value.as_ref()));
        }
        let read =
            read::header_name(name.as_ref()).and_then(|name| Ok((name, read::header_value(value.as_ref())?)));
        self.with(read, |check, (name, value)| {
            check.asked.headers.append(name, value);
        })
    }

    /// Sends this header, and never shows its value. After a redirect to another host it is not sent.
    pub fn secret_header(self, name: impl AsRef<str>, value: SecretText) -> Self {
        let wrong = |_| Error::invalid(format!("the secret for the header {} cannot be sent", name.as_ref()));
        let read = read::header_name(name.as_ref())
            .and_then(|name| HeaderValue::from_str(value.reveal()).map(|_| name).map_err(wrong));
        self.with(read, |check, name| check.asked.secrets.push((name, value)))
    }

    /// Sends this body of a media type.
    pub fn body(self, media_type: impl AsRef<str>, body: impl Into<Vec<u8>>) -> Self {
        let read = read::header_value(media_type.as_ref());
        self.with(read, |check, media_type| {
            check.asked.headers.insert(CONTENT_TYPE, media_type);
            check.asked.body = body.into();
        })
    }

    /// Expects this status. Default: any from 200 to 299.
    pub fn expect_status(self, status: u16) -> Self {
        self.expect_statuses(status..=status)
    }

    /// Expects a status of these.
    pub fn expect_statuses(self, statuses: RangeInclusive<u16>) -> Self {
        self.expect(Expectation::Status(statuses))
    }

    /// Expects this text in the body.
    pub fn expect_body_contains(self, text: impl Into<String>) -> Self {
        let text = text.into();
        let read = read::pattern(&regex::escape(&text));
        self.with(read, |check, pattern| check.expected.push(Expectation::BodyContains { text, pattern }))
    }

    /// Expects a match of this regular expression in the body, as bytes: classes as `\d` are ASCII's.
    pub fn expect_body_matches(self, pattern: impl AsRef<str>) -> Self {
        let read = read::pattern(pattern.as_ref());
        self.with(read, |check, pattern| check.expected.push(Expectation::BodyMatches(pattern)))
    }

    /// Expects this value in a JSON body at `pointer` (RFC 6901), as `/checks/0/status`; the whole is at `""`.
    pub fn expect_json(self, pointer: impl Into<String>, value: impl Into<Value>) -> Self {
        let read = read::pointer(pointer.into());
        let is = value.into();
        self.with(read, |check, pointer| check.expected.push(Expectation::Json { pointer, is }))
    }

    /// Expects a match of this regular expression in the text (or the JSON) of the value at `pointer`.
    pub fn expect_json_matches(self, pointer: impl Into<String>, pattern: impl AsRef<str>) -> Self {
        let read = read::pointer(pointer.into()).and_then(|at| Ok((at, read::pattern(pattern.as_ref())?)));
        self.with(read, |check, (pointer, pattern)| {
            check.expected.push(Expectation::JsonMatches { pointer, pattern });
        })
    }

    /// Expects this header to have this value.
    pub fn expect_header(self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
        let read = read::header_name(name.as_ref());
        let is = value.into();
        self.with(read, |check, name| check.expected.push(Expectation::Header { name, is }))
    }

    /// Expects a match of this regular expression in a value of this header.
    pub fn expect_header_matches(self, name: impl AsRef<str>, pattern: impl AsRef<str>) -> Self {
        let read =
            read::header_name(name.as_ref()).and_then(|name| Ok((name, read::pattern(pattern.as_ref())?)));
        self.with(read, |check, (name, pattern)| {
            check.expected.push(Expectation::HeaderMatches { name, pattern });
        })
    }

    /// Expects the answer, its body too where that is read, in less time than this; redirects count.
    pub fn expect_within(self, latency: Duration) -> Self {
        self.expect(Expectation::Within(latency))
    }

    /// Expects a certificate that is valid for so many days still. It needs `https`.
    pub fn expect_certificate_days(self, days: u32) -> Self {
        self.expect(Expectation::CertificateDays(days))
    }

    /// Follows so many redirects. Default none: a redirect is an answer. None is followed from `https` to `http`.
    pub fn follow_redirects(mut self, most: usize) -> Self {
        self.check.asked.redirects = most;
        self
    }

    /// Connects to this address; the URL's host is still what the server is asked for, and what its certificate must name.
    pub fn connect_to(mut self, address: SocketAddr) -> Self {
        self.check.way = Way::To(address);
        self
    }

    /// Connects through `connect` to a port of an object inside the cluster. The URL's host is only what the server is asked for.
    pub fn through(mut self, connect: Arc<dyn Connect>, object: ObjectId, port: u16) -> Self {
        self.check.way = Way::Through(connect, object, port);
        self
    }

    /// Trusts the certificate authorities of a PEM file, beside the platform's.
    pub fn authority(self, pem: impl Into<Vec<u8>>) -> Self {
        let pem = pem.into();
        let read = tls::read(&pem);
        self.with(read, |check, _| check.encryption.authorities.push(pem))
    }

    /// Trusts whoever answers: whoever is in between can read and change everything, secret headers too.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.check.encryption.accepts_anything = true;
        self
    }

    /// How long it may take in all. Default 10 s.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.check.timeout = timeout;
        self
    }

    /// The most bytes that are read of a body. Default [`MAX_BODY`].
    pub fn max_body(mut self, bytes: usize) -> Self {
        self.check.asked.max_body = bytes;
        self
    }

    /// The clock that latency is taken by. Default: the machine's.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.check.clock = clock;
        self
    }

    /// The check.
    ///
    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) for the first thing that is wrong.
    pub fn build(mut self) -> Result<HttpCheck> {
        if let Some(error) = self.wrong {
            return Err(error.during("set up an HTTP check"));
        }
        let check = &mut self.check;
        let wants_certificate =
            check.expected.iter().any(|expected| matches!(expected, Expectation::CertificateDays(_)));
        if wants_certificate && check.asked.url.scheme() != "https" {
            let error = Error::invalid("there is no certificate without https");
            return Err(error.during("set up an HTTP check").on(url::shown(&check.asked.url)));
        }
        let is_elsewhere = !matches!(check.way, Way::Usual);
        if is_elsewhere && check.asked.url.scheme() == "https" && check.asked.url.domain().is_none() {
            let error = Error::invalid("a certificate names a host, and the URL has an address");
            return Err(error.during("set up an HTTP check").on(url::shown(&check.asked.url)));
        }
        if !check.expected.iter().any(|expected| matches!(expected, Expectation::Status(_))) {
            check.expected.insert(0, Expectation::Status(200..=299));
        }
        Ok(self.check)
    }

    /// At a path below the URL's, with this query instead of its own.
    pub(crate) fn below(mut self, path: &str, query: &[(&str, &str)]) -> Self {
        let url = &mut self.check.asked.url;
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}/{path}"));
        url.query_pairs_mut().clear().extend_pairs(query);
        self
    }

    /// Reads so much of a body, unless something else was said.
    pub(crate) fn usual_max_body(mut self, bytes: usize) -> Self {
        if self.check.asked.max_body == MAX_BODY {
            self.check.asked.max_body = bytes;
        }
        self
    }

    pub(crate) fn expect(mut self, expectation: Expectation) -> Self {
        self.check.expected.push(expectation);
        self
    }

    /// Uses what was read, or keeps the first thing that is wrong.
    fn with<T>(mut self, read: Result<T>, set: impl FnOnce(&mut HttpCheck, T)) -> Self {
        match read {
            Ok(read) => set(&mut self.check, read),
            Err(error) => {
                self.wrong.get_or_insert(error);
            }
        }
        self
    }
}
