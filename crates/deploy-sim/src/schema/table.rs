//! Reads `builtin.txt`.
//!
//! - `kind apps/v1 Deployment apps/v1.Deployment`: the type of a kind.
//! - `type apps/v1.Deployment NAME:TYPE …`: the fields of a type. `ProbeHandler/exec` is a field of an embedded struct. `[]T` is a list, `{}T` a
//!   map from strings; `=v1.RestartPolicy` at the end of a type is the name that Go knows it by. `~name` after all that is a list that a
//!   strategic merge patch merges, its items told apart by their `name` (scalars by themselves: `~`); `!` is what it replaces as a whole.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::{Field, Fields, Merge, Type};

pub(super) struct Table {
    /// By `apps/v1 Deployment`.
    pub(super) kinds: HashMap<String, Type>,
    pub(super) structs: HashMap<&'static str, Fields>,
}

/// The table, read once, when the first object comes in.
pub(super) fn builtin() -> &'static Table {
    static TABLE: LazyLock<Table> = LazyLock::new(|| read_table(include_str!("builtin.txt")));
    &TABLE
}

fn read_table(text: &'static str) -> Table {
    let mut table = Table { kinds: HashMap::new(), structs: HashMap::new() };
    for line in text.lines() {
        let mut words = line.split(' ');
        match (words.next(), words.next()) {
            (Some("kind"), Some(api_version)) => {
                if let (Some(kind), Some(name)) = (words.next(), words.next()) {
                    table.kinds.insert(format!("{api_version} {kind}"), Type::Struct(name));
                }
            }
            (Some("type"), Some(name)) => drop(table.structs.insert(name, words.filter_map(field).collect())),
            _ => {}
        }
    }
    table
}

fn field(word: &'static str) -> Option<(&'static str, Field)> {
    let (name, of) = word.split_once(':')?;
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    let (embedded, name) = name.split_at(start);
    let (of, merge) = match (of.split_once('~'), of.strip_suffix('!')) {
        (Some((of, key)), _) => (of, Merge::Items(key)),
        (None, Some(of)) => (of, Merge::Never),
        (None, None) => (of, Merge::ByType),
    };
    Some((name, Field { embedded, of: of_word(of), merge }))
}

fn of_word(word: &'static str) -> Type {
    let (form, name) = word.split_once('=').unwrap_or((word, ""));
    let named = |usual| if name.is_empty() { usual } else { name };
    match form {
        "any" => Type::Any,
        "bool" => Type::Bool,
        "string" => Type::String(name),
        "int32" => Type::Integer(named("int32"), i32::MIN.into(), i32::MAX.into()),
        "int64" => Type::Integer(named("int64"), i64::MIN, i64::MAX),
        "float64" => Type::Float,
        "bytes" => Type::Bytes,
        "quantity" => Type::Quantity,
        "time" => Type::Time,
        "int-or-string" => Type::IntOrString,
        _ => match (form.strip_prefix("[]"), form.strip_prefix("{}")) {
            // The name is that of the items, or of the list: only lists of structs and of the like have one.
            (Some(item), _) => list(item, name),
            (_, Some(value)) => Type::Map(Box::new(of_word(value)), name),
            _ => Type::Struct(form),
        },
    }
}

fn list(item: &'static str, name: &'static str) -> Type {
    match item {
        "string" if !name.is_empty() => Type::List(Box::new(Type::String(name)), ""),
        item => Type::List(Box::new(of_word(item)), name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kinds::Kinds;

    /// Every type that is named is there, and every kind that is served has one.
    #[test]
    fn the_table_is_whole() {
        let table = builtin();
        let check = |of: &Type| {
            let mut of = of;
            while let Type::List(inner, _) | Type::Map(inner, _) = of {
                of = inner;
            }
            if let Type::Struct(name) = of {
                assert!(table.structs.contains_key(name), "{name}");
            }
        };
        table.kinds.values().for_each(check);
        table.structs.values().flat_map(HashMap::values).for_each(|field| check(&field.of));
        for kind in Kinds::built_in().all().filter(|kind| !kind.empty) {
            let key = (kind.api_version(), kind.kind.as_str());
            assert!(Type::of(&key.0, key.1).is_some(), "{key:?}");
        }
        assert!(table.structs.len() > 300 && table.structs["core/v1.PodSpec"].len() > 35);
    }

    #[test]
    fn words() {
        let check = |word: &'static str, go: &str| assert_eq!(of_word(word).go(), go, "{word}");
        check("int32", "int32");
        check("string=v1.RestartPolicy", "v1.RestartPolicy");
        check("[]string=v1.PersistentVolumeAccessMode", "[]v1.PersistentVolumeAccessMode");
        check("{}quantity=v1.ResourceList", "v1.ResourceList");
        check("{}bytes", "map[string][]uint8");
        check("[]core/v1.Container", "[]v1.Container");
    }
}
