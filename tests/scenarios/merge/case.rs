//! What happens to one object in one case, as data.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use crate::unchanged::change::Change;
use crate::unchanged::template::some_of;

/// The life of one object.
#[derive(Clone)]
pub(super) struct Case {
    /// Manifests of the object; the first one creates it.
    pub(super) manifests: Vec<Value>,
    /// Whether it is created by POST rather than by apply.
    pub(super) posted: bool,
    pub(super) writes: Vec<Write>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manifests = self.manifests.iter().try_for_each(|manifest| writeln!(f, "{manifest}"));
        manifests.and_then(|()| write!(f, "posted: {}\n{:#?}", self.posted, self.writes))
    }
}

/// One write, predicted and made.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// A server-side apply of what this manager applied last, or of another manifest; changed, and of the whole or a part.
    Apply {
        manager: &'static str,
        another: Option<Index>,
        changes: Vec<Change>,
        part: Option<Index>,
        force: bool,
    },
    /// A PUT of the changed live object.
    Put { manager: &'static str, changes: Vec<Change> },
    /// A merge patch to the changed live object.
    Merge { manager: &'static str, changes: Vec<Change> },
    /// Through the subresource `scale`, where there is one.
    Scale(u8),
    /// A merge patch that takes all entries away.
    Reset,
}

pub(super) fn case(template: &Value) -> impl Strategy<Value = Case> + use<> {
    let manifests = prop::collection::vec(some_of(template), 3);
    (manifests, any::<bool>(), prop::collection::vec(write(), 1..12))
        .prop_map(|(manifests, posted, writes)| Case { manifests, posted, writes })
}

fn write() -> impl Strategy<Value = Write> {
    let applier = prop::sample::select(vec!["deploy", "deploy", "other"]);
    let another = prop::option::weighted(0.3, any::<Index>());
    let part = prop::option::weighted(0.3, any::<Index>());
    let writer = || prop::sample::select(vec!["edit", "edit", "deploy", "fix"]);
    prop_oneof![
        12 => (applier, another, changes(0..3), part, any::<bool>()).prop_map(
            |(manager, another, changes, part, force)| Write::Apply { manager, another, changes, part, force }
        ),
        4 => (writer(), changes(1..3)).prop_map(|(manager, changes)| Write::Put { manager, changes }),
        4 => (writer(), changes(1..3)).prop_map(|(manager, changes)| Write::Merge { manager, changes }),
        2 => (0..3_u8).prop_map(Write::Scale),
        1 => Just(Write::Reset),
    ]
}

fn changes(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(Change::any(), count)
}
