//! Answers that have an `ETag`: the registry says whether they still hold (RFC 9110, 13.1.2).

use bytes::Bytes;
use deploy_core::error::Result;
use deploy_core::image::Digest;
use http::header::{CONTENT_TYPE, ETAG, HeaderName, IF_NONE_MATCH, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::{Deserialize, Serialize};

use crate::registry::OciRegistry;
use crate::transport::{Answer, Budget, Request};

/// The headers that an answer is kept with: what whoever reads it looks at.
const KEPT: [HeaderName; 4] = [CONTENT_TYPE, ETAG, LINK, HeaderName::from_static("docker-content-digest")];

/// What is kept of an answer: these as a line of JSON, then the body, all behind a checksum.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Head {
    url: String,
    headers: Vec<(String, String)>,
}

/// Sends a request; a cached answer that the registry says is still the one takes the place of its own.
///
/// # Errors
/// As for [`Transport::send`](crate::transport::Transport::send), and a refusal.
pub(crate) async fn revalidated(registry: &OciRegistry, budget: &Budget, request: Request) -> Result<Answer> {
    let Some(cache) = registry.cache() else {
        return registry.transport().send(budget, &request).await?.success();
    };
    let key = format!("answer-{}", Digest::sha256(request.url.as_str().as_bytes()).hex());
    let kept = cache.get(&key).await.and_then(|bytes| unpack(&bytes, request.url.as_str()));
    let asking = match kept.as_ref().and_then(|(headers, _)| headers.get(ETAG)) {
        Some(etag) => request.clone().header(IF_NONE_MATCH, etag.clone()),
        None => request,
    };
    let answer = registry.transport().send(budget, &asking).await?;
    if answer.status == StatusCode::NOT_MODIFIED
        && let Some((headers, body)) = kept
    {
        return Ok(answer.replaced(headers, body));
    }
    let answer = answer.success()?;
    if answer.headers.contains_key(ETAG) {
        cache.put(key, pack(&asking, &answer)).await;
    }
    Ok(answer)
}

fn pack(request: &Request, answer: &Answer) -> Bytes {
    let kept = KEPT
        .into_iter()
        .filter_map(|name| Some((name.as_str().to_owned(), answer.header(&name)?.to_owned())));
    let head = Head { url: request.url.as_str().to_owned(), headers: kept.collect() };
    packed(&head, answer.known())
}

fn packed(head: &Head, body: &[u8]) -> Bytes {
    let mut rest = serde_json::to_vec(head).unwrap_or_default();
    rest.push(b'\n');
    rest.extend_from_slice(body);
    let mut all = Digest::sha256(&rest).hex().as_bytes().to_vec();
    all.append(&mut rest);
    all.into()
}

/// What was packed for `url`; `None` if it is anything else.
fn unpack(bytes: &Bytes, url: &str) -> Option<(HeaderMap, Bytes)> {
    const CHECKSUM: usize = 64;
    let (checksum, rest) = (bytes.get(..CHECKSUM)?, bytes.get(CHECKSUM..)?);
    if Digest::sha256(rest).hex().as_bytes() != checksum {
        return None;
    }
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let head: Head = serde_json::from_slice(rest.get(..end)?).ok()?;
    if head.url != url {
        return None;
    }
    let mut headers = HeaderMap::new();
    for (name, value) in head.headers {
        headers.append(HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?);
    }
    Some((headers, bytes.slice(CHECKSUM + end + 1..)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_what_was_packed_is_unpacked() {
        let url = "https://r.example/v2/a/tags/list";
        let head = Head { url: url.to_owned(), headers: vec![("etag".to_owned(), "\"a\"".to_owned())] };
        let bytes = packed(&head, b"body\nof it");
        let (headers, body) = unpack(&bytes, url).unwrap();
        assert_eq!(
            (headers.get(ETAG).unwrap(), body.as_ref()),
            (&HeaderValue::from_static("\"a\""), b"body\nof it".as_slice())
        );
        assert_eq!(unpack(&bytes, "https://r.example/v2/b/tags/list"), None);
        for at in 0..bytes.len() {
            let mut broken = bytes.to_vec();
            broken[at] ^= 1;
            assert_eq!(unpack(&broken.into(), url), None, "byte {at}");
            assert_eq!(unpack(&bytes.slice(..at), url), None, "{at} bytes");
        }
    }
}
