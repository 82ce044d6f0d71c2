//! Who may do what: users by their tokens, impersonation, and the Roles and ClusterRoles that are bound to them.
//!
//! As a real server has it: who is in `system:masters` may do everything, all others what RBAC allows
//! (`plugin/pkg/auth/authorizer/rbac`).

pub(crate) mod aggregation;
mod asked;
pub(crate) mod bootstrap;
mod bound;
mod escalation;
mod impersonation;
mod rules;

use std::sync::Arc;

pub(crate) use asked::Asked;
pub(crate) use bound::{join, rules_of};
pub(crate) use escalation::check as check_escalation;

use crate::request::Request;
use crate::state::State;
use crate::status::Status;
use crate::user::{AUDIENCE, MASTERS, User};

/// Whether something is allowed, and by what or why not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decision {
    pub(crate) allowed: bool,
    /// Empty where there is nothing to say.
    pub(crate) reason: String,
}

/// Whether a user may do it.
pub(crate) fn decide(state: &State, user: &User, asked: &Asked) -> Decision {
    if user.is_in(MASTERS) {
        return Decision { allowed: true, reason: String::new() };
    }
    let mut allowed = None;
    let errors = bound::visit(state, user, asked.namespace(), |rule, source| {
        if rules::allows(rule, asked) {
            allowed = Some(format!("RBAC: allowed by {source}"));
        }
        allowed.is_none()
    });
    match allowed {
        Some(reason) => Decision { allowed: true, reason },
        None if errors.is_empty() => Decision { allowed: false, reason: String::new() },
        None => Decision { allowed: false, reason: format!("RBAC: {}", join(&errors)) },
    }
}

/// Refuses what a user may not do.
///
/// # Errors
/// 403, in the API server's words.
pub(crate) fn check(state: &State, user: &User, asked: &Asked) -> Result<(), Status> {
    let decision = decide(state, user, asked);
    if decision.allowed { Ok(()) } else { Err(asked.refusal(user, &decision.reason)) }
}

/// Refuses a write that would create what it changes, where its user may not create it.
///
/// # Errors
/// 403, in the API server's words.
pub(crate) fn check_create(state: &State, request: &Request) -> Result<(), Status> {
    check(state, &request.user, &Asked::of(request).with_verb("create".into()))
}

/// Finds out who asks, and whether they may: the request's user is who it is done as.
///
/// # Errors
/// 401 of a token that nobody has; 403; 400 of an impersonation of nobody.
pub(crate) fn admit(state: &State, request: &mut Request) -> Result<(), Status> {
    if let Some(token) = &request.token {
        (request.user, _) = state.tokens.who(token, &[AUDIENCE], &state.store, state.now)?;
    }
    let asked = Asked::of(request);
    if let Some(wanted) = impersonation::wanted(&request.impersonation)? {
        let user = impersonation::allowed(state, &request.user, wanted, &asked)?;
        request.user = Arc::new(user);
    }
    check(state, &request.user, &asked)
}
