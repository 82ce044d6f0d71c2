//! The judge: what holds for every object, then the rule of its kind.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;

use super::read::Read;
use super::world::Seen;
use super::{Assessment, Failure, Patience, Reason, World, custom, simple, workload};
use crate::clock::Timestamp;
use crate::manifest::{Object, ObjectId};

/// A rule for a kind that the built-in ones do not know, or not well enough.
///
/// It is asked once the object was seen and is not being deleted; it must be pure. Any function of this shape is one.
pub trait HealthRule: Send + Sync {
    /// Judges `object`, which `world` holds.
    fn judge(&self, object: &Object, world: &World, patience: &Patience, now: Timestamp) -> Assessment;
}

impl<F> HealthRule for F
where
    F: Fn(&Object, &World, &Patience, Timestamp) -> Assessment + Send + Sync,
{
    fn judge(&self, object: &Object, world: &World, patience: &Patience, now: Timestamp) -> Assessment {
        self(object, world, patience, now)
    }
}

/// Decides whether an object is healthy, hopeless, or neither yet: a pure function of what was seen and of the time.
#[derive(Clone, Default)]
pub struct Judge {
    patience: Patience,
    rules: HashMap<(String, String), Arc<dyn HealthRule>>,
}

impl Judge {
    /// A judge with the built-in rules.
    pub fn new(patience: Patience) -> Self {
        Self { patience, rules: HashMap::new() }
    }

    /// The same with a rule for a kind, in place of the built-in one if there is one.
    #[must_use]
    pub fn rule(
        mut self,
        group: impl Into<String>,
        kind: impl Into<String>,
        rule: Arc<dyn HealthRule>,
    ) -> Self {
        self.rules.insert((group.into(), kind.into()), rule);
        self
    }

    /// Whether a kind is judged by a rule of the caller's.
    pub(super) fn has_rule(&self, group: &str, kind: &str) -> bool {
        self.rules.contains_key(&(group.to_owned(), kind.to_owned()))
    }

    /// Its patience.
    pub fn patience(&self) -> &Patience {
        &self.patience
    }

    /// Judges the object from what was seen of it, its pods and their Events.
    ///
    /// The same arguments give the same answer; and until [`Assessment::look_again`] the same world gives the same
    /// verdict.
    pub fn judge(&self, id: &ObjectId, world: &World, now: Timestamp) -> Assessment {
        let expected = world.expected_generation(id);
        let Some(seen) = world.seen(id) else {
            return match expected {
                Some(_) => Assessment::progressing("waiting for the cluster to show it"),
                None => Assessment::unknown("not seen yet"),
            };
        };
        let object = &seen.object;
        if expected
            .is_some_and(|expected| object.int("/metadata/generation").is_some_and(|seen| seen < expected))
        {
            return Assessment::progressing("waiting for the cluster to show the change");
        }
        if object.has("/metadata/deletionTimestamp") {
            return Assessment::failed(Failure::new(Reason::Terminating, id.clone(), &held_by(object)));
        }
        if let Some(rule) = self.rules.get(&(id.group.clone(), id.kind.clone())) {
            return rule.judge(object, world, &self.patience, now);
        }
        let case = Case { id, seen, object, world, patience: &self.patience, now };
        workload::judge(&case).or_else(|| simple::judge(&case)).unwrap_or_else(|| custom::judge(&case))
    }
}

impl fmt::Debug for Judge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judge")
            .field("patience", &self.patience)
            .field("rules", &self.rules.keys().collect::<Vec<_>>())
            .finish()
    }
}

/// What a rule is asked: the object, everything else that was seen, and the time.
pub(super) struct Case<'a> {
    pub(super) id: &'a ObjectId,
    pub(super) seen: &'a Seen,
    pub(super) object: &'a Object,
    pub(super) world: &'a World,
    pub(super) patience: &'a Patience,
    pub(super) now: Timestamp,
}

impl Case<'_> {
    pub(super) fn failure(&self, reason: Reason, message: &str) -> Failure {
        Failure::new(reason, self.id.clone(), message)
    }

    /// `None` once the object's controller has seen its present generation: before, its status is of an older one.
    pub(super) fn not_observed(&self) -> Option<Assessment> {
        let observed = self.object.int("/status/observedGeneration").unwrap_or(0);
        let behind = self.object.int("/metadata/generation").is_some_and(|generation| observed < generation);
        behind.then(|| Assessment::progressing("waiting for its controller to observe the change"))
    }
}

fn held_by(object: &Object) -> String {
    let finalizers: Vec<&str> =
        object.items("/metadata/finalizers").filter_map(|item| item.as_str()).collect();
    if finalizers.is_empty() { String::new() } else { format!("held by {}", finalizers.join(", ")) }
}
