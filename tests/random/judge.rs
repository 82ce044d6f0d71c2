//! Whether a run said what is.

use std::collections::{BTreeMap, BTreeSet};

use deploy_core::error::Result as Ended;
use deploy_core::outcome::{Outcome, Status};
use serde_json::Value;

use crate::case::Wanted;

pub(crate) type Live = BTreeMap<String, String>;

/// What can be seen when a run has ended.
pub(crate) struct Seen<'a> {
    pub(crate) before: &'a Live,
    /// When all of the bundle stands.
    pub(crate) after: Live,
    pub(crate) live: Live,
    /// Whether somebody deleted pods.
    pub(crate) pods_taken: bool,
    /// Workloads without all of their pods ready.
    pub(crate) unready: BTreeSet<String>,
    /// What others changed where we do.
    pub(crate) touched: BTreeSet<&'static str>,
    pub(crate) has_journal: bool,
}

/// A bundle over what was there: nothing is pruned.
pub(crate) fn wanted(before: &Live, bundle: &Wanted) -> Live {
    before.clone().into_iter().chain(bundle.seen()).collect()
}

pub(crate) fn name(object: &Value) -> String {
    object["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}

/// How the run ended, in a word.
///
/// # Errors
/// It says something that is not so, or does not say what is.
pub(crate) fn first(seen: &Seen<'_>, bundle: &Wanted, result: &Ended<Outcome>) -> Result<String, String> {
    let said = match result {
        Ok(outcome) => outcome.to_string() + "\n" + &outcome.notes.join("\n"),
        Err(error) => error.to_string(),
    };
    let told = |why: String| format!("{said}\n{why}\n{:?}", seen.live);
    match result {
        Ok(outcome) => match outcome.status {
            Status::Healthy => {
                same(&seen.after, &seen.live, &seen.touched).map_err(told)?;
                ready(seen, bundle).map_err(told)?;
                finished(seen).map_err(told)?;
                Ok("healthy".into())
            }
            Status::RolledBack => {
                same(seen.before, &seen.live, &seen.touched).map_err(told)?;
                finished(seen).map_err(told)?;
                Ok("rolled back".into())
            }
            Status::RollbackFailed => {
                for (name, _) in
                    differing(seen.before, &seen.live).filter(|(name, _)| !seen.touched.contains(&**name))
                {
                    if !names(&said, &name) && !seen.has_journal {
                        return Err(told(format!("{name} is left as it is, and nobody says so")));
                    }
                }
                Ok("rollback failed".into())
            }
            other => Err(told(format!("{other:?} is no way to end"))),
        },
        Err(error) => {
            // All of it, and no answer to its last word; or nothing of it; else the journal says what is to be undone.
            let whole = |end: &Live| same(end, &seen.live, &seen.touched).is_ok();
            if !whole(seen.before) && !whole(&seen.after) && !seen.has_journal {
                return Err(told("something was written, and the next run will not know".into()));
            }
            Ok(format!("{:?}", error.kind()))
        }
    }
}

/// What is called healthy is ready, unless somebody just took its pods.
fn ready(seen: &Seen<'_>, bundle: &Wanted) -> Result<(), String> {
    let workloads = bundle.workloads.iter().map(|(name, ..)| *name);
    let unready = workloads
        .filter(|name| seen.unready.contains(*name) && !seen.touched.contains(name))
        .collect::<Vec<_>>();
    if seen.pods_taken || unready.is_empty() { Ok(()) } else { Err(format!("{unready:?} not ready")) }
}

/// Whether a text names the object: `Deployment NAMESPACE/api`.
fn names(text: &str, name: &str) -> bool {
    text.split([' ', ':', ',', ';', '\n']).any(|word| word.ends_with(&format!("/{name}")))
}

/// Whether a text names one of these objects.
pub(crate) fn names_any(text: &str, objects: &BTreeSet<&'static str>) -> bool {
    objects.iter().any(|name| names(text, name))
}

/// A run that is over leaves no journal.
fn finished(seen: &Seen<'_>) -> Result<(), String> {
    if seen.has_journal { Err("its journal is left".into()) } else { Ok(()) }
}

/// # Errors
/// What differs, but for what others changed.
pub(crate) fn same(expected: &Live, live: &Live, touched: &BTreeSet<&'static str>) -> Result<(), String> {
    let wrong: Vec<String> = differing(expected, live)
        .filter(|(name, _)| !touched.contains(&**name))
        .map(|(name, expected)| format!("{name} should be {expected:?} and is {:?}", live.get(&name)))
        .collect();
    if wrong.is_empty() { Ok(()) } else { Err(wrong.join(", ")) }
}

fn differing<'a>(one: &'a Live, other: &'a Live) -> impl Iterator<Item = (String, Option<&'a String>)> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differing = names.into_iter().filter(|name| one.get(*name) != other.get(*name));
    differing.map(|name| (name.clone(), one.get(name)))
}
