//! Entries in memory.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

/// Entries in memory, the oldest of which make room.
pub(super) struct Memory {
    at_most: u64,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    entries: HashMap<String, Bytes>,
    order: VecDeque<String>,
    size: u64,
}

impl Memory {
    pub(super) fn new(at_most: u64) -> Self {
        Self { at_most, kept: Mutex::default() }
    }

    pub(super) fn get(&self, key: &str) -> Option<Bytes> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).entries.get(key).cloned()
    }

    pub(super) fn put(&self, key: String, bytes: Bytes) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.size += bytes.len() as u64;
        match kept.entries.insert(key.clone(), bytes) {
            Some(before) => kept.size -= before.len() as u64,
            None => kept.order.push_back(key),
        }
        while kept.size > self.at_most {
            let Some(oldest) = kept.order.pop_front() else { break };
            if let Some(gone) = kept.entries.remove(&oldest) {
                kept.size -= gone.len() as u64;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_make_room() {
        let memory = Memory::new(10);
        let put =
            |key: &str, bytes: &'static str| memory.put(key.to_owned(), Bytes::from_static(bytes.as_bytes()));
        put("a", "aaaa");
        put("b", "bbbb");
        put("a", "AAAA");
        assert_eq!(memory.get("a").as_deref(), Some(b"AAAA".as_slice()));
        put("c", "cccc");
        assert_eq!(
            (memory.get("a"), memory.get("b").is_some(), memory.get("c").is_some()),
            (None, true, true)
        );
        put("d", "more than it may hold");
        assert_eq!(memory.get("d"), None);
    }
}
