//! Reading fields of objects that may hold anything.

use serde_json::Value;

use crate::clock::Timestamp;
use crate::manifest::{self, Object};

/// At most `max` items of a list are looked at: an object of a real cluster has far fewer.
const MAX_ITEMS: usize = 1000;

/// Fields at JSON pointers, as the type wanted or not at all.
pub(super) trait Read {
    fn at(&self, pointer: &str) -> Option<&Value>;

    fn int(&self, pointer: &str) -> Option<i64> {
        self.at(pointer)?.as_i64()
    }

    /// A count: what is missing or negative is 0, as the API leaves zeros out.
    fn count(&self, pointer: &str) -> i64 {
        self.int(pointer).unwrap_or(0).max(0)
    }

    fn text(&self, pointer: &str) -> Option<&str> {
        self.at(pointer)?.as_str()
    }

    fn flag(&self, pointer: &str) -> bool {
        self.at(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    fn has(&self, pointer: &str) -> bool {
        self.at(pointer).is_some_and(|value| !value.is_null())
    }

    fn time(&self, pointer: &str) -> Option<Timestamp> {
        self.text(pointer)?.parse().ok()
    }

    fn items(&self, pointer: &str) -> impl Iterator<Item = &Value> {
        self.at(pointer).and_then(Value::as_array).into_iter().flatten().take(MAX_ITEMS)
    }
}

impl Read for Value {
    fn at(&self, pointer: &str) -> Option<&Value> {
        manifest::at(self, pointer)
    }
}

impl Read for Object {
    fn at(&self, pointer: &str) -> Option<&Value> {
        self.get(pointer)
    }
}

/// A condition of `status.conditions`.
#[derive(Clone, Copy)]
pub(super) struct Condition<'a>(&'a Value);

impl<'a> Condition<'a> {
    pub(super) fn find(object: &'a Object, kind: &str) -> Option<Self> {
        object.items("/status/conditions").find(|item| item.text("/type") == Some(kind)).map(Self)
    }

    pub(super) fn is_true(self) -> bool {
        self.status() == "True"
    }

    pub(super) fn is_false(self) -> bool {
        self.status() == "False"
    }

    pub(super) fn status(self) -> &'a str {
        self.0.text("/status").unwrap_or_default()
    }

    pub(super) fn reason(self) -> &'a str {
        self.0.text("/reason").unwrap_or_default()
    }

    pub(super) fn message(self) -> &'a str {
        self.0.text("/message").unwrap_or_default()
    }

    pub(super) fn observed_generation(self) -> Option<i64> {
        self.0.int("/observedGeneration")
    }
}

/// The first `max` characters, the last of them `…` if more were there.
pub(super) fn clip(text: &str, max: usize) -> String {
    if text.char_indices().nth(max).is_none() {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}
