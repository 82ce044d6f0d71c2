//! Lists, page by page, and every page item by item: what nobody wants is dropped as it streams by.
//!
//! A page that breaks off is asked for again, so nothing of it is handed out before it is complete: a filter decides what is kept
//! until then. A page may not be large either way: the API server makes it in memory.

use std::ops::{Add, ControlFlow};

use deploy_core::error::{Error, ErrorKind, Result};
use serde_json::Value;

use super::Cluster;
use super::items::Items;
use super::resource::{Place, escape};
use super::send::{Failed, Receive};
use super::verbs::{collection, read};

/// Objects in the first page, of which nothing is known yet; of 1 MiB each, an API server can still make it.
const FIRST_LIMIT: usize = 50;
const MIN_LIMIT: usize = 10;
const MAX_LIMIT: usize = 500;
/// What a page should not exceed, in bytes.
const PAGE_BYTES: usize = 8 << 20;
/// A page tells little of the next: the next asks for at most so many times as many objects.
const GROWTH: usize = 4;
/// What a filter may keep of one page, in bytes: some servers know no limit.
const MAX_KEPT: usize = 256 << 20;
/// A token lives for minutes; a list that outlives several is not to be had.
const MAX_RESTARTS: usize = 3;

/// How much of a list was read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub(super) items: usize,
    pub(super) bytes: usize,
    pub(super) kept: usize,
    pub(super) kept_bytes: usize,
}

impl Add for Seen {
    type Output = Self;

    fn add(self, more: Self) -> Self {
        Self {
            items: self.items + more.items,
            bytes: self.bytes + more.bytes,
            kept: self.kept + more.kept,
            kept_bytes: self.kept_bytes + more.kept_bytes,
        }
    }
}

/// One page.
pub(super) struct Page<T> {
    pub(super) kept: Vec<T>,
    pub(super) seen: Seen,
    /// Whether the list begins here. It does so again when it was read for too long: what was kept before is out of date.
    pub(super) first: bool,
    /// Whether it was enough, and neither the rest of this page nor another was read.
    pub(super) cut: bool,
    /// Whether another page follows.
    pub(super) more: bool,
    /// How many items come after this page. The server only estimates it, and not for every list.
    pub(super) remaining: Option<usize>,
    pub(super) version: String,
}

/// A list that is asked for page by page.
pub(super) struct Pages<'a> {
    cluster: &'a Cluster,
    place: &'a Place,
    selector: &'a str,
    /// Empty for the first page, `None` after the last.
    token: Option<String>,
    limit: usize,
    restarts: usize,
}

impl Cluster {
    /// All objects of a place, page by page, and the resourceVersion to watch from. `selector` is a part of the query, as in
    /// `&labelSelector=…`. If the server's history ends while it lists, it begins again: `each` may then see an object twice.
    pub(crate) async fn list(
        &self,
        place: &Place,
        selector: &str,
        mut each: impl FnMut(Value),
    ) -> Result<String> {
        let keep = |item: &[u8]| object(place, item).map(Some);
        let mut pages = self.pages(place, selector);
        let mut version = String::new();
        while let Some(page) = pages.next(keep, |_| false).await.map_err(|failed| unlisted(failed, place))? {
            page.kept.into_iter().for_each(&mut each);
            version = page.version;
        }
        Ok(version)
    }

    /// What `keep` leaves of all objects of a place, as they stood at one moment, and the resourceVersion to watch from. Nothing else
    /// is held in memory. `keep` may see an object twice.
    pub(crate) async fn select<T>(
        &self,
        place: &Place,
        selector: &str,
        keep: impl Fn(Value) -> Option<T>,
    ) -> Result<(Vec<T>, String)> {
        let keep = |item: &[u8]| object(place, item).map(&keep);
        let mut pages = self.pages(place, selector);
        let mut kept = Vec::new();
        let mut version = String::new();
        while let Some(page) = pages.next(&keep, |_| false).await.map_err(|failed| unlisted(failed, place))? {
            if page.first {
                kept.clear();
            }
            kept.extend(page.kept);
            version = page.version;
        }
        Ok((kept, version))
    }

    /// Whether a place may be listed at all.
    ///
    /// # Errors
    /// Why not.
    pub(crate) async fn peek(&self, place: &Place) -> Result<()> {
        let call = read("list", format!("{}?limit=1", place.path()), collection(place));
        self.call(&call).await.map(drop).map_err(|failed| failed.into_error(call.verb, &call.object))
    }

    pub(super) fn pages<'a>(&'a self, place: &'a Place, selector: &'a str) -> Pages<'a> {
        let token = Some(String::new());
        Pages { cluster: self, place, selector, token, limit: FIRST_LIMIT, restarts: 0 }
    }
}

impl Pages<'_> {
    /// What `keep` leaves of the next page; `None` after the last. `enough`, asked after every item, ends the list within a page.
    ///
    /// # Errors
    /// Refusals, and whatever else keeps the page from being read.
    pub(super) async fn next<T>(
        &mut self,
        keep: impl Fn(&[u8]) -> Result<Option<T>>,
        enough: impl Fn(&Seen) -> bool,
    ) -> Result<Option<Page<T>>, Failed> {
        loop {
            let Some(token) = &self.token else { return Ok(None) };
            let first = token.is_empty();
            let mut path = format!("{}?limit={}{}", self.place.path(), self.limit, self.selector);
            if !first {
                path = path + "&continue=" + &escape(token);
            }
            let call = read("list", path, collection(self.place));
            let reading = || Reading {
                items: Items::default(),
                keep: &keep,
                enough: &enough,
                kept: Vec::new(),
                seen: Seen::default(),
                cut: false,
            };
            let (kept, seen, envelope) = match self.cluster.receive(&call, reading).await {
                Ok(read) => read,
                // The token outlived the server's history: only a list from its beginning is consistent again.
                Err(Failed::Refused(refusal))
                    if refusal.code == 410 && !first && self.restarts < MAX_RESTARTS =>
                {
                    self.restarts += 1;
                    self.token = Some(String::new());
                    continue;
                }
                Err(failed) => return Err(failed),
            };
            let cut = envelope.is_none();
            let envelope = envelope.unwrap_or_default();
            let metadata = |key: &str| envelope.get("metadata").and_then(|metadata| metadata.get(key));
            let text = |key: &str| metadata(key).and_then(Value::as_str).unwrap_or_default().to_owned();
            let next = Some(text("continue")).filter(|next| !next.is_empty());
            if next.is_some() && next == self.token {
                let error = Error::new(ErrorKind::Internal, "the API server repeats the same page");
                return Err(Failed::Unanswered(error));
            }
            self.token = next;
            self.limit = next_limit(self.limit, &seen);
            return Ok(Some(Page {
                kept,
                seen,
                first,
                cut,
                more: self.token.is_some(),
                remaining: metadata("remainingItemCount")
                    .and_then(Value::as_u64)
                    .and_then(|items| items.try_into().ok()),
                version: text("resourceVersion"),
            }));
        }
    }
}

/// How many objects to ask for after a page of up to `limit`.
pub(super) fn next_limit(limit: usize, page: &Seen) -> usize {
    let average = page.bytes / page.items.max(1);
    (PAGE_BYTES / average.max(1)).min(limit * GROWTH).clamp(MIN_LIMIT, MAX_LIMIT)
}

/// A page on its way in.
struct Reading<'a, T, K, E> {
    items: Items,
    keep: &'a K,
    enough: &'a E,
    kept: Vec<T>,
    seen: Seen,
    cut: bool,
}

impl<T, K, E> Receive for Reading<'_, T, K, E>
where
    K: Fn(&[u8]) -> Result<Option<T>>,
    E: Fn(&Seen) -> bool,
{
    /// What was kept, how much was seen, and the list around it unless the rest was not read.
    type Out = (Vec<T>, Seen, Option<Value>);

    fn chunk(&mut self, bytes: &[u8]) -> Result<ControlFlow<()>> {
        let flow = self.items.feed(bytes, |item| {
            self.seen.items += 1;
            self.seen.bytes += item.len();
            if let Some(kept) = (self.keep)(item)? {
                self.kept.push(kept);
                self.seen.kept += 1;
                self.seen.kept_bytes += item.len();
                if self.seen.kept_bytes > MAX_KEPT {
                    return Err(Error::new(ErrorKind::Internal, "one page of the list exceeds 256 MiB"));
                }
            }
            Ok(if (self.enough)(&self.seen) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })?;
        self.cut = flow.is_break();
        Ok(flow)
    }

    fn end(self) -> Result<Self::Out> {
        let envelope = if self.cut { None } else { Some(self.items.end()?) };
        Ok((self.kept, self.seen, envelope))
    }
}

/// An item of a list as the object it is: items leave out what the list says once.
///
/// # Errors
/// What is no JSON object.
pub(super) fn object(place: &Place, item: &[u8]) -> Result<Value> {
    let broken = || Error::new(ErrorKind::Internal, "an item of the API server's list is not an object");
    let item: Value = serde_json::from_slice(item).map_err(|error| broken().source(error))?;
    let Value::Object(mut object) = item else { return Err(broken()) };
    object.insert("apiVersion".to_owned(), place.resource.api_version().into());
    object.insert("kind".to_owned(), place.resource.kind.as_str().into());
    Ok(Value::Object(object))
}

pub(super) fn unlisted(failed: Failed, place: &Place) -> Error {
    failed.into_error("list", &collection(place))
}
