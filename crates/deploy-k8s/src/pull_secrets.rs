//! Pull secrets that stand in a cluster.

use async_trait::async_trait;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use deploy_core::error::{Error, ErrorKind, Result};
use deploy_core::secret::{SecretSource, SecretText};
use serde_json::Value;

use crate::api::{Cluster, Resource};

const CONFIG: &str = ".dockerconfigjson";

/// The pull secrets of a cluster, by `NAMESPACE/NAME`: what is under `.dockerconfigjson`, as a
/// [`Preflight`](deploy_core::preflight::Preflight) asks for it.
#[derive(Clone, Debug)]
pub struct PullSecrets(Cluster);

impl PullSecrets {
    /// Those of this cluster.
    pub fn new(cluster: Cluster) -> Self {
        Self(cluster)
    }
}

#[async_trait]
impl SecretSource for PullSecrets {
    fn describe(&self) -> String {
        format!("pull secrets of {}", self.0.describe())
    }

    async fn get(&self, name: &str) -> Result<SecretText> {
        let about = |error: Error| error.during("get").on(format!("pull secret {name}"));
        let (namespace, secret) = name
            .split_once('/')
            .filter(|(namespace, secret)| !namespace.is_empty() && !secret.is_empty())
            .ok_or_else(|| about(Error::invalid("a pull secret is named NAMESPACE/NAME")))?;
        let place = Resource::built_in_kind("", "Secret")
            .ok_or_else(|| Error::new(ErrorKind::Internal, "the kind Secret is not known"))?
            .within(Some(namespace));
        let found = self.0.get(&place, secret).await?;
        config(&found.ok_or_else(|| about(Error::new(ErrorKind::NotFound, "no such secret")))?).map_err(about)
    }
}

/// What it holds. The errors do not quote it.
fn config(secret: &Value) -> Result<SecretText> {
    let encoded = secret.get("data").and_then(|data| data.get(CONFIG)).and_then(Value::as_str);
    let encoded = encoded.ok_or_else(|| Error::invalid(format!("it holds no {CONFIG}")))?;
    let plain = STANDARD.decode(encoded).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let plain =
        plain.ok_or_else(|| Error::invalid(format!("what is under {CONFIG} is no text in base64")))?;
    Ok(SecretText::new(plain))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_pull_secret_holds_a_docker_configuration() {
        let check = |secret: Value, expect: Result<&str, &str>| match (config(&secret), expect) {
            (Ok(text), Ok(expect)) => assert_eq!(text.reveal(), expect),
            (Err(error), Err(expect)) => assert_eq!(error.to_string(), expect),
            (found, expect) => panic!("{found:?} is not {expect:?}"),
        };
        check(json!({"data": {CONFIG: "e30="}}), Ok("{}"));
        check(json!({"data": {"other": "e30="}}), Err("it holds no .dockerconfigjson"));
        check(json!({"data": {CONFIG: "{}"}}), Err("what is under .dockerconfigjson is no text in base64"));
        check(json!({"data": {CONFIG: "/w=="}}), Err("what is under .dockerconfigjson is no text in base64"));
    }
}
