//! The rules of a ClusterRole that is made of others (`pkg/controller/clusterroleaggregation`).

use std::borrow::Borrow;

use serde_json::Value;

use crate::controllers::object::{list, name};
use crate::selector::Selector;

/// The rules that a role takes over from those that its selectors choose of all; `None` of a role that has none.
pub(crate) fn rules<R: Borrow<Value>>(role: &Value, all: &[R]) -> Option<Value> {
    let selectors: Vec<Selector> =
        role.pointer("/aggregationRule/clusterRoleSelectors")?.as_array()?.iter().map(Selector::of).collect();
    let mut chosen: Vec<&Value> = all
        .iter()
        .map(Borrow::borrow)
        .filter(|other| name(other) != name(role) && selectors.iter().any(|selector| selector.matches(other)))
        .collect();
    chosen.sort_by_key(|other| name(other));
    let mut rules: Vec<&Value> = Vec::new();
    for rule in chosen.into_iter().flat_map(|other| list(other, "/rules")) {
        if !rules.contains(&rule) {
            rules.push(rule);
        }
    }
    Some(rules.into_iter().cloned().collect())
}
