//! What an apply without force runs into.

use std::collections::BTreeMap;
use std::fmt;

use serde_json::json;

use crate::{Entry, FieldPath, FieldSet, Operation};

/// A field that an apply would change and somebody else owns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Conflict {
    /// The field.
    pub path: FieldPath,
    /// Whose it is.
    pub manager: String,
    /// How the manager came to own it.
    pub operation: Operation,
    /// The version of the API that the manager wrote at.
    pub api_version: String,
    /// The subresource that it wrote through.
    pub subresource: Option<String>,
}

impl Conflict {
    fn new(path: FieldPath, owner: &Entry) -> Self {
        let Entry { manager, operation, api_version, subresource, .. } = owner.clone();
        Self { path, manager, operation, api_version, subresource }
    }

    /// The owner as the API server shows it: `"edit" with subresource "scale" using apps/v1`.
    pub fn owner(&self) -> String {
        let through = self.subresource.as_ref().map(|name| format!(" with subresource {name:?}"));
        let using = self.updated_at().map(|version| format!(" using {version}"));
        format!("{:?}{}{}", self.manager, through.unwrap_or_default(), using.unwrap_or_default())
    }

    /// An applier is the same at every version.
    fn updated_at(&self) -> Option<&str> {
        (self.operation == Operation::Update).then_some(self.api_version.as_str())
    }

    /// By this the API server sorts the managers in its message: an entry's JSON without what may change.
    fn rank(&self) -> String {
        let version = self.updated_at().map(|version| format!(r#","apiVersion":{}"#, json!(version)));
        let through = self.subresource.as_ref().map(|name| format!(r#","subresource":{}"#, json!(name)));
        let (version, through) = (version.unwrap_or_default(), through.unwrap_or_default());
        format!(r#"{{"manager":{},"operation":"{}"{version}{through}}}"#, json!(self.manager), self.operation)
    }
}

/// The message of a cause of the API server's answer: `conflict with "edit" using v1`. Its field is the path.
impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "conflict with {}", self.owner())
    }
}

/// All that an apply conflicts with, by manager, then in the API server's order. Never empty. `Display` writes the message of the API
/// server's answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflicts(Vec<Conflict>);

impl Conflicts {
    /// None where nothing conflicts.
    pub(super) fn of<'a>(owners: impl IntoIterator<Item = (&'a Entry, FieldSet)>) -> Option<Self> {
        let of_owner = |(owner, fields): (&Entry, FieldSet)| {
            let mut paths = Vec::new();
            level_by_level(&fields, &FieldPath::default(), &mut paths);
            paths.into_iter().map(|path| Conflict::new(path, owner)).collect::<Vec<_>>()
        };
        let mut conflicts: Vec<_> = owners.into_iter().flat_map(of_owner).collect();
        // Stable: the paths of a manager stay in their order.
        conflicts.sort_by_cached_key(Conflict::rank);
        Some(Self(conflicts)).filter(|conflicts| !conflicts.0.is_empty())
    }

    /// Those about fields of which this is not true; none where none are left.
    #[must_use]
    pub fn except(&self, is_allowed: impl Fn(&FieldPath) -> bool) -> Option<Self> {
        let left: Vec<_> = self.0.iter().filter(|conflict| !is_allowed(&conflict.path)).cloned().collect();
        Some(Self(left)).filter(|left| !left.0.is_empty())
    }

    /// One for each field and owner.
    pub fn iter(&self) -> impl Iterator<Item = &Conflict> {
        self.0.iter()
    }
}

/// The paths in the order in which the API server names them: what ends here, then what goes on.
fn level_by_level(fields: &FieldSet, path: &FieldPath, paths: &mut Vec<FieldPath>) {
    let owned = fields.nodes().filter(|(_, node)| node.owned);
    paths.extend(owned.map(|(element, _)| path.child(element.clone())));
    for (element, node) in fields.nodes() {
        level_by_level(&node.below, &path.child(element.clone()), paths);
    }
}

impl fmt::Display for Conflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [conflict] = self.0.as_slice() {
            return write!(f, "Apply failed with 1 conflict: {conflict}: {}", conflict.path);
        }
        write!(f, "Apply failed with {} conflicts: ", self.0.len())?;
        let mut owners: BTreeMap<String, Vec<&Conflict>> = BTreeMap::new();
        for conflict in &self.0 {
            owners.entry(conflict.rank()).or_default().push(conflict);
        }
        for (i, conflicts) in owners.values().enumerate() {
            let owner = conflicts.first().map(|conflict| conflict.owner()).unwrap_or_default();
            write!(f, "{}conflicts with {owner}:", if i == 0 { "" } else { "\n" })?;
            conflicts.iter().try_for_each(|conflict| write!(f, "\n- {}", conflict.path))?;
        }
        Ok(())
    }
}

impl std::error::Error for Conflicts {}
