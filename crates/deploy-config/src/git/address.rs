//! A repository's URL, without the credentials in it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::percent_decode_str;

/// A URL as git is given it; credentials for HTTP go to git beside it, in its environment.
#[derive(Clone)]
pub(super) struct Address {
    url: String,
    header: Option<String>,
    /// What no text may show.
    secrets: Vec<String>,
}

impl Address {
    pub(super) fn new(url: &str) -> Self {
        let mut address = Self { url: url.to_owned(), header: None, secrets: Vec::new() };
        if let Some((scheme, user, rest)) = split(url)
            && let Some((name, password)) = user.split_once(':')
            && is_http(scheme)
        {
            address.url = format!("{scheme}://{rest}");
            address.secrets.push(password.to_owned());
            let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
            address.authorize(&decoded(name), &decoded(password));
        }
        address
    }

    /// Sends these credentials; whether they can be sent.
    pub(super) fn authorize(&mut self, user: &str, password: &str) -> bool {
        let encoded = STANDARD.encode(format!("{user}:{password}"));
        self.header = Some(format!("Authorization: Basic {encoded}"));
        self.secrets.extend([password.to_owned(), encoded]);
        self.url.split_once("://").is_some_and(|(scheme, _)| is_http(scheme))
    }

    pub(super) fn url(&self) -> &str {
        &self.url
    }

    pub(super) fn secrets(&self) -> &[String] {
        &self.secrets
    }

    /// The configuration that makes git send the credentials to this host, and to no other it is sent on to.
    pub(super) fn config(&self) -> Option<(String, String)> {
        let (scheme, rest) = self.url.split_once("://")?;
        let host = rest.split('/').next()?;
        let host = host.rsplit('@').next()?;
        Some((format!("http.{scheme}://{host}/.extraHeader"), self.header.clone()?))
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&masked(&self.url))
    }
}

fn is_http(scheme: &str) -> bool {
    scheme.eq_ignore_ascii_case("https") || scheme.eq_ignore_ascii_case("http")
}

/// Scheme, what stands before the host's `@`, and the rest.
fn split(url: &str) -> Option<(&str, &str, &str)> {
    let (scheme, rest) = url.split_once("://")?;
    let authority = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let at = rest.get(..authority)?.rfind('@')?;
    Some((scheme, rest.get(..at)?, rest.get(at + 1..)?))
}

/// The text with what stands before the `@` of every URL in it taken out; a user of SSH stays.
pub(super) fn masked(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        out.push_str(before);
        let end = after.find(|c: char| c.is_whitespace() || "/'\"".contains(c)).unwrap_or(after.len());
        let (authority, behind) = after.split_at(end);
        match authority.rfind('@') {
            Some(at) if !before.ends_with("ssh://") || authority.contains(':') => {
                out.push_str("***");
                out.push_str(authority.split_at(at).1);
            }
            _ => out.push_str(authority),
        }
        rest = behind;
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_goes_out_of_the_url() {
        let check = |url: &str, left: &str, config: Option<(&str, &str)>| {
            let address = Address::new(url);
            assert_eq!(address.url(), left);
            let config = config.map(|(name, user)| {
                (name.to_owned(), format!("Authorization: Basic {}", STANDARD.encode(user)))
            });
            assert_eq!(address.config(), config, "{url}");
        };
        check(
            "https://ci:a%40b@host:8443/x.git",
            "https://host:8443/x.git",
            Some(("http.https://host:8443/.extraHeader", "ci:a@b")),
        );
        check("https://ci:a@b@host/x", "https://host/x", Some(("http.https://host/.extraHeader", "ci:a@b")));
        check("https://host/x@y:z.git", "https://host/x@y:z.git", None);
        check("https://token@host/x.git", "https://token@host/x.git", None);
        check("ssh://git@host:22/x.git", "ssh://git@host:22/x.git", None);
        check("git@host:x.git", "git@host:x.git", None);
        check("file:///x", "file:///x", None);
    }

    #[test]
    fn what_is_shown_has_no_credentials() {
        let check = |text: &str, expect: &str| assert_eq!(masked(text), expect);
        check("https://token@host/x.git", "https://***@host/x.git");
        check("for 'https://a:b@host' and http://c@d/e", "for 'https://***@host' and http://***@d/e");
        check("ssh://git@host/x", "ssh://git@host/x");
        check("ssh://git:word@host/x", "ssh://***@host/x");
        check("https://host/a@b", "https://host/a@b");
        check("no url, me@host", "no url, me@host");
        check("https://", "https://");
    }
}
