//! Who asks: users, and the tokens that they show.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use http::{HeaderMap, header};
use jiff::Timestamp;

use crate::status::Status;

/// The group whose members may do everything.
pub(crate) const MASTERS: &str = "system:masters";
const AUTHENTICATED: &str = "system:authenticated";
const UNAUTHENTICATED: &str = "system:unauthenticated";
const ANONYMOUS: &str = "system:anonymous";

/// Somebody who asks the API server for something; what is answered is decided by the Roles and ClusterRoles bound to them.
///
/// ```
/// use deploy_sim::{SimCluster, User};
/// use k8s_openapi::api::core::v1::Pod;
/// use kube::api::{Api, ListParams};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let cluster = SimCluster::builder().start();
/// let pods: Api<Pod> = Api::default_namespaced(cluster.client_as(User::new("ann").group("dev")));
/// let refused = pods.list(&ListParams::default()).await.unwrap_err().to_string();
/// assert!(refused.contains("User \"ann\" cannot list resource \"pods\""), "{refused}");
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct User {
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) groups: Vec<String>,
    pub(crate) extra: BTreeMap<String, Vec<String>>,
}

impl User {
    /// A user without groups, but that of all users who say who they are.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        let groups = vec![if name == ANONYMOUS { UNAUTHENTICATED } else { AUTHENTICATED }.to_owned()];
        Self { name, uid: String::new(), groups, extra: BTreeMap::new() }
    }

    /// The administrator, who may do everything: `admin` in the group `system:masters`.
    pub fn admin() -> Self {
        Self { uid: "admin".into(), ..Self::new("admin").group(MASTERS) }
    }

    /// A service account, in the groups that those have.
    pub fn service_account(namespace: &str, name: &str) -> Self {
        Self::new(format!("system:serviceaccount:{namespace}:{name}"))
            .group("system:serviceaccounts")
            .group(format!("system:serviceaccounts:{namespace}"))
    }

    /// Whoever says not who they are.
    #[cfg(any(feature = "tls", test))]
    pub(crate) fn anonymous() -> Self {
        Self::new(ANONYMOUS)
    }

    /// In this group, too.
    pub fn group(mut self, group: impl Into<String>) -> Self {
        let group = group.into();
        if !self.groups.contains(&group) {
            // That of all users stands last, as a real server has it.
            let last = self.groups.len().saturating_sub(1);
            self.groups.insert(last, group);
        }
        self
    }

    pub(crate) fn is_in(&self, group: &str) -> bool {
        self.groups.iter().any(|found| found == group)
    }
}

/// Who shows which token.
#[derive(Debug, Default)]
pub(crate) struct Tokens(HashMap<String, (Arc<User>, Timestamp)>);

impl Tokens {
    #[cfg(feature = "tls")]
    pub(crate) fn add(&mut self, token: String, user: User) {
        self.add_until(token, user, Timestamp::MAX);
    }

    pub(crate) fn add_until(&mut self, token: String, user: User, expires: Timestamp) {
        self.0.insert(token, (Arc::new(user), expires));
    }

    /// Who shows this one.
    ///
    /// # Errors
    /// 401: nobody has it, or no more.
    pub(crate) fn who(&self, token: &str, now: Timestamp) -> Result<Arc<User>, Status> {
        let found = self.0.get(token).filter(|(_, expires)| now < *expires);
        found
            .map(|(user, _)| Arc::clone(user))
            .ok_or_else(|| Status::new(401, "Unauthorized", "Unauthorized"))
    }
}

/// The token that a request shows. The real server knows no other scheme, and takes who comes with one for nobody.
pub(crate) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let (scheme, token) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.trim().split_once(' ')?;
    Some(token.trim()).filter(|token| scheme.eq_ignore_ascii_case("bearer") && !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_as_a_real_server_lists_them() {
        assert_eq!(User::admin().groups, [MASTERS, AUTHENTICATED]);
        assert_eq!(User::new("ann").group("a").group("b").group("a").groups, ["a", "b", AUTHENTICATED]);
        assert_eq!(User::anonymous().groups, [UNAUTHENTICATED]);
        let account = User::service_account("shop", "api");
        assert_eq!(account.name, "system:serviceaccount:shop:api");
        assert_eq!(account.groups, ["system:serviceaccounts", "system:serviceaccounts:shop", AUTHENTICATED]);
    }

    #[test]
    fn tokens_in_headers() {
        for (value, token) in [
            ("Bearer t", Some("t")),
            ("bearer  t", Some("t")),
            ("Basic t", None),
            ("Bearer ", None),
            ("Bearer", None),
        ] {
            let headers = [(header::AUTHORIZATION, value.parse().unwrap())].into_iter().collect();
            assert_eq!(bearer(&headers), token, "{value}");
        }
        let mut tokens = Tokens::default();
        let now = Timestamp::UNIX_EPOCH;
        tokens.add_until("t".into(), User::new("ann"), Timestamp::MAX);
        tokens.add_until("old".into(), User::new("ann"), now);
        assert_eq!(tokens.who("t", now).unwrap().name, "ann");
        assert_eq!(tokens.who("x", now).unwrap_err().code, 401);
        assert_eq!(tokens.who("old", now).unwrap_err().code, 401);
    }
}
