//! `Link` headers (RFC 8288): where the next page is.

use http::HeaderMap;
use http::header::LINK;

use crate::quoted;

/// The target of the first link whose relation is `next`, as it is written.
pub(super) fn next(headers: &HeaderMap) -> Option<String> {
    headers.get_all(LINK).iter().find_map(|value| find_next(value.to_str().ok()?))
}

fn find_next(text: &str) -> Option<String> {
    let mut rest = text;
    loop {
        let start = rest.find('<')?;
        let (target, after) = rest.get(start + 1..)?.split_once('>')?;
        let (is_next, left) = parameters(after);
        if is_next {
            return Some(target.trim().to_owned());
        }
        rest = left;
    }
}

/// Reads a link's parameters up to the comma that ends it: whether one of its relations is `next`, and what follows.
fn parameters(text: &str) -> (bool, &str) {
    let mut is_next = None;
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        let Some(after) = rest.strip_prefix(';') else {
            let left = rest.find(',').map_or("", |comma| rest.get(comma + 1..).unwrap_or_default());
            return (is_next.unwrap_or(false), left);
        };
        let end = after.find([';', ',', '=']).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let (value, left) = match after.strip_prefix('=') {
            Some(value) => quoted::value(value.trim_start(), &[';', ',']),
            None => (String::new(), after),
        };
        // Of several `rel`, the first counts (RFC 8288, 3.3).
        if name.trim().eq_ignore_ascii_case("rel") && is_next.is_none() {
            is_next =
                Some(value.split_ascii_whitespace().any(|relation| relation.eq_ignore_ascii_case("next")));
        }
        rest = left;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(header: &str, expect: Option<&str>) {
        let headers = HeaderMap::from_iter([(LINK, header.parse().unwrap())]);
        assert_eq!(next(&headers).as_deref(), expect, "{header}");
    }

    #[test]
    fn finds_the_next_page() {
        check("</v2/a/tags/list?n=2&last=b>; rel=\"next\"", Some("/v2/a/tags/list?n=2&last=b"));
        check(
            "<https://r.example/v2/a/tags/list?next_page=g%3D%3D>; rel=next",
            Some("https://r.example/v2/a/tags/list?next_page=g%3D%3D"),
        );
        check(
            "</first>; rel=first, </next>; title=\"a, <b>; c\"; rel=\"prefetch next\", </x>; rel=next",
            Some("/next"),
        );
        check("</a>;REL=Next", Some("/a"));
        check("</a,b>; rel=\"next\"", Some("/a,b"));
        check("</a>; rel=last; rel=next", None);
        check("</a>; title=\"rel=next\"", None);
        check("</a>", None);
        check("", None);
        check("</a; rel=next", None);
        let mut two = HeaderMap::new();
        two.append(LINK, "</up>; rel=up".parse().unwrap());
        two.append(LINK, "</on>; rel=next".parse().unwrap());
        assert_eq!(next(&two).as_deref(), Some("/on"));
    }

    proptest! {
        #[test]
        fn ends_on_anything(text in "[ -~]{0,60}") {
            let _ = find_next(&text);
        }
    }
}
