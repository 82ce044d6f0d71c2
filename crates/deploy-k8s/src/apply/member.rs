//! Which objects are members of a set, and which of them may go.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use k8s_fields::{FieldPath, Operation};
use serde_json::Value;

use super::apply_set::ID;
use super::immutable::is_irreplaceable;
use super::ownership::{are_kin, managers};

/// The members' label.
pub(super) const PART_OF: &str = "applyset.kubernetes.io/part-of";
/// Annotations by which others too say that an object is not to be deleted, and their values.
const PROTECTED: [(&str, &str); 3] = [
    ("deploy-core/prune", "false"),
    ("helm.sh/resource-policy", "keep"),
    ("client.lifecycle.config.k8s.io/deletion", "detach"),
];

/// What becomes of a member that is wanted no more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    Goes,
    Stays(String),
}

/// Never what others own, what is protected, or what holds data.
pub(super) fn judge(member: &Object, manager: &str, set: &str) -> Result<Fate> {
    let stays = |why: String| Ok(Fate::Stays(why));
    if let Some((key, value)) = PROTECTED.iter().find(|(key, value)| member.annotation(key) == Some(value)) {
        return stays(format!("it is annotated {key}: {value}"));
    }
    if member
        .get("/metadata/ownerReferences")
        .and_then(Value::as_array)
        .is_some_and(|owners| !owners.is_empty())
    {
        return stays("it belongs to another object".to_owned());
    }
    let entries = managers(member.value())?;
    let label = FieldPath::fields(["metadata", "labels", PART_OF]);
    let ours = entries.find(manager, Operation::Apply, None);
    if member.label(PART_OF) != Some(set) || !ours.is_some_and(|entry| entry.fields.contains(&label)) {
        return stays(format!("the field manager \"{manager}\" did not make it a member"));
    }
    let others = entries.entries.iter().find(|entry| {
        entry.operation == Operation::Apply
            && entry.subresource.is_none()
            && !are_kin(&entry.manager, manager)
    });
    if let Some(other) = others {
        return stays(format!("the field manager \"{}\" applies it too", other.manager));
    }
    if is_irreplaceable(member.kind()) {
        return stays(format!("a {} holds what cannot be made again; delete it by hand", member.kind()));
    }
    Ok(Fate::Goes)
}

/// The objects as they are sent when nothing is pruned: a member stays one, or it would be lost sight of.
pub(super) fn keep_membership(object: Object, live: &Object, manager: &str) -> Result<Object> {
    let Some(set) = live.label(PART_OF).filter(|_| object.label(PART_OF).is_none()) else {
        return Ok(object);
    };
    let label = FieldPath::fields(["metadata", "labels", PART_OF]);
    let entries = managers(live.value())?;
    let ours =
        entries.find(manager, Operation::Apply, None).is_some_and(|entry| entry.fields.contains(&label));
    Ok(if ours { object.with_label(PART_OF, set) } else { object })
}

/// A member of another set is not taken away from it.
pub(super) fn check_membership(object: &Object, live: &Object) -> Result<()> {
    match (object.label(PART_OF), live.label(PART_OF)) {
        (Some(ours), Some(theirs)) if ours != theirs => Err(Error::new(
            ErrorKind::Conflict,
            format!("belongs to another set, \"{theirs}\", which would prune it"),
        )
        .during("plan")
        .on(live.id())
        .help(format!("find its parent with: kubectl get secrets -A -l {ID}={theirs}"))),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn member(change: impl FnOnce(&mut Value)) -> Object {
        let mut object = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "labels": {PART_OF: "set"},
            "managedFields": [{"manager": "us", "operation": "Apply", "apiVersion": "v1", "fieldsType": "FieldsV1",
                "fieldsV1": {"f:metadata": {"f:labels": {format!("f:{PART_OF}"): {}}}}}]}});
        change(&mut object);
        Object::new(object).unwrap()
    }

    #[test]
    fn never_what_others_own() {
        let stays = |change: fn(&mut Value)| judge(&member(change), "us", "set").unwrap() != Fate::Goes;
        assert!(!stays(|_| ()));
        assert!(stays(|object| object["metadata"]["annotations"] = json!({"deploy-core/prune": "false"})));
        assert!(stays(
            |object| object["metadata"]["annotations"] = json!({"helm.sh/resource-policy": "keep"})
        ));
        assert!(stays(|object| {
            object["metadata"]["annotations"] = json!({"client.lifecycle.config.k8s.io/deletion": "detach"});
        }));
        assert!(stays(|object| object["metadata"]["ownerReferences"] = json!([{"uid": "x"}])));
        assert!(stays(|object| object["metadata"]["managedFields"][0]["manager"] = "them".into()));
        assert!(stays(|object| object["metadata"]["managedFields"][0]["operation"] = "Update".into()));
        assert!(stays(|object| {
            let mut other = object["metadata"]["managedFields"][0].clone();
            other["manager"] = "them".into();
            object["metadata"]["managedFields"].as_array_mut().unwrap().push(other);
        }));
        // A restart's field belongs to the manager beside ours.
        assert!(!stays(|object| {
            let mut side = object["metadata"]["managedFields"][0].clone();
            side["manager"] = "us-rollout".into();
            object["metadata"]["managedFields"].as_array_mut().unwrap().push(side);
        }));
        assert!(stays(|object| object["kind"] = "PersistentVolumeClaim".into()));
        assert!(judge(&member(|_| ()), "us", "other").unwrap() != Fate::Goes);
    }
}
