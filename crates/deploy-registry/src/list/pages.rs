//! A walk over pages, which ends.

use std::collections::HashSet;
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};

use deploy_core::error::{Error, ErrorKind, Result};
use reqwest::Url;

use super::link;
use crate::transport::{Answer, authority};

/// So many pages in a row without anything new are a loop. One may well be empty, or come again when tags change meanwhile.
const MAX_IDLE: usize = 20;

/// Where a listing is.
pub(super) struct Pages {
    next: Option<Url>,
    visited: Seen,
    count: usize,
    idle: usize,
    at_most: usize,
}

impl Pages {
    pub(super) fn from(first: Url, at_most: usize) -> Self {
        Self { next: Some(first), visited: Seen::default(), count: 0, idle: 0, at_most }
    }

    /// The page to read now; `None` after the last.
    pub(super) fn current(&self) -> Option<&Url> {
        self.next.as_ref()
    }

    /// Goes on to the page that `answer` links to; `is_new` says whether this one had anything that was not seen before.
    pub(super) fn advance(&mut self, answer: &Answer, is_new: bool) -> Result<()> {
        let Some(from) = self.next.take() else { return Ok(()) };
        let host = authority(&from);
        self.visited.insert(from.as_str());
        self.count += 1;
        self.idle = if is_new { 0 } else { self.idle + 1 };
        let Some(target) = link::next(&answer.headers) else { return Ok(()) };
        let broken = |what: &str| Error::new(ErrorKind::Internal, format!("{host} {what}"));
        let target = from.join(&target).map_err(|_| broken("links to a next page that is not a URL"))?;
        if target.host_str() != from.host_str() || target.port() != from.port() {
            return Err(broken(&format!("links to a next page at {}: refused", authority(&target))));
        }
        // Behind a proxy a registry may not know that it is spoken to in HTTPS: how it is spoken to stays.
        let mut next = from;
        next.set_path(target.path());
        next.set_query(target.query());
        if self.visited.has(next.as_str()) || self.idle >= MAX_IDLE {
            return Err(broken(&format!(
                "links from page {} back to where the listing was: it would not end",
                self.count
            )));
        }
        if self.count >= self.at_most {
            return Err(Error::invalid(format!(
                "{host} has more than the {} pages that are allowed",
                self.at_most
            )));
        }
        self.next = Some(next);
        Ok(())
    }
}

/// What was seen before, at 16 bytes each: two keyed hashes of 64 bits, so that nothing is taken for another.
#[derive(Default)]
pub(super) struct Seen {
    hashes: HashSet<(u64, u64), BuildHasherDefault<Hashed>>,
    keys: (RandomState, RandomState),
}

/// Takes for a hash what is one already.
#[derive(Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.write_u64(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = self.0.rotate_left(8) ^ number;
    }
}

impl Seen {
    /// Makes room for so many more.
    pub(super) fn expect(&mut self, count: usize) {
        self.hashes.reserve(count);
    }

    /// Whether it is new.
    pub(super) fn insert(&mut self, text: &str) -> bool {
        let key = self.key(text);
        self.hashes.insert(key)
    }

    fn has(&self, text: &str) -> bool {
        self.hashes.contains(&self.key(text))
    }

    pub(super) fn len(&self) -> usize {
        self.hashes.len()
    }

    fn key(&self, text: impl Hash) -> (u64, u64) {
        (self.keys.0.hash_one(&text), self.keys.1.hash_one(&text))
    }
}
