//! `WWW-Authenticate`: how a registry wants to be shown credentials (RFC 9110, 11.6.1; distribution's token authentication).

use http::HeaderMap;
use http::header::WWW_AUTHENTICATE;

use crate::quoted;

/// What a registry asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Challenge {
    Basic,
    Bearer(Bearer),
}

/// Where tokens are, and for what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Bearer {
    pub(super) realm: String,
    pub(super) service: Option<String>,
    /// The scopes that the refused request needed.
    pub(super) scopes: Vec<String>,
}

/// The challenge to answer: a token if one is offered, a password otherwise.
pub(super) fn read(headers: &HeaderMap) -> Option<Challenge> {
    let mut basic = None;
    for value in headers.get_all(WWW_AUTHENTICATE) {
        for (scheme, parameters) in value.to_str().map(split).unwrap_or_default() {
            match scheme.to_ascii_lowercase().as_str() {
                "bearer" => {
                    let bearer = bearer(parameters);
                    if !bearer.realm.is_empty() {
                        return Some(Challenge::Bearer(bearer));
                    }
                }
                "basic" => basic = Some(Challenge::Basic),
                _ => {}
            }
        }
    }
    basic
}

fn bearer(parameters: Vec<(String, String)>) -> Bearer {
    let mut bearer = Bearer::default();
    for (name, value) in parameters {
        match name.as_str() {
            "realm" => bearer.realm = value,
            "service" => bearer.service = Some(value),
            "scope" => bearer.scopes.extend(value.split_ascii_whitespace().map(str::to_owned)),
            _ => {}
        }
    }
    bearer
}

/// Schemes with their parameters: several may stand in one header, and commas part both.
fn split(text: &str) -> Vec<(String, Vec<(String, String)>)> {
    let mut found: Vec<(String, Vec<(String, String)>)> = Vec::new();
    let mut rest = text.trim_start_matches([' ', '\t', ',']);
    while !rest.is_empty() {
        let end = rest.find([' ', '\t', ',', '=']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let after = after.trim_start();
        if word.is_empty() {
            break;
        }
        match (after.strip_prefix('='), found.last_mut()) {
            (Some(value), Some((_, parameters))) => {
                let (value, left) = quoted::value(value.trim_start(), &[',', ' ', '\t']);
                parameters.push((word.to_ascii_lowercase(), value));
                rest = left;
            }
            (Some(_), None) => break,
            (None, _) => {
                found.push((word.to_owned(), Vec::new()));
                rest = after;
            }
        }
        rest = rest.trim_start_matches([' ', '\t', ',']);
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read_one(text: &str) -> Option<Challenge> {
        read(&HeaderMap::from_iter([(WWW_AUTHENTICATE, text.parse().ok()?)]))
    }

    fn check(text: &str, realm: &str, service: Option<&str>, scopes: &[&str]) {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let expect = Bearer { realm: realm.to_owned(), service: service.map(str::to_owned), scopes };
        assert_eq!(read_one(text), Some(Challenge::Bearer(expect)), "{text}");
    }

    #[test]
    fn reads_what_registries_ask_with() {
        check(
            r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:library/nginx:pull""#,
            "https://auth.docker.io/token",
            Some("registry.docker.io"),
            &["repository:library/nginx:pull"],
        );
        check(
            r#"bearer realm = "https://a/t" , scope="repository:a:pull repository:b:pull,push",error="x, y""#,
            "https://a/t",
            None,
            &["repository:a:pull", "repository:b:pull,push"],
        );
        check(r#"Basic realm="x", Bearer service=s,realm=https://a/t"#, "https://a/t", Some("s"), &[]);
        check(r#"Bearer realm="a\"b""#, "a\"b", None, &[]);
        assert_eq!(read_one(r#"Basic realm="Registry Realm""#), Some(Challenge::Basic));
        assert_eq!(read_one(r#"Bearer service="no realm", Basic"#), Some(Challenge::Basic));
        for other in ["", "Negotiate", "=", "Bearer", r#"Bearer realm="""#, "realm=x"] {
            assert_eq!(read_one(other), None, "{other}");
        }
    }

    proptest! {
        #[test]
        fn ends_on_anything(text in "[ -~]{0,60}") {
            let _ = read_one(&text);
        }
    }
}
