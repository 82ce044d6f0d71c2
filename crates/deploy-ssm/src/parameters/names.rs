//! Which parameter a key is.

use deploy_core::error::{Error, Result};

/// The longest name of a parameter, and how deep it may be.
const LONGEST: usize = 1011;
const LEVELS: usize = 15;

/// A prefix without a slash at its end; empty for the root.
pub(super) fn prefix(text: &str) -> Result<String> {
    let prefix = text.strip_suffix('/').unwrap_or(text);
    let rooted = text.starts_with('/');
    if !rooted || (!prefix.is_empty() && !prefix[1..].split('/').all(is_part)) {
        return Err(Error::invalid(format!("\"{}\" cannot be a path of parameters", text.escape_default()))
            .help("write it like /shop/prod, of letters, digits, '.', '-' and '_'"));
    }
    Ok(prefix.to_owned())
}

/// The name of the parameter that `key` is under `prefix`.
pub(super) fn name(prefix: &str, key: &str) -> Result<String> {
    let name = format!("{prefix}/{key}");
    let wrong = |what: &str, help: &str| {
        Err(Error::invalid(format!("\"{}\" cannot be a parameter: {what}", key.escape_default())).help(help))
    };
    if !key.split('/').all(is_part) {
        return wrong("it is no path", "use letters, digits, '.', '-' and '_', with '/' between");
    }
    if name.len() > LONGEST || name.split('/').count() > LEVELS + 1 {
        return wrong("its name is too long or too deep", "at most 1011 characters and 15 levels");
    }
    let root = name[1..].to_ascii_lowercase();
    if root.starts_with("aws") || root.starts_with("ssm") {
        return wrong("the name is reserved", "names that begin with aws or ssm are AWS's own");
    }
    Ok(name)
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names() {
        let check = |path: &str, key: &str, expect: Option<&str>| {
            let name = prefix(path).and_then(|prefix| name(&prefix, key));
            assert_eq!(name.ok().as_deref(), expect, "{path} {key}");
        };
        check("/shop/prod", "api/tag", Some("/shop/prod/api/tag"));
        check("/shop/", "tag", Some("/shop/tag"));
        check("/", "tag", Some("/tag"));
        check("/shop", "aws/tag", Some("/shop/aws/tag"));
        for (path, key) in [
            ("shop", "tag"),
            ("", "tag"),
            ("//", "tag"),
            ("/shop//prod", "tag"),
            ("/größe", "tag"),
            ("/shop", ""),
            ("/shop", "/tag"),
            ("/shop", "tag/"),
            ("/shop", "tag:3"),
            ("/shop", "a b"),
            ("/shop", "a\nb"),
            ("/", "Aws/tag"),
            ("/ssm", "tag"),
            ("/shop", "a/a/a/a/a/a/a/a/a/a/a/a/a/a/a"),
        ] {
            check(path, key, None);
        }
        check("/shop", &"x".repeat(LONGEST), None);
    }
}
