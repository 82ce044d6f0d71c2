//! What an object will look like: by the API server's own word, or by ours where it cannot be asked.

use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::manifest::Object;
use k8s_fields::{FieldSet, applied_fields};
use serde_json::Value;

use super::Apply;
use super::ownership::{Claim, leaving_out, managers};
use crate::api::{self, ApplyOptions, Place};

/// How often an object may change before its own defaults are given up on.
const MAX_RACES: usize = 5;

/// What a dry run answers.
pub(super) enum Predicted {
    Object(Object),
    Conflict { fields: Vec<String>, error: Error },
}

impl Apply {
    /// What the object will look like.
    pub(super) async fn dry_run(&self, place: &Place, desired: &Object, force: bool) -> Result<Predicted> {
        let options = ApplyOptions { manager: &self.manager, force, dry_run: true };
        match self.cluster.apply(place, desired.value(), options).await? {
            api::Apply::Done(object) => Object::new(object).map(Predicted::Object),
            api::Apply::FieldConflict { fields, error } => Ok(Predicted::Conflict { fields, error }),
            api::Apply::ChangedMeanwhile => {
                Err(Error::new(ErrorKind::Stale, "changed while it was planned").on(desired.id()))
            }
        }
    }

    /// The dry run does not know that the managers are rewritten first. What the object will be like without the fields that go then,
    /// the API server says too: it may give some of them a default.
    pub(super) async fn without_leftovers(
        &self,
        place: &Place,
        predicted: Object,
        live: &Object,
        claim: &Claim,
    ) -> Result<Object> {
        if claim.leftovers.is_empty() {
            return Ok(predicted);
        }
        let mut version = live.resource_version().unwrap_or_default().to_owned();
        let less = leaving_out(predicted, &claim.leftovers)?;
        for _ in 0..MAX_RACES {
            let asked =
                less.clone().edit(|value| value["metadata"]["resourceVersion"] = version.as_str().into())?;
            match self.cluster.dry_replace(place, asked.value(), &self.manager).await {
                Ok(Some(predicted)) => return Object::new(predicted),
                Ok(None) => {}
                // We may patch and not replace, which a takeover needs no right for.
                Err(error) if error.kind() == ErrorKind::Forbidden => return Ok(less),
                Err(error) => return Err(error),
            }
            // It changed meanwhile. As long as it is rolled out, its status does so again and again.
            let Some(now) = self.cluster.get(place, live.name()).await? else { break };
            Object::new(now)?.resource_version().unwrap_or_default().clone_into(&mut version);
        }
        Ok(less)
    }

    /// What an object will look like that is created anew, and whether it can be: asked under another name, as its own is taken.
    /// Where the answer may be owed to the old one that is still there (a port or a quota in use), our own guess.
    pub(super) async fn foretell_anew(&self, place: &Place, desired: &Object) -> Result<Object> {
        let (name, other) = (desired.name().to_owned(), other_name(desired.name()));
        let rename =
            |object: Object, name: &str| object.edit(|value| value["metadata"]["name"] = name.into());
        match self.dry_run(place, &rename(desired.clone(), &other)?, true).await {
            Ok(Predicted::Object(predicted)) => rename(predicted, &name),
            Ok(Predicted::Conflict { .. }) => Ok(desired.clone()),
            Err(error) if is_in_the_way(&error) => Ok(desired.clone()),
            Err(error) => Err(Error::new(error.kind(), error.message().replace(&other, &name))
                .during("plan to create anew")
                .on(desired.id())),
        }
    }

    /// What an object will look like whose definition is not served yet as it will be: the manifest laid over what stands.
    pub(super) fn guess(&self, desired: &Object, live: &Object) -> Result<Object> {
        let managed = managers(live.value())?;
        let ours = managed.entries.iter().filter(|entry| self.ownership().takes(entry));
        let ours = ours.fold(FieldSet::new(), |all, entry| all.union(&entry.fields));
        let wanted = applied_fields(desired.value());
        let gone = ours.difference(&wanted).without_parents_of(&wanted);
        leaving_out(live.clone(), &gone)?.edit(|value| lay_over(value, desired.value()))
    }
}

fn other_name(name: &str) -> String {
    let short: String = name.chars().take(50).collect();
    format!("{}-anew", short.trim_end_matches(['-', '.']))
}

/// Whether the refusal may be the old object's doing.
fn is_in_the_way(error: &Error) -> bool {
    let says = |words: &str| error.message().contains(words);
    says("already allocated") || says("exceeded quota") || says("admission webhook")
}

fn lay_over(value: &mut Value, over: &Value) {
    match (value, over) {
        (Value::Object(map), Value::Object(over)) => {
            for (key, over) in over {
                lay_over(map.entry(key).or_insert(Value::Null), over);
            }
        }
        (value, over) => *value = over.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn another_name_is_a_good_one() {
        let check = |name: &str, expect: &str| assert_eq!(other_name(name), expect);
        check("api", "api-anew");
        check(&"a".repeat(63), &format!("{}-anew", "a".repeat(50)));
        check(&format!("{}-{}", "a".repeat(49), "b"), &format!("{}-anew", "a".repeat(49)));
    }

    #[test]
    fn what_the_old_one_may_be_in_the_way_of() {
        let check = |message: &str, expect: bool| {
            assert_eq!(is_in_the_way(&Error::invalid(message)), expect, "{message}");
        };
        check("spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated", true);
        check("jobs.batch \"a\" is forbidden: exceeded quota: q", true);
        check("spec.replicas: Invalid value: -1", false);
    }

    #[test]
    fn lists_are_replaced_and_maps_laid_over() {
        let mut value = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        lay_over(&mut value, &json!({"a": {"c": [3], "e": {"f": 1}}}));
        assert_eq!(value, json!({"a": {"b": 1, "c": [3], "e": {"f": 1}}, "d": 1}));
    }
}
