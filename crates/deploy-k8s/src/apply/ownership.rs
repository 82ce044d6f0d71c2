//! Who owns an object's fields before it is written: what is taken over from others, and what is left to them.
//!
//! Ownership is rewritten in `managedFields` first, and the server-side apply after it does the rest: fields that came to us and are
//! not wanted go, fields that we gave up stay as they are. The values do not change by the first step, so that there is one rollout.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use k8s_fields::{Entry, FieldPath, FieldSet, ManagedFields, Operation, applied_fields, without};
use serde_json::Value;

/// What an object's managers become before it is written.
#[derive(Clone, Debug, Default)]
pub(super) struct Claim {
    /// The managers to be written first, where they are not what they should be.
    pub(super) managers: Option<ManagedFields>,
    /// Whom fields are taken over from.
    pub(super) from: Vec<String>,
    /// The fields that came to us, are not wanted and nobody else's: the apply removes them.
    pub(super) leftovers: FieldSet,
    /// Whose fields could not be taken over, because they are at another version of the API.
    pub(super) mixed: Option<String>,
}

/// The managers after fields changed hands.
pub(super) struct Succession {
    pub(super) managers: ManagedFields,
    from: Vec<String>,
    mixed: Option<String>,
}

/// Whose fields are taken over, and which.
#[derive(Clone, Debug)]
pub(super) struct Ownership {
    pub(super) manager: String,
    /// Field managers that are succeeded: `kubectl` stands for both of its ways to apply.
    pub(super) predecessors: Vec<String>,
    /// Subtrees that are taken over from whoever owns them.
    pub(super) wholly: Vec<FieldPath>,
}

impl Ownership {
    /// What becomes of the managers of `live` when `desired` is applied to it and the fields `left` are left to others.
    pub(super) fn claim(&self, desired: &Value, live: &Value, left: &[FieldPath]) -> Result<Claim> {
        let managed = managers(live)?;
        let version = desired.get("apiVersion").and_then(Value::as_str).unwrap_or_default();
        let Succession { managers: mut taken, mut from, mixed } =
            self.succession(&managed, version, &applied_fields(desired));
        from.sort();
        from.dedup();
        let mut claim = Claim { from, mixed, ..Claim::default() };
        let given_up: FieldSet = left.iter().collect();
        if let Some(ours) = self.ours(&mut taken) {
            ours.fields = ours.fields.without_subtrees(&given_up);
        }
        if taken == managed {
            return Ok(claim);
        }
        claim.leftovers = self.leftovers(&mut taken, desired);
        claim.managers = Some(taken);
        Ok(claim)
    }

    /// What becomes of the managers; of the subtrees that are taken over wholly, the fields `wanted` go on being co-owned.
    pub(super) fn succession(&self, managed: &ManagedFields, version: &str, wanted: &FieldSet) -> Succession {
        let (mut managers, mixed) = match managed.taken_over_by(&self.manager, |entry| self.succeeds(entry)) {
            Ok(taken) => (taken, None),
            Err(mixed) => (managed.clone(), Some(mixed.manager)),
        };
        let mut from = Vec::new();
        if managers != *managed {
            let succeeded = managed.entries.iter().filter(|entry| self.succeeds(entry));
            from.extend(succeeded.map(|entry| entry.manager.clone()));
        }
        for root in &self.wholly {
            self.take_subtree(&mut managers, root, version, wanted, &mut from);
        }
        Succession { managers, from, mixed }
    }

    /// Moves what others own below `root` and is not wanted into our entry.
    fn take_subtree(
        &self,
        taken: &mut ManagedFields,
        root: &FieldPath,
        version: &str,
        wanted: &FieldSet,
        from: &mut Vec<String>,
    ) {
        let roots: FieldSet = std::iter::once(root).collect();
        let ours = |entry: &Entry| entry.is(&self.manager, Operation::Apply, None);
        let mut moved = FieldSet::new();
        for entry in &mut taken.entries {
            if entry.subresource.is_some() || entry.api_version != version || ours(entry) {
                continue;
            }
            let below = entry.fields.difference(&entry.fields.without_subtrees(&roots));
            let below = below.difference(wanted).without_parents_of(wanted);
            if !below.is_empty() {
                from.push(entry.manager.clone());
                entry.fields = entry.fields.difference(&below);
                moved = moved.union(&below);
            }
        }
        if moved.is_empty() {
            return;
        }
        taken.entries.retain(|entry| !entry.fields.is_empty() || entry.subresource.is_some());
        match taken.entries.iter_mut().find(|entry| ours(entry)) {
            Some(ours) => ours.fields = ours.fields.union(&moved),
            None => taken.entries.push(Entry::new(self.manager.as_str(), Operation::Apply, version, moved)),
        }
    }

    /// Whether the entry becomes a part of ours: a predecessor's, or what we wrote by another way than by apply.
    pub(super) fn takes(&self, entry: &Entry) -> bool {
        entry.subresource.is_none() && (entry.manager == self.manager || self.succeeds(entry))
    }

    fn succeeds(&self, entry: &Entry) -> bool {
        let named = |name: &str| self.predecessors.iter().any(|predecessor| predecessor == name);
        let kubectl = entry.is_client_side_apply() || entry.is("kubectl", Operation::Apply, None);
        (kubectl && named("kubectl")) || (entry.manager != "kubectl" && named(&entry.manager))
    }

    fn ours<'a>(&self, managed: &'a mut ManagedFields) -> Option<&'a mut Entry> {
        managed.entries.iter_mut().find(|entry| entry.is(&self.manager, Operation::Apply, None))
    }

    fn leftovers(&self, taken: &mut ManagedFields, desired: &Value) -> FieldSet {
        let others = taken.entries.iter().filter(|entry| !entry.is(&self.manager, Operation::Apply, None));
        let others = others.fold(FieldSet::new(), |all, entry| all.union(&entry.fields));
        let Some(ours) = self.ours(taken) else { return FieldSet::new() };
        let kept = applied_fields(desired).union(&others);
        // kubectl's client-side apply owns maps as well as what is in them.
        ours.fields.difference(&kept).without_parents_of(&kept)
    }
}

/// The object without `fields`.
pub(super) fn leaving_out(object: Object, fields: &FieldSet) -> Result<Object> {
    if fields.is_empty() { Ok(object) } else { object.edit(|value| *value = without(value, fields)) }
}

/// What the manager beside `manager` is called, to whom the rollout verbs' fields belong.
pub(crate) fn side_manager(manager: &str) -> String {
    format!("{manager}{SIDE}")
}

/// Whether both are one deployment's managers: the main one and the one beside it.
pub(super) fn are_kin(a: &str, b: &str) -> bool {
    let main = |name: &str| name.strip_suffix(SIDE).unwrap_or(name).to_owned();
    main(a) == main(b)
}

const SIDE: &str = "-rollout";

pub(crate) fn managers(object: &Value) -> Result<ManagedFields> {
    ManagedFields::of(object)
        .map_err(|error| Error::new(ErrorKind::Internal, "its managedFields cannot be read").source(error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn live(entries: &Value) -> Value {
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api", "managedFields": entries},
            "spec": {"replicas": 4, "paused": true}})
    }

    fn entry(manager: &str, operation: &str, fields: &Value) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "fieldsType": "FieldsV1", "fieldsV1": fields})
    }

    fn ownership(wholly: &[&str]) -> Ownership {
        Ownership {
            manager: "us".into(),
            predecessors: vec!["kubectl".into()],
            wholly: wholly.iter().map(|path| path.parse().unwrap()).collect(),
        }
    }

    /// Whom it is taken from, what goes, and who owns what afterwards.
    fn check(claim: &Claim, from: &[&str], leftovers: &[&str], owners: Option<&[(&str, &str)]>) {
        assert_eq!(claim.from, from);
        let gone: Vec<String> = claim.leftovers.iter().map(|path| path.to_string()).collect();
        assert_eq!(gone, leftovers);
        let found = claim.managers.as_ref().map(|managers| {
            let entries = managers.entries.iter();
            entries
                .map(|entry| (entry.manager.clone(), entry.fields.to_value().to_string()))
                .collect::<Vec<_>>()
        });
        let owners = owners.map(|owners| {
            owners.iter().map(|(who, what)| ((*who).to_owned(), (*what).to_owned())).collect::<Vec<_>>()
        });
        assert_eq!(found, owners);
    }

    #[test]
    fn kubectls_fields_become_ours_and_what_is_not_wanted_goes() {
        let both = json!({"f:spec": {"f:replicas": {}, "f:paused": {}}});
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {"replicas": 4}});
        let all = r#"{"f:spec":{"f:paused":{},"f:replicas":{}}}"#;
        for (manager, operation) in [("kubectl-client-side-apply", "Update"), ("kubectl", "Apply")] {
            let object = live(&json!([entry(manager, operation, &both)]));
            let claim = ownership(&[]).claim(&desired, &object, &[]).unwrap();
            check(&claim, &[manager], &[".spec.paused"], Some(&[("us", all)]));
        }
        let map = json!({"f:metadata": {"f:labels": {".": {}, "f:app": {}, "f:old": {}}}});
        let object = live(&json!([entry("kubectl-client-side-apply", "Update", &map)]));
        let labels = json!({"name": "api", "labels": {"app": "x"}});
        let some = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": labels});
        let gone = ownership(&[]).claim(&some, &object, &[]).unwrap().leftovers;
        assert_eq!(gone.iter().map(|path| path.to_string()).collect::<Vec<_>>(), [".metadata.labels.old"]);
        for (manager, operation) in [("kubectl", "Update"), ("helm", "Apply"), ("us", "Apply")] {
            let object = live(&json!([entry(manager, operation, &both)]));
            check(&ownership(&[]).claim(&desired, &object, &[]).unwrap(), &[], &[], None);
        }
    }

    #[test]
    fn what_is_left_to_others_is_given_up_but_stays() {
        let object =
            live(&json!([entry("us", "Apply", &json!({"f:spec": {"f:replicas": {}, "f:paused": {}}}))]));
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}, "spec": {"paused": true}});
        let claim = ownership(&[]).claim(&desired, &object, &[".spec.replicas".parse().unwrap()]).unwrap();
        check(&claim, &[], &[], Some(&[("us", r#"{"f:spec":{"f:paused":{}}}"#)]));
    }

    #[test]
    fn a_subtree_is_taken_from_whoever_owns_it() {
        let object = live(&json!([entry(
            "them",
            "Update",
            &json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:hostNetwork": {}}}}})
        ),]));
        let desired = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "api"}});
        let claim = ownership(&[".spec.template"]).claim(&desired, &object, &[]).unwrap();
        let owners: &[(&str, &str)] = &[
            ("them", r#"{"f:spec":{"f:replicas":{}}}"#),
            ("us", r#"{"f:spec":{"f:template":{"f:spec":{"f:hostNetwork":{}}}}}"#),
        ];
        check(&claim, &["them"], &[".spec.template.spec.hostNetwork"], Some(owners));
    }
}
