//! Changes of a manifest, as data: where, as a share of the places that there are, and what.

use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// One change. It leaves alone what says which object it is.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// Takes a field or an item away.
    Remove(Index),
    /// Writes nothing where there is something.
    Clear(Index, Nothing),
    /// Another scalar.
    Alter(Index),
    /// The same quantity, number or port in other words.
    Respell(Index),
    /// A list from another item on.
    Rotate(Index, Index),
    /// An item twice.
    Repeat(Index),
    /// What another manifest has otherwise.
    Borrow(Index, Index, Option<Nothing>),
    /// What only the live object has, such as defaults.
    Explicit(Index, Option<Nothing>),
    /// The other version of the API, for custom resources.
    OtherVersion,
}

/// The ways to write nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Nothing {
    Null,
    /// `{}`, `[]`, `""`, 0 or false.
    Empty,
}

/// Where in an object a value is: names of fields and numbers of items.
type Place = Vec<String>;

/// What belongs to the server, or says which object it is.
const NOT_OURS: [&[&str]; 10] = [
    &["apiVersion"],
    &["kind"],
    &["metadata", "name"],
    &["metadata", "namespace"],
    &["metadata", "uid"],
    &["metadata", "resourceVersion"],
    &["metadata", "generation"],
    &["metadata", "creationTimestamp"],
    &["metadata", "managedFields"],
    // An object with a finalizer would outlive the test, one with an owner that is not there would vanish.
    &["metadata", "finalizers"],
];

const SPELLINGS: [&[&str]; 9] = [
    &[r#""1""#, r#""1000m""#, "1", r#""1.0""#],
    &[r#""500m""#, r#""0.5""#, "0.5"],
    &[r#""100m""#, r#""0.1""#],
    &[r#""1Gi""#, r#""1024Mi""#, "1073741824"],
    &[r#""64Mi""#, r#""65536Ki""#, r#""67108864""#],
    &["100", r#""100""#, r#""100k""#],
    &["80", r#""80""#, "80.0"],
    &["0", "0.0", r#""0""#],
    &[r#""""#, "null"],
];

impl Change {
    pub(crate) fn any() -> impl Strategy<Value = Self> {
        let index = any::<Index>;
        let nothing = || prop_oneof![Just(Nothing::Null), Just(Nothing::Empty)];
        prop_oneof![
            5 => index().prop_map(Self::Remove),
            2 => (index(), nothing()).prop_map(|(place, nothing)| Self::Clear(place, nothing)),
            3 => index().prop_map(Self::Alter),
            2 => index().prop_map(Self::Respell),
            4 => (index(), index()).prop_map(|(place, first)| Self::Rotate(place, first)),
            1 => index().prop_map(Self::Repeat),
            6 => (index(), index(), prop::option::weighted(0.3, nothing()))
                .prop_map(|(from, place, nothing)| Self::Borrow(from, place, nothing)),
            5 => (index(), prop::option::weighted(0.3, nothing()))
                .prop_map(|(place, nothing)| Self::Explicit(place, nothing)),
            1 => Just(Self::OtherVersion),
        ]
    }

    /// The manifest with the change, or as it was if the change has no place in it.
    pub(crate) fn of(&self, manifest: &Value, others: &[Value], live: &Value) -> Value {
        let mut changed = manifest.clone();
        self.make(&mut changed, others, live);
        changed
    }

    fn make(&self, manifest: &mut Value, others: &[Value], live: &Value) -> Option<()> {
        match self {
            Self::Remove(index) => remove(manifest, &pick(manifest, *index, |_| true)?),
            Self::Clear(index, nothing) => {
                let value = picked(manifest, *index, |_| true)?;
                *value = nothing.like(value);
                Some(())
            }
            Self::Alter(index) => {
                let value = picked(manifest, *index, |value| !value.is_object() && !value.is_array())?;
                *value = altered(value);
                Some(())
            }
            Self::Respell(index) => {
                let value = picked(manifest, *index, |value| respelled(value).is_some())?;
                *value = respelled(value)?;
                Some(())
            }
            Self::Rotate(index, first) => {
                let list = picked(manifest, *index, |value| length(value) > 1)?.as_array_mut()?;
                let first = 1 + first.index(list.len() - 1);
                list.rotate_left(first);
                Some(())
            }
            Self::Repeat(index) => {
                let list = picked(manifest, *index, |value| length(value) > 0)?.as_array_mut()?;
                list.push(list[0].clone());
                Some(())
            }
            Self::Borrow(from, index, nothing) => {
                let other = others.get(from.index(others.len().max(1)))?;
                let place = pick_place(other, *index, |place, value| at(manifest, place) != Some(value))?;
                graft(manifest, other, &place, *nothing);
                Some(())
            }
            Self::Explicit(index, nothing) => {
                let place = pick_place(live, *index, |place, _| at(manifest, place).is_none())?;
                graft(manifest, live, &place, *nothing);
                Some(())
            }
            Self::OtherVersion => {
                let (group, version) = manifest["apiVersion"].as_str()?.split_once('/')?;
                let version = if version == "v1" { "v1beta1" } else { "v1" };
                if group.ends_with(".example.com") {
                    manifest["apiVersion"] = format!("{group}/{version}").into();
                }
                Some(())
            }
        }
    }
}

/// One place of a manifest, with what is around it and nothing else: what somebody applies who cares for that alone.
pub(crate) fn part(manifest: &Value, index: Index) -> Value {
    let mut part = match pick_place(manifest, index, |_, _| true) {
        Some(place) => along(manifest, &place, false),
        None => json!({}),
    };
    part["apiVersion"] = manifest["apiVersion"].clone();
    part["kind"] = manifest["kind"].clone();
    part["metadata"]["name"] = manifest["metadata"]["name"].clone();
    part
}

/// Of an item its scalars stay too: the keys of the list are among them.
fn along(value: &Value, place: &[String], item: bool) -> Value {
    let Some((name, rest)) = place.split_first() else { return value.clone() };
    match value {
        Value::Object(fields) => {
            let scalar = |value: &Value| !value.is_object() && !value.is_array();
            let kept = fields.iter().filter(|(_, value)| item && scalar(value));
            let mut kept: Value = kept.map(|(name, value)| (name.clone(), value.clone())).collect();
            kept[name] = along(&fields[name], rest, false);
            kept
        }
        Value::Array(_) => json!([along(at(value, &place[..1]).unwrap_or(&Value::Null), rest, true)]),
        scalar => scalar.clone(),
    }
}

impl Nothing {
    fn like(self, value: &Value) -> Value {
        match (self, value) {
            (Self::Null, _) | (_, Value::Null) => Value::Null,
            (_, Value::Object(_)) => json!({}),
            (_, Value::Array(_)) => json!([]),
            (_, Value::String(_)) => json!(""),
            (_, Value::Number(_)) => json!(0),
            (_, Value::Bool(_)) => json!(false),
        }
    }
}

fn altered(value: &Value) -> Value {
    match value {
        Value::Null => json!("x"),
        Value::Bool(value) => json!(!value),
        Value::Number(number) => number.as_i64().map_or(json!(2.5), |number| json!(number + 1)),
        Value::String(text) if text.ends_with('x') => json!(text.trim_end_matches('x')),
        Value::String(text) => json!(format!("{text}x")),
        compound => compound.clone(),
    }
}

fn respelled(value: &Value) -> Option<Value> {
    let text = value.to_string();
    let (spellings, place) = SPELLINGS
        .iter()
        .find_map(|spellings| Some((spellings, spellings.iter().position(|spelling| **spelling == text)?)))?;
    serde_json::from_str(spellings[(place + 1) % spellings.len()]).ok()
}

fn length(value: &Value) -> usize {
    value.as_array().map_or(0, Vec::len)
}

fn pick(object: &Value, index: Index, fits: impl Fn(&Value) -> bool) -> Option<Place> {
    pick_place(object, index, |_, value| fits(value))
}

fn pick_place(object: &Value, index: Index, fits: impl Fn(&Place, &Value) -> bool) -> Option<Place> {
    let mut places = Vec::new();
    collect(object, &mut Vec::new(), &fits, &mut places);
    if places.is_empty() { None } else { Some(places.swap_remove(index.index(places.len()))) }
}

fn picked(object: &mut Value, index: Index, fits: impl Fn(&Value) -> bool) -> Option<&mut Value> {
    let place = pick(object, index, fits)?;
    at_mut(object, &place)
}

fn collect(value: &Value, here: &mut Place, fits: &impl Fn(&Place, &Value) -> bool, found: &mut Vec<Place>) {
    if NOT_OURS.iter().any(|place| here == place) {
        return;
    }
    let whole = here.is_empty() || *here == ["metadata"];
    if !whole && fits(here, value) {
        found.push(here.clone());
    }
    let mut below = |name: String, value: &Value| {
        here.push(name);
        collect(value, here, fits, found);
        here.pop();
    };
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| below(name.clone(), value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(i, value)| below(i.to_string(), value)),
        _ => {}
    }
}

fn at<'a>(value: &'a Value, place: &[String]) -> Option<&'a Value> {
    place.iter().try_fold(value, |value, name| match value {
        Value::Array(items) => items.get(name.parse::<usize>().ok()?),
        value => value.get(name),
    })
}

fn at_mut<'a>(value: &'a mut Value, place: &[String]) -> Option<&'a mut Value> {
    place.iter().try_fold(value, |value, name| match value {
        Value::Array(items) => items.get_mut(name.parse::<usize>().ok()?),
        value => value.get_mut(name),
    })
}

fn remove(object: &mut Value, place: &[String]) -> Option<()> {
    let (name, parent) = place.split_last()?;
    match at_mut(object, parent)? {
        Value::Object(fields) => drop(fields.remove(name)),
        Value::Array(items) => drop(items.remove(name.parse().ok()?)),
        _ => return None,
    }
    Some(())
}

/// Copies what `from` has at the place, with as much around it as `into` lacks.
fn graft(into: &mut Value, from: &Value, place: &[String], nothing: Option<Nothing>) {
    let Some((name, rest)) = place.split_first() else {
        *into = nothing.map_or_else(|| from.clone(), |nothing| nothing.like(from));
        return;
    };
    let Some(from) = at(from, std::slice::from_ref(name)) else { return };
    let copy = || nothing.map_or_else(|| from.clone(), |nothing| nothing.like(from));
    let number = name.parse::<usize>().ok();
    match into {
        Value::Object(fields) => match fields.get_mut(name) {
            Some(field) => graft(field, from, rest, nothing),
            None => drop(fields.insert(name.clone(), copy())),
        },
        Value::Array(items) => match number.and_then(|number| items.get_mut(number)) {
            Some(item) => graft(item, from, rest, nothing),
            None => items.push(copy()),
        },
        scalar => *scalar = copy(),
    }
}
