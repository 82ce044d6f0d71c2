//! Where a registry answers, and what may go there in plain text.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, Ipv6Addr};

use deploy_core::error::{Error, Result};
use reqwest::Url;

const DOCKER_HUB: &str = "docker.io";
/// Docker Hub's API is not where its references point.
const DOCKER_HUB_API: &str = "registry-1.docker.io";

/// Which hosts are spoken to in plain HTTP; all the others in HTTPS.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hosts {
    pub(crate) plain: BTreeSet<String>,
    pub(crate) encrypted: BTreeSet<String>,
}

impl Hosts {
    /// The URL of `path_and_query` (it starts with `/v2/`) at `registry`, which is as references name it.
    pub(crate) fn url(&self, registry: &str, path_and_query: &str) -> Result<Url> {
        let host = if registry == DOCKER_HUB { DOCKER_HUB_API } else { registry };
        let scheme = if self.is_plain(host) { "http" } else { "https" };
        let url = format!("{scheme}://{host}{path_and_query}");
        Url::parse(&url).map_err(|source| {
            Error::invalid(format!("{registry:?} is not a host that can be asked")).source(source)
        })
    }

    /// Whether `url` may be asked on behalf of `from`, with secrets even: it is encrypted, or plain HTTP is allowed there.
    ///
    /// Loopback is allowed from loopback alone, lest a registry elsewhere sends its client to ports of this machine.
    pub(crate) fn may_go(&self, url: &Url, from: &Url) -> bool {
        let plain = || {
            same_origin(url, from)
                || self.plain.contains(&authority(url))
                || (is_loopback(&authority(url)) && is_loopback(&authority(from)))
        };
        url.username().is_empty()
            && url.password().is_none()
            && match url.scheme() {
                "https" => true,
                "http" => plain(),
                _ => false,
            }
    }

    fn is_plain(&self, host: &str) -> bool {
        self.plain.contains(host) || (is_loopback(host) && !self.encrypted.contains(host))
    }
}

/// Whether both are the same scheme, host and port.
pub(crate) fn same_origin(one: &Url, other: &Url) -> bool {
    one.scheme() == other.scheme()
        && one.host_str() == other.host_str()
        && one.port_or_known_default() == other.port_or_known_default()
}

/// `host` or `host:port`.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What references call the registry that answers at `url`.
pub(crate) fn name(url: &Url) -> String {
    match authority(url) {
        api if api == DOCKER_HUB_API => DOCKER_HUB.to_owned(),
        other => other,
    }
}

/// A URL for people: without its query, which may be signed.
pub(crate) fn shown(url: &Url) -> String {
    format!("{}://{}{}", url.scheme(), authority(url), url.path())
}

/// `localhost`, 127.0.0.0/8 or ::1, with any port.
pub(crate) fn is_loopback(host: &str) -> bool {
    if let Some((address, _)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse().is_ok_and(|address: Ipv6Addr| address.is_loopback());
    }
    let name = host.split_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.parse().is_ok_and(|address: Ipv4Addr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_alone_is_plain_without_being_asked() {
        let hosts = Hosts {
            plain: BTreeSet::from(["registry.lan:5000".to_owned()]),
            encrypted: BTreeSet::from(["localhost:5443".to_owned()]),
        };
        let check = |registry: &str, expect: &str| {
            assert_eq!(hosts.url(registry, "/v2/").unwrap().as_str(), expect);
        };
        check("localhost:5000", "http://localhost:5000/v2/");
        check("127.8.0.1", "http://127.8.0.1/v2/");
        check("[::1]:5000", "http://[::1]:5000/v2/");
        check("registry.lan:5000", "http://registry.lan:5000/v2/");
        check("registry.lan", "https://registry.lan/v2/");
        check("localhost:5443", "https://localhost:5443/v2/");
        check("localhost.example", "https://localhost.example/v2/");
        check("128.0.0.1", "https://128.0.0.1/v2/");
        check("docker.io", "https://registry-1.docker.io/v2/");
    }

    #[test]
    fn nothing_goes_to_another_host_in_plain_text() {
        let hosts = Hosts { plain: BTreeSet::from(["registry.lan".to_owned()]), ..Hosts::default() };
        let check = |from: &str, to: &str, expect: bool| {
            assert_eq!(hosts.may_go(&to.parse().unwrap(), &from.parse().unwrap()), expect, "{from} to {to}");
        };
        check("https://a.example/", "https://b.example/", true);
        check("https://a.example/", "http://b.example/", false);
        check("https://a.example/", "http://a.example/", false);
        check("https://a.example/", "http://127.0.0.1:6443/", false);
        check("https://a.example/", "http://registry.lan/", true);
        check("http://127.0.0.1:5000/", "http://127.0.0.1:5001/", true);
        check("http://127.0.0.1:5000/", "http://b.example/", false);
        check("https://a.example/", "file:///etc/passwd", false);
        check("https://a.example/", "https://user:word@b.example/", false);
    }
}
