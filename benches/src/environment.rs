//! What the program takes from its environment: read once, here.

use std::path::PathBuf;

use crate::Result;

/// Where the cluster is and where the other tools are.
pub(crate) struct Environment {
    pub(crate) kubeconfig: PathBuf,
    pub(crate) registry: String,
    pub(crate) kubectl: PathBuf,
    pub(crate) helm: PathBuf,
    pub(crate) cargo: PathBuf,
}

impl Environment {
    pub(crate) fn read() -> Result<Self> {
        Self::of(&variable)
    }

    fn of(variable: &dyn Fn(&str) -> Option<String>) -> Result<Self> {
        let names = ["KUBECONFIG", "REGISTRY", "KUBECTL", "HELM"];
        let missing: Vec<&str> = names.into_iter().filter(|name| variable(name).is_none()).collect();
        let [Some(kubeconfig), Some(registry), Some(kubectl), Some(helm)] = names.map(variable) else {
            let missing = missing.join(" and ");
            return Err(format!("{missing} not set; run  eval \"$(tests/cluster/up)\"  first").into());
        };
        Ok(Self {
            kubeconfig: kubeconfig.into(),
            registry,
            kubectl: kubectl.into(),
            helm: helm.into(),
            cargo: variable("CARGO").unwrap_or_else(|| "cargo".into()).into(),
        })
    }
}

/// A variable that is there and not empty.
#[expect(clippy::disallowed_methods, reason = "this is the program's edge")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_missing() {
        let some = |name: &str| (name != "HELM" && name != "KUBECTL").then(|| "x".to_owned());
        let error = Environment::of(&some).err().expect("two are missing").to_string();
        assert!(error.starts_with("KUBECTL and HELM not set"), "{error}");
        assert!(Environment::of(&|_| Some("x".into())).is_ok());
    }
}
