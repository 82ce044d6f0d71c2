//! Where an upload goes on: the `Location` that a registry answers with.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::image::Digest;
use http::header::LOCATION;
use reqwest::Url;

use crate::transport::{Answer, Hosts, authority};

/// The URL that completes an upload of `digest`. It may be relative, have a query, or be of another host, which is shown no credentials.
pub(super) fn of_upload(begun: &Answer, digest: &Digest, hosts: &Hosts) -> Result<Url> {
    resolve(&begun.url, begun.header(&LOCATION), digest, hosts)
}

fn resolve(from: &Url, location: Option<&str>, digest: &Digest, hosts: &Hosts) -> Result<Url> {
    let host = authority(from);
    let broken = |what: String| Error::new(ErrorKind::Internal, format!("{host} began an upload {what}"));
    let location =
        location.ok_or_else(|| broken("without saying where it goes on (no Location)".to_owned()))?;
    let mut url = from.join(location).map_err(|_| broken("that goes on at what is no URL".to_owned()))?;
    if !hosts.may_go(&url, from) {
        let error = broken(format!("that goes on at {}, which is not encrypted: refused", authority(&url)));
        return Err(if url.host_str() == from.host_str() {
            error.help("if it is behind a proxy that speaks TLS, have that proxy send X-Forwarded-Proto")
        } else {
            error
        });
    }
    url.set_fragment(None);
    url.query_pairs_mut().append_pair("digest", digest.as_str());
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_upload_goes_on_where_the_registry_says() {
        let digest = Digest::sha256(b"");
        let end = format!("digest={}", digest.as_str().replace(':', "%3A"));
        let check = |location: Option<&str>, expect: Result<&str, &str>| {
            let from = Url::parse("https://r.example/v2/shop/api/blobs/uploads/?mount=x").unwrap();
            let found = resolve(&from, location, &digest, &Hosts::default());
            let expect = expect.map(|url| format!("{url}{end}")).map_err(str::to_owned);
            assert_eq!(found.map(String::from).map_err(|error| error.to_string()), expect, "{location:?}");
        };
        check(Some("/v2/shop/api/blobs/uploads/1"), Ok("https://r.example/v2/shop/api/blobs/uploads/1?"));
        check(Some("uploads/1"), Ok("https://r.example/v2/shop/api/blobs/uploads/uploads/1?"));
        check(Some("https://r.example/up/1?_state=a%3D%3D"), Ok("https://r.example/up/1?_state=a%3D%3D&"));
        check(Some("https://storage.example/1?sig=x&y=+"), Ok("https://storage.example/1?sig=x&y=+&"));
        check(Some("https://r.example/up/1#x"), Ok("https://r.example/up/1?"));
        let plain = "r.example began an upload that goes on at r.example, which is not encrypted: refused \
                     (if it is behind a proxy that speaks TLS, have that proxy send X-Forwarded-Proto)";
        check(Some("http://r.example/up/1"), Err(plain));
        let other =
            "r.example began an upload that goes on at 169.254.169.254, which is not encrypted: refused";
        check(Some("http://169.254.169.254/latest"), Err(other));
        check(Some("https://[::"), Err("r.example began an upload that goes on at what is no URL"));
        check(None, Err("r.example began an upload without saying where it goes on (no Location)"));
    }
}
