//! What the path of a request is about: an object, a collection of them, or what is neither.

use crate::status::Status;

/// What a path is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/version`
    Version,
    /// `/healthz`, `/livez`, `/readyz`
    Health,
    /// A path below `/openapi`.
    OpenApi(String),
    /// `/api`
    CoreVersions,
    /// `/apis`
    Groups,
    /// `/apis/GROUP`
    Group(String),
    /// `/api/v1`, `/apis/GROUP/VERSION`
    Resources { group: String, version: String },
    /// Objects.
    Objects(Address),
    /// What is none of these, by its first step.
    Nowhere(String),
}

/// One object, or a collection where there is no name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Address {
    pub(crate) group: String,
    pub(crate) version: String,
    pub(crate) namespace: Option<String>,
    pub(crate) plural: String,
    pub(crate) name: Option<String>,
    pub(crate) subresource: Option<String>,
}

impl Target {
    /// # Errors
    /// A path that is no text.
    pub(crate) fn parse(path: &str) -> Result<Self, Status> {
        let decoded: Result<Vec<String>, _> = path
            .trim_matches('/')
            .split('/')
            .map(|part| percent_encoding::percent_decode_str(part).decode_utf8().map(String::from))
            .collect();
        let parts = decoded.map_err(|_| Status::bad_request("the path is not UTF-8"))?;
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        match parts.as_slice() {
            ["version"] => Ok(Self::Version),
            ["healthz" | "livez" | "readyz", ..] => Ok(Self::Health),
            ["openapi", rest @ ..] => Ok(Self::OpenApi(rest.join("/"))),
            ["api"] => Ok(Self::CoreVersions),
            ["apis"] => Ok(Self::Groups),
            ["apis", group] => Ok(Self::Group((*group).to_owned())),
            ["api", version] => Ok(Self::resources("", version)),
            ["apis", group, version] => Ok(Self::resources(group, version)),
            ["api", version, rest @ ..] => Self::objects("", version, rest),
            ["apis", group, version, rest @ ..] => Self::objects(group, version, rest),
            [first, ..] => Ok(Self::Nowhere((*first).to_owned())),
            [] => Ok(Self::Nowhere(String::new())),
        }
    }

    /// Of the one object that a path is about.
    pub(crate) fn name(&self) -> Option<&str> {
        if let Self::Objects(address) = self { address.name.as_deref() } else { None }
    }

    fn resources(group: &str, version: &str) -> Self {
        Self::Resources { group: group.to_owned(), version: version.to_owned() }
    }

    fn objects(group: &str, version: &str, rest: &[&str]) -> Result<Self, Status> {
        let address =
            |namespace: Option<&str>, plural: &str, name: Option<&str>, subresource: Option<&str>| {
                let own = |text: Option<&str>| text.map(str::to_owned);
                Ok(Self::Objects(Address {
                    group: group.to_owned(),
                    version: version.to_owned(),
                    namespace: own(namespace),
                    plural: plural.to_owned(),
                    name: own(name),
                    subresource: own(subresource),
                }))
            };
        match rest {
            [plural] => address(None, plural, None, None),
            // A namespace itself, and its subresources.
            ["namespaces", name] => address(None, "namespaces", Some(name), None),
            ["namespaces", name, sub @ ("status" | "finalize")] => {
                address(None, "namespaces", Some(name), Some(sub))
            }
            ["namespaces", namespace, plural] => address(Some(namespace), plural, None, None),
            ["namespaces", namespace, plural, name] => address(Some(namespace), plural, Some(name), None),
            ["namespaces", namespace, plural, name, sub] => {
                address(Some(namespace), plural, Some(name), Some(sub))
            }
            [plural, name] => address(None, plural, Some(name), None),
            [plural, name, sub] => address(None, plural, Some(name), Some(sub)),
            _ => Ok(Self::Nowhere(version.to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths() {
        let objects = |path: &str, expect: [&str; 6]| {
            let Target::Objects(address) = Target::parse(path).unwrap() else { panic!("{path}: no objects") };
            let text = |part: &Option<String>| part.clone().unwrap_or_else(|| "-".into());
            let found = [
                address.group.clone(),
                address.version.clone(),
                text(&address.namespace),
                address.plural.clone(),
                text(&address.name),
                text(&address.subresource),
            ];
            assert_eq!(found, expect, "{path}");
        };
        objects("/api/v1/pods", ["", "v1", "-", "pods", "-", "-"]);
        objects("/api/v1/namespaces", ["", "v1", "-", "namespaces", "-", "-"]);
        objects("/api/v1/namespaces/shop", ["", "v1", "-", "namespaces", "shop", "-"]);
        objects("/api/v1/namespaces/shop/status", ["", "v1", "-", "namespaces", "shop", "status"]);
        objects("/api/v1/namespaces/shop/pods/a/log", ["", "v1", "shop", "pods", "a", "log"]);
        objects("/apis/apps/v1/namespaces/shop/deployments", ["apps", "v1", "shop", "deployments", "-", "-"]);
        objects("/apis/x.io/v1/widgets/a/scale", ["x.io", "v1", "-", "widgets", "a", "scale"]);
        objects("/api/v1/namespaces/shop/configmaps/a%2eb", ["", "v1", "shop", "configmaps", "a.b", "-"]);
        assert_eq!(Target::parse("/apis/apps").unwrap(), Target::Group("apps".into()));
        assert_eq!(Target::parse("/api/v1").unwrap(), Target::resources("", "v1"));
        assert_eq!(Target::parse("/readyz/ping").unwrap(), Target::Health);
        for (path, first) in [("/", ""), ("/nowhere", "nowhere"), ("/api/v1/namespaces/a/b/c/d/e", "v1")] {
            assert_eq!(Target::parse(path).unwrap(), Target::Nowhere(first.into()), "{path}");
        }
        assert!(Target::parse("/api/v1/%ff").is_err());
    }
}
