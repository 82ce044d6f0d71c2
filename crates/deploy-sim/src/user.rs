//! Who asks: users, and the tokens that they show.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use http::{HeaderMap, header};
use jiff::Timestamp;

use crate::controllers::object::uid;
use crate::status::Status;
use crate::store::{Key, Store};

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

/// Whom the API server itself takes tokens to be for.
pub(crate) const AUDIENCE: &str = "https://kubernetes.default.svc";

/// Who shows which token.
#[derive(Default)]
pub(crate) struct Tokens(HashMap<String, Token>);

/// What one says, and how long.
pub(crate) struct Token {
    pub(crate) user: Arc<User>,
    pub(crate) expires: Timestamp,
    /// The objects that it does not outlive, with their uids.
    pub(crate) bound: Vec<(Key, String)>,
    pub(crate) audiences: Vec<String>,
}

impl Token {
    /// Of somebody who is no object.
    #[cfg(any(feature = "tls", test))]
    fn of(user: User, expires: Timestamp) -> Self {
        Self { user: Arc::new(user), expires, bound: Vec::new(), audiences: vec![AUDIENCE.to_owned()] }
    }
}

impl Tokens {
    /// One that holds as long as the cluster.
    #[cfg(feature = "tls")]
    pub(crate) fn add(&mut self, token: String, user: User) {
        self.0.insert(token, Token::of(user, Timestamp::MAX));
    }

    /// Takes one in; those that hold no more go.
    pub(crate) fn issue(&mut self, token: String, says: Token, now: Timestamp) {
        self.0.retain(|_, says| now < says.expires);
        self.0.insert(token, says);
    }

    /// Who shows this one to an audience, and which of the audiences it is for.
    ///
    /// # Errors
    /// 401: nobody has it, or no more, or it is for others.
    pub(crate) fn who<'a>(
        &self,
        token: &str,
        audiences: &[&'a str],
        store: &Store,
        now: Timestamp,
    ) -> Result<(Arc<User>, Vec<&'a str>), Status> {
        let is_there = |(key, kept): &(Key, String)| store.get(key).is_some_and(|object| uid(object) == kept);
        let found = self.0.get(token).filter(|says| now < says.expires && says.bound.iter().all(is_there));
        let is_for = |says: &Token| -> Vec<&'a str> {
            let of = |audience: &&str| says.audiences.iter().any(|found| found == audience);
            audiences.iter().copied().filter(of).collect()
        };
        let found = found.map(|says| (Arc::clone(&says.user), is_for(says)));
        found
            .filter(|(_, audiences)| !audiences.is_empty())
            .ok_or_else(|| Status::new(401, "Unauthorized", "Unauthorized"))
    }
}

/// Without them: they are secrets.
impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tokens({})", self.0.len())
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
    }

    #[test]
    fn who_shows_a_token() {
        let mut tokens = Tokens::default();
        let (store, now) = (Store::new(), Timestamp::UNIX_EPOCH);
        let ann = |expires| Token::of(User::new("ann"), expires);
        tokens.issue("old".into(), ann(now), now);
        tokens.issue("t".into(), ann(Timestamp::MAX), now);
        let key = Key { resource: "secrets.".into(), namespace: "a".into(), name: "b".into() };
        let bound = Token { bound: vec![(key, "u".into())], ..ann(Timestamp::MAX) };
        tokens.issue("bound".into(), bound, now);
        let who = |token: &str, audiences: &[&str]| {
            tokens
                .who(token, audiences, &store, now)
                .map_or_else(|status| status.code.to_string(), |(user, _)| user.name.clone())
        };
        assert_eq!(who("t", &[AUDIENCE]), "ann");
        assert_eq!(who("t", &["x", AUDIENCE]), "ann");
        for (token, audience) in [("t", "x"), ("x", AUDIENCE), ("old", AUDIENCE), ("bound", AUDIENCE)] {
            assert_eq!(who(token, &[audience]), "401", "{token} {audience}");
        }
        assert_eq!(format!("{tokens:?}"), "Tokens(2)", "the old one is gone, and none is shown");
    }
}
