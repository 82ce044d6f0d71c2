//! Which fields objects have, and of which types: what an API server reads a body into.
//!
//! Of built-in kinds the table says so ([`Type::of`]), of custom ones the schema of their definition ([`custom`]).

mod convert;
pub(crate) mod custom;
mod decode;
pub(crate) mod protobuf;
mod table;
#[cfg(test)]
mod tests;
pub(crate) mod typed;

use std::borrow::Cow;
use std::collections::HashMap;

pub(crate) use convert::mismatch;
pub(crate) use decode::{Problems, check, read, shown_json};

/// A type of a field, as Go has it.
#[derive(Debug)]
pub(crate) enum Type {
    /// JSON of any form.
    Any,
    Bool,
    /// With the name of its type where it has one of its own.
    String(&'static str),
    /// With its name and bounds.
    Integer(&'static str, i64, i64),
    Float,
    /// Base64.
    Bytes,
    Quantity,
    Time,
    IntOrString,
    List(Box<Type>, &'static str),
    Map(Box<Type>, &'static str),
    /// By its name in the table.
    Struct(&'static str),
}

/// One field of a struct.
#[derive(Debug)]
pub(crate) struct Field {
    /// The embedded structs that it comes from: `ProbeHandler/`.
    embedded: &'static str,
    of: Type,
    merge: Merge,
}

/// What a strategic merge patch does to a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Merge {
    /// Objects are merged, lists replaced.
    ByType,
    /// The items of the list are merged: objects by this key, scalars (without one) as a set.
    Items(&'static str),
    /// It is replaced as a whole.
    Never,
}

type Fields = HashMap<&'static str, Field>;

impl Type {
    /// The type of a built-in kind.
    pub(crate) fn of(api_version: &str, kind: &str) -> Option<&'static Self> {
        table::builtin().kinds.get(&format!("{api_version} {kind}"))
    }

    /// The metadata of all kinds.
    pub(crate) fn metadata() -> &'static Self {
        &Self::Struct("meta/v1.ObjectMeta")
    }

    /// The fields of a struct.
    fn fields(&self) -> Option<&'static Fields> {
        match self {
            Self::Struct(name) => table::builtin().structs.get(name),
            _ => None,
        }
    }

    /// A field of an object of this type, and how it is merged.
    ///
    /// # Errors
    /// Why there is none, in the API server's words.
    pub(crate) fn merged_field(&'static self, name: &str) -> Result<(&'static Self, Merge), String> {
        if let Self::Any = self {
            return Ok((self, Merge::ByType));
        }
        let Some(fields) = self.fields() else {
            let found = match self {
                Self::Map(..) => "map",
                Self::List(..) | Self::Bytes => "slice",
                _ => "scalar",
            };
            return Err(format!(
                "merging an object in json but data type is not struct, instead is: {found}"
            ));
        };
        let field = fields.get(name).ok_or_else(|| {
            let of = self.go();
            let of = of.rsplit('.').next().unwrap_or(&of);
            format!("unable to find api field in struct {of} for the json field {name:?}")
        })?;
        Ok((&field.of, field.merge))
    }

    /// The type of a list's items.
    pub(crate) fn item(&'static self) -> &'static Self {
        match self {
            Self::List(item, _) => item,
            _ => &Self::Any,
        }
    }

    /// As Go names it: `v1.PodSpec`, `[]string`.
    fn go(&self) -> Cow<'static, str> {
        let named = |name: &'static str, other: &dyn Fn() -> String| match name {
            "" => Cow::Owned(other()),
            name => Cow::Borrowed(name),
        };
        match self {
            Self::Any => "interface {}".into(),
            Self::Bool => "bool".into(),
            Self::String("") | Self::Time => "string".into(),
            Self::String(name) | Self::Integer(name, ..) => (*name).into(),
            Self::IntOrString => "int32".into(),
            Self::Float => "float64".into(),
            Self::Bytes => "[]uint8".into(),
            Self::Quantity => "resource.Quantity".into(),
            Self::List(item, name) => named(name, &|| format!("[]{}", item.go())),
            Self::Map(value, name) => named(name, &|| format!("map[string]{}", value.go())),
            Self::Struct(id) => id.rsplit('/').next().unwrap_or(id).into(),
        }
    }
}
