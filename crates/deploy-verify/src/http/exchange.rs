//! One request, its redirects and body.

use std::net::SocketAddr;
use std::time::Duration;

use deploy_core::error::{Error, ErrorKind, Result};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{Client, Response, Url, redirect, tls::TlsInfo};

use super::{HttpCheck, Way, body, certificate, failure, tls, url};

/// From how many bytes on a value of a query may be a secret: shorter ones stand in many an answer.
const LONG: usize = 6;

/// What came back.
#[derive(Debug)]
pub(crate) struct Answered {
    /// What was asked last, for a person.
    pub(crate) asked: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// All of it where that is looked at; else the beginning, where the status is not a success.
    pub(crate) body: Vec<u8>,
    /// How long it took in all.
    pub(crate) took: Duration,
    /// How long the certificate is valid still.
    pub(crate) certificate: Option<Duration>,
    /// Why a redirect was not followed, if it was to be.
    pub(crate) not_followed: Option<String>,
    /// What must not be shown, should the answer repeat it.
    pub(crate) secrets: Vec<String>,
}

/// Asks, and follows redirects as far as is allowed.
pub(super) async fn ask(check: &HttpCheck, address: Option<SocketAddr>) -> Result<Answered> {
    let asked = &check.asked;
    let start = check.clock.now();
    let (mut at, mut method, mut shares) = (asked.url.clone(), asked.method.clone(), true);
    let mut followed = 0;
    loop {
        let address = address.and_then(|address| address_of(address, &asked.url, &at));
        let response = send(check, &at, &method, address, shares).await?;
        let next = match redirect_of(check, &response, &at, followed) {
            Redirect::Follow(next) => next,
            other => {
                let not_followed = if let Redirect::Refused(why) = other { Some(why) } else { None };
                return answered(check, response, &at, &method, start, not_followed).await;
            }
        };
        followed += 1;
        shares = shares && url::may_share_secrets(&at, &next);
        let status = response.status().as_u16();
        if status == 303 || (matches!(status, 301 | 302) && method == Method::POST) {
            method = Method::GET;
        }
        at = next;
    }
}

enum Redirect {
    Follow(Url),
    Refused(String),
    None,
}

/// What is known of the first host's address says nothing of another's; another port of it is at the same address.
fn address_of(known: SocketAddr, of: &Url, at: &Url) -> Option<SocketAddr> {
    let (first, port) = (of.port_or_known_default(), at.port_or_known_default()?);
    let port = if first == Some(port) { known.port() } else { port };
    (at.host_str() == of.host_str()).then(|| SocketAddr::new(known.ip(), port))
}

fn redirect_of(check: &HttpCheck, response: &Response, from: &Url, followed: usize) -> Redirect {
    let most = check.asked.redirects;
    if most == 0 || !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Redirect::None;
    }
    let location = response.headers().get(LOCATION).and_then(|location| location.to_str().ok());
    let Some(to) = location.and_then(|location| from.join(location).ok()) else {
        return Redirect::Refused("it redirects to what is no URL".into());
    };
    let allowed = matches!((from.scheme(), to.scheme()), (_, "https") | ("http", "http"));
    if !allowed {
        return Redirect::Refused(format!("it redirects to {}, which is not encrypted", url::shown(&to)));
    }
    // Of the cluster one port was opened, and no other.
    let origin = |url: &Url| (url.host_str().map(str::to_owned), url.port_or_known_default());
    if matches!(check.way, Way::Through(..)) && origin(from) != origin(&to) {
        return Redirect::Refused(format!(
            "it redirects to {}, which is not behind that port",
            url::shown(&to)
        ));
    }
    if followed >= most {
        return Redirect::Refused(format!("it redirects more than {most} times"));
    }
    Redirect::Follow(to)
}

/// One request on a connection of its own, lest one pod answers for all.
async fn send(
    check: &HttpCheck,
    at: &Url,
    method: &Method,
    address: Option<SocketAddr>,
    shares: bool,
) -> Result<Response> {
    let host = url::authority(at);
    let (client, to) = client(check, at, address)?;
    let mut headers = check.asked.headers.clone();
    if shares {
        for (name, secret) in &check.asked.secrets {
            // It was looked at when the check was set up.
            let value =
                HeaderValue::from_str(secret.reveal()).map_err(|_| Error::invalid("a secret header"))?;
            headers.insert(name.clone(), value);
        }
    }
    if to != *at && !headers.contains_key(HOST) {
        let value = HeaderValue::from_str(&host).map_err(|_| Error::invalid("the host is no header"))?;
        headers.insert(HOST, value);
    }
    let mut request = client.request(method.clone(), to);
    if *method == check.asked.method && !check.asked.body.is_empty() {
        request = request.body(check.asked.body.clone());
    } else {
        headers.remove(CONTENT_TYPE);
        headers.remove(CONTENT_LENGTH);
    }
    request.headers(headers).send().await.map_err(|source| failure::explain(source, &host))
}

/// A client for one request, and the URL to give it: one with a port would have that port asked, whatever the address says.
fn client(check: &HttpCheck, at: &Url, address: Option<SocketAddr>) -> Result<(Client, Url)> {
    let config = if at.scheme() == "https" { check.encryption.config()? } else { tls::nobody()? };
    let mut builder = Client::builder()
        .tls_backend_preconfigured(config)
        .tls_info(true)
        .redirect(redirect::Policy::none())
        .referer(false)
        .pool_max_idle_per_host(0)
        .user_agent(concat!("deploy-verify/", env!("CARGO_PKG_VERSION")));
    let mut to = at.clone();
    if let (Some(address), Some(host)) = (address, at.host_str()) {
        builder = builder.no_proxy().resolve(host, address);
        if at.domain().is_some() {
            let _ = to.set_port(None);
        } else {
            // An address in the URL is not looked up: it is replaced.
            let _ = to.set_ip_host(address.ip());
            let _ = to.set_port(Some(address.port()));
        }
    } else if is_loopback(at) {
        builder = builder.no_proxy();
    }
    let client = builder.build().map_err(|source| {
        Error::new(ErrorKind::Internal, "the HTTP client cannot be set up").source(source)
    })?;
    Ok((client, to))
}

fn is_loopback(at: &Url) -> bool {
    let host = at.host_str().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse::<std::net::IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

async fn answered(
    check: &HttpCheck,
    response: Response,
    at: &Url,
    method: &Method,
    start: deploy_core::clock::Timestamp,
    not_followed: Option<String>,
) -> Result<Answered> {
    let (status, headers) = (response.status(), response.headers().clone());
    let not_after = response.extensions().get::<TlsInfo>().and_then(|info| {
        let certificate = info.peer_certificate()?;
        certificate::not_after(certificate)
    });
    let (body, now) = if check.expected.iter().any(super::Expectation::needs_body) {
        let body = body::whole(response, check.asked.max_body, &url::authority(at)).await?;
        (body, check.clock.now())
    } else {
        let now = check.clock.now();
        (if status.is_success() { Vec::new() } else { body::excerpt(response).await }, now)
    };
    Ok(Answered {
        asked: format!("{method} {}", url::shown(at)),
        status,
        headers,
        body,
        took: now.since(start),
        certificate: not_after.map(|end| end.since(now)),
        not_followed,
        secrets: secrets(check),
    })
}

/// What was sent and is not to be shown: secret headers, of which a token may come back without its scheme, and the longer values of the query.
fn secrets(check: &HttpCheck) -> Vec<String> {
    let headers = check.asked.secrets.iter().flat_map(|(_, secret)| {
        let text = secret.reveal();
        [Some(text), text.split_once(' ').map(|(_, token)| token)].into_iter().flatten().map(str::to_owned)
    });
    let hidden = check.asked.hidden.iter().map(|secret| secret.reveal().to_owned());
    let query = check.asked.url.query_pairs().map(|(_, value)| value.into_owned());
    let secrets = headers.chain(hidden).chain(query.filter(|value| value.len() >= LONG));
    secrets.filter(|secret| !secret.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_one_host() {
        let check = |at: &str, expect: Option<&str>| {
            let of = "http://shop.example/".parse().unwrap();
            let found = address_of("10.1.2.3:8080".parse().unwrap(), &of, &at.parse().unwrap());
            assert_eq!(found, expect.map(|address| address.parse().unwrap()), "{at}");
        };
        check("http://shop.example/a", Some("10.1.2.3:8080"));
        check("https://shop.example/a", Some("10.1.2.3:443"));
        check("http://shop.example:81/a", Some("10.1.2.3:81"));
        check("http://other.example/a", None);
    }
}
