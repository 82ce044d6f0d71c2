//! Objects that are served in two groups, and kept in one: Events of `events.k8s.io` are those of the core group
//! (`pkg/apis/events/v1/conversion.go`).

use std::borrow::Cow;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use crate::kinds::{Kind, Kinds};

/// A field of the core group's Event, and what it is called in the other group.
const EVENT: [(&str, &str); 7] = [
    ("involvedObject", "regarding"),
    ("message", "note"),
    ("source", "deprecatedSource"),
    ("firstTimestamp", "deprecatedFirstTimestamp"),
    ("lastTimestamp", "deprecatedLastTimestamp"),
    ("count", "deprecatedCount"),
    ("reportingComponent", "reportingController"),
];

/// Whether objects of a kind are kept as those of another one.
pub(crate) fn is_elsewhere(kind: &Kind) -> bool {
    !kind.custom && kind.group == "events.k8s.io"
}

/// The kind that objects are kept as.
pub(crate) fn kept_kind(kind: &Arc<Kind>, kinds: &Kinds) -> Arc<Kind> {
    let found = if is_elsewhere(kind) { kinds.find("", "v1", "events") } else { None };
    Arc::clone(found.unwrap_or(kind))
}

/// A kept object, as its kind serves it.
pub(crate) fn served<'a>(kept: &'a Value, kind: &Kind) -> Cow<'a, Value> {
    if !is_elsewhere(kind) {
        return Cow::Borrowed(kept);
    }
    let mut event = renamed(kept, |(core, other)| (core, other));
    event["apiVersion"] = kind.api_version().into();
    // What is always told in the one is left out in the other where it is empty.
    for field in ["reportingController", "reportingInstance"] {
        if event[field] == ""
            && let Some(fields) = event.as_object_mut()
        {
            fields.remove(field);
        }
    }
    Cow::Owned(event)
}

/// An object of such a kind, as it is kept.
pub(crate) fn kept(served: &Value) -> Value {
    let mut event = renamed(served, |(core, other)| (other, core));
    event["apiVersion"] = "v1".into();
    event
}

/// The names of fields in a field selector, as objects are kept.
pub(crate) fn kept_selector<'a>(fields: &'a str, kind: &Kind) -> Cow<'a, str> {
    if !is_elsewhere(kind) {
        return Cow::Borrowed(fields);
    }
    let of = |term: &str| match EVENT.iter().find_map(|(core, other)| Some((core, term.strip_prefix(other)?)))
    {
        Some((core, rest)) => format!("{core}{rest}"),
        // Of the core group's own fields it knows none.
        None if EVENT.iter().any(|(core, _)| term.starts_with(core)) => format!("{term}?"),
        None => term.to_owned(),
    };
    Cow::Owned(fields.split(',').map(of).collect::<Vec<_>>().join(","))
}

fn renamed(
    event: &Value,
    names: impl Fn((&'static str, &'static str)) -> (&'static str, &'static str),
) -> Value {
    let fields = event.as_object().into_iter().flatten().map(|(field, value)| {
        let name = EVENT.iter().map(|pair| names(*pair)).find(|(from, _)| from == field);
        (name.map_or_else(|| field.clone(), |(_, to)| to.to_owned()), value.clone())
    });
    let mut fields: Map<String, Value> = fields.collect();
    for (field, empty) in EMPTY.map(|(pair, empty)| (names(pair).1, empty)) {
        fields.entry(field).or_insert_with(|| if empty { Value::Null } else { json!({}) });
    }
    fields.into()
}

/// What is told even where nothing is there: whether as `null`, or as an empty struct.
const EMPTY: [((&str, &str), bool); 4] =
    [(EVENT[0], false), (EVENT[2], false), (EVENT[3], true), (EVENT[4], true)];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_and_back() {
        let kinds = Kinds::built_in();
        let kind = kinds.of("events.k8s.io/v1", "Event").unwrap();
        let core = json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "x"}, "involvedObject": {"kind": "Pod"},
            "reason": "R", "message": "m", "source": {"component": "c"}, "firstTimestamp": "t", "lastTimestamp": null,
            "count": 2, "type": "Normal", "eventTime": null, "reportingComponent": "c", "reportingInstance": "i",
        });
        let other = served(&core, kind).into_owned();
        let expected = json!({
            "apiVersion": "events.k8s.io/v1", "kind": "Event", "metadata": {"name": "x"}, "regarding": {"kind": "Pod"},
            "reason": "R", "note": "m", "deprecatedSource": {"component": "c"}, "deprecatedFirstTimestamp": "t",
            "deprecatedLastTimestamp": null, "deprecatedCount": 2, "type": "Normal", "eventTime": null,
            "reportingController": "c", "reportingInstance": "i",
        });
        assert_eq!(other, expected);
        assert_eq!(kept(&other), core);
        let core_kind = kinds.of("v1", "Event").unwrap();
        assert_eq!(*served(&core, core_kind), core);
        assert_eq!(kept_kind(kind, &kinds), *core_kind);
    }

    #[test]
    fn selectors() {
        let kinds = Kinds::built_in();
        let kind = kinds.of("events.k8s.io/v1", "Event").unwrap();
        for (fields, expect) in [
            ("regarding.name=p,reason!=x", "involvedObject.name=p,reason!=x"),
            ("reportingController=c", "reportingComponent=c"),
            ("involvedObject.name=p", "involvedObject.name=p?"),
        ] {
            assert_eq!(kept_selector(fields, kind), expect);
        }
    }
}
