//! The rules that hold for a user, by the bindings (`pkg/registry/rbac/validation/rule.go`).

use std::fmt::{self, Display};
use std::sync::Arc;

use serde_json::Value;

use crate::controllers::object::{list, name, text};
use crate::state::State;
use crate::store::Key;
use crate::user::User;

const GROUP: &str = "rbac.authorization.k8s.io";

/// By what a rule holds.
pub(super) struct Source<'a> {
    binding: &'a Value,
    /// Of a binding of a namespace.
    namespace: &'a str,
    subject: &'a Value,
}

impl Display for Source<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (binding, role) = (name(self.binding), &self.binding["roleRef"]);
        match self.namespace {
            "" => write!(f, "ClusterRoleBinding {binding:?}")?,
            namespace => write!(f, "RoleBinding \"{binding}/{namespace}\"")?,
        }
        let (kind, subject) = (text(self.subject, "/kind"), text(self.subject, "/name"));
        write!(f, " of {} {:?} to {kind} ", text(role, "/kind"), text(role, "/name"))?;
        match kind {
            "ServiceAccount" => {
                let namespace = Some(text(self.subject, "/namespace")).filter(|found| !found.is_empty());
                write!(f, "\"{subject}/{}\"", namespace.unwrap_or(self.namespace))
            }
            _ => write!(f, "{subject:?}"),
        }
    }
}

/// Shows the rules that hold for a user in a namespace (empty: outside of all), until `more` is false; the roles that are bound but are not
/// there.
pub(super) fn visit(
    state: &State,
    user: &User,
    namespace: &str,
    mut more: impl FnMut(&Value, &Source<'_>) -> bool,
) -> Vec<String> {
    let mut errors = Vec::new();
    let of_namespace = if namespace.is_empty() {
        Vec::new()
    } else {
        state.objects(&format!("rolebindings.{GROUP}"), Some(namespace))
    };
    let of_cluster = state.objects(&format!("clusterrolebindings.{GROUP}"), None);
    let all = of_cluster
        .iter()
        .map(|binding| (binding, ""))
        .chain(of_namespace.iter().map(|binding| (binding, namespace)));
    for (binding, namespace) in all {
        let subjects = list(binding, "/subjects");
        let Some(subject) = subjects.iter().find(|subject| is_for(subject, user, namespace)) else {
            continue;
        };
        match role(state, binding, namespace) {
            Ok(role) => {
                let source = Source { binding, namespace, subject };
                if !list(&role, "/rules").iter().all(|rule| more(rule, &source)) {
                    return errors;
                }
            }
            Err(why) => errors.push(why),
        }
    }
    errors
}

/// All rules that hold for a user in a namespace, and the roles that are bound but are not there.
pub(crate) fn rules_of(state: &State, user: &User, namespace: &str) -> (Vec<Value>, Vec<String>) {
    let mut rules = Vec::new();
    let errors = visit(state, user, namespace, |rule, _| {
        rules.push(rule.clone());
        true
    });
    (rules, errors)
}

/// Several errors as one (`apimachinery/pkg/util/errors`).
pub(crate) fn join(errors: &[String]) -> String {
    match errors {
        [only] => only.clone(),
        all => format!("[{}]", all.join(", ")),
    }
}

fn is_for(subject: &Value, user: &User, namespace: &str) -> bool {
    let name = text(subject, "/name");
    match text(subject, "/kind") {
        "User" => user.name == name,
        "Group" => user.is_in(name),
        "ServiceAccount" => {
            let own = Some(text(subject, "/namespace")).filter(|found| !found.is_empty());
            let account = user.name.strip_prefix("system:serviceaccount:");
            account.and_then(|account| account.split_once(':')) == Some((own.unwrap_or(namespace), name))
        }
        _ => false,
    }
}

/// The role that a binding is of.
///
/// # Errors
/// It is not there.
pub(super) fn role(state: &State, binding: &Value, namespace: &str) -> Result<Arc<Value>, String> {
    let named = text(binding, "/roleRef/name");
    let (plural, namespace) = match text(binding, "/roleRef/kind") {
        "Role" => ("roles", namespace),
        _ => ("clusterroles", ""),
    };
    let key = Key {
        resource: format!("{plural}.{GROUP}").into(),
        namespace: namespace.to_owned(),
        name: named.to_owned(),
    };
    let missing = || format!("{}.{GROUP} {named:?} not found", plural.trim_end_matches('s'));
    state.store.get(&key).cloned().ok_or_else(missing)
}
