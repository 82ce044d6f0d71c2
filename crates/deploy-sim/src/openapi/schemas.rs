//! The schemas of built-in kinds, from the published documents, and of those that definitions add.

use std::collections::BTreeMap;
use std::io::Read;

use flate2::read::GzDecoder;
use serde_json::{Value, json};

use crate::kinds::Kind;

/// One schema a line: a name, a blank, JSON.
pub(super) const BUILT_IN: &[u8] = include_bytes!("schemas.gz");
/// What a reference in them begins with.
pub(super) const REFERENCE: &str = "#/components/schemas/";
const METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";
const LIST_METADATA: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta";

/// All lines; read anew each time, because hardly anybody asks twice.
pub(super) fn text() -> String {
    let mut text = String::new();
    // What is built in can be read, which a test says.
    let _ = GzDecoder::new(BUILT_IN).read_to_string(&mut text);
    text
}

/// The schemas as JSON, by their names.
pub(super) struct Schemas<'a>(BTreeMap<&'a str, &'a str>);

impl<'a> Schemas<'a> {
    pub(super) fn read(text: &'a str) -> Self {
        Self(text.lines().filter_map(|line| line.split_once(' ')).collect())
    }

    /// The names of the schemas of a kind and of its lists.
    pub(super) fn of(&self, group: &str, version: &str, kind: &str) -> impl Iterator<Item = &'a str> {
        let [one, list] = ["", "List"].map(|suffix| self.name_of(group, version, &format!("{kind}{suffix}")));
        one.into_iter().chain(list)
    }

    fn name_of(&self, group: &str, version: &str, kind: &str) -> Option<&'a str> {
        let named = json!([{"group": group, "kind": kind, "version": version}]).to_string();
        let last = format!(".{kind}");
        let mut found = self.0.iter().filter(|(name, _)| name.ends_with(&last));
        found.find(|(_, schema)| schema.contains(&named)).map(|(name, _)| *name)
    }

    /// The schemas of these names and these others, and all that they refer to; as one map.
    pub(super) fn below(&self, names: &[&'a str], others: &[(String, String)]) -> String {
        let mut all: BTreeMap<&str, &str> =
            others.iter().map(|(name, schema)| (name.as_str(), schema.as_str())).collect();
        let mut todo: Vec<&str> = names.to_vec();
        todo.extend(others.iter().flat_map(|(_, schema)| referred(schema)));
        while let Some(name) = todo.pop() {
            if let Some((name, schema)) = self.0.get_key_value(name)
                && all.insert(name, schema).is_none()
            {
                todo.extend(referred(schema));
            }
        }
        let all: Vec<String> =
            all.iter().map(|(name, schema)| format!("{}:{schema}", Value::from(*name))).collect();
        format!("{{{}}}", all.join(","))
    }

    #[cfg(test)]
    pub(super) fn all(&self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0.iter().map(|(name, schema)| (*name, *schema))
    }
}

/// The names that a schema refers to.
fn referred(schema: &str) -> impl Iterator<Item = &str> {
    schema.split(REFERENCE).skip(1).filter_map(|rest| rest.split('"').next())
}

/// As schemas of a group are named: its labels turned round.
pub(super) fn custom_name(kind: &Kind) -> String {
    let mut labels: Vec<&str> = kind.group.split('.').collect();
    labels.reverse();
    format!("{}.{}.{}", labels.join("."), kind.version, kind.kind)
}

/// The schema of a kind that a definition adds, and that of its lists.
pub(super) fn custom(kind: &Kind) -> [(String, String); 2] {
    let of = |suffix: &str| json!([{"group": kind.group, "version": kind.version, "kind": format!("{}{suffix}", kind.kind)}]);
    let metadata = |name: &str| json!({"allOf": [{"$ref": format!("{REFERENCE}{name}")}]});
    let text = json!({"type": "string"});
    let name = custom_name(kind);
    let mut schema = kind.schema().cloned().unwrap_or_else(|| json!({"type": "object"}));
    if !schema["properties"].is_object() {
        schema["properties"] = json!({});
    }
    schema["properties"]["apiVersion"] = text.clone();
    schema["properties"]["kind"] = text.clone();
    schema["properties"]["metadata"] = metadata(METADATA);
    schema["x-kubernetes-group-version-kind"] = of("");
    let list = json!({
        "type": "object", "required": ["items"], "x-kubernetes-group-version-kind": of("List"),
        "properties": {
            "apiVersion": text, "kind": text, "metadata": metadata(LIST_METADATA),
            "items": {"type": "array", "items": {"$ref": format!("{REFERENCE}{name}")}},
        },
    });
    [(name.clone(), schema.to_string()), (format!("{name}List"), list.to_string())]
}
