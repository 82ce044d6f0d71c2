//! Whether a rule of a role allows something (`pkg/apis/rbac/v1/evaluation_helpers.go`).

use serde_json::Value;

use super::asked::{Asked, Resource};

/// The words of a list of a rule.
pub(super) fn words<'a>(rule: &'a Value, field: &str) -> impl Iterator<Item = &'a str> + use<'a> {
    rule.get(field).and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn has(rule: &Value, field: &str, word: &str) -> bool {
    words(rule, field).any(|found| found == "*" || found == word)
}

pub(super) fn allows(rule: &Value, asked: &Asked) -> bool {
    has(rule, "verbs", asked.verb())
        && match asked {
            Asked::Path { path, .. } => words(rule, "nonResourceURLs").any(|url| covers_path(url, path)),
            Asked::Resource(asked) => {
                has(rule, "apiGroups", &asked.group)
                    && has_resource(rule, asked)
                    && has_name(rule, &asked.name)
            }
        }
}

/// Whether a URL of a rule, whose last character may be a star, means a path.
pub(super) fn covers_path(url: &str, path: &str) -> bool {
    url == path || url.strip_suffix('*').is_some_and(|start| path.starts_with(start))
}

fn has_resource(rule: &Value, asked: &Resource) -> bool {
    let combined = asked.combined();
    words(rule, "resources").any(|found| {
        found == "*"
            || found == combined
            || (!asked.subresource.is_empty()
                && found.strip_prefix("*/").is_some_and(|subresource| subresource == asked.subresource))
    })
}

fn has_name(rule: &Value, name: &str) -> bool {
    let mut names = words(rule, "resourceNames").peekable();
    names.peek().is_none() || names.any(|found| found == name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn of_resources() {
        let check = |rule: Value, asked: &str, expect: bool| {
            let words: Vec<&str> = asked.split(' ').collect();
            let [verb, group, resource, name] = words.as_slice() else { panic!("{asked}") };
            let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
            let [verb, group, resource, subresource, name] =
                [*verb, group.trim_matches('-'), resource, subresource, name.trim_matches('-')]
                    .map(str::to_owned);
            let asked =
                Asked::Resource(Resource { verb, group, resource, subresource, name, ..Resource::default() });
            assert_eq!(allows(&rule, &asked), expect, "{rule} {asked:?}");
        };
        let rule = |verb: &str, group: &str, resource: &str| json!({"verbs": [verb], "apiGroups": [group], "resources": [resource]});
        check(rule("get", "", "pods"), "get - pods a", true);
        check(rule("get", "", "pods"), "list - pods -", false);
        check(rule("get", "", "pods"), "get apps pods a", false);
        check(rule("get", "", "pods"), "get - pods/log a", false);
        check(rule("*", "*", "*"), "get apps deployments/scale a", true);
        check(rule("get", "", "pods/log"), "get - pods/log a", true);
        check(rule("get", "apps", "*/scale"), "get apps deployments/scale a", true);
        check(rule("get", "apps", "*/scale"), "get apps deployments a", false);
        let named =
            json!({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "resourceNames": ["a"]});
        check(named.clone(), "get - pods a", true);
        check(named.clone(), "get - pods b", false);
        check(named, "list - pods -", false);
        check(json!({"verbs": ["get"]}), "get - pods a", false);
    }

    #[test]
    fn of_paths() {
        for (url, path, expect) in [
            ("*", "/x", true),
            ("/api", "/api", true),
            ("/api", "/api/v1", false),
            ("/api/*", "/api/v1", true),
            ("/api/*", "/api", false),
        ] {
            let rule = json!({"verbs": ["get"], "nonResourceURLs": [url]});
            let asked = Asked::Path { verb: "get".into(), path: path.into() };
            assert_eq!(allows(&rule, &asked), expect, "{url} {path}");
        }
    }
}
