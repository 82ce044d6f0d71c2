//! Fields that others own: who, since when, and what is done about it.

use std::fmt;

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::ObjectId;
use k8s_fields::{FieldPath, ManagedFields, Operation};

/// What to do when another field manager owns a field that the manifest sets to another value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Conflicts {
    /// Stop with an error that names managers and fields, [`FieldConflicts`] (the default).
    #[default]
    Fail,
    /// Take the fields over.
    Force,
    /// Leave the fields to whoever owns them, and say so.
    Yield,
}

/// What to do about certain fields, or fields of certain kinds.
///
/// ```
/// use deploy_k8s::{ConflictRule, Conflicts};
///
/// let rule = ConflictRule::new(Conflicts::Yield).kind("apps", "Deployment").field("spec.replicas")?;
/// # Ok::<(), deploy_core::error::Error>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct ConflictRule {
    then: Conflicts,
    kind: Option<(String, String)>,
    field: Option<FieldPath>,
}

impl ConflictRule {
    /// A rule for every field of every kind.
    pub fn new(then: Conflicts) -> Self {
        Self { then, kind: None, field: None }
    }

    /// Only for objects of this kind; the core group is empty.
    pub fn kind(mut self, group: impl Into<String>, kind: impl Into<String>) -> Self {
        self.kind = Some((group.into(), kind.into()));
        self
    }

    /// Only for this field and what is below it, as in `spec.replicas` or `spec.template.spec.containers[name="api"].image`.
    ///
    /// # Errors
    /// [`InvalidInput`](ErrorKind::InvalidInput) for what is no path.
    pub fn field(mut self, path: &str) -> Result<Self> {
        let parsed: FieldPath = path
            .parse()
            .map_err(|error| Error::invalid(format!("\"{}\" is no field: {error}", path.escape_default())))?;
        if parsed.elements().is_empty() {
            return Err(Error::invalid("an empty path is no field"));
        }
        self.field = Some(parsed);
        Ok(self)
    }

    fn speaks_of(&self, id: &ObjectId, field: &FieldPath) -> bool {
        self.kind.as_ref().is_none_or(|(group, kind)| id.is(group, kind))
            && self.field.as_ref().is_none_or(|rule| field.elements().starts_with(rule.elements()))
    }
}

/// What the first rule says that speaks of the field.
pub(super) fn decide(
    rules: &[ConflictRule],
    id: &ObjectId,
    field: &FieldPath,
    otherwise: Conflicts,
) -> Conflicts {
    rules.iter().find(|rule| rule.speaks_of(id, field)).map_or(otherwise, |rule| rule.then)
}

/// Whether a rule speaks of the field by its path.
pub(super) fn names(rules: &[ConflictRule], id: &ObjectId, field: &FieldPath) -> Option<Conflicts> {
    rules.iter().find(|rule| rule.field.is_some() && rule.speaks_of(id, field)).map(|rule| rule.then)
}

/// A field that another manager owns.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldConflict {
    /// The path, as in `.spec.replicas` or `.metadata.annotations["example.com/owner"]`: [`ConflictRule::field`] takes it.
    pub field: String,
    /// The field manager.
    pub manager: String,
    /// Whether by server-side apply, or by another kind of write (`kubectl edit`, a controller).
    pub by_apply: bool,
    /// The subresource through which it was written, as in `scale`.
    pub subresource: Option<String>,
    /// When the manager last wrote, RFC 3339 in UTC.
    pub since: Option<String>,
}

impl fmt::Display for FieldConflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is \"{}\"'s", self.field, self.manager)?;
        match (&self.subresource, self.by_apply) {
            (Some(subresource), _) => write!(f, " by {subresource}")?,
            (None, true) => f.write_str(" by apply")?,
            (None, false) => {}
        }
        match &self.since {
            Some(since) => write!(f, " since {since}"),
            None => Ok(()),
        }
    }
}

/// The fields of an object that other managers own: the source of an [`ErrorKind::Conflict`](deploy_core::error::ErrorKind::Conflict).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FieldConflicts {
    /// Each field, once for each of its owners.
    pub fields: Vec<FieldConflict>,
}

impl fmt::Display for FieldConflicts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, conflict) in self.fields.iter().enumerate() {
            write!(f, "{}{conflict}", if i == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for FieldConflicts {}

/// Who owns these fields, `ours` left out.
pub(super) fn owners(managed: &ManagedFields, ours: &str, fields: &[String]) -> Vec<FieldConflict> {
    let theirs = managed.entries.iter().filter(|entry| !entry.is(ours, Operation::Apply, None));
    let mut conflicts = Vec::new();
    for entry in theirs {
        for field in fields.iter().filter_map(|field| entry.fields.find(field)) {
            conflicts.push(FieldConflict {
                field: field.quoted(),
                manager: entry.manager.clone(),
                by_apply: entry.operation == Operation::Apply,
                subresource: entry.subresource.clone(),
                since: entry.time.clone(),
            });
        }
    }
    conflicts
}

/// Whether one of these fields belongs to nobody that is known: what to do about it cannot be decided.
pub(super) fn is_nobodys(managed: &ManagedFields, ours: &str, fields: &[String]) -> bool {
    let theirs = |field: &str| {
        let mut entries = managed.entries.iter();
        entries.any(|entry| !entry.is(ours, Operation::Apply, None) && entry.fields.find(field).is_some())
    };
    fields.is_empty() || fields.iter().any(|field| !theirs(field))
}

/// The error that names them.
pub(super) fn error(id: &ObjectId, conflicts: Vec<FieldConflict>) -> Error {
    let helm = conflicts.iter().any(|conflict| conflict.manager == "helm");
    let conflicts = FieldConflicts { fields: conflicts };
    Error::new(ErrorKind::Conflict, format!("other field managers own what it sets: {conflicts}"))
        .during("plan")
        .on(id)
        .help(if helm {
            "let helm go on deploying it, or take the object over from helm for good; single fields can be left out of the manifest, yielded or forced"
        } else {
            "leave those fields out of the manifest, yield them, or force the conflict to take them over"
        })
        .source(conflicts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use k8s_fields::{Entry, FieldSet};

    #[test]
    fn the_first_rule_that_fits_decides() {
        let rules = [
            ConflictRule::new(Conflicts::Yield).kind("apps", "Deployment").field("spec.replicas").unwrap(),
            ConflictRule::new(Conflicts::Force).field(".spec").unwrap(),
        ];
        let check = |kind: &str, field: &str, expect: Conflicts| {
            let id = ObjectId::new("apps", kind, Some("shop"), "api");
            let found = decide(&rules, &id, &field.parse().unwrap(), Conflicts::Fail);
            assert_eq!(found, expect, "{kind} {field}");
        };
        check("Deployment", ".spec.replicas", Conflicts::Yield);
        check("Deployment", ".spec.template.spec.hostNetwork", Conflicts::Force);
        check("StatefulSet", ".spec.replicas", Conflicts::Force);
        check("Deployment", ".metadata.labels.a", Conflicts::Fail);
        assert!(ConflictRule::new(Conflicts::Yield).field("spec[").is_err());
        assert!(ConflictRule::new(Conflicts::Yield).field("").is_err());
    }

    #[test]
    fn names_the_owners() {
        let fields = r#"{"f:metadata":{"f:annotations":{"f:x.io/a":{}}},"f:spec":{"f:replicas":{}}}"#;
        let fields = FieldSet::from_json(fields).unwrap();
        let mut entry = Entry::new("hpa", Operation::Update, "apps/v1", fields.clone());
        entry.subresource = Some("scale".into());
        entry.time = Some("2026-01-01T00:00:00Z".into());
        let ours = Entry::new("us", Operation::Apply, "apps/v1", fields);
        let managed = ManagedFields { entries: vec![entry, ours] };
        let annotation = owners(&managed, "us", &[".metadata.annotations.x.io/a".into()]);
        assert_eq!(annotation[0].field, r#".metadata.annotations["x.io/a"]"#);
        let found = owners(&managed, "us", &[".spec.replicas".into(), ".spec.paused".into()]);
        let id = ObjectId::new("apps", "Deployment", Some("shop"), "api");
        let error = error(&id, found);
        assert!(
            error.message().contains(r#".spec.replicas is "hpa"'s by scale since 2026-01-01T00:00:00Z"#),
            "{error}"
        );
        let source = std::error::Error::source(&error).unwrap().downcast_ref::<FieldConflicts>().unwrap();
        assert_eq!(source.fields.len(), 1);
    }
}
