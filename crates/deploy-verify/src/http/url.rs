//! URLs, for people and against each other.

use reqwest::Url;

/// A URL without its credentials, and without what stands in its query, which may be a secret too.
pub(crate) fn shown(url: &Url) -> String {
    let query = if url.query().is_some() { "?…" } else { "" };
    format!("{}://{}{}{query}", url.scheme(), authority(url), url.path())
}

/// `host` or `host:port`.
pub(super) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether what is secret at one may go to the other: the same host, and encrypted if it was.
pub(super) fn may_share_secrets(from: &Url, to: &Url) -> bool {
    let same_host = from.host_str() == to.host_str();
    let same_port = from.port_or_known_default() == to.port_or_known_default();
    let upgrade =
        (from.scheme(), to.scheme()) == ("http", "https") && from.port().is_none() && to.port().is_none();
    same_host && (upgrade || (same_port && from.scheme() == to.scheme()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        text.parse().unwrap()
    }

    #[test]
    fn shows_nothing_secret() {
        let check = |text: &str, expect: &str| assert_eq!(shown(&url(text)), expect);
        check("https://shop.example", "https://shop.example/");
        check("http://ann:hunter2@shop.example:8080/a/b?token=hunter2#x", "http://shop.example:8080/a/b?…");
        check("http://[::1]:80/a", "http://[::1]/a");
    }

    #[test]
    fn secrets_stay_where_they_belong() {
        let check = |from: &str, to: &str, expect: bool| {
            assert_eq!(may_share_secrets(&url(from), &url(to)), expect, "{from} to {to}");
        };
        check("https://a.example/x", "https://a.example/y", true);
        check("http://a.example/x", "https://a.example/x", true);
        check("https://a.example/x", "https://a.example:8443/x", false);
        check("https://a.example/x", "https://b.example/x", false);
        check("https://a.example/x", "http://a.example/x", false);
        check("http://a.example:8080/x", "https://a.example/x", false);
    }
}
