//! Credentials from two variables.

use std::ffi::OsString;

use async_trait::async_trait;
use deploy_core::error::{Error, Result};

use super::{Credential, Credentials, host};

type Variables = Box<dyn Fn(&str) -> Option<OsString> + Send + Sync>;

/// A user and a password from two variables, for one host.
///
/// ```
/// use std::collections::BTreeMap;
/// use deploy_registry::credentials::{Credentials, EnvironmentCredentials};
///
/// # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
/// // A program hands in `std::env::var_os`.
/// let environment = BTreeMap::from([("REGISTRY_USER", "ci"), ("REGISTRY_PASSWORD", "correct horse")]);
/// let credentials = EnvironmentCredentials::new("ghcr.io", "REGISTRY_USER", "REGISTRY_PASSWORD", move |name| {
///     environment.get(name).map(Into::into)
/// });
/// assert!(credentials.find("ghcr.io").await?.is_some());
/// # Ok::<(), deploy_core::error::Error>(())
/// # }).unwrap();
/// ```
pub struct EnvironmentCredentials {
    host: String,
    user: String,
    password: String,
    read: Variables,
}

impl EnvironmentCredentials {
    /// For the registry at `host`, what the variables called `user` and `password` hold; `read` gets a variable, each time anew.
    ///
    /// A variable that is empty counts as not set. Where neither is set, there is no credential.
    pub fn new(
        host: &str,
        user: impl Into<String>,
        password: impl Into<String>,
        read: impl Fn(&str) -> Option<OsString> + Send + Sync + 'static,
    ) -> Self {
        Self {
            host: host::canonical(host),
            user: user.into(),
            password: password.into(),
            read: Box::new(read),
        }
    }

    fn variable(&self, name: &str) -> Result<Option<String>> {
        let Some(value) = (self.read)(name).filter(|value| !value.is_empty()) else { return Ok(None) };
        value.into_string().map(Some).map_err(|_| Error::invalid("it is not UTF-8").on(name))
    }
}

#[async_trait]
impl Credentials for EnvironmentCredentials {
    fn describe(&self) -> String {
        format!("{} and {} for {}", self.user, self.password, self.host)
    }

    /// # Errors
    /// [`InvalidInput`](deploy_core::error::ErrorKind::InvalidInput) where one variable is set and the other is not, or one is not UTF-8.
    async fn find(&self, host: &str) -> Result<Option<Credential>> {
        if host::canonical(host) != self.host {
            return Ok(None);
        }
        match (self.variable(&self.user)?, self.variable(&self.password)?) {
            (Some(user), Some(password)) => Ok(Some(Credential::basic(user, password))),
            (None, None) => Ok(None),
            (Some(_), None) => Err(half(&self.user, &self.password)),
            (None, Some(_)) => Err(half(&self.password, &self.user)),
        }
    }
}

fn half(set: &str, missing: &str) -> Error {
    Error::invalid(format!("it is not set, but {set} is")).on(missing).help("set both, or neither")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn needs_both_variables() {
        let check = async |variables: &'static [(&str, &str)], host: &str, expect: Result<bool, &str>| {
            let read = |name: &str| {
                variables.iter().find(|(key, _)| *key == name).map(|(_, value)| OsString::from(value))
            };
            let credentials = EnvironmentCredentials::new("index.docker.io", "USER", "PASSWORD", read);
            let found = credentials.find(host).await.map(|found| found.is_some());
            assert_eq!(found.map_err(|error| error.to_string()), expect.map_err(str::to_owned));
        };
        let both = &[("USER", "ci"), ("PASSWORD", "s3cr3t")];
        check(both, "docker.io", Ok(true)).await;
        check(both, "ghcr.io", Ok(false)).await;
        check(&[], "docker.io", Ok(false)).await;
        check(&[("USER", ""), ("PASSWORD", "")], "docker.io", Ok(false)).await;
        let half = "PASSWORD: it is not set, but USER is (set both, or neither)";
        check(&[("USER", "ci")], "docker.io", Err(half)).await;
        let half = "USER: it is not set, but PASSWORD is (set both, or neither)";
        check(&[("USER", ""), ("PASSWORD", "s3cr3t")], "docker.io", Err(half)).await;
    }

    #[cfg(unix)]
    #[tokio::test]
    async fn refuses_what_is_no_text() {
        use std::os::unix::ffi::OsStringExt;
        let read = |_: &str| Some(OsString::from_vec(vec![0xff]));
        let error = EnvironmentCredentials::new("ghcr.io", "U", "P", read).find("ghcr.io").await.unwrap_err();
        assert_eq!(error.to_string(), "U: it is not UTF-8");
    }
}
