//! What happens to one object in one case, as data.

use std::fmt;

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::Value;

use super::change::Change;
use super::template::some_of;

/// The life of one object.
#[derive(Clone)]
pub(super) struct Case {
    /// Manifests of the object; the first one creates it.
    pub(super) manifests: Vec<Value>,
    pub(super) steps: Vec<Step>,
}

impl fmt::Debug for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let manifests = self.manifests.iter().try_for_each(|manifest| writeln!(f, "{manifest}"));
        manifests.and_then(|()| write!(f, "{:#?}", self.steps))
    }
}

/// One comparison, checked by an apply.
#[derive(Clone, Debug)]
pub(super) struct Step {
    /// What somebody writes before.
    pub(super) write: Option<Write>,
    pub(super) desired: Desired,
    pub(super) changes: Vec<Change>,
    /// Whether the apply takes conflicting fields over.
    pub(super) force: bool,
    /// Whether the next step starts from what this one desires.
    pub(super) keep: bool,
}

/// What is desired, before it is changed.
#[derive(Clone, Debug)]
pub(super) enum Desired {
    Same,
    Another(Index),
    /// What the live object says that we applied.
    Extracted,
}

/// A write by somebody else, or by ourselves on another way.
#[derive(Clone, Debug)]
pub(super) enum Write {
    /// By server-side apply, of a part of the changed manifest or the whole.
    Apply { manager: &'static str, changes: Vec<Change>, part: Option<Index>, force: bool },
    /// By PUT, of the changed live object.
    Update { manager: &'static str, changes: Vec<Change> },
    /// Through the subresource `scale`, where there is one.
    Scale(u8),
}

pub(super) fn case(template: &Value) -> impl Strategy<Value = Case> + use<> {
    let manifests = prop::collection::vec(some_of(template), 3);
    (manifests, prop::collection::vec(step(), 1..12)).prop_map(|(manifests, steps)| Case { manifests, steps })
}

fn step() -> impl Strategy<Value = Step> {
    let desired = prop_oneof![
        8 => Just(Desired::Same),
        1 => any::<Index>().prop_map(Desired::Another),
        1 => Just(Desired::Extracted),
    ];
    let changes = prop_oneof![2 => Just(Vec::new()), 3 => changes(1..3)];
    let parts = (prop::option::weighted(0.4, write()), desired, changes, any::<bool>(), any::<bool>());
    parts.prop_map(|(write, desired, changes, force, keep)| Step { write, desired, changes, force, keep })
}

fn write() -> impl Strategy<Value = Write> {
    let apply =
        (prop::sample::select(vec!["other", "other", "deploy"]), changes(0..3), any::<Option<Index>>());
    let update = (prop::sample::select(vec!["edit", "edit", "deploy"]), changes(1..3));
    prop_oneof![
        5 => (apply, prop::bool::weighted(0.8))
            .prop_map(|((manager, changes, part), force)| Write::Apply { manager, changes, part, force }),
        4 => update.prop_map(|(manager, changes)| Write::Update { manager, changes }),
        1 => (0..3_u8).prop_map(Write::Scale),
    ]
}

fn changes(count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Change>> {
    prop::collection::vec(Change::any(), count)
}
