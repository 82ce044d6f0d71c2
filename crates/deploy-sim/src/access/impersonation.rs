//! Requests done as somebody else: first by the right to do just this as them, then by the right to be them
//! (`apiserver/pkg/endpoints/filters/impersonation`).

use std::collections::BTreeMap;

use super::asked::{Asked, Resource};
use super::check;
use crate::request::Impersonation;
use crate::state::State;
use crate::status::Status;
use crate::user::User;

const AUTHENTICATION: &str = "authentication.k8s.io";

/// The user that is wanted, as the headers name them.
///
/// # Errors
/// Groups and the like without a name.
pub(super) fn wanted(asked: &Impersonation) -> Result<Option<&Impersonation>, Status> {
    let Impersonation { name, uid, groups, extra } = asked;
    if !name.is_empty() {
        return Ok(Some(asked));
    }
    if uid.is_empty() && groups.is_empty() && extra.is_empty() {
        return Ok(None);
    }
    let shown = |list: &[String]| match list {
        [] => "[]string(nil)".to_owned(),
        list => {
            let items: Vec<String> = list.iter().map(|item| format!("{item:?}")).collect();
            format!("[]string{{{}}}", items.join(", "))
        }
    };
    let extra = if extra.is_empty() {
        "map[string][]string(nil)".to_owned()
    } else {
        let items: Vec<String> =
            extra.iter().map(|(key, values)| format!("{key:?}:{}", shown(values))).collect();
        format!("map[string][]string{{{}}}", items.join(", "))
    };
    Err(Status::bad_request(format!(
        "requested &user.DefaultInfo{{Name:\"\", UID:{uid:?}, Groups:{}, Extra:{extra}}} without impersonating a user name",
        shown(groups)
    )))
}

/// Who the request is done as.
///
/// # Errors
/// 403: `user` may not do it as them.
pub(super) fn allowed(
    state: &State,
    user: &User,
    wanted: &Impersonation,
    asked: &Asked,
) -> Result<User, Status> {
    let account = account(&wanted.name);
    let node = wanted.name.strip_prefix("system:node:").filter(|name| !name.is_empty());
    let only_name = wanted.uid.is_empty() && wanted.groups.is_empty() && wanted.extra.is_empty();
    let mode = match (node, account) {
        (Some(_), _) => only_name.then_some("arbitrary-node"),
        (_, Some(_)) => only_name.then_some("serviceaccount"),
        _ => Some("user-info"),
    };
    let constrained = mode.map(|mode| {
        let verb = format!("impersonate-on:{mode}:{}", asked.verb());
        check(state, user, &asked.with_verb(verb))?;
        may_be(state, user, wanted, &format!("impersonate:{mode}"), AUTHENTICATION)
    });
    if let Some(Ok(())) = constrained {
        let groups = if node.is_some() { vec!["system:nodes".to_owned()] } else { wanted.groups.clone() };
        return Ok(become_user(wanted, groups, account));
    }
    let legacy = may_be(state, user, wanted, "impersonate", "");
    match (constrained, legacy) {
        (_, Ok(())) => Ok(become_user(wanted, wanted.groups.clone(), account)),
        // The first refusal is told.
        (Some(Err(status)), _) | (_, Err(status)) => Err(status),
    }
}

/// Whether somebody may be called so, and be in these groups.
fn may_be(state: &State, user: &User, wanted: &Impersonation, verb: &str, group: &str) -> Result<(), Status> {
    let ask = |group: &str, resource: &str, namespace: &str, name: &str| {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let [verb, group, resource, subresource, namespace, name] =
            [verb, group, resource, subresource, namespace, name].map(str::to_owned);
        check(state, user, &Asked::Resource(Resource { verb, group, resource, subresource, namespace, name }))
    };
    let node = wanted.name.strip_prefix("system:node:").filter(|_| group == AUTHENTICATION);
    match (account(&wanted.name), node) {
        (Some((namespace, name)), _) => ask(group, "serviceaccounts", namespace, name)?,
        (_, Some(node)) => ask(group, "nodes", "", node)?,
        _ => ask(group, "users", "", &wanted.name)?,
    }
    if !wanted.uid.is_empty() {
        ask(AUTHENTICATION, "uids", "", &wanted.uid)?;
    }
    for name in &wanted.groups {
        ask(group, "groups", "", name)?;
    }
    for (key, values) in &wanted.extra {
        for value in values {
            ask(AUTHENTICATION, &format!("userextras/{key}"), "", value)?;
        }
    }
    Ok(())
}

/// The namespace and name of a service account.
fn account(user: &str) -> Option<(&str, &str)> {
    let (namespace, name) = user.strip_prefix("system:serviceaccount:")?.split_once(':')?;
    (!namespace.is_empty() && !name.is_empty() && !name.contains(':')).then_some((namespace, name))
}

fn become_user(wanted: &Impersonation, groups: Vec<String>, account: Option<(&str, &str)>) -> User {
    // A service account has its groups, unless others are named.
    let user = match account {
        Some((namespace, name)) if groups.is_empty() => User::service_account(namespace, name),
        _ => User::new(&wanted.name),
    };
    let unauthenticated = groups.iter().any(|group| group == "system:unauthenticated");
    let mut user = groups.into_iter().fold(user, User::group);
    if unauthenticated {
        user.groups.retain(|group| group != "system:authenticated");
    }
    let extra: BTreeMap<String, Vec<String>> = wanted.extra.clone();
    User { uid: wanted.uid.clone(), extra, ..user }
}
